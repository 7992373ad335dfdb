using System;

namespace SmpFota;

/// <summary>Passes on progress that has changed: a new phase at once, bytes only every so often.</summary>
internal sealed class ProgressReporter(IProgress<UpdateProgress>? progress, SmpClientOptions options)
{
    private UpdateProgress reported;
    private long reportedAt;
    private bool any;

    internal void Report(in UpdateProgress current, bool last)
    {
        if (progress is null || (any && current == reported))
        {
            return;
        }

        bool due = last || !any || current.Phase != reported.Phase || current.ImageIndex != reported.ImageIndex
            || (current.BytesAcknowledged != reported.BytesAcknowledged
                && options.TimeProvider.GetElapsedTime(reportedAt) >= options.ProgressInterval);
        if (due)
        {
            any = true;
            reported = current;
            reportedAt = options.TimeProvider.GetTimestamp();
            progress.Report(current);
        }
    }
}
