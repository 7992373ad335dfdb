using System;

namespace SmpFota;

/// <summary>The operation failed, and something points to the cause.</summary>
/// <param name="At">When, on the clock of the session; in a client since it was made.</param>
/// <param name="Finding">What it is. A number of a newer library is kept.</param>
public sealed record SmpFindingEvent(TimeSpan At, SmpFinding Finding) : SmpEvent(At, "finding", (long)Finding);
