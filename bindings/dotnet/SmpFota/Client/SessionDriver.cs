using System;
using System.Collections.Concurrent;
using System.Threading;
using System.Threading.Tasks;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>The drive loop: the one place where a session, a carrier and a clock meet. One run at a time.</summary>
internal sealed class SessionDriver(SmpSession session, Carrier carrier, ISmpLinkControl? link, SmpClientOptions options)
{
    private const int FirstBuffer = 512;

    private readonly long epoch = options.TimeProvider.GetTimestamp();
    private readonly ConcurrentQueue<Action<SmpSession, TimeSpan>> inbox = new();
    private TaskCompletionSource wake = NewWake();
    private byte[] buffer = new byte[FirstBuffer];
    private int run;
    private volatile bool running;

    private TimeSpan Now => options.TimeProvider.GetElapsedTime(epoch);

    /// <summary>Has the running or the next operation do something to its session. From any thread.</summary>
    internal void Post(Action<SmpSession, TimeSpan> action)
    {
        inbox.Enqueue(action);
        Volatile.Read(ref wake).TrySetResult();
    }

    /// <summary>As <see cref="Post"/>, but for an operation that is running; what finds none is dropped.</summary>
    internal void PostToOperation(Action<SmpSession, TimeSpan> action)
    {
        int meant = Volatile.Read(ref run);
        if (running)
        {
            Post((s, now) =>
            {
                if (meant == Volatile.Read(ref run))
                {
                    action(s, now);
                }
            });
        }
    }

    /// <summary>Drives the started operation to its end.</summary>
    /// <returns>Its result as JSON.</returns>
    /// <exception cref="SmpException">It ended badly.</exception>
    /// <exception cref="OperationCanceledException">The token fired; the operation was cancelled.</exception>
    internal async Task<string> RunAsync(
        Func<CancellationToken, Task<bool>>? healthCheck, IProgress<UpdateProgress>? progress, CancellationToken cancellationToken)
    {
        var reporter = new ProgressReporter(progress, options);
        using var health = new HealthCheck(healthCheck, cancellationToken);
        Interlocked.Increment(ref run);
        running = true;
        try
        {
            return await LoopAsync(reporter, health, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not SmpException || IsStillRunning())
        {
            // The carrier failed or the token fired: the operation must not stay open behind the exception.
            Abandon();
            throw;
        }
        catch (UpdateOutcomeException e) when (health.Thrown is { } cause)
        {
            throw new UpdateOutcomeException(e.Status, e.Message, e.Finding, e.Group, e.Code, cause);
        }
        finally
        {
            running = false;
            carrier.Forget();
            reporter.Report(Progress(), last: true);
            DrainEvents();
        }
    }

    private static TaskCompletionSource NewWake() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task<string> LoopAsync(ProgressReporter reporter, HealthCheck health, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Task woken = RunInbox();
            while (carrier.TryReceive(out ReadOnlyMemory<byte> bytes))
            {
                session.Feed(Now, bytes.Span);
            }

            SmpNext next = NextFrame();
            reporter.Report(Progress(), last: false);
            DrainEvents();
            switch (next.Status)
            {
                case SmpNextStatus.Write:
                    await carrier.WriteAsync(buffer.AsMemory(0, next.Length), cancellationToken).ConfigureAwait(false);
                    break;

                case SmpNextStatus.Done:
                    await carrier.FlushAsync(cancellationToken).ConfigureAwait(false);
                    return session.GetResult();

                case SmpNextStatus.LinkReset when link is not null:
                    await carrier.FlushAsync(cancellationToken).ConfigureAwait(false);
                    await ResetLinkAsync(link, cancellationToken).ConfigureAwait(false);
                    break;

                case SmpNextStatus.HealthCheck when health.IsAsked:
                    await carrier.FlushAsync(cancellationToken).ConfigureAwait(false);
                    await CheckHealthAsync(health, woken, cancellationToken).ConfigureAwait(false);
                    break;

                default:
                    TakeSnapshot();
                    await carrier.WaitAsync(TimeToDeadline(), woken, cancellationToken).ConfigureAwait(false);
                    break;
            }
        }
    }

    private SmpNext NextFrame()
    {
        while (true)
        {
            int status = session.AskNext(Now, buffer, out int length);
            if (status >= 0)
            {
                return new SmpNext((SmpNextStatus)status, length);
            }

            if (status != (int)SmpStatus.BufferTooSmall || length <= buffer.Length)
            {
                throw session.Failure(status);
            }

            buffer = new byte[length];
        }
    }

    // The wake-up is renewed before the inbox is read, so that nothing posted afterwards is missed.
    private Task RunInbox()
    {
        if (wake.Task.IsCompleted)
        {
            Volatile.Write(ref wake, NewWake());
        }

        Task woken = wake.Task;
        while (inbox.TryDequeue(out Action<SmpSession, TimeSpan>? action))
        {
            action(session, Now);
        }

        return woken;
    }

    private async Task ResetLinkAsync(ISmpLinkControl control, CancellationToken cancellationToken)
    {
        session.ReportLink(Now, SmpLinkEvent.Down);
        await control.ResetLinkAsync(cancellationToken).ConfigureAwait(false);
        session.ReportLink(Now, SmpLinkEvent.Up);
    }

    private async Task CheckHealthAsync(HealthCheck health, Task woken, CancellationToken cancellationToken)
    {
        Task<bool> verdict = health.Start();
        if (!verdict.IsCompleted)
        {
            await Carrier.WaitAnyAsync(TimeToDeadline(), options.TimeProvider, verdict, woken, cancellationToken).ConfigureAwait(false);
        }

        if (verdict.IsCompleted)
        {
            session.ReportHealth(Now, await verdict.ConfigureAwait(false));
        }
    }

    private TimeSpan? TimeToDeadline() => session.Deadline - Now;

    private UpdateProgress Progress() => session.GetProgress(Now);

    private void TakeSnapshot()
    {
        if (options.SnapshotSink is { } sink && Progress().Phase != UpdatePhase.Command)
        {
            sink(session.Save());
        }
    }

    private void DrainEvents()
    {
        if (options.EventSink is { } sink)
        {
            while (session.TryReadEvent(out string? json))
            {
                sink(json);
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
