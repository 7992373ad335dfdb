using System;

namespace SmpFota;

/// <summary>A response arrived that had come before.</summary>
/// <param name="At">When, on the clock of the session; in a client since it was made.</param>
/// <param name="Sequence">Its sequence number.</param>
public sealed record SmpReplayedEvent(TimeSpan At, int Sequence) : SmpEvent(At, "replayed", Sequence);
