namespace SmpFota;

/// <summary>How an update would mark an image for the bootloader.</summary>
public enum PlannedMark
{
    /// <summary>One that a newer library has named; <see cref="UpdatePlan.Json"/> says it.</summary>
    Other = 0,

    /// <summary>Not at all: nothing is to be booted, or the bootloader takes the image without a mark.</summary>
    None = 1,

    /// <summary>To run once, until it is confirmed.</summary>
    Trial = 2,

    /// <summary>To stay, without a way back.</summary>
    ForGood = 3,
}
