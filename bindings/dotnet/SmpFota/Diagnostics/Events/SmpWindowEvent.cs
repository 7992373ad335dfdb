using System;

namespace SmpFota;

/// <summary>The number of frames that may be in flight has changed.</summary>
/// <param name="At">When, on the clock of the session; in a client since it was made.</param>
/// <param name="Frames">How many may now be in flight.</param>
public sealed record SmpWindowEvent(TimeSpan At, int Frames) : SmpEvent(At, "window", Frames);
