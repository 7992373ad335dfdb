using System;
using SmpFota.Interop;

namespace SmpFota;

// For a carrier that takes several writes in one call and keeps a time between them; docs/ABI.md has the loop.
public sealed unsafe partial class SmpSession
{
    /// <summary>
    /// As <see cref="NextFrame"/>, for a carrier that takes several writes in one call: all writes until <see cref="SmpNextStatus.Wait"/>
    /// go into one, in this order.
    /// </summary>
    /// <param name="now">Monotonic time, not negative.</param>
    /// <param name="buffer">Takes one write: at least <see cref="SmpSessionOptions.MaxWrite"/> bytes, 128 in serial framing.</param>
    /// <param name="delay">How long after the write before it in the same call this one shall leave; zero for the first one.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpException">The operation has failed, and says so again at each call; the kind and the status say how.</exception>
    /// <exception cref="SmpUsageException">No operation was started, the buffer is too small, or another thread is inside.</exception>
    /// <exception cref="OperationCanceledException">The operation was cancelled.</exception>
    public SmpNext NextWrite(TimeSpan now, Span<byte> buffer, out TimeSpan delay)
    {
        int status = AskWrite(now, buffer, out int length, out delay);
        return status >= 0 ? new SmpNext((SmpNextStatus)status, length) : throw Failure(status, now);
    }

    /// <summary>What the call is to bring that carries the writes since the last <see cref="SmpNextStatus.Wait"/> but one. Ask after the wait.</summary>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public SmpExpected GetExpected()
    {
        using HandleLease lease = handle.Lease();
        uint answers = 0;
        uint wait = 0;
        StatusTable.Check(NativeMethods.smpfota_session_expected(lease.Value, &answers, &wait));
        return new SmpExpected((int)answers, TimeSpan.FromTicks(wait * TimeSpan.TicksPerMillisecond));
    }

    /// <summary>
    /// The call came back, and what it brought was fed: what is unanswered by now will not be answered any more, and the next batch
    /// begins where the device stands. Not to be said of a call whose outcome nobody knows, as after a time-out: the session then
    /// waits until its <see cref="Deadline"/> and asks the device with one frame.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public void ReportCallReturned(TimeSpan now)
    {
        using HandleLease lease = handle.Lease();
        StatusTable.Check(NativeMethods.smpfota_session_call_returned(lease.Value, NativeTime.Now(now)));
    }

    /// <summary>As the public one, with a status instead of an exception; the length is also what a buffer that is too small lacks.</summary>
    internal int AskWrite(TimeSpan now, Span<byte> buffer, out int length, out TimeSpan delay)
    {
        ulong milliseconds = NativeTime.Now(now);
        using HandleLease lease = handle.Lease();
        nuint written = 0;
        uint after = 0;
        int status;
        fixed (byte* start = buffer)
        {
            status = NativeMethods.smpfota_session_next_write(
                lease.Value, milliseconds, start, (nuint)buffer.Length, &written, &after);
        }

        length = checked((int)written);
        delay = TimeSpan.FromTicks(after * TimeSpan.TicksPerMillisecond);
        return status;
    }
}
