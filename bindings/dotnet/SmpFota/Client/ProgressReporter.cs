using System;

namespace SmpFota;

/// <summary>Passes on progress that has changed: a new phase at once, bytes only every so often.</summary>
internal sealed class ProgressReporter(IProgress<UpdateProgress>? progress, SmpClientOptions options, SmpClientServices services)
{
    private readonly Action<UpdateProgress>? report = progress is null ? null : progress.Report;
    private UpdateProgress reported;
    private long reportedAt;
    private bool any;

    internal bool IsWanted => report is not null;

    internal void Report(in UpdateProgress current, bool last)
    {
        if (report is null || (any && current == reported))
        {
            return;
        }

        bool due = last || !any || current.Phase != reported.Phase || current.ImageIndex != reported.ImageIndex
            || (current.BytesAcknowledged != reported.BytesAcknowledged
                && services.TimeProvider.GetElapsedTime(reportedAt) >= options.ProgressInterval);
        if (due)
        {
            any = true;
            reported = current;
            reportedAt = services.TimeProvider.GetTimestamp();
            services.Tell(report, current);
        }
    }
}
