using System;

namespace SmpFota;

/// <summary>The carrier reported the link as down or up.</summary>
/// <param name="At">When, on the clock of the session; in a client since it was made.</param>
/// <param name="IsUp">Whether it is up.</param>
public sealed record SmpLinkReportEvent(TimeSpan At, bool IsUp) : SmpEvent(At, "link", IsUp ? 1 : 0);
