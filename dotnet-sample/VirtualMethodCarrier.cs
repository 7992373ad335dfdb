using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota.Sample;

/// <summary>The gateway's end of the direct method, with a virtual device behind it: what a real gateway has to do.</summary>
internal sealed class VirtualMethodCarrier : IConnection
{
    private readonly FastClock clock = new();
    private readonly VirtualDevice device;
    private readonly long start;
    private (string Call, string Answer) last;

    internal VirtualMethodCarrier(VirtualDeviceOptions options)
    {
        start = clock.GetTimestamp();
        device = new VirtualDevice(options);
        Name = $"a virtual gateway and device over {options.Link}{(options.Fault is { } fault ? $" with {fault}" : "")}";
    }

    public string Name { get; }

    private TimeSpan Now => clock.GetElapsedTime(start);

    public TimeProvider Time => clock;

    public SmpClient Connect(SmpClientServices services) => new(new IotHubDirectMethodCarrier(InvokeAsync), null, services);

    public SmpClient Restore(byte[] snapshot, FirmwareImage image, SmpClientServices services) =>
        SmpClient.Restore(snapshot, image, new IotHubDirectMethodCarrier(InvokeAsync), null, services);

    public ValueTask DisposeAsync()
    {
        device.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<string?> InvokeAsync(string payload, CancellationToken cancellationToken)
    {
        JsonNode request = JsonNode.Parse(payload)!;
        string call = $"{request["sid"]}/{request["n"]}";
        if (call == last.Call)
        {
            return last.Answer;
        }

        foreach (JsonNode? write in request["w"]!.AsArray())
        {
            device.Write(Now, ValueCodec.Base64.Decode((string)write!));
        }

        TimeSpan end = Now + TimeSpan.FromMilliseconds((long)request["waitMs"]!);
        var events = new JsonArray();
        while (true)
        {
            while (device.TryRead(Now, out byte[]? notification))
            {
                events.Add(new JsonObject { ["t"] = (long)Now.TotalMilliseconds, ["b64"] = ValueCodec.Base64.Encode(notification) });
            }

            TimeSpan now = Now;
            if (events.Count >= (int)request["until"]! || now >= end)
            {
                break;
            }

            TimeSpan next = new[] { device.Deadline ?? end, end }.Min();
            await Task.Delay(next > now ? next - now : TimeSpan.Zero, clock, cancellationToken);
        }

        last = (call, new JsonObject { ["n"] = (long)request["n"]!, ["ev"] = events, ["mtu"] = 247, ["conn"] = true }.ToJsonString());
        return last.Answer;
    }
}
