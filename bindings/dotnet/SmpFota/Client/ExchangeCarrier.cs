using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>Drives an <see cref="ISmpExchange"/>.</summary>
internal sealed class ExchangeCarrier(ISmpExchange exchange, SmpClientOptions options)
    : CallCarrier<ReadOnlyMemory<byte>, IReadOnlyList<ReadOnlyMemory<byte>>>(options)
{
    protected override ReadOnlyMemory<byte> Gather(ReadOnlyMemory<byte> bytes, TimeSpan delay) => bytes;

    protected override Task<IReadOnlyList<ReadOnlyMemory<byte>>> CallAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> writes, TimeSpan wait, CancellationToken cancellationToken) =>
        exchange.ExchangeAsync(writes, wait, cancellationToken) ?? throw Broken(exchange, "returned no task");

    protected override IReadOnlyList<ReadOnlyMemory<byte>> AnswersOf(IReadOnlyList<ReadOnlyMemory<byte>>? outcome) =>
        outcome ?? throw Broken(exchange, "returned null; where nothing has arrived it returns an empty list");
}
