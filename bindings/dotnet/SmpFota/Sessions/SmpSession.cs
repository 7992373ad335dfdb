using System;
using System.Text;
using System.Text.Json;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>
/// The conversation with one device, without any I/O: it says what to write and takes what was received. Operations run on
/// it one after another: an update, a command, a request. <see cref="SmpClient"/> drives one over a transport.
/// </summary>
/// <remarks>
/// <para>
/// The loop: call <see cref="NextFrame"/> and send what it gives until it says something other than
/// <see cref="SmpNextStatus.Write"/>; then wait for bytes or for <see cref="Deadline"/>; give the bytes to <see cref="Feed"/>;
/// again. Every <c>now</c> is monotonic time since any start the caller likes, the same for all calls on one session;
/// the library counts whole milliseconds. A call more than 30 s after <see cref="Deadline"/> counts as one at it: what the host slept is
/// no evidence against the device.
/// </para>
/// <para>
/// One thread at a time: a second one inside gets an <see cref="SmpUsageException"/> with <see cref="SmpStatus.Busy"/> and has
/// changed nothing; only <see cref="GetProgress"/> and <see cref="Cancel"/> go beside whoever drives. Different sessions never wait for each other. <see cref="Dispose"/> may come from any thread at any
/// time; a call that is inside finishes first. A call that throws <see cref="SmpUsageException"/> has changed nothing.
/// </para>
/// </remarks>
public sealed unsafe partial class SmpSession : IDisposable
{
    // What an idle session holds natively, for the collector's arithmetic only.
    private const long NativeBytes = 1024;

    private readonly SessionHandle handle;

    /// <summary>Opens a session. Nothing is sent before an operation is started.</summary>
    /// <param name="options">What is known of the way to the device; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range; it bears the option's name.</exception>
    /// <exception cref="SmpLibraryException">The native library is missing or of another version.</exception>
    public SmpSession(SmpSessionOptions? options = null)
    {
        smpfota_session_options native = (options ?? new SmpSessionOptions()).ToNative();
        smpfota_error error = NativeError.Create();
        handle = new SessionHandle();
        nuint raw = 0;
        StatusTable.Check(NativeMethods.smpfota_session_open(&native, &raw, &error), error);
        handle.Own(raw);
        handle.Weigh(NativeBytes + (options?.RecordingCapacity ?? 0));
        Record(raw, options);
    }

    private SmpSession(SessionHandle handle) => this.handle = handle;

    private delegate int Starter(nuint session, byte* first, nuint firstLength, byte* second, nuint secondLength, smpfota_error* error);

    /// <summary>When to call <see cref="NextFrame"/> again if nothing arrives before; null while nothing is awaited.</summary>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public TimeSpan? Deadline
    {
        get
        {
            using HandleLease lease = handle.Lease();
            ulong deadline = 0;
            int status = NativeMethods.smpfota_session_deadline(lease.Value, &deadline);
            StatusTable.Check(status);
            return status == (int)SmpStatus.Empty ? null : NativeTime.Point(deadline);
        }
    }

    /// <summary>Opens a session that goes on where a saved one stood, in any process on any machine. The device is asked before anything is written.</summary>
    /// <param name="snapshot">What <see cref="Save()"/> gave.</param>
    /// <param name="image">The image of the saved update; null if the session was not updating.</param>
    /// <param name="options">What is known of the way to the device; null for what the saved session knew.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range; it bears the option's name.</exception>
    /// <exception cref="ObjectDisposedException">The image was disposed.</exception>
    /// <exception cref="SmpSnapshotException">The snapshot is damaged, newer than the library, or belongs to another image.</exception>
    public static SmpSession Restore(ReadOnlySpan<byte> snapshot, FirmwareImage? image, SmpSessionOptions? options = null)
    {
        smpfota_session_options given = options?.ToNative() ?? default;
        smpfota_session_options* native = options is null ? null : &given;
        smpfota_error error = NativeError.Create();
        var restored = new SessionHandle();
        nuint raw = 0;
        int status;
        fixed (byte* start = snapshot)
        {
            if (image is null)
            {
                status = NativeMethods.smpfota_session_restore(start, (nuint)snapshot.Length, 0, native, &raw, &error);
            }
            else
            {
                using HandleLease lease = image.Handle.Lease();
                status = NativeMethods.smpfota_session_restore(start, (nuint)snapshot.Length, lease.Value, native, &raw, &error);
            }
        }

        StatusTable.Check(status, error);
        restored.Own(raw);
        restored.Weigh(NativeBytes + (options?.RecordingCapacity ?? 0));
        Record(raw, options);
        return new SmpSession(restored);
    }

    /// <summary>Starts an update. The session takes its own share of the image.</summary>
    /// <exception cref="ArgumentNullException">There is no image.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range; it bears the option's name.</exception>
    /// <exception cref="ObjectDisposedException">The session or the image was disposed.</exception>
    /// <exception cref="SmpUsageException">An operation is running.</exception>
    public void StartUpdate(FirmwareImage image, UpdateOptions? options = null) => Start(image, options, check: false);

    /// <summary>
    /// Starts a look before an update: the device is asked what an update asks before its first byte, nothing is written, and the
    /// result is what <see cref="StartUpdate"/> with the same options would do with each image. What that would refuse, this refuses too.
    /// </summary>
    /// <exception cref="ArgumentNullException">There is no image.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range; it bears the option's name.</exception>
    /// <exception cref="ObjectDisposedException">The session or the image was disposed.</exception>
    /// <exception cref="SmpUsageException">An operation is running.</exception>
    public void StartCheck(FirmwareImage image, UpdateOptions? options = null) => Start(image, options, check: true);

    /// <summary>Starts one of the library's commands by name.</summary>
    /// <param name="name">Such as <c>echo</c> or <c>image_list</c>; docs/COMMANDS.md has them all.</param>
    /// <param name="argumentsJson">The arguments as a JSON object; null or empty for none.</param>
    /// <exception cref="ArgumentNullException">There is no name.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">An operation is running, the command is unknown, or the arguments do not fit it.</exception>
    public void StartCommand(string name, string? argumentsJson = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        Start(Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(argumentsJson ?? string.Empty), NativeMethods.smpfota_session_start_command);
    }

    /// <summary>Starts writing a file of the device: the command <c>file_upload</c>, with the content as bytes.</summary>
    /// <param name="argumentsJson">A JSON object with <c>name</c> and, where wanted, <c>verify</c>.</param>
    /// <param name="content">1 to 16,777,216 bytes. Copied.</param>
    /// <exception cref="ArgumentNullException">There are no arguments.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">An operation is running, or the arguments do not fit.</exception>
    public void StartUpload(string argumentsJson, ReadOnlySpan<byte> content)
    {
        ArgumentNullException.ThrowIfNull(argumentsJson);
        Start(Encoding.UTF8.GetBytes(argumentsJson), content, NativeMethods.smpfota_session_start_upload);
    }

    /// <summary>
    /// Reads the file that the command <c>file_download</c> brought with the argument <c>"encoding": "raw"</c>, piece by piece. It stays until
    /// the next start.
    /// </summary>
    /// <param name="offset">Where to start, in bytes from the start of the file.</param>
    /// <param name="buffer">Takes as many bytes as there are from there on; not empty.</param>
    /// <returns>How many bytes were written; 0 at the end of the file.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The offset is negative.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">There is no such file (<see cref="SmpStatus.NoOperation"/>), the buffer is empty, or another thread is inside.</exception>
    public int ReadFile(long offset, Span<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        using HandleLease lease = handle.Lease();
        nuint length = 0;
        int status;
        fixed (byte* start = buffer)
        {
            status = NativeMethods.smpfota_session_file_read(lease.Value, (ulong)offset, start, (nuint)buffer.Length, &length);
        }

        StatusTable.Check(status);
        return status == (int)SmpStatus.Empty ? 0 : (int)length;
    }

    /// <summary>Starts any request, also of groups that the library does not know (vendors' groups start at 64).</summary>
    /// <param name="operation">Read or write.</param>
    /// <param name="group">The SMP group.</param>
    /// <param name="command">The command in the group.</param>
    /// <param name="body">The body in CBOR; empty for the empty map. Copied.</param>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">An operation is running, or an argument is outside its range.</exception>
    public void StartRequest(SmpOperation operation, ushort group, byte command, ReadOnlySpan<byte> body) =>
        Start(
            body, default, (session, start, length, _, _, error) =>
                NativeMethods.smpfota_session_start_request(session, (uint)operation, group, command, start, length, error));

    /// <summary>Asks what to do next. Call until it says something other than <see cref="SmpNextStatus.Write"/>.</summary>
    /// <param name="now">Monotonic time, not negative.</param>
    /// <param name="buffer">Takes one write: at least <see cref="SmpSessionOptions.MaxWrite"/> bytes, 128 in serial framing.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpException">The operation has failed, and says so again at each call; the kind and the status say how.</exception>
    /// <exception cref="SmpUsageException">No operation was started, the buffer is too small, or another thread is inside.</exception>
    /// <exception cref="OperationCanceledException">The operation was cancelled.</exception>
    public SmpNext NextFrame(TimeSpan now, Span<byte> buffer)
    {
        int status = AskNext(now, buffer, out int length);
        return status >= 0 ? new SmpNext((SmpNextStatus)status, length) : throw Failure(status, now);
    }

    /// <summary>Takes bytes that arrived from the device: any part of a frame, or several. They are copied. Garbage is counted, not refused.</summary>
    /// <param name="now">Monotonic time, not negative.</param>
    /// <param name="bytes">What arrived, as it arrived.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public void Feed(TimeSpan now, ReadOnlySpan<byte> bytes)
    {
        ulong milliseconds = NativeTime.Now(now);
        using HandleLease lease = handle.Lease();
        fixed (byte* start = bytes)
        {
            StatusTable.Check(NativeMethods.smpfota_session_feed(lease.Value, milliseconds, start, (nuint)bytes.Length));
        }
    }

    /// <summary>Tells the session what happened to the device link.</summary>
    /// <param name="now">Monotonic time, not negative.</param>
    /// <param name="linkEvent">What happened.</param>
    /// <exception cref="ArgumentException">It is no event (<c>default</c>).</exception>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public void ReportLink(TimeSpan now, SmpLinkEvent linkEvent)
    {
        linkEvent.ThrowIfNone(nameof(linkEvent));
        using HandleLease lease = handle.Lease();
        StatusTable.Check(NativeMethods.smpfota_session_link(lease.Value, NativeTime.Now(now), linkEvent.Kind, linkEvent.Value));
    }

    /// <summary>Ends the running operation: the next <see cref="NextFrame"/> throws <see cref="OperationCanceledException"/>. The device is left as it is.</summary>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <remarks>From any thread, also while another drives: neither disturbs the other. It ends this operation and none after it.</remarks>
    /// <exception cref="SmpUsageException">No operation is running, or it was cancelled before.</exception>
    public void Cancel(TimeSpan now)
    {
        using HandleLease lease = handle.Lease();
        StatusTable.Check(NativeMethods.smpfota_session_cancel(lease.Value, NativeTime.Now(now)));
    }

    /// <summary>Stops sending new requests until <see cref="Resume"/>.</summary>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">No operation is running, or another thread is inside.</exception>
    public void Pause(TimeSpan now)
    {
        using HandleLease lease = handle.Lease();
        StatusTable.Check(NativeMethods.smpfota_session_pause(lease.Value, NativeTime.Now(now)));
    }

    /// <summary>Goes on after <see cref="Pause"/>.</summary>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">No operation is running, or another thread is inside.</exception>
    public void Resume(TimeSpan now)
    {
        using HandleLease lease = handle.Lease();
        StatusTable.Check(NativeMethods.smpfota_session_resume(lease.Value, NativeTime.Now(now)));
    }

    /// <summary>Answers <see cref="SmpNextStatus.HealthCheck"/>: true confirms the new image, false leaves it unconfirmed.</summary>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">Nobody asked, or another thread is inside.</exception>
    public void ReportHealth(TimeSpan now, bool healthy)
    {
        using HandleLease lease = handle.Lease();
        StatusTable.Check(NativeMethods.smpfota_session_health(lease.Value, NativeTime.Now(now), healthy ? 1u : 0u));
    }

    /// <summary>Where the operation stands.</summary>
    /// <remarks>From any thread, also while another drives: neither disturbs the other.</remarks>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    public UpdateProgress GetProgress(TimeSpan now)
    {
        using HandleLease lease = handle.Lease();
        return Progress(lease.Value, now);
    }

    /// <summary>The result of the operation that has ended well, as JSON.</summary>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">There is none (<see cref="SmpStatus.NoOperation"/>), or another thread is inside.</exception>
    public string GetResult()
    {
        using HandleLease lease = handle.Lease();
        return NativeText.Read(NativeMethods.smpfota_session_result, lease.Value);
    }

    /// <summary>The result of the update that has ended well.</summary>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">There is none (<see cref="SmpStatus.NoOperation"/>), the operation was no update (<see cref="SmpStatus.WrongState"/>), or another thread is inside.</exception>
    public UpdateResult GetUpdateResult()
    {
        string json = ResultOf("update");
        return UpdateResult.Parse(json, ReadRecordingText());
    }

    /// <summary>The plan that a look before an update (<see cref="StartCheck"/>) has ended with.</summary>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">There is none (<see cref="SmpStatus.NoOperation"/>), the operation was no look (<see cref="SmpStatus.WrongState"/>), or another thread is inside.</exception>
    public UpdatePlan GetUpdatePlan() => UpdatePlan.Parse(ResultOf("check"));

    /// <summary>Takes the oldest entry out of the session's log, which is bounded: who never reads it loses the oldest.</summary>
    /// <param name="happened">The event, or null where there is none.</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public bool TryReadEvent([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out SmpEvent? happened)
    {
        using HandleLease lease = handle.Lease();
        StatusTable.Check(NativeText.TryRead(NativeMethods.smpfota_session_next_event, lease.Value, out string? json));
        happened = json is null ? null : SmpEvent.Parse(json);
        return happened is not null;
    }

    /// <summary>
    /// The session as bytes without pointers, clock values or the image, to go on with <see cref="Restore"/>: at most 512, and the
    /// bytes of a message of the device that has come in part (at most 65,543). What was handed out counts as sent. A single
    /// command is not kept.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public byte[] Save()
    {
        using HandleLease lease = handle.Lease();
        return NativeText.ReadBytes(NativeMethods.smpfota_session_save, lease.Value);
    }

    /// <summary>As <see cref="Save()"/>, into the caller's buffer.</summary>
    /// <returns>The bytes written.</returns>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">The buffer is too small (512 bytes do while no message of the device has come in part), or another
    /// thread is inside.</exception>
    public int Save(Span<byte> buffer)
    {
        using HandleLease lease = handle.Lease();
        nuint length = 0;
        fixed (byte* start = buffer)
        {
            StatusTable.Check(NativeMethods.smpfota_session_save(lease.Value, start, (nuint)buffer.Length, &length));
        }

        return (int)length;
    }

    /// <summary>The whole recording as a file; it stays. Empty unless <see cref="SmpSessionOptions.RecordingCapacity"/> is set.</summary>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public byte[] ReadRecording(SmpRecordingForm form = SmpRecordingForm.Text)
    {
        using HandleLease lease = handle.Lease();
        byte[] file = Array.Empty<byte>();
        while (true)
        {
            nuint length = 0;
            int status;
            fixed (byte* start = file)
            {
                status = NativeMethods.smpfota_session_recording(lease.Value, (uint)form, start, (nuint)file.Length, &length);
            }

            if (status == (int)SmpStatus.WrongState)
            {
                return Array.Empty<byte>();
            }

            // Nothing changes between both calls: one thread at a time.
            if (status != (int)SmpStatus.BufferTooSmall)
            {
                StatusTable.Check(status);
                return file;
            }

            file = new byte[checked((int)length)];
        }
    }

    /// <summary>
    /// Takes the oldest entries out of the recording, as many whole ones as fit: for a caller that writes a file or a log as it goes. What
    /// is taken one after the other, in one form, is the file.
    /// </summary>
    /// <returns>How many bytes were written; 0 when there is nothing to take.</returns>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    /// <exception cref="SmpUsageException">Nothing is recorded, not even one entry fits (140,000 bytes hold any), or another thread is inside.</exception>
    public int DrainRecording(Span<byte> buffer, SmpRecordingForm form = SmpRecordingForm.Text)
    {
        using HandleLease lease = handle.Lease();
        nuint length = 0;
        int status;
        fixed (byte* start = buffer)
        {
            status = NativeMethods.smpfota_session_drain_recording(lease.Value, (uint)form, start, (nuint)buffer.Length, &length);
        }

        StatusTable.Check(status);
        return status == (int)SmpStatus.Empty ? 0 : (int)length;
    }

    /// <summary>Closes the session. A call on another thread that is inside finishes first; later ones throw.</summary>
    public void Dispose() => handle.Dispose();

    /// <summary>As the public one, with a status instead of an exception; the length is also what a buffer that is too small lacks.</summary>
    internal int AskNext(TimeSpan now, Span<byte> buffer, out int length)
    {
        ulong milliseconds = NativeTime.Now(now);
        using HandleLease lease = handle.Lease();
        nuint written = 0;
        int status;
        fixed (byte* start = buffer)
        {
            status = NativeMethods.smpfota_session_next_frame(lease.Value, milliseconds, start, (nuint)buffer.Length, &written);
        }

        length = checked((int)written);
        return status;
    }

    /// <summary>The recording as text; null where none was asked for.</summary>
    internal string? ReadRecordingText()
    {
        byte[] file = ReadRecording();
        return file.Length == 0 ? null : Encoding.UTF8.GetString(file);
    }

    /// <summary>The exception for a status that this session has just given, with the sentence of its failed operation.</summary>
    internal Exception Failure(int status, TimeSpan now)
    {
        using HandleLease lease = handle.Lease();
        smpfota_error error = NativeError.Create();
        _ = NativeMethods.smpfota_session_error(lease.Value, &error);
        Exception exception = StatusTable.ToException(status, error);
        if (exception is SmpException known && error.status == status)
        {
            nuint session = lease.Value;
            int answer = NativeText.TryRead(
                (buffer, capacity, length) => NativeMethods.smpfota_session_failure(session, buffer, capacity, length), out string? json);
            if (answer == (int)SmpStatus.Ok)
            {
                known.Take(json!);
                known.TakeProgress(Progress(session, now));
            }
        }

        return exception;
    }

    private static UpdateProgress Progress(nuint session, TimeSpan now)
    {
        smpfota_progress progress = default;
        progress.struct_size = (uint)sizeof(smpfota_progress);
        StatusTable.Check(NativeMethods.smpfota_session_progress_get(session, NativeTime.Now(now), &progress));
        return new UpdateProgress(progress);
    }

    private static void Record(nuint session, SmpSessionOptions? options)
    {
        if (options?.RecordingCapacity is not { } capacity)
        {
            return;
        }

        smpfota_error error = NativeError.Create();
        uint flags = options.RecordHeadersOnly ? 1u : 0u;
        StatusTable.Check(NativeMethods.smpfota_session_record(session, (nuint)capacity, flags, &error), error);
    }

    private string ResultOf(string operation)
    {
        string json = GetResult();
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.Text("operation") == operation
            ? json
            : throw new SmpUsageException(SmpStatus.WrongState, $"The operation that has ended is no {operation}; GetResult has what it brought.");
    }

    private void Start(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Starter starter)
    {
        smpfota_error error = NativeError.Create();
        using HandleLease lease = handle.Lease();
        fixed (byte* firstStart = first, secondStart = second)
        {
            StatusTable.Check(starter(lease.Value, firstStart, (nuint)first.Length, secondStart, (nuint)second.Length, &error), error);
        }
    }

    private void Start(FirmwareImage image, UpdateOptions? options, bool check)
    {
        ArgumentNullException.ThrowIfNull(image);
        smpfota_update_options native = (options ?? new UpdateOptions()).ToNative();
        smpfota_error error = NativeError.Create();
        using HandleLease session = handle.Lease();
        using HandleLease file = image.Handle.Lease();
        int answer = check
            ? NativeMethods.smpfota_session_start_check(session.Value, file.Value, &native, &error)
            : NativeMethods.smpfota_session_start_update(session.Value, file.Value, &native, &error);
        StatusTable.Check(answer, error);
    }
}
