using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota.Sample;

/// <summary>
/// A carrier of requests and responses: a direct method of a gateway. The request is
/// <c>{"sid":"…","n":7,"w":["b64",…],"waitMs":2000,"until":1}</c>: do the writes in order, come back with at least "until"
/// notifications or after "waitMs". The response is <c>{"n":7,"ev":[{"t":12,"b64":"…"}],"mtu":247,"conn":true}</c>.
/// A gateway that has already answered "n" of "sid" answers the same again and writes nothing.
/// </summary>
/// <param name="invoke">Calls the method with a payload; null for an outcome that is unknown, such as a timeout of the hub.</param>
internal sealed class IotHubDirectMethodCarrier(Func<string, CancellationToken, Task<string?>> invoke) : ISmpExchange
{
    private readonly string sid = Guid.NewGuid().ToString("N");
    private long n;

    public async Task<IReadOnlyList<ReadOnlyMemory<byte>>> ExchangeAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> writes, TimeSpan wait, CancellationToken cancellationToken)
    {
        var request = new JsonObject
        {
            ["sid"] = sid,
            ["n"] = ++n,
            ["w"] = new JsonArray(writes.Select(w => (JsonNode)ValueCodec.Base64.Encode(w.Span)).ToArray()),
            ["waitMs"] = (long)Math.Ceiling(wait.TotalMilliseconds),
            ["until"] = 1,
        };
        string? answer = await invoke(request.ToJsonString(), cancellationToken);
        if (answer is null || JsonNode.Parse(answer) is not JsonObject response || (long?)response["n"] != n)
        {
            // Nobody knows whether the writes were done. The session asks the device.
            return [];
        }

        return (response["ev"] as JsonArray ?? [])
            .Select(e => (ReadOnlyMemory<byte>)ValueCodec.Base64.Decode((string?)e?["b64"] ?? ""))
            .ToList();
    }
}
