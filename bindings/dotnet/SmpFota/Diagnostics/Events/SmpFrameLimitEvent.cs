using System;

namespace SmpFota;

/// <summary>The length that a frame may have has changed.</summary>
/// <param name="At">When, on the clock of the session; in a client since it was made.</param>
/// <param name="Bytes">How long one may now be, in bytes.</param>
public sealed record SmpFrameLimitEvent(TimeSpan At, int Bytes) : SmpEvent(At, "frame_limit", Bytes);
