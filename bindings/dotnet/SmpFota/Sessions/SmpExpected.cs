using System;

namespace SmpFota;

/// <summary>When a gateway shall come back from a call, as <see cref="SmpSession.GetExpected"/> says.</summary>
/// <param name="Answers">As soon as it has heard so many messages of the device.</param>
/// <param name="Wait">At the latest so long after its last write.</param>
public readonly record struct SmpExpected(int Answers, TimeSpan Wait);
