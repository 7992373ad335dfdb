using System;
using System.Globalization;

namespace SmpFota.Sample;

/// <summary>Shows progress: a bar on a terminal, now and then a line where the output goes to a file.</summary>
internal sealed class ProgressBar : IProgress<UpdateProgress>, IDisposable
{
    private const int Width = 30;
    private readonly bool isTerminal = !Console.IsOutputRedirected;
    private UpdatePhase phase = UpdatePhase.Idle;
    private int tenths = -1;
    private bool isLineOpen;

    public void Report(UpdateProgress value)
    {
        string text = value.Phase == UpdatePhase.Upload ? Upload(value) : Name(value.Phase);
        if (isTerminal)
        {
            if (value.Phase != phase && isLineOpen)
            {
                Console.WriteLine();
            }

            Console.Write($"\r{text,-78}");
            isLineOpen = true;
        }
        else if (value.Phase != phase || (value.Phase == UpdatePhase.Upload && (int)(value.Fraction * 10) != tenths))
        {
            Console.WriteLine(text);
        }

        phase = value.Phase;
        tenths = (int)(value.Fraction * 10);
    }

    public void Dispose()
    {
        if (isLineOpen)
        {
            Console.WriteLine();
        }
    }

    private static string Upload(in UpdateProgress value)
    {
        int full = (int)(value.Fraction * Width);
        string left = value.TimeLeft is { } time ? $"{Math.Ceiling(time.TotalSeconds):0} s left" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"upload  [{new string('#', full)}{new string('.', Width - full)}] {value.BytesAcknowledged}/{value.BytesTotal} bytes  {value.BytesPerSecond / 1000.0:0.0} kB/s  {left}");
    }

    private static string Name(UpdatePhase phase) => phase switch
    {
        UpdatePhase.Discover => "asking the device what it is",
        UpdatePhase.Erase => "erasing the slot",
        UpdatePhase.VerifyUpload => "checking what arrived",
        UpdatePhase.Mark => "marking the image for the next boot",
        UpdatePhase.Reset => "resetting the device",
        UpdatePhase.Swap => "waiting for the bootloader",
        UpdatePhase.VerifyBoot => "checking which image runs",
        UpdatePhase.HealthCheck => "checking the new image",
        UpdatePhase.Confirm => "confirming the new image",
        UpdatePhase.Done => "done",
        _ => phase.ToString(),
    };
}
