using System.Text.Json;

namespace SmpFota;

/// <summary>What a shell command of the device said.</summary>
public sealed record ShellResult
{
    /// <summary>What it printed; null from servers before Zephyr 3.0, which send it in a form of their own.</summary>
    public string? Output { get; init; }

    /// <summary>What it returned; 0 is good.</summary>
    public long ExitCode { get; init; }

    internal static ShellResult Read(JsonElement json) => new()
    {
        Output = json.Text("output"),
        ExitCode = json.Number("exit_code") ?? 0,
    };
}
