namespace SmpFota;

/// <summary>How far an update goes.</summary>
public enum UpdateMode
{
    /// <summary>Upload, boot once on trial, verify, confirm. The device goes back by itself if the new image never comes up.</summary>
    TestAndConfirm = 0,

    /// <summary>Upload and boot once on trial; whoever knows whether the device works confirms later, else the next reset reverts.</summary>
    TestOnly = 1,

    /// <summary>Upload and install for good without a trial: there is no way back.</summary>
    ConfirmAtOnce = 2,

    /// <summary>Upload and verify; nothing is marked and nothing reset.</summary>
    UploadOnly = 3,
}
