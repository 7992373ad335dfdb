namespace SmpFota;

/// <summary>The first thing that an update would do with an image.</summary>
public enum PlannedAction
{
    /// <summary>One that a newer library has named; <see cref="UpdatePlan.Json"/> says it.</summary>
    Other = 0,

    /// <summary>Nothing: the device already has what is asked for.</summary>
    Nothing = 1,

    /// <summary>Upload it.</summary>
    Upload = 2,

    /// <summary>Mark what already lies in its slot.</summary>
    Mark = 3,

    /// <summary>Reset the device, which starts what it already holds.</summary>
    Reset = 4,

    /// <summary>Confirm it: it already runs on trial.</summary>
    Confirm = 5,

    /// <summary>Reset the device into its firmware loader and go on there.</summary>
    EnterLoader = 6,
}
