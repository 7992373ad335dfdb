using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Xunit;
using Xunit.Abstractions;

namespace SmpFota.Tests;

/// <summary>While these run, nothing else does: what is allocated is theirs.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    internal const string Name = "alone";
}

/// <summary>Files pass as bytes: what a transfer allocates hardly grows with them.</summary>
[Collection(AloneCollection.Name)]
public sealed class FileAllocationTests(ITestOutputHelper output)
{
    private const int Size = 512 * 1024;
    private const long Most = 1_200_000;

    [Fact]
    public async Task AFileOfHalfAMegabyteAllocatesLittleBeyondItself()
    {
        byte[] content = new byte[Size];
        new Random(1).NextBytes(content);
        await MeasureAsync(content); // everything is compiled
        long[] beyond = await MeasureAsync(content);
        output.WriteLine($"beyond the file's own bytes: up {beyond[0]}, down {beyond[1]}, up from a stream {beyond[2]}, down to a stream {beyond[3]}");
        Assert.All(beyond, bytes => Assert.True(bytes <= Most, string.Join(", ", beyond)));
    }

    // Up from memory, down to memory, up from a stream, down to a stream: what each allocated beyond what it returned.
    private static async Task<long[]> MeasureAsync(byte[] content)
    {
        using var carrier = new AllocationBench.CountingExchange();
        var options = new SmpClientOptions { Session = new SmpSessionOptions { Nonce = 1 } };
        await using var client = new SmpClient(carrier, options, new SmpClientServices { TimeProvider = carrier.Time });
        using var source = new MemoryStream(content);
        using var destination = new MemoryStream(Size);
        byte[] back = [];
        long[] allocated =
        [
            await AllocatedAsync(carrier, () => client.UploadFileAsync("/lfs1/a", content)),
            await AllocatedAsync(carrier, async () => back = await client.DownloadFileAsync("/lfs1/a")) - Size,
            await AllocatedAsync(carrier, () => client.UploadFileFromAsync("/lfs1/b", source)),
            await AllocatedAsync(carrier, () => client.DownloadFileToAsync("/lfs1/b", destination)),
        ];
        Assert.Equal(content, back);
        Assert.Equal(content, destination.ToArray());
        return allocated;
    }

    private static async Task<long> AllocatedAsync(AllocationBench.CountingExchange carrier, Func<Task> work)
    {
        long own = carrier.OwnBytes;
        long before = GC.GetTotalAllocatedBytes(precise: true);
        await work();
        return GC.GetTotalAllocatedBytes(precise: true) - before - (carrier.OwnBytes - own);
    }
}
