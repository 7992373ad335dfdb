namespace SmpFota;

/// <summary>How a recording is written.</summary>
public enum SmpRecordingForm
{
    /// <summary>Text, one write or notification a line; docs/DIAGNOSIS.md has the format.</summary>
    Text = 0,

    /// <summary>A pcapng file, for Wireshark and its like.</summary>
    Pcapng = 1,
}
