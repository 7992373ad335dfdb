using System;
using System.Collections.Generic;

namespace SmpFota;

/// <summary>What became of a call of an <see cref="ISmpBatchExchange"/>.</summary>
/// <remarks>Immutable but for the bytes, which the client reads until its operation ends or the next call.</remarks>
public sealed class SmpBatchOutcome
{
    private SmpBatchOutcome(bool isKnown, IReadOnlyList<ReadOnlyMemory<byte>> answers)
    {
        IsKnown = isKnown;
        Answers = answers;
    }

    /// <summary>Nobody knows whether the writes were made, or will still be made: a time-out, a lost connection.</summary>
    public static SmpBatchOutcome Unknown { get; } = new(false, []);

    /// <summary>Whether the call came back: what it did not bring is taken for lost.</summary>
    public bool IsKnown { get; }

    /// <summary>What the gateway has heard of the device, in the order of its arrival.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Answers { get; }

    /// <summary>The call came back: the writes were made, and the gateway has listened as it was asked to.</summary>
    /// <param name="answers">
    /// The messages of the device (notifications) since the last call, in the order of their arrival; none if nothing came.
    /// </param>
    /// <exception cref="ArgumentNullException">There is no list.</exception>
    public static SmpBatchOutcome Returned(IReadOnlyList<ReadOnlyMemory<byte>> answers)
    {
        ArgumentNullException.ThrowIfNull(answers);
        return new SmpBatchOutcome(true, answers);
    }
}
