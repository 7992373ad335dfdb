using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>Drives an <see cref="ISmpBatchExchange"/>: it tells the gateway what to expect, and the session when a call came back.</summary>
internal sealed class BatchCarrier(ISmpBatchExchange exchange, SmpClientOptions options)
    : CallCarrier<SmpBatchWrite, SmpBatchOutcome>(options)
{
    private SmpExpected expected;
    private bool returned;

    internal override void Prepare(SmpSession session) => expected = session.GetExpected();

    // Of a call whose outcome nobody knows, or that was left behind, the session hears nothing.
    internal override void Conclude(SmpSession session, TimeSpan now)
    {
        if (returned)
        {
            returned = false;
            session.ReportCallReturned(now);
        }
    }

    protected override SmpBatchWrite Gather(ReadOnlyMemory<byte> bytes, TimeSpan delay) => new(bytes, delay);

    // What carries writes is waited for from the last of them on; who only listens does so no longer than the session.
    protected override TimeSpan Patience(TimeSpan? wait) => HasWrites || wait is not { } left || expected.Wait < left ? expected.Wait : left;

    protected override TimeSpan Length(IReadOnlyList<SmpBatchWrite> writes, TimeSpan wait)
    {
        foreach (SmpBatchWrite write in writes)
        {
            wait += write.Delay;
        }

        return wait;
    }

    protected override Task<SmpBatchOutcome> CallAsync(IReadOnlyList<SmpBatchWrite> writes, TimeSpan wait, CancellationToken cancellationToken)
    {
        // Who listens shall bring what is unexpected at once too.
        int answers = wait > TimeSpan.Zero ? Math.Max(1, expected.Answers) : 0;
        return exchange.ExchangeAsync(new SmpBatch(writes, answers, wait), cancellationToken) ?? throw Broken(exchange, "returned no task");
    }

    protected override IReadOnlyList<ReadOnlyMemory<byte>> AnswersOf(SmpBatchOutcome? outcome) =>
        (outcome ?? throw Broken(exchange, "returned no outcome; where nobody knows it returns SmpBatchOutcome.Unknown")).Answers;

    protected override void OnReturned(SmpBatchOutcome outcome) => returned = outcome.IsKnown;
}
