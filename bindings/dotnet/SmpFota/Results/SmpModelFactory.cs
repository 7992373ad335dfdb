using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Linq;

namespace SmpFota;

/// <summary>
/// Makes what the library only gives, for the tests of a program that takes it; what is left out is empty, zero or null. The other results
/// are records that can be made as they are.
/// </summary>
public static class SmpModelFactory
{
    /// <summary>How an update ended well.</summary>
    /// <param name="outcome">The end.</param>
    /// <param name="images">What was done to each image of the file.</param>
    /// <param name="before">The device's image list before anything was done.</param>
    /// <param name="after">The device's image list when it was last asked.</param>
    /// <param name="uploadedBytes">The bytes that the device took of what this update sent, over all processes that it ran in; not what the device had before.</param>
    /// <param name="uploadTime">How long the upload took, over all processes.</param>
    /// <param name="swapTime">From the reset until the device answered again.</param>
    /// <param name="duration">How long it all took.</param>
    /// <param name="bootMode">How the device's bootloader works, as far as the device told.</param>
    /// <param name="counts">What the update took: frames, bytes, round trips, time by phase.</param>
    /// <param name="recording">The session's recording as text, where <see cref="SmpSessionOptions.RecordingCapacity"/> asked for one; else null. It holds what went over the link.</param>
    /// <param name="json">Everything that the library tells of the update, as JSON.</param>
    public static UpdateResult UpdateResult(
        UpdateOutcome outcome = default,
        IReadOnlyList<UpdatedImage>? images = null,
        IReadOnlyList<DeviceImage>? before = null,
        IReadOnlyList<DeviceImage>? after = null,
        long uploadedBytes = default,
        TimeSpan uploadTime = default,
        TimeSpan swapTime = default,
        TimeSpan duration = default,
        DeviceImageKind bootMode = default,
        SmpCounts? counts = null,
        string? recording = null,
        string? json = null) =>
        new()
        {
            Outcome = outcome,
            Images = ReadOnly(images),
            Before = ReadOnly(before),
            After = ReadOnly(after),
            UploadedBytes = uploadedBytes,
            UploadTime = uploadTime,
            SwapTime = swapTime,
            Duration = duration,
            BootMode = bootMode,
            Counts = counts,
            Recording = recording,
            Json = json ?? "{}",
        };

    /// <summary>What an update would do.</summary>
    /// <param name="images">What would be done with each image of the file.</param>
    /// <param name="before">The device's image list; empty where it gives none.</param>
    /// <param name="duration">How long the look took.</param>
    /// <param name="bootMode">How the device's bootloader works, as far as that is known.</param>
    /// <param name="counts">What the look took: frames, bytes, round trips, time by phase.</param>
    /// <param name="json">The plan as the library tells it, as JSON.</param>
    public static UpdatePlan UpdatePlan(
        IReadOnlyList<PlannedImage>? images = null,
        IReadOnlyList<DeviceImage>? before = null,
        TimeSpan duration = default,
        DeviceImageKind bootMode = default,
        SmpCounts? counts = null,
        string? json = null) =>
        new()
        {
            Images = ReadOnly(images),
            Before = ReadOnly(before),
            Duration = duration,
            BootMode = bootMode,
            Counts = counts,
            Json = json ?? "{}",
        };

    /// <summary>What an operation took.</summary>
    /// <param name="framesSent">Frames sent, repetitions included.</param>
    /// <param name="framesAnswered">Answers to them that counted or would have, had they not come late.</param>
    /// <param name="retransmissions">Frames sent again because an answer was missing or the device asked for the same offset.</param>
    /// <param name="duplicates">Answers that had come before.</param>
    /// <param name="late">Answers to a request that was already given up or covered by a later answer.</param>
    /// <param name="foreign">Frames that answer no request of this session.</param>
    /// <param name="undecodable">Bytes or frames that are not SMP, or whose body is not what it must be.</param>
    /// <param name="bytesSent">Bytes of the frames that were sent, headers included and framing aside.</param>
    /// <param name="bytesReceived">Bytes that came from the device.</param>
    /// <param name="restarts">How often an upload started over.</param>
    /// <param name="linkResets">How often the session asked for a new link.</param>
    /// <param name="roundTripMedian">The median round trip, to within a fifth; null where none was measured.</param>
    /// <param name="roundTripP95">The round trip that 95 of 100 do not exceed; null where none was measured.</param>
    /// <param name="phases">How long each phase lasted that was entered.</param>
    public static SmpCounts SmpCounts(
        long framesSent = default,
        long framesAnswered = default,
        long retransmissions = default,
        long duplicates = default,
        long late = default,
        long foreign = default,
        long undecodable = default,
        long bytesSent = default,
        long bytesReceived = default,
        long restarts = default,
        long linkResets = default,
        TimeSpan? roundTripMedian = null,
        TimeSpan? roundTripP95 = null,
        IReadOnlyDictionary<UpdatePhase, TimeSpan>? phases = null) =>
        new()
        {
            FramesSent = framesSent,
            FramesAnswered = framesAnswered,
            Retransmissions = retransmissions,
            Duplicates = duplicates,
            Late = late,
            Foreign = foreign,
            Undecodable = undecodable,
            BytesSent = bytesSent,
            BytesReceived = bytesReceived,
            Restarts = restarts,
            LinkResets = linkResets,
            RoundTripMedian = roundTripMedian,
            RoundTripP95 = roundTripP95,
            Phases = ReadOnly(phases),
        };

    /// <summary>What one image of a file says about itself.</summary>
    /// <param name="imageNumber">Which image of the device it is for: 0 on a device with one image.</param>
    /// <param name="size">The size that is uploaded, in bytes.</param>
    /// <param name="headerSize">The size of the MCUboot header, in bytes.</param>
    /// <param name="flags">The flags of the MCUboot header.</param>
    /// <param name="version">The version in the MCUboot header.</param>
    /// <param name="hashBits">The kind of the hash: 256, 384 or 512 bits of the SHA-2 family.</param>
    /// <param name="hash">The hash by which the device lists the image: the hash TLV, 32, 48 or 64 bytes.</param>
    /// <param name="fileSha256">SHA-256 of the file as it is uploaded, 32 bytes. Not what the device lists.</param>
    /// <param name="signatureKind">How it is signed.</param>
    /// <param name="dependencyCount">How many other images it says it depends on.</param>
    /// <param name="isEncrypted">Whether the payload is encrypted.</param>
    /// <param name="isCompressed">Whether the payload is compressed.</param>
    /// <param name="isPadded">Whether the file is padded to the size of the slot.</param>
    /// <param name="isFromPackage">Whether the image came out of a package such as <c>dfu_application.zip</c>.</param>
    /// <param name="slot">The slot it was built for (direct XIP), or null where it fits any.</param>
    public static FirmwareImageInfo FirmwareImageInfo(
        int imageNumber = default,
        int size = default,
        int headerSize = default,
        uint flags = default,
        ImageVersion version = default,
        int hashBits = default,
        ReadOnlyMemory<byte> hash = default,
        ReadOnlyMemory<byte> fileSha256 = default,
        SignatureKind signatureKind = default,
        int dependencyCount = default,
        bool isEncrypted = default,
        bool isCompressed = default,
        bool isPadded = default,
        bool isFromPackage = default,
        int? slot = null) =>
        new()
        {
            ImageNumber = imageNumber,
            Size = size,
            HeaderSize = headerSize,
            Flags = flags,
            Version = version,
            HashBits = hashBits,
            Hash = hash,
            FileSha256 = fileSha256,
            SignatureKind = signatureKind,
            DependencyCount = dependencyCount,
            IsEncrypted = isEncrypted,
            IsCompressed = isCompressed,
            IsPadded = isPadded,
            IsFromPackage = isFromPackage,
            Slot = slot,
        };

    /// <summary>What shows a finding.</summary>
    /// <param name="finding">What it shows.</param>
    /// <param name="count">How often it was seen. Without a recording it is what the session counted.</param>
    /// <param name="frames">The first few frames that show it, by their numbers from 1 in the trace or recording; none without one.</param>
    /// <param name="since">When it was seen first, on the clock of the trace or the session; null where that is not known.</param>
    public static SmpEvidence SmpEvidence(
        SmpFinding finding = default,
        long count = default,
        IReadOnlyList<long>? frames = null,
        TimeSpan? since = null) =>
        new()
        {
            Finding = finding,
            Count = count,
            Frames = ReadOnly(frames),
            Since = since,
        };

    /// <summary>What a trace was judged to show.</summary>
    /// <param name="cause">The name of the cause in capitals, such as <c>FIRST_FRAME_ONLY</c>; <c>NOTHING_WRONG</c> and <c>NO_SMP</c> among them.</param>
    /// <param name="finding">The cause by its number.</param>
    /// <param name="evidence">The frames that show the cause.</param>
    /// <param name="certainty"><c>certain</c>, <c>likely</c> or <c>possible</c>.</param>
    /// <param name="summary">What happened, in a sentence.</param>
    /// <param name="nextStep">What to do about it.</param>
    /// <param name="points">What else the frames show, a sentence each.</param>
    /// <param name="undecided">What the trace cannot decide, and what it lacks for that.</param>
    /// <param name="json">The whole verdict: evidence, other causes, what was ruled out, phases and figures too.</param>
    public static SmpTraceVerdict SmpTraceVerdict(
        string? cause = null,
        SmpFinding finding = default,
        SmpEvidence? evidence = null,
        string? certainty = null,
        string? summary = null,
        string? nextStep = null,
        IReadOnlyList<string>? points = null,
        IReadOnlyList<string>? undecided = null,
        string? json = null) =>
        new()
        {
            Cause = cause ?? string.Empty,
            Finding = finding,
            Evidence = evidence ?? new SmpEvidence(),
            Certainty = certainty ?? string.Empty,
            Summary = summary ?? string.Empty,
            NextStep = nextStep ?? string.Empty,
            Points = ReadOnly(points),
            Undecided = ReadOnly(undecided),
            Json = json ?? "{}",
        };

    private static ReadOnlyCollection<T> ReadOnly<T>(IReadOnlyList<T>? items) => (items ?? []).ToList().AsReadOnly();

    private static ReadOnlyDictionary<UpdatePhase, TimeSpan> ReadOnly(IReadOnlyDictionary<UpdatePhase, TimeSpan>? items) =>
        new((items ?? new Dictionary<UpdatePhase, TimeSpan>()).ToDictionary(item => item.Key, item => item.Value));
}
