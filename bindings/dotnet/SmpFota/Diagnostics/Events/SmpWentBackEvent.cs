using System;

namespace SmpFota;

/// <summary>The device lost what was sent up to here and continues at an offset.</summary>
/// <param name="At">When, on the clock of the session; in a client since it was made.</param>
/// <param name="Offset">The offset, in bytes.</param>
public sealed record SmpWentBackEvent(TimeSpan At, long Offset) : SmpEvent(At, "went_back", Offset);
