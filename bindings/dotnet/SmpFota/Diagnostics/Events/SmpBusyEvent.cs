using System;

namespace SmpFota;

/// <summary>The device refused a frame because it was busy or had no buffer.</summary>
/// <param name="At">When, on the clock of the session; in a client since it was made.</param>
/// <param name="Code">The device's error code.</param>
public sealed record SmpBusyEvent(TimeSpan At, int Code) : SmpEvent(At, "busy", Code);
