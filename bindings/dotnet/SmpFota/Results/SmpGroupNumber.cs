namespace SmpFota;

/// <summary>One group of commands that the device knows, by its place among them.</summary>
/// <param name="Group">Its number.</param>
/// <param name="IsLast">Whether there is none behind it.</param>
public readonly record struct SmpGroupNumber(int Group, bool IsLast);
