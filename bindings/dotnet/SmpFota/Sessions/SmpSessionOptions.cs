using System;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>
/// What is known of the way to the device. Everything may stay unset: null leaves a value to the library, which learns
/// it from the device or takes its own default.
/// </summary>
/// <remarks>Immutable, and safe to share among sessions. Values are checked when a session is opened.</remarks>
public sealed record SmpSessionOptions
{
    /// <summary>How frames are wrapped. Raw by default.</summary>
    public SmpFramingMode Framing { get; init; }

    /// <summary>The most bytes one write may carry: the ATT MTU - 3 over Bluetooth, or the gateway's own limit. 244 by default.</summary>
    public int? MaxWrite { get; init; }

    /// <summary>The most bytes one SMP frame may hold. Learnt from the device by default.</summary>
    public int? MaxFrame { get; init; }

    /// <summary>The most requests in flight while uploading. By default what the device's buffers and the link bear.</summary>
    public int? Window { get; init; }

    /// <summary>The version of the SMP header.</summary>
    public SmpProtocolVersion Version { get; init; }

    /// <summary>Where sequence numbers start, so that answers meant for an earlier session are told apart. Any number; a fresh one each time is best.</summary>
    public uint? Nonce { get; init; }

    /// <summary>A first guess of the time there and back; measured from then on.</summary>
    public TimeSpan? RoundTripHint { get; init; }

    /// <summary>How long to wait at least for the answer to the first packet, during which a device may erase its slot. 40 s by default.</summary>
    public TimeSpan? FirstTimeout { get; init; }

    /// <summary>How long to wait at least for the answer to the last packet, during which a device may hash the image. 20 s by default.</summary>
    public TimeSpan? LastTimeout { get; init; }

    /// <summary>How long to wait at least for any other answer.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>How often a request is repeated before the device counts as silent.</summary>
    public int? Retries { get; init; }

    /// <summary>How long an upload may go without moving on.</summary>
    public TimeSpan? StallTimeout { get; init; }

    /// <summary>The least time between two writes, for carriers that limit their rate. None by default.</summary>
    public TimeSpan? WriteInterval { get; init; }

    /// <summary>Whether the device joins several writes to one frame.</summary>
    public SmpReassembly Reassembly { get; init; }

    internal unsafe smpfota_session_options ToNative()
    {
        smpfota_session_options native;
        StatusTable.Check(NativeMethods.smpfota_session_options_init(&native, (uint)sizeof(smpfota_session_options)));
        native.framing = (uint)Framing;
        native.smp_version = (uint)Version;
        native.reassembly = (uint)Reassembly;
        if (MaxWrite is { } maxWrite) { native.max_write = NativeOption.From(maxWrite, nameof(MaxWrite)); }
        if (MaxFrame is { } maxFrame) { native.max_frame = NativeOption.From(maxFrame, nameof(MaxFrame)); }
        if (Window is { } window) { native.window = NativeOption.From(window, nameof(Window)); }
        if (Nonce is { } nonce) { native.nonce = nonce; }
        if (RoundTripHint is { } hint) { native.rtt_hint_ms = NativeOption.From(hint, nameof(RoundTripHint)); }
        if (FirstTimeout is { } first) { native.first_timeout_ms = NativeOption.From(first, nameof(FirstTimeout)); }
        if (LastTimeout is { } last) { native.last_timeout_ms = NativeOption.From(last, nameof(LastTimeout)); }
        if (Timeout is { } timeout) { native.timeout_ms = NativeOption.From(timeout, nameof(Timeout)); }
        if (Retries is { } retries) { native.retries = NativeOption.From(retries, nameof(Retries)); }
        if (StallTimeout is { } stall) { native.stall_timeout_ms = NativeOption.From(stall, nameof(StallTimeout)); }
        if (WriteInterval is { } interval) { native.write_interval_ms = NativeOption.From(interval, nameof(WriteInterval)); }
        return native;
    }
}
