using System;

namespace SmpFota;

/// <summary>The session asked for a new link.</summary>
/// <param name="At">When, on the clock of the session; in a client since it was made.</param>
public sealed record SmpLinkResetEvent(TimeSpan At) : SmpEvent(At, "link_reset", null);
