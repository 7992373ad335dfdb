using System;
using System.Collections.Generic;
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
public partial class SmpClient : IAsyncDisposable, IDisposable
{
    private readonly SemaphoreSlim gate = new(1, 1);
    private readonly CancellationTokenSource closing = new();
    private readonly object closeGate = new();
    private readonly EventStreams streams = new();
    private readonly SmpSession session;
    private readonly SessionDriver driver;
    private readonly SmpClientOptions options;
    private readonly SmpClientServices services;
    private readonly UpdateProgress held;
    private Task? closed;
    private volatile bool restored;

    /// <summary>Makes a client over a carrier. Nothing is sent before the first operation.</summary>
    /// <param name="carrier">An <see cref="ISmpTransport"/>, <see cref="ISmpExchange"/> or <see cref="ISmpBatchExchange"/>. It stays the caller's.</param>
    /// <param name="options">How the client works, copied; null for the defaults.</param>
    /// <param name="services">Clock, health check and observers, copied; null for none.</param>
    /// <exception cref="ArgumentNullException">There is no carrier.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range; it bears the option's name.</exception>
    /// <exception cref="ArgumentException">The carrier is not what <see cref="SmpClientOptions.CarrierKind"/> says, or cannot carry batches that are asked for.</exception>
    /// <exception cref="SmpLibraryException">The native library is missing or of another version.</exception>
    public SmpClient(ISmpCarrier carrier, SmpClientOptions? options = null, SmpClientServices? services = null)
        : this(Over(carrier), carrier as ISmpLinkControl, null, options, services)
    {
    }

    /// <summary>For a mock, which overrides what its test calls; what it does not override throws.</summary>
    protected SmpClient()
    {
        session = null!;
        driver = null!;
        options = null!;
        services = null!;
    }

    private SmpClient(
        Func<SmpClientOptions, Carrier> over, ISmpLinkControl? link, Func<SmpSessionOptions?, SmpSession>? restore,
        SmpClientOptions? options, SmpClientServices? services)
    {
        this.options = (options ?? new SmpClientOptions()).Checked();
        this.services = (services ?? new SmpClientServices()) with { };
        ArgumentNullException.ThrowIfNull(this.services.TimeProvider, nameof(SmpClientServices.TimeProvider));
        session = restore is null ? new SmpSession(Prepared(this.options.Session)) : restore(this.options.Session);
        held = session.GetProgress(TimeSpan.Zero);
        restored = restore is not null && held.Phase != UpdatePhase.Idle;
        driver = new SessionDriver(this, session, over(this.options), link, this.options, this.services, streams);
    }

    /// <summary>
    /// Whether the client was restored with an update that <see cref="ContinueUpdateAsync"/> has still to go on with. Until then it
    /// refuses every other operation as <see cref="SmpStatus.OperationRunning"/>.
    /// </summary>
    public virtual bool HasUpdateToContinue => restored;

    /// <summary>How far the update had come that a restored client holds; null where there is none to go on with.</summary>
    public virtual UpdateProgress? RestoredProgress => restored ? held : null;

    /// <summary>Makes a client that goes on where a saved one stood; <see cref="ContinueUpdateAsync"/> does so.</summary>
    /// <param name="snapshot">What <see cref="SmpClientServices.SnapshotSink"/> was given, or <see cref="SmpSession.Save()"/> gave.</param>
    /// <param name="image">The image of the saved update; null if none was running.</param>
    /// <param name="carrier">The carrier to the same device.</param>
    /// <param name="options">How the client works, copied; null for the defaults.</param>
    /// <param name="services">Clock, health check and observers, copied; null for none.</param>
    /// <exception cref="ArgumentNullException">There is no carrier.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range; it bears the option's name.</exception>
    /// <exception cref="ArgumentException">As of the constructor.</exception>
    /// <exception cref="SmpSnapshotException">The snapshot is damaged, newer than the library, or belongs to another image.</exception>
    public static SmpClient Restore(
        ReadOnlySpan<byte> snapshot, FirmwareImage? image, ISmpCarrier carrier, SmpClientOptions? options = null,
        SmpClientServices? services = null)
    {
        byte[] bytes = snapshot.ToArray();
        return new SmpClient(
            Over(carrier), carrier as ISmpLinkControl, known => SmpSession.Restore(bytes, image, known), options, services);
    }

    /// <summary>Updates the device and checks with the device itself that the new image runs.</summary>
    /// <param name="image">The image or package. May be disposed once the operation has started.</param>
    /// <param name="options">What the update shall do; null tests and confirms.</param>
    /// <param name="progress">Takes reports of the progress.</param>
    /// <param name="cancellationToken">Ends the update where it stands.</param>
    /// <returns>How the update ended; only good ends come here.</returns>
    /// <exception cref="ArgumentNullException">There is no image.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range; it bears the option's name.</exception>
    /// <exception cref="ArgumentException">The options wait for a health check and the client has none.</exception>
    /// <exception cref="ObjectDisposedException">The client or the image was disposed.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    /// <exception cref="UpdateOutcomeException">The device did not take the image, reverted it, or runs another.</exception>
    /// <exception cref="SmpDeviceException">The device refused something.</exception>
    /// <exception cref="SmpProtocolException">The device did not answer, or not in a way that makes sense; or the carrier did not come back.</exception>
    public virtual Task<UpdateResult> UpdateAsync(
        FirmwareImage image, UpdateOptions? options = null, IProgress<UpdateProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        UpdateOptions wanted = (options ?? new UpdateOptions()) with { };
        wanted.Check();
        if (wanted.WaitForHealth && services.HealthCheck is null)
        {
            throw new ArgumentException(
                "The update shall wait for word on the new image, and the client has no health check: give SmpClientServices.HealthCheck.",
                nameof(options));
        }

        return RunAsync(
            s => s.StartUpdate(image, wanted), ReadUpdate, wanted.Deadline, progress, isUpdate: true, cancellationToken);
    }

    /// <summary>
    /// Looks before an update: asks the device what <see cref="UpdateAsync"/> with the same options asks before its first byte, writes
    /// nothing, and tells what the update would do with each image. What it would refuse, this refuses with the same exception.
    /// </summary>
    /// <param name="image">The image or package. May be disposed once the operation has started.</param>
    /// <param name="options">What the update shall do; null tests and confirms. It needs no health check here.</param>
    /// <param name="cancellationToken">Ends the look.</param>
    /// <returns>What the update would do.</returns>
    /// <exception cref="ArgumentNullException">There is no image.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range; it bears the option's name.</exception>
    /// <exception cref="ObjectDisposedException">The client or the image was disposed.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    /// <exception cref="SmpException">As <see cref="UpdateAsync"/>.</exception>
    public virtual Task<UpdatePlan> CheckAsync(
        FirmwareImage image, UpdateOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        UpdateOptions wanted = (options ?? new UpdateOptions()) with { };
        wanted.Check();
        return RunAsync(s => s.StartCheck(image, wanted), static (_, json, _) => new ValueTask<UpdatePlan>(UpdatePlan.Parse(json)), wanted.Deadline, null, false, cancellationToken);
    }

    /// <summary>Goes on with the update of a restored session. The device is asked before anything is written.</summary>
    /// <param name="progress">Takes reports of the progress.</param>
    /// <param name="cancellationToken">Ends the update where it stands.</param>
    /// <exception cref="InvalidOperationException">
    /// The client has no update to go on with (<see cref="HasUpdateToContinue"/>); or the update asks for the health of the new image
    /// and the client has no health check: the update then stays as it is.
    /// </exception>
    /// <exception cref="SmpException">As <see cref="UpdateAsync"/>.</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public virtual Task<UpdateResult> ContinueUpdateAsync(
        IProgress<UpdateProgress>? progress = null, CancellationToken cancellationToken = default) =>
        RunAsync(
            null, ReadUpdate, null, progress, isUpdate: true, cancellationToken);

    /// <summary>Tells the client what the carrier saw of the device link. Counts from the next step of the running or the next operation.</summary>
    /// <param name="linkEvent">What happened.</param>
    /// <exception cref="ArgumentException">It is no event (<c>default</c>).</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    public virtual void ReportLink(SmpLinkEvent linkEvent)
    {
        linkEvent.ThrowIfNone(nameof(linkEvent));
        ThrowIfClosed();
        driver.ReportLink(linkEvent);
    }

    /// <summary>
    /// The entries of the session's log as they come, over all operations, until the client is closed. Any number may read; each gets what
    /// happens from its first wait on. 256 entries wait for a slow reader, who then loses the oldest.
    /// </summary>
    /// <param name="cancellationToken">Ends the reading with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    public virtual IAsyncEnumerable<SmpEvent> ReadEventsAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        return streams.ReadAsync(cancellationToken);
    }

    /// <summary>Stops the running operation from sending new requests until <see cref="Resume"/>.</summary>
    /// <returns>False where no operation runs: nothing is paused then, neither now nor later.</returns>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    public virtual bool Pause()
    {
        ThrowIfClosed();
        return driver.SetPaused(true);
    }

    /// <summary>Lets a paused operation go on.</summary>
    /// <returns>False where no operation runs.</returns>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    public virtual bool Resume()
    {
        ThrowIfClosed();
        return driver.SetPaused(false);
    }

    /// <summary>
    /// Ends the running operation and closes the session, whatever the carrier does. The transport stays open. May be called more
    /// than once and by several at a time; each comes back when all is closed.
    /// </summary>
    public virtual ValueTask DisposeAsync()
    {
        lock (closeGate)
        {
            closed ??= CloseAsync(closing.CancelAsync());
        }

        GC.SuppressFinalize(this);
        return new ValueTask(closed);
    }

    /// <summary>As <see cref="DisposeAsync"/>, without waiting for the operation that is running: it ends right after.</summary>
    public virtual void Dispose()
    {
        _ = DisposeAsync().AsTask();
        GC.SuppressFinalize(this);
    }

    /// <summary>A client for a health check of this one's update, over the same carrier, which the update leaves to it.</summary>
    internal SmpClient ForHealthCheck(Carrier carrier)
    {
        SmpSessionOptions known = (options.Session ?? new SmpSessionOptions()) with { Nonce = null };
        known.MaxWrite = driver.MaxWrite ?? known.MaxWrite;
        return new SmpClient(
            _ => carrier, null, null, options with { Session = known }, services with { HealthCheck = null, EventSink = null, SnapshotSink = null });
    }

    private static Func<SmpClientOptions, Carrier> Over(ISmpCarrier carrier)
    {
        ArgumentNullException.ThrowIfNull(carrier);
        return known => CarrierChoice.Over(carrier, known);
    }

    private static SmpSessionOptions Prepared(SmpSessionOptions? options)
    {
        SmpSessionOptions session = options ?? new SmpSessionOptions();
        return session.Nonce is null ? session with { Nonce = (uint)Random.Shared.NextInt64(1L << 32) } : session;
    }

    private static ValueTask<UpdateResult> ReadUpdate(SmpSession session, string json, CancellationToken cancellationToken) =>
        new(UpdateResult.Parse(json, session.ReadRecordingText()));

    private void ThrowIfClosed()
    {
        ObjectDisposedException.ThrowIf(closed is not null, this);
        if (session is null)
        {
            throw new InvalidOperationException("This client is a mock, which does not override the member that was called.");
        }
    }

    private async Task CloseAsync(Task told)
    {
        await told.ConfigureAwait(false);
        await gate.WaitAsync().ConfigureAwait(false);
        streams.Complete();
        session?.Dispose();

        // Whoever still waits at the gate comes in, finds the client closed and leaves.
        gate.Release();
    }

    // Every operation of the client comes through here: one at a time, and Dispose ends it.
    // Without a start it is the update of a restored client. What is read is read before the next operation starts.
    private Task<T> RunAsync<T>(
        Action<SmpSession>? start, Func<SmpSession, string, CancellationToken, ValueTask<T>> read, TimeSpan? deadline = null,
        IProgress<UpdateProgress>? progress = null, bool isUpdate = false, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        if (HealthCheck.IsInside(this))
        {
            throw new InvalidOperationException(
                "A health check asked the client whose update waits for it, which would wait for ever: it shall ask HealthCheckContext.Client.");
        }

        // Elsewhere: neither the carrier nor the loop may run on the caller's thread or in its synchronization context.
        return Task.Run(() => OperateAsync(start, read, deadline, progress, isUpdate, cancellationToken), CancellationToken.None);
    }

    private void Start(Action<SmpSession>? start)
    {
        if (start is null && !restored)
        {
            throw new InvalidOperationException(
                "There is no update to go on with: the client was not restored with one, or it has been continued. UpdateAsync starts one.");
        }

        if (start is not null && restored)
        {
            throw new SmpUsageException(
                SmpStatus.OperationRunning,
                FormattableString.Invariant(
                    $"The client was restored with an update in the phase {held.Phase}, at {held.BytesAcknowledged} of {held.BytesTotal} bytes: ContinueUpdateAsync goes on with it, and until then nothing else starts."));
        }

        start?.Invoke(session);
    }

    // However it ends, it has been continued; only an update that lacks a health check stays as it is.
    private async Task<string> DriveAsync(bool isUpdate, TimeSpan? deadline, IProgress<UpdateProgress>? progress, CancellationToken ended)
    {
        try
        {
            string result = await driver.RunAsync(isUpdate, deadline, progress, ended, closing.Token).ConfigureAwait(false);
            restored = false;
            return result;
        }
        catch (HealthCheckMissingException e)
        {
            restored = true;
            throw new InvalidOperationException(e.Message);
        }
        catch
        {
            restored = false;
            throw;
        }
    }

    private async Task<T> OperateAsync<T>(
        Action<SmpSession>? start, Func<SmpSession, string, CancellationToken, ValueTask<T>> read, TimeSpan? deadline,
        IProgress<UpdateProgress>? progress, bool isUpdate, CancellationToken cancellationToken)
    {
        CancellationTokenSource? ended = null;
        try
        {
            ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, closing.Token);
            await gate.WaitAsync(ended.Token).ConfigureAwait(false);
            try
            {
                ended.Token.ThrowIfCancellationRequested();
                Start(start);
                string json = await DriveAsync(isUpdate, deadline, progress, ended.Token).ConfigureAwait(false);
                return await read(session, json, ended.Token).ConfigureAwait(false);
            }
            finally
            {
                gate.Release();
            }
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException("The operation was cancelled; the device was left as it is.", e, cancellationToken);
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(SmpClient));
        }
        finally
        {
            ended?.Dispose();
        }
    }
}
