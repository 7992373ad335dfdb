namespace SmpFota;

/// <summary>What the device is left with by an update that failed. The numbers are the native library's and never change.</summary>
public enum UpdateLeftWith
{
    /// <summary>It cannot be told, or the operation was no update.</summary>
    Unknown = 0,
    /// <summary>The image that ran before runs, and nothing will change that by itself.</summary>
    OldImageRuns = 1,
    /// <summary>The image that ran before runs. The new one lies whole in its slot and waits to be marked.</summary>
    NewImageStored = 2,
    /// <summary>The image that ran before runs, and the new one is marked: the next reset starts it, if the bootloader performs the swap.</summary>
    NewImagePending = 3,
    /// <summary>The new image runs on trial: unless it is confirmed, the next reset goes back to the old one.</summary>
    OnTrial = 4,
}
