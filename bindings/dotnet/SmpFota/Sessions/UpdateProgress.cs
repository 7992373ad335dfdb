using System;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>Where an update stands. Bytes count over all images of the update and only what the device has acknowledged.</summary>
public readonly record struct UpdateProgress
{
    internal UpdateProgress(in smpfota_progress native)
    {
        Phase = (UpdatePhase)native.phase;
        BytesAcknowledged = checked((long)native.bytes_acknowledged);
        BytesTotal = checked((long)native.bytes_total);
        ImageIndex = (int)native.image_index;
        ImageCount = (int)native.image_count;
        BytesPerSecond = native.bytes_per_second;
        TimeLeft = NativeTime.Length(native.eta_ms);
        RoundTripTime = NativeTime.Length(native.rtt_ms) ?? TimeSpan.Zero;
        Window = (int)native.window;
        FrameSize = (int)native.frame;
        Retransmissions = native.retransmissions;
        IgnoredFrames = native.ignored;
        LinkResets = native.link_resets;
    }

    /// <summary>What is being done.</summary>
    public UpdatePhase Phase { get; init; }

    /// <summary>
    /// The bytes of all images that the device has, by its own word. After a restore it is the last word before; it stays where it is when the
    /// operation is cancelled or fails, and falls only where the device says that it has less.
    /// </summary>
    public long BytesAcknowledged { get; init; }

    /// <summary>The bytes of all images together; 0 while that is not known.</summary>
    public long BytesTotal { get; init; }

    /// <summary>The image that is being worked on, counted from 0.</summary>
    public int ImageIndex { get; init; }

    /// <summary>How many images the update has.</summary>
    public int ImageCount { get; init; }

    /// <summary>
    /// The rate of the upload in bytes per second: what this process sent of the current image and the device took; between uploads and after
    /// them, of all that this process uploaded. What the device had before does not count. 0 where this process has uploaded nothing.
    /// </summary>
    public long BytesPerSecond { get; init; }

    /// <summary>How long the upload will still take, or null while that is not known.</summary>
    public TimeSpan? TimeLeft { get; init; }

    /// <summary>The measured time there and back.</summary>
    public TimeSpan RoundTripTime { get; init; }

    /// <summary>How many requests may be in flight now.</summary>
    public int Window { get; init; }

    /// <summary>The most bytes one SMP frame may hold.</summary>
    public int FrameSize { get; init; }

    /// <summary>How many requests were sent again since the session opened, over all its processes.</summary>
    public long Retransmissions { get; init; }

    /// <summary>How many incoming frames were late, duplicate, foreign or undecodable, over all processes as well.</summary>
    public long IgnoredFrames { get; init; }

    /// <summary>How often a reset of the link was asked for, over all processes as well.</summary>
    public long LinkResets { get; init; }

    /// <summary>The acknowledged part, 0 to 1.</summary>
    public double Fraction => BytesTotal > 0 ? Math.Clamp((double)BytesAcknowledged / BytesTotal, 0, 1) : 0;
}
