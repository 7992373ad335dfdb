using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Xunit;

namespace SmpFota.Tests.Support;

/// <summary>The sample as a process of its own, run by the host that runs the tests.</summary>
internal static class SampleProcess
{
    private static string Assembly => Path.Combine(
        Path.GetDirectoryName(typeof(SampleProcess).Assembly.Location)!, "SmpFota.Sample.dll");

    internal static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [Assembly, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }

    internal static async Task<(int ExitCode, List<string> Output, string Error)> RunAsync(params string[] arguments)
    {
        using Process process = Start(arguments);
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).ToList(), await error);
    }

    /// <summary>A fact that needs the sample beside the tests, where the build of the repository puts it.</summary>
    internal sealed class SampleFactAttribute : FactAttribute
    {
        public SampleFactAttribute()
        {
            if (!File.Exists(Assembly) || Path.GetFileNameWithoutExtension(Environment.ProcessPath) != "dotnet")
            {
                Skip = $"there is no sample beside the tests, or no dotnet host to run it: {Assembly}";
            }
        }
    }
}
