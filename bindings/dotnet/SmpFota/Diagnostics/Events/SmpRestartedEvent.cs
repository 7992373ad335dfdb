using System;

namespace SmpFota;

/// <summary>An upload, or a step of the update, started over.</summary>
/// <param name="At">When, on the clock of the session; in a client since it was made.</param>
/// <param name="Offset">The offset in bytes that the device asked for.</param>
public sealed record SmpRestartedEvent(TimeSpan At, long Offset) : SmpEvent(At, "restarted", Offset);
