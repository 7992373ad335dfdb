using System;

namespace SmpFota;

/// <summary>What a <see cref="SmpClientServices.SnapshotSink"/> is given: an update that can be gone on with, or that one has ended.</summary>
/// <param name="Bytes">The session, for <see cref="SmpClient.Restore"/>; empty where the update has ended. May be kept.</param>
/// <param name="Phase">Where the update stands.</param>
/// <param name="HasEnded">
/// Whether the update has ended, well or not: there is nothing to go on with, and what was stored of it is to be deleted. False in the last call
/// for an update that was cut short (cancelled, disposed, left by its carrier), which another process may go on with.
/// </param>
public sealed record SmpSnapshot(ReadOnlyMemory<byte> Bytes, UpdatePhase Phase, bool HasEnded);
