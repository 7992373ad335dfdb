namespace SmpFota;

/// <summary>What <see cref="SmpSession.NextFrame"/> asks of the caller.</summary>
public enum SmpNextStatus
{
    /// <summary>Send the bytes in the buffer as one write, then ask again.</summary>
    Write = 0,

    /// <summary>Nothing until bytes arrive or <see cref="SmpSession.Deadline"/> passes.</summary>
    Wait = 1,

    /// <summary>Drop the device link, bring it up again and report both. Who cannot may treat it as <see cref="Wait"/>; it costs only time.</summary>
    LinkReset = 2,

    /// <summary>The operation has ended well; <see cref="SmpSession.GetResult"/> has its result.</summary>
    Done = 3,

    /// <summary>The new image runs: say with <see cref="SmpSession.ReportHealth"/> whether it is good. Until then, as <see cref="Wait"/>.</summary>
    HealthCheck = 4,
}
