using System.Text.Json;

namespace SmpFota;

/// <summary>One thread of the device. What a device does not tell is null.</summary>
public sealed record TaskStatistics
{
    /// <summary>Its name.</summary>
    public string Name { get; init; } = string.Empty;

    /// <summary>Its priority; less is more urgent.</summary>
    public long? Priority { get; init; }

    /// <summary>Its number.</summary>
    public long? Id { get; init; }

    /// <summary>Its state, as the kernel numbers it.</summary>
    public long? State { get; init; }

    /// <summary>How much of its stack was used at most, in words of 4 bytes.</summary>
    public long? StackUsed { get; init; }

    /// <summary>The size of its stack, in words of 4 bytes.</summary>
    public long? StackSize { get; init; }

    /// <summary>How often it was switched to.</summary>
    public long? ContextSwitches { get; init; }

    /// <summary>How long it ran, in the kernel's cycles.</summary>
    public long? RunTime { get; init; }

    internal static TaskStatistics Read(JsonElement json) => new()
    {
        Name = json.Text("name") ?? string.Empty,
        Priority = json.Number("priority"),
        Id = json.Number("id"),
        State = json.Number("state"),
        StackUsed = json.Number("stack_used"),
        StackSize = json.Number("stack_size"),
        ContextSwitches = json.Number("context_switches"),
        RunTime = json.Number("run_time"),
    };
}
