namespace SmpFota;

/// <summary>What a program that runs on its own may do about a status. The numbers are the native library's and never change.</summary>
public enum SmpRetry
{
    /// <summary>The status is no failure.</summary>
    None = 0,
    /// <summary>Start the same operation again at once: what was in its way is gone, or waiting makes it worse.</summary>
    AtOnce = 1,
    /// <summary>Start it again later, as after a few minutes: the link or the device may be better by then.</summary>
    Later = 2,
    /// <summary>Not by itself: the same operation ends the same way until somebody has changed something.</summary>
    Never = 3,
}
