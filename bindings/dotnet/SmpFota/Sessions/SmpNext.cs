namespace SmpFota;

/// <summary>The answer of <see cref="SmpSession.NextFrame"/>.</summary>
/// <param name="Status">What to do.</param>
/// <param name="Length">How many bytes of the buffer to send, where <paramref name="Status"/> is <see cref="SmpNextStatus.Write"/>; else 0.</param>
public readonly record struct SmpNext(SmpNextStatus Status, int Length);
