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
        SnapshotFile? store = arguments.Snapshot is { } path ? new SnapshotFile(path) : null;
        await using SmpClient client = Open(connection, image, store, out bool isRestored);

        if (!isRestored)
        {
            Print("before", await client.ReadImagesAsync(cancellationToken));
        }

        Console.WriteLine($"image   {image.Info.Version}, {image.Images.Sum(i => (long)i.Size):N0} bytes, to {connection.Name}");
        UpdateResult result;
        using (var bar = new ProgressBar())
        {
            result = isRestored
                ? await client.ContinueUpdateAsync(bar, cancellationToken)
                : await client.UpdateAsync(image, new UpdateOptions { Mode = arguments.Mode }, bar, cancellationToken);
        }

        IReadOnlyList<DeviceImage> after = await client.ReadImagesAsync(cancellationToken);
        Print("after", after);
        Console.WriteLine(Sentence(result, after, image));
    }

    private static SmpClient Open(IConnection connection, FirmwareImage image, SnapshotFile? store, out bool isRestored)
    {
        var services = new SmpClientServices
        {
            TimeProvider = connection.Time,
            SnapshotSink = store is null ? null : store.StoreAsync,
            ObserverFailed = e => Console.Error.WriteLine($"The state was not stored: {e.Message}"),
        };
        isRestored = false;
        if (store?.Load() is { } snapshot)
        {
            try
            {
                SmpClient restored = connection.Restore(snapshot, image, services);
                isRestored = true;
                return restored;
            }
            catch (SmpSnapshotException e)
            {
                // Nothing is lost but time: the device knows what it has.
                Console.Error.WriteLine($"{e.Message} Starting anew.");
            }
        }

        return connection.Connect(services);
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
    private static string Sentence(UpdateResult result, IReadOnlyList<DeviceImage> after, FirmwareImage image)
    {
        if (result.Outcome == UpdateOutcome.Unverified)
        {
            return $"done, not verified: {string.Join(" ", result.Images.Select(i => i.Remark).OfType<string>())}";
        }

        DeviceImage? running = after.FirstOrDefault(i => i.IsActive);
        if (running is null || !running.Hash.Span.SequenceEqual(image.Info.Hash.Span))
        {
            return $"uploaded: {image.Info.Version}, while {running?.Version ?? "?"} runs";
        }

        string state = running.IsConfirmed ? "confirmed" : "on trial until it is confirmed";
        string from = result.Images.Count > 0 ? result.Images[0].From : "?";
        return result.Outcome == UpdateOutcome.AlreadyInstalled
            ? $"already installed: {running.Version}, {state}"
            : $"updated: {from} -> {running.Version}, {state}";
    }
}
