using System;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>
/// What is known of the way to the device. Everything may stay unset: null leaves a value to the library, which learns
/// it from the device or takes its own default.
/// </summary>
/// <remarks>
/// Can be bound from configuration. A session or client takes a copy and checks it at once: a later change has no effect on it, and a
/// value outside its range is an <see cref="ArgumentOutOfRangeException"/> with the option's name.
/// </remarks>
public sealed record SmpSessionOptions
{
    /// <summary>How frames are wrapped. Raw by default.</summary>
    public SmpFramingMode Framing { get; set; }

    /// <summary>The most bytes one write may carry: the ATT MTU - 3 over Bluetooth, or the gateway's own limit. 20 to 65,535; 244 by default.</summary>
    public int? MaxWrite { get; set; }

    /// <summary>The most bytes one SMP frame may hold. 32 to 65,535; learnt from the device by default.</summary>
    public int? MaxFrame { get; set; }

    /// <summary>The most requests in flight while uploading. 1 to 16; by default what the device's buffers and the link bear.</summary>
    public int? Window { get; set; }

    /// <summary>The version of the SMP header. Auto by default: the newer one first, then what the device answers.</summary>
    public SmpProtocolVersion Version { get; set; }

    /// <summary>Where sequence numbers start, so that answers meant for an earlier session are told apart. Any number; a fresh one each time is best. By default 0 in a session, a random one in a client.</summary>
    public uint? Nonce { get; set; }

    /// <summary>A first guess of the time there and back; measured from then on. 1 s by default, at most 10 minutes.</summary>
    public TimeSpan? RoundTripHint { get; set; }

    /// <summary>How long to wait at least for the answer to the first packet, during which a device may erase its slot. 40 s by default.</summary>
    public TimeSpan? FirstTimeout { get; set; }

    /// <summary>How long to wait at least for the answer to the last packet, during which a device may hash the image. 20 s by default.</summary>
    public TimeSpan? LastTimeout { get; set; }

    /// <summary>How long to wait at least for any other answer. 400 ms by default, at most one day.</summary>
    public TimeSpan? Timeout { get; set; }

    /// <summary>How often a request is sent before the device counts as silent. 1 to 100; 6 by default.</summary>
    public int? Retries { get; set; }

    /// <summary>How long an upload may go without moving on. 150 s by default, at most one day.</summary>
    public TimeSpan? StallTimeout { get; set; }

    /// <summary>The least time between two writes, for carriers that limit their rate. None by default.</summary>
    public TimeSpan? WriteInterval { get; set; }

    /// <summary>Whether the device joins several writes to one frame. Auto by default: concluded from what it says of its buffers.</summary>
    public SmpReassembly Reassembly { get; set; }

    /// <summary>
    /// How many bytes of memory a session may take to record the last of what goes out, what comes in and what it decides: 1,024 to
    /// 67,108,864. An exception of a failed operation carries it. Null, the default: nothing is recorded.
    /// </summary>
    public int? RecordingCapacity { get; set; }

    /// <summary>Whether a recording leaves out the content of images and files. False by default.</summary>
    public bool RecordHeadersOnly { get; set; }

    /// <summary>
    /// How many frames of an upload one call carries at most, for a carrier that keeps a time between the writes of a call
    /// (<see cref="ISmpBatchExchange"/>). A batch starts with what the device has buffers for and doubles while calls come back clean.
    /// 0 to 128; null, 0 and 1 are for no batches (default).
    /// </summary>
    public int? BatchFrames { get; set; }

    /// <summary>The most bytes that the writes of one call hold together, before any encoding of the carrier. Not negative; null and 0 are for no limit (default).</summary>
    public int? BatchBytes { get; set; }

    /// <summary>The least time that the gateway keeps by itself between two writes of a call. At most 10 s; none by default.</summary>
    public TimeSpan? BatchGap { get; set; }

    /// <summary>Refuses what the library would refuse, by the name it has here.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It bears the option's name.</exception>
    internal void Check()
    {
        var millisecond = TimeSpan.FromMilliseconds(1);
        var tenMinutes = TimeSpan.FromMinutes(10);
        NativeOption.Named(Framing is SmpFramingMode.Raw or SmpFramingMode.Serial, Framing, nameof(Framing));
        NativeOption.Named(Version is SmpProtocolVersion.Auto or SmpProtocolVersion.V1 or SmpProtocolVersion.V2, Version, nameof(Version));
        NativeOption.Named(Reassembly is SmpReassembly.Auto or SmpReassembly.Yes or SmpReassembly.No, Reassembly, nameof(Reassembly));
        NativeOption.Within(MaxWrite, nameof(MaxWrite), 20, 65_535);
        NativeOption.Within(MaxFrame, nameof(MaxFrame), 32, 65_535);
        NativeOption.Within(Window, nameof(Window), 1, 16);
        NativeOption.Within(RoundTripHint, nameof(RoundTripHint), millisecond, tenMinutes);
        NativeOption.Within(FirstTimeout, nameof(FirstTimeout), millisecond, NativeOption.Day);
        NativeOption.Within(LastTimeout, nameof(LastTimeout), millisecond, NativeOption.Day);
        NativeOption.Within(Timeout, nameof(Timeout), millisecond, NativeOption.Day);
        NativeOption.Within(Retries, nameof(Retries), 1, 100);
        NativeOption.Within(StallTimeout, nameof(StallTimeout), millisecond, NativeOption.Day);
        NativeOption.Within(WriteInterval, nameof(WriteInterval), TimeSpan.Zero, tenMinutes);
        NativeOption.Within(RecordingCapacity, nameof(RecordingCapacity), 1_024, 64 * 1024 * 1024);
        NativeOption.Within(BatchFrames, nameof(BatchFrames), 0, 128);
        NativeOption.Within(BatchBytes, nameof(BatchBytes), 0, int.MaxValue);
        NativeOption.Within(BatchGap, nameof(BatchGap), TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range; it bears the option's name.</exception>
    internal unsafe smpfota_session_options ToNative()
    {
        Check();
        smpfota_session_options native;
        StatusTable.Check(NativeMethods.smpfota_session_options_init(&native, (uint)sizeof(smpfota_session_options)));
        native.framing = (uint)Framing;
        native.smp_version = (uint)Version;
        native.reassembly = (uint)Reassembly;
        if (MaxWrite is { } maxWrite) { native.max_write = (uint)maxWrite; }
        if (MaxFrame is { } maxFrame) { native.max_frame = (uint)maxFrame; }
        if (Window is { } window) { native.window = (uint)window; }
        if (Nonce is { } nonce) { native.nonce = nonce; }
        if (RoundTripHint is { } hint) { native.rtt_hint_ms = NativeOption.From(hint); }
        if (FirstTimeout is { } first) { native.first_timeout_ms = NativeOption.From(first); }
        if (LastTimeout is { } last) { native.last_timeout_ms = NativeOption.From(last); }
        if (Timeout is { } timeout) { native.timeout_ms = NativeOption.From(timeout); }
        if (Retries is { } retries) { native.retries = (uint)retries; }
        if (StallTimeout is { } stall) { native.stall_timeout_ms = NativeOption.From(stall); }
        if (WriteInterval is { } interval) { native.write_interval_ms = NativeOption.From(interval); }
        if (BatchFrames is { } frames) { native.batch_frames = (uint)frames; }
        if (BatchBytes is { } bytes) { native.batch_bytes = (uint)bytes; }
        if (BatchGap is { } gap) { native.batch_gap_ms = NativeOption.From(gap); }
        return native;
    }
}
