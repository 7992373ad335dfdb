using System;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>
/// Talks to one device over the caller's own transport: updates it, asks it for its images, runs any command.
/// </summary>
/// <remarks>
/// <para>
/// All members may be called from any thread. Operations run one after another: a second one waits for the first.
/// The client does not own the transport and does not dispose it. It uses no thread of its own.
/// </para>
/// <para>
/// A cancelled operation stops at once and leaves the device as it is; the client can be used again, and an upload that is
/// started again goes on where the device stands. What arrived meanwhile stays in the transport and is not lost.
/// </para>
/// </remarks>
public sealed partial class SmpClient : IAsyncDisposable
{
    private readonly SemaphoreSlim gate = new(1, 1);
    private readonly CancellationTokenSource closing = new();
    private readonly SmpSession session;
    private readonly SessionDriver driver;

    /// <summary>Makes a client over a duplex transport. Nothing is sent before the first operation.</summary>
    /// <exception cref="ArgumentNullException">There is no transport.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option of the session cannot be expressed.</exception>
    /// <exception cref="SmpUsageException">An option of the session is outside its range.</exception>
    /// <exception cref="SmpLibraryException">The native library is missing or of another version.</exception>
    public SmpClient(ISmpTransport transport, SmpClientOptions? options = null)
        : this(Over(transport, options ??= new SmpClientOptions()), transport as ISmpLinkControl, new SmpSession(Prepared(options)), options)
    {
    }

    /// <summary>Makes a client over a carrier of requests and responses. Nothing is sent before the first operation.</summary>
    /// <exception cref="ArgumentNullException">There is no exchange.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option of the session cannot be expressed.</exception>
    /// <exception cref="SmpUsageException">An option of the session is outside its range.</exception>
    /// <exception cref="SmpLibraryException">The native library is missing or of another version.</exception>
    public SmpClient(ISmpExchange exchange, SmpClientOptions? options = null)
        : this(Over(exchange, options ??= new SmpClientOptions()), exchange as ISmpLinkControl, new SmpSession(Prepared(options)), options)
    {
    }

    private SmpClient(Carrier carrier, ISmpLinkControl? link, SmpSession session, SmpClientOptions options)
    {
        this.session = session;
        driver = new SessionDriver(session, carrier, link, options);
    }

    /// <summary>Makes a client that goes on where a saved one stood; <see cref="ContinueUpdateAsync"/> does so.</summary>
    /// <param name="snapshot">What <see cref="SmpClientOptions.SnapshotSink"/> was given, or <see cref="SmpSession.Save()"/> gave.</param>
    /// <param name="image">The image of the saved update; null if none was running.</param>
    /// <param name="transport">The transport to the same device.</param>
    /// <param name="options">How the client works; null for the defaults.</param>
    /// <exception cref="ArgumentNullException">There is no transport.</exception>
    /// <exception cref="SmpSnapshotException">The snapshot is damaged, newer than the library, or belongs to another image.</exception>
    public static SmpClient Restore(
        ReadOnlySpan<byte> snapshot, FirmwareImage? image, ISmpTransport transport, SmpClientOptions? options = null) =>
        new(Over(transport, options ??= new SmpClientOptions()), transport as ISmpLinkControl,
            SmpSession.Restore(snapshot, image, options.Session), options);

    /// <summary>Makes a client that goes on where a saved one stood; <see cref="ContinueUpdateAsync"/> does so.</summary>
    /// <param name="snapshot">What <see cref="SmpClientOptions.SnapshotSink"/> was given, or <see cref="SmpSession.Save()"/> gave.</param>
    /// <param name="image">The image of the saved update; null if none was running.</param>
    /// <param name="exchange">The carrier to the same device.</param>
    /// <param name="options">How the client works; null for the defaults.</param>
    /// <exception cref="ArgumentNullException">There is no exchange.</exception>
    /// <exception cref="SmpSnapshotException">The snapshot is damaged, newer than the library, or belongs to another image.</exception>
    public static SmpClient Restore(
        ReadOnlySpan<byte> snapshot, FirmwareImage? image, ISmpExchange exchange, SmpClientOptions? options = null) =>
        new(Over(exchange, options ??= new SmpClientOptions()), exchange as ISmpLinkControl,
            SmpSession.Restore(snapshot, image, options.Session), options);

    /// <summary>Updates the device and checks with the device itself that the new image runs.</summary>
    /// <param name="image">The image or package. May be disposed once the operation has started.</param>
    /// <param name="options">What the update shall do; null tests and confirms.</param>
    /// <param name="progress">Takes reports of the progress.</param>
    /// <param name="cancellationToken">Ends the update where it stands.</param>
    /// <returns>How the update ended; only good ends come here.</returns>
    /// <exception cref="ArgumentNullException">There is no image.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option cannot be expressed.</exception>
    /// <exception cref="ObjectDisposedException">The client or the image was disposed.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    /// <exception cref="UpdateOutcomeException">The device did not take the image, reverted it, or runs another.</exception>
    /// <exception cref="SmpDeviceException">The device refused something.</exception>
    /// <exception cref="SmpProtocolException">The device did not answer, or not in a way that makes sense.</exception>
    /// <exception cref="SmpUsageException">An option is outside its range.</exception>
    public Task<UpdateResult> UpdateAsync(
        FirmwareImage image, UpdateOptions? options = null, IProgress<UpdateProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        UpdateOptions wanted = options ?? new UpdateOptions();
        return RunAsync(s => s.StartUpdate(image, wanted), UpdateResult.Parse, wanted.HealthCheck, progress, cancellationToken);
    }

    /// <summary>Goes on with the update of a restored session. The device is asked before anything is written.</summary>
    /// <param name="healthCheck">As <see cref="UpdateOptions.HealthCheck"/>, which is not part of a snapshot.</param>
    /// <param name="progress">Takes reports of the progress.</param>
    /// <param name="cancellationToken">Ends the update where it stands.</param>
    /// <exception cref="SmpUsageException">The session has no operation.</exception>
    /// <exception cref="SmpException">As <see cref="UpdateAsync"/>.</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public Task<UpdateResult> ContinueUpdateAsync(
        Func<CancellationToken, Task<bool>>? healthCheck = null, IProgress<UpdateProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        RunAsync(static _ => { }, UpdateResult.Parse, healthCheck, progress, cancellationToken);

    /// <summary>Tells the client what the carrier saw of the device link. Counts from the next step of the running or the next operation.</summary>
    /// <param name="linkEvent">What happened.</param>
    public void ReportLink(SmpLinkEvent linkEvent) => driver.Post((s, now) => s.ReportLink(now, linkEvent));

    /// <summary>Stops the running operation from sending new requests until <see cref="Resume"/>. Nothing happens where none runs.</summary>
    public void Pause() => driver.PostToOperation(static (s, now) => s.Pause(now));

    /// <summary>Lets a paused operation go on.</summary>
    public void Resume() => driver.PostToOperation(static (s, now) => s.Resume(now));

    /// <summary>Ends the running operation and closes the session. The transport stays open.</summary>
    public async ValueTask DisposeAsync()
    {
        if (closing.IsCancellationRequested)
        {
            return;
        }

        closing.Cancel();
        await gate.WaitAsync().ConfigureAwait(false);
        session.Dispose();

        // Whoever still waits at the gate comes in, finds the client closed and leaves.
        gate.Release();
    }

    private static Carrier Over(ISmpTransport transport, SmpClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(transport);
        return new TransportCarrier(transport, options.TimeProvider);
    }

    private static Carrier Over(ISmpExchange exchange, SmpClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(exchange);
        return new ExchangeCarrier(exchange, options);
    }

    private static SmpSessionOptions Prepared(SmpClientOptions options)
    {
        SmpSessionOptions session = options.Session ?? new SmpSessionOptions();
        return session.Nonce is null ? session with { Nonce = (uint)Random.Shared.NextInt64(1L << 32) } : session;
    }

    // Every operation of the client comes through here: one at a time, and Dispose ends it.
    private async Task<T> RunAsync<T>(
        Action<SmpSession> start, Func<string, T> read, Func<CancellationToken, Task<bool>>? healthCheck = null,
        IProgress<UpdateProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(closing.IsCancellationRequested, this);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, closing.Token);
        try
        {
            await gate.WaitAsync(ended.Token).ConfigureAwait(false);
            try
            {
                ended.Token.ThrowIfCancellationRequested();
                start(session);
                return read(await driver.RunAsync(healthCheck, progress, ended.Token).ConfigureAwait(false));
            }
            finally
            {
                gate.Release();
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException("The operation was cancelled; the device was left as it is.", cancellationToken);
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(SmpClient));
        }
    }
}
