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

    /// <summary>
    /// Everything was done, and the device has no way to tell that each image runs: a network core, a bootloader, a list without
    /// hashes. <see cref="UpdatedImage.Remark"/> says how to look; another try would end the same.
    /// </summary>
    Unverified = 5,

    /// <summary>
    /// The device was only looked at (<see cref="SmpSession.StartCheck"/>), by a session that was restored with that;
    /// <see cref="UpdateResult.Json"/> has the plan.
    /// </summary>
    Checked = 6,
}
