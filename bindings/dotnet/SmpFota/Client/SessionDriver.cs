using System;
using System.Threading;
using System.Threading.Tasks;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>The drive loop: the one place where a session, a carrier and a clock meet. One run at a time.</summary>
internal sealed class SessionDriver(
    SmpClient owner, SmpSession session, Carrier carrier, ISmpLinkControl? link, SmpClientOptions options, SmpClientServices services,
    EventStreams streams)
{
    private const int FirstBuffer = 512;

    private readonly long epoch = services.TimeProvider.GetTimestamp();
    private readonly SnapshotKeeper snapshots = new(options, services);
    private readonly object gate = new();
    private TaskCompletionSource wake = NewWake();
    private byte[] buffer = new byte[FirstBuffer];

    // What other threads want, under the gate; the loop takes it at its next turn.
    private LinkReports reports;
    private bool? pause;
    private bool running;

    /// <summary>What one write may carry, where the carrier has reported it.</summary>
    internal int? MaxWrite { get; private set; }

    private TimeSpan Now => services.TimeProvider.GetElapsedTime(epoch);

    /// <summary>Has the running or the next operation tell its session. From any thread.</summary>
    internal void ReportLink(SmpLinkEvent linkEvent)
    {
        lock (gate)
        {
            reports.Add(linkEvent);
            MaxWrite = linkEvent.WriteLimit ?? MaxWrite;
        }

        Volatile.Read(ref wake).TrySetResult();
    }

    /// <summary>Has the running operation pause or go on. False where none runs.</summary>
    internal bool SetPaused(bool paused)
    {
        lock (gate)
        {
            if (!running)
            {
                return false;
            }

            pause = paused;
        }

        Volatile.Read(ref wake).TrySetResult();
        return true;
    }

    /// <summary>Drives the started operation to its end.</summary>
    /// <param name="isUpdate">Whether it is an update, of which snapshots are kept.</param>
    /// <param name="deadline">The update's deadline, if it has one.</param>
    /// <param name="progress">Takes reports of the progress.</param>
    /// <param name="cancellationToken">Ends the operation.</param>
    /// <param name="closing">The client's own, which ends it too.</param>
    /// <returns>Its result as JSON.</returns>
    /// <exception cref="SmpException">It ended badly.</exception>
    /// <exception cref="OperationCanceledException">The token fired; the operation was cancelled.</exception>
    internal async Task<string> RunAsync(
        bool isUpdate, TimeSpan? deadline, IProgress<UpdateProgress>? progress, CancellationToken cancellationToken, CancellationToken closing)
    {
        var reporter = new ProgressReporter(progress, options, services);
        using var scope = new OperationScope(options, services.TimeProvider, deadline, cancellationToken, closing);
        var health = new HealthCheck(owner, services.HealthCheck, cancellationToken);
        lock (gate)
        {
            running = true;
            pause = null;
        }

        bool keeps = isUpdate && snapshots.IsWanted;
        SmpSnapshot? cutShort = null;
        snapshots.Begin();
        try
        {
            return await LoopAsync(reporter, health, scope, keeps).ConfigureAwait(false);
        }
        catch (HealthCheckMissingException)
        {
            // The update stays as it is: another client may go on with it.
            cutShort = keeps ? Snapshot() : null;
            throw;
        }
        catch (Exception e) when (e is not SmpException || IsStillRunning())
        {
            // The carrier failed or the token fired: the operation must not stay open behind the exception.
            (e as SmpException)?.TakeProgress(Progress());
            cutShort = keeps && IsStillRunning() ? Snapshot() : null;
            Abandon();
            throw;
        }
        catch (UpdateOutcomeException e) when (health.Thrown is { } cause)
        {
            var whole = new UpdateOutcomeException(e.Status, e.Message, cause);
            whole.Take(e);
            throw whole;
        }
        finally
        {
            lock (gate)
            {
                running = false;
            }

            carrier.Forget();
            await health.DisposeAsync().ConfigureAwait(false);
            reporter.Report(Progress(), last: true);
            DrainEvents();
            if (keeps)
            {
                await snapshots.EndAsync(cutShort ?? new SmpSnapshot(default, Progress().Phase, true)).ConfigureAwait(false);
            }
        }
    }

    private static TaskCompletionSource NewWake() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task<string> LoopAsync(ProgressReporter reporter, HealthCheck health, OperationScope scope, bool keeps)
    {
        while (true)
        {
            scope.ThrowIfEnded();
            Task woken = TakeWishes(scope);

            // While the device belongs to the health check, so does what arrives.
            if (!health.IsRunning)
            {
                while (carrier.TryReceive(out ReadOnlyMemory<byte> bytes))
                {
                    Show(SmpFrameDirection.FromDevice, bytes);
                    session.Feed(Now, bytes.Span);
                }

                carrier.Conclude(session, Now);
            }

            SmpNext next = NextWrite(out TimeSpan delay);
            if (reporter.IsWanted)
            {
                reporter.Report(Progress(), last: false);
            }

            DrainEvents();
            switch (next.Status)
            {
                case SmpNextStatus.Write:
                    Show(SmpFrameDirection.ToDevice, buffer.AsMemory(0, next.Length));
                    await carrier.WriteAsync(buffer.AsMemory(0, next.Length), delay, scope).ConfigureAwait(false);
                    break;

                case SmpNextStatus.Done:
                    carrier.Prepare(session);
                    await carrier.FlushAsync(scope).ConfigureAwait(false);
                    return session.GetResult();

                case SmpNextStatus.LinkReset when link is not null:
                    carrier.Prepare(session);
                    await carrier.FlushAsync(scope).ConfigureAwait(false);
                    session.ReportLink(Now, SmpLinkEvent.Down);
                    await carrier.ResetLinkAsync(link, scope).ConfigureAwait(false);
                    session.ReportLink(Now, SmpLinkEvent.Up);
                    break;

                case SmpNextStatus.HealthCheck when !health.IsThere:
                    throw new HealthCheckMissingException();

                case SmpNextStatus.HealthCheck:
                    carrier.Prepare(session);
                    await carrier.FlushAsync(scope).ConfigureAwait(false);
                    await CheckHealthAsync(health, woken, scope).ConfigureAwait(false);
                    break;

                default:
                    if (keeps)
                    {
                        snapshots.Offer(session, Progress().Phase);
                    }

                    carrier.Prepare(session);
                    await carrier.WaitAsync(TimeToDeadline(), woken, scope).ConfigureAwait(false);
                    break;
            }
        }
    }

    private SmpNext NextWrite(out TimeSpan delay)
    {
        while (true)
        {
            int status = session.AskWrite(Now, buffer, out int length, out delay);
            if (status >= 0)
            {
                return new SmpNext((SmpNextStatus)status, length);
            }

            if (status != (int)SmpStatus.BufferTooSmall || length <= buffer.Length)
            {
                throw session.Failure(status, Now);
            }

            buffer = new byte[length];
        }
    }

    // The wake-up is renewed before the wishes are read, so that nothing that comes afterwards is missed.
    private Task TakeWishes(OperationScope scope)
    {
        if (wake.Task.IsCompleted)
        {
            Volatile.Write(ref wake, NewWake());
        }

        Task woken = wake.Task;
        LinkReports told;
        bool? paused;
        lock (gate)
        {
            (told, reports) = (reports, default);
            (paused, pause) = (pause, null);
        }

        told.Tell(session, Now);
        if (paused is { } wanted && wanted != scope.IsPaused)
        {
            if (wanted)
            {
                session.Pause(Now);
                scope.Pause();
            }
            else
            {
                session.Resume(Now);
                scope.Resume();
            }
        }

        return woken;
    }

    private async Task CheckHealthAsync(HealthCheck health, Task woken, OperationScope scope)
    {
        Task<bool> verdict = health.Start(() => owner.ForHealthCheck(carrier));
        if (!verdict.IsCompleted)
        {
            await Carrier.WaitAnyAsync(TimeToDeadline(), scope.Time, verdict, woken, scope.Caller).ConfigureAwait(false);
        }

        if (verdict.IsCompleted)
        {
            bool healthy = await verdict.ConfigureAwait(false);
            await health.DisposeAsync().ConfigureAwait(false);
            session.ReportHealth(Now, healthy);
        }
        else if (TimeToDeadline() is { } left && left <= TimeSpan.Zero)
        {
            // The session is about to say that nobody answered; the device is the update's again.
            await health.DisposeAsync().ConfigureAwait(false);
        }
    }

    private TimeSpan? TimeToDeadline() => session.Deadline - Now;

    private UpdateProgress Progress() => session.GetProgress(Now);

    private SmpSnapshot Snapshot() => new(session.Save(), Progress().Phase, false);

    private void Show(SmpFrameDirection direction, ReadOnlyMemory<byte> bytes)
    {
        if (services.FrameSink is { } sink)
        {
            services.Tell(sink, new SmpFrame(Now, direction, bytes.ToArray()));
        }
    }

    private void DrainEvents()
    {
        if (services.EventSink is null && !streams.Any)
        {
            return;
        }

        while (session.TryReadEvent(out SmpEvent? happened))
        {
            streams.Publish(happened);
            if (services.EventSink is { } sink)
            {
                services.Tell(sink, happened);
            }
        }
    }

    // An SmpException can also come from a carrier, which wraps the library itself.
    private bool IsStillRunning() => Progress().Phase is not (UpdatePhase.Idle or UpdatePhase.Done or UpdatePhase.Failed);

    private void Abandon()
    {
        try
        {
            session.Cancel(Now);
        }
        catch (SmpUsageException)
        {
            // It had just ended by itself.
        }
    }
}
