using System;

namespace SmpFota;

/// <summary>An event that a newer library tells and this assembly has no record for.</summary>
/// <param name="At">When, on the clock of the session; in a client since it was made.</param>
/// <param name="Name">Its name.</param>
/// <param name="Value">Its number; null where it has none.</param>
public sealed record SmpUnknownEvent(TimeSpan At, string Name, long? Value) : SmpEvent(At, Name, Value);
