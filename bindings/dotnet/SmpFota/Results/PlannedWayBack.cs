namespace SmpFota;

/// <summary>Whether an image that runs can still be taken back for the one before it.</summary>
public enum PlannedWayBack
{
    /// <summary>One that a newer library has named; <see cref="UpdatePlan.Json"/> says it.</summary>
    Other = 0,

    /// <summary>Until it is confirmed, a reset takes it back.</summary>
    UntilConfirmed = 1,

    /// <summary>It stays.</summary>
    None = 2,

    /// <summary>The device tells too little of its bootloader.</summary>
    Unknown = 3,
}
