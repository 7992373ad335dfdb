using System;

namespace SmpFota;

public sealed partial class SmpClient
{
    /// <summary>
    /// Makes a client over a carrier of calls that keeps a time between its writes. Nothing is sent before the first operation. How much
    /// one call takes is <see cref="SmpSessionOptions.BatchFrames"/> and its neighbours.
    /// </summary>
    /// <param name="exchange">The carrier. It stays the caller's.</param>
    /// <param name="options">How the client works, copied; null for the defaults.</param>
    /// <param name="services">Clock, health check and observers, copied; null for none.</param>
    /// <exception cref="ArgumentNullException">There is no exchange.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range; it bears the option's name.</exception>
    /// <exception cref="SmpLibraryException">The native library is missing or of another version.</exception>
    public SmpClient(ISmpBatchExchange exchange, SmpClientOptions? options = null, SmpClientServices? services = null)
        : this(Over(exchange), exchange as ISmpLinkControl, null, options, services)
    {
    }

    /// <summary>Makes a client that goes on where a saved one stood; <see cref="ContinueUpdateAsync"/> does so.</summary>
    /// <param name="snapshot">What <see cref="SmpClientServices.SnapshotSink"/> was given, or <see cref="SmpSession.Save()"/> gave.</param>
    /// <param name="image">The image of the saved update; null if none was running.</param>
    /// <param name="exchange">The carrier to the same device.</param>
    /// <param name="options">How the client works, copied; null for the defaults.</param>
    /// <param name="services">Clock, health check and observers, copied; null for none.</param>
    /// <exception cref="ArgumentNullException">There is no exchange.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range; it bears the option's name.</exception>
    /// <exception cref="SmpSnapshotException">The snapshot is damaged, newer than the library, or belongs to another image.</exception>
    public static SmpClient Restore(
        ReadOnlySpan<byte> snapshot, FirmwareImage? image, ISmpBatchExchange exchange, SmpClientOptions? options = null,
        SmpClientServices? services = null) =>
        Restore(snapshot, image, Over(exchange), exchange as ISmpLinkControl, options, services);

    private static Func<SmpClientOptions, Carrier> Over(ISmpBatchExchange exchange)
    {
        ArgumentNullException.ThrowIfNull(exchange);
        return known => new BatchCarrier(exchange, known);
    }

    // A carrier that keeps no time between its writes would have the device drop most of a batch.
    private static SmpClientOptions WithoutBatches(SmpClientOptions options) =>
        options.Session?.BatchFrames is null or <= 1
            ? options
            : throw new ArgumentException(
                $"{nameof(SmpSessionOptions.BatchFrames)} is for carriers that keep a time between the writes of a call: give an {nameof(ISmpBatchExchange)}, or leave it unset.",
                nameof(options));
}
