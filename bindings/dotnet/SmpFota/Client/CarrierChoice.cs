using System;

namespace SmpFota;

/// <summary>Decides as what a client uses its carrier.</summary>
internal static class CarrierChoice
{
    /// <summary>Drives the carrier as the options say, or as the most that it is.</summary>
    /// <exception cref="ArgumentException">The carrier is not what the options say, is nothing at all, or the options ask for batches that it cannot keep apart.</exception>
    internal static Carrier Over(ISmpCarrier carrier, SmpClientOptions options)
    {
        SmpCarrierKind kind = options.CarrierKind != SmpCarrierKind.Auto ? options.CarrierKind : carrier switch
        {
            ISmpBatchExchange => SmpCarrierKind.BatchExchange,
            ISmpExchange => SmpCarrierKind.Exchange,
            _ => SmpCarrierKind.Transport,
        };
        if (kind != SmpCarrierKind.BatchExchange)
        {
            RefuseBatches(options);
        }

        return (kind, carrier) switch
        {
            (SmpCarrierKind.BatchExchange, ISmpBatchExchange batches) => new BatchCarrier(batches, options),
            (SmpCarrierKind.Exchange, ISmpExchange exchange) => new ExchangeCarrier(exchange, options),
            (SmpCarrierKind.Transport, ISmpTransport transport) => new TransportCarrier(transport),
            _ => throw new ArgumentException($"{carrier.GetType()} is no {Interface(kind)}.", nameof(carrier)),
        };
    }

    private static string Interface(SmpCarrierKind kind) => kind switch
    {
        SmpCarrierKind.BatchExchange => nameof(ISmpBatchExchange),
        SmpCarrierKind.Exchange => nameof(ISmpExchange),
        _ => nameof(ISmpTransport),
    };

    // A carrier that keeps no time between its writes would have the device drop most of a batch.
    private static void RefuseBatches(SmpClientOptions options)
    {
        if (options.Session?.BatchFrames > 1)
        {
            throw new ArgumentException(
                $"{nameof(SmpSessionOptions.BatchFrames)} is for carriers that keep a time between the writes of a call: give an {nameof(ISmpBatchExchange)}, or leave it unset.",
                nameof(options));
        }
    }
}
