namespace SmpFota;

/// <summary>The good ends of an update.</summary>
public enum UpdateOutcome
{
    /// <summary>An end that a newer library has named; <see cref="UpdateResult.Json"/> says it.</summary>
    Other = 0,

    /// <summary>The new image runs to stay, by the device's own list.</summary>
    Updated = 1,

    /// <summary>The new image runs, and the next reset reverts it unless it is confirmed before.</summary>
    OnTrial = 2,

    /// <summary>The new image is in its slot, by the device's own list; the old one runs.</summary>
    Uploaded = 3,

    /// <summary>The device already had what was asked for; nothing was uploaded.</summary>
    AlreadyInstalled = 4,
}
