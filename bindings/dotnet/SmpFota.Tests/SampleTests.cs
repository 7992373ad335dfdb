using System.Collections.Generic;
using System.IO;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>The sample does what its help says, and says in a sentence and an exit code where it does not.</summary>
public sealed class SampleTests
{
    [SampleProcess.SampleFact]
    public async Task WithoutOptionsItUpdatesTheVirtualDevice()
    {
        (int code, List<string> output, string error) = await SampleProcess.RunAsync();
        Assert.Equal("", error);
        Assert.Equal(0, code);
        Assert.Equal("updated: 1.0.0 -> 1.1.0, confirmed", output[^1]);
        Assert.Contains(output, line => line.StartsWith("before", System.StringComparison.Ordinal) && line.Contains("1.0.0"));
        Assert.Contains(output, line => line.StartsWith("after", System.StringComparison.Ordinal) && line.Contains("active, confirmed"));
        Assert.Contains(output, line => line.Contains("kB/s") && line.Contains("s left"));
    }

    [SampleProcess.SampleFact]
    public async Task TheVirtualGatewayTakesDirectMethods()
    {
        (int code, List<string> output, string error) = await SampleProcess.RunAsync("--link", "iothub-method", "--fault", "seed-thread", "--seed", "3");
        Assert.Equal("", error);
        Assert.Equal(0, code);
        Assert.Equal("updated: 1.0.0 -> 1.1.0, confirmed", output[^1]);
    }

    [SampleProcess.SampleFact]
    public async Task ModesAndFilesAreTaken()
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, Images.Bytes("2.3.4", 9000));
            Assert.Equal("updated: 1.0.0 -> 2.3.4, confirmed", (await SampleProcess.RunAsync("--image", file, "--link", "none")).Output[^1]);
            Assert.Equal(
                "updated: 1.0.0 -> 2.3.4, on trial until it is confirmed",
                (await SampleProcess.RunAsync("--image", file, "--link", "none", "--mode", "test")).Output[^1]);
            Assert.Equal(
                "uploaded: 2.3.4, while 1.0.0 runs",
                (await SampleProcess.RunAsync("--image", file, "--link", "none", "--mode", "upload")).Output[^1]);

            File.WriteAllText(file, "this is no image");
            (int code, _, string error) = await SampleProcess.RunAsync("--image", file);
            Assert.Equal(1, code);
            Assert.NotEmpty(error);
            Assert.DoesNotContain("   at ", error);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [SampleProcess.SampleFact]
    public async Task AUdpDeviceIsUpdated()
    {
        using var device = new UdpDevice(new VirtualDeviceOptions { MaxWrite = 1232 });
        (int code, List<string> output, string error) = await SampleProcess.RunAsync("--udp", device.Address);
        Assert.Equal("", error);
        Assert.Equal(0, code);
        Assert.Equal("updated: 1.0.0 -> 1.1.0, confirmed", output[^1]);
        Assert.Null(device.Failure);
    }

    [SampleProcess.SampleFact]
    public async Task HelpNamesEveryOption()
    {
        (int code, List<string> output, string error) = await SampleProcess.RunAsync("--help");
        Assert.Equal(0, code);
        Assert.Equal("", error);
        string help = string.Concat(output);
        Assert.All(
            new[] { "--image", "--mode", "--udp", "--link", "--fault", "--seed", "--snapshot", "--iothub", "--help" },
            option => Assert.Contains(option, help));
        Assert.All(VirtualDevice.LinkNames, link => Assert.Contains(link, help));
    }

    [SampleProcess.SampleFact]
    public async Task WrongOptionsAreNamed()
    {
        foreach (string[] arguments in new string[][]
        {
            ["--nonsense"], ["--seed"], ["--seed", "-1"], ["--seed", "x"], ["--udp", "nowhere"], ["--udp", "host:0"], ["--mode", "x"],
            ["--link", "x"], ["--fault", "x"], ["--udp", "a:1", "--link", "none"],
        })
        {
            (int code, List<string> output, string error) = await SampleProcess.RunAsync(arguments);
            Assert.True(code == 2, $"{string.Join(' ', arguments)}: {code} {error}");
            Assert.Empty(output);
            Assert.Contains("Try --help.", error);
            Assert.Single(error.Split('\n', System.StringSplitOptions.RemoveEmptyEntries));
        }
    }
}
