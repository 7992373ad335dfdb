using System;

namespace SmpFota;

/// <summary>The operation entered a phase.</summary>
/// <param name="At">When, on the clock of the session; in a client since it was made.</param>
/// <param name="Phase">Which. A number of a newer library is kept.</param>
public sealed record SmpPhaseEvent(TimeSpan At, UpdatePhase Phase) : SmpEvent(At, "phase", (long)Phase);
