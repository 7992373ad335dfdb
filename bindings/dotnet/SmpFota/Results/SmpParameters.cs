using System.Text.Json;

namespace SmpFota;

/// <summary>The buffers of the device's SMP server.</summary>
public sealed record SmpParameters
{
    /// <summary>The size of one buffer in bytes, header included.</summary>
    public int BufferSize { get; init; }

    /// <summary>How many buffers there are, for requests and answers together.</summary>
    public int BufferCount { get; init; }

    internal static SmpParameters Read(JsonElement json) => new()
    {
        BufferSize = (int)(json.Number("buf_size") ?? 0),
        BufferCount = (int)(json.Number("buf_count") ?? 0),
    };
}
