using System;

namespace SmpFota;

/// <summary>Nothing was heard for a while; a frame was sent again.</summary>
/// <param name="At">When, on the clock of the session; in a client since it was made.</param>
/// <param name="Lasted">How long it was silent.</param>
public sealed record SmpSilenceEvent(TimeSpan At, TimeSpan Lasted) : SmpEvent(At, "silence", (long)Lasted.TotalMilliseconds);
