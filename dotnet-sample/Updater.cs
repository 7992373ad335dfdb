using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota.Sample;

/// <summary>The job itself. This is all that an application needs besides its carrier.</summary>
internal static class Updater
{
    internal static async Task RunAsync(IConnection connection, Arguments arguments, CancellationToken cancellationToken)
    {
        using FirmwareImage image = arguments.Image is { } file ? FirmwareImage.Open(file) : DemoImage();
        await using SmpClient client = connection.Connect();

        IReadOnlyList<DeviceImage> before = await client.ReadImagesAsync(cancellationToken);
        Print("before", before);
        Console.WriteLine($"image   {image.Info.Version}, {image.Images.Sum(i => (long)i.Size):N0} bytes, to {connection.Name}");

        using (var bar = new ProgressBar())
        {
            await client.UpdateAsync(image, new UpdateOptions { Mode = arguments.Mode }, bar, cancellationToken);
        }

        IReadOnlyList<DeviceImage> after = await client.ReadImagesAsync(cancellationToken);
        Print("after", after);
        Console.WriteLine(Sentence(before, after, image));
    }

    // An image of our own, which any virtual device takes.
    private static FirmwareImage DemoImage() => FirmwareImage.Open(VirtualDevice.MakeImage("1.1.0", 64 * 1024, 0));

    private static void Print(string when, IReadOnlyList<DeviceImage> images)
    {
        foreach (DeviceImage image in images)
        {
            string flags = string.Join(", ", new[]
            {
                image.IsActive ? "active" : null, image.IsConfirmed ? "confirmed" : null,
                image.IsPending ? "pending" : null, image.IsPermanent ? "permanent" : null,
            }.OfType<string>());
            string hash = Convert.ToHexString(image.Hash.Span)[..Math.Min(8, image.Hash.Length * 2)].ToLowerInvariant();
            Console.WriteLine($"{when,-7} image {image.Image} slot {image.Slot}: {image.Version,-9} {hash}  {flags}");
        }
    }

    // What the device itself lists decides what is said.
    private static string Sentence(IReadOnlyList<DeviceImage> before, IReadOnlyList<DeviceImage> after, FirmwareImage image)
    {
        string from = before.FirstOrDefault(i => i.IsActive)?.Version ?? "?";
        DeviceImage? running = after.FirstOrDefault(i => i.IsActive);
        if (running is null || !running.Hash.Span.SequenceEqual(image.Info.Hash.Span))
        {
            return $"uploaded: {image.Info.Version}, while {running?.Version ?? "?"} runs";
        }

        string state = running.IsConfirmed ? "confirmed" : "on trial until it is confirmed";
        bool wasThere = before.Any(i => i.IsActive && i.Hash.Span.SequenceEqual(running.Hash.Span));
        return wasThere ? $"already installed: {running.Version}, {state}" : $"updated: {from} -> {running.Version}, {state}";
    }
}
