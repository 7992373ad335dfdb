using System;

namespace SmpFota;

/// <summary>Requests now carry another version of the SMP header.</summary>
/// <param name="At">When, on the clock of the session; in a client since it was made.</param>
/// <param name="Version">Which.</param>
public sealed record SmpVersionEvent(TimeSpan At, SmpProtocolVersion Version) : SmpEvent(At, "smp_version", (long)Version);
