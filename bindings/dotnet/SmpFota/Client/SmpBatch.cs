using System;
using System.Collections.Generic;

namespace SmpFota;

/// <summary>What one call of an <see cref="ISmpBatchExchange"/> carries, and when its gateway comes back.</summary>
/// <remarks>Immutable but for the bytes, which are the client's again once the call has completed.</remarks>
public sealed class SmpBatch
{
    /// <summary>Makes one, as the client does; for the tests of a carrier.</summary>
    /// <param name="writes">The writes.</param>
    /// <param name="expectedAnswers">How many messages of the device end the wait. Not negative.</param>
    /// <param name="wait">How long to listen behind the last write. Not negative.</param>
    /// <exception cref="ArgumentNullException">There are no writes (none is an empty list).</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    public SmpBatch(IReadOnlyList<SmpBatchWrite> writes, int expectedAnswers, TimeSpan wait)
    {
        ArgumentNullException.ThrowIfNull(writes);
        ArgumentOutOfRangeException.ThrowIfNegative(expectedAnswers);
        ArgumentOutOfRangeException.ThrowIfLessThan(wait, TimeSpan.Zero);
        Writes = writes;
        ExpectedAnswers = expectedAnswers;
        Wait = wait;
    }

    /// <summary>The writes, in the order in which the device shall get them; none to only listen.</summary>
    public IReadOnlyList<SmpBatchWrite> Writes { get; }

    /// <summary>The gateway comes back as soon as it has made all writes and heard so many messages of the device (notifications).</summary>
    public int ExpectedAnswers { get; }

    /// <summary>At the latest it comes back so long after its last write; without writes, so long after it began.</summary>
    public TimeSpan Wait { get; }
}
