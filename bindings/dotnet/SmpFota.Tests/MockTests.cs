using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading;
using System.Threading.Tasks;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>A program that uses the library can be tested without a device and without the library's own work.</summary>
public sealed class MockTests
{
    [Theory]
    [InlineData(typeof(SmpClient))]
    [InlineData(typeof(FirmwareImage))]
    public void EveryMemberOfWhatProgramsHoldIsVirtual(Type type)
    {
        Assert.False(type.IsSealed);
        Assert.Contains(type.GetConstructors(BindingFlags.NonPublic | BindingFlags.Instance), constructor => constructor.IsFamily && constructor.GetParameters().Length == 0);
        IEnumerable<MethodInfo> members = type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly);
        Assert.All(members, method => Assert.True(method.IsVirtual && !method.IsFinal, method.Name));
    }

    [Fact]
    public async Task ARetryPolicyIsTestedWithoutADevice()
    {
        await using var client = new FailingTwice();
        using var image = new NoImage();
        UpdateResult result = await UpdateWithRetriesAsync(client, image);
        Assert.Equal((UpdateOutcome.Updated, 3), (result.Outcome, client.Calls));
        Assert.Equal("1.1.0", result.Images[0].To);
        await using var never = new FailingTwice { Status = SmpStatus.DowngradeRefused };
        await Assert.ThrowsAsync<SmpProtocolException>(() => UpdateWithRetriesAsync(never, image));
        Assert.Equal(1, never.Calls);
        Assert.Throws<InvalidOperationException>(() => { _ = client.EchoAsync("not overridden"); });
    }

    /// <summary>Every result can be made: as a record, or by the factory.</summary>
    [Fact]
    public void EveryResultCanBeMade()
    {
        string[] made = typeof(SmpModelFactory).GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly).Select(method => method.ReturnType.Name).ToArray();
        foreach (MethodInfo method in typeof(SmpModelFactory).GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
        {
            object? empty = method.Invoke(null, method.GetParameters().Select(parameter => parameter.HasDefaultValue && parameter.DefaultValue is { } value ? value : Default(parameter.ParameterType)).ToArray());
            Assert.NotNull(empty);
            Assert.NotNull(empty!.ToString());
            Assert.All(empty.GetType().GetProperties(), property => Assert.Contains(property.Name, method.GetParameters().Select(p => char.ToUpperInvariant(p.Name![0]) + p.Name[1..])));
        }

        IEnumerable<Type> results = typeof(SmpClient).Assembly.GetExportedTypes()
            .Where(type => type.IsClass && !type.IsAbstract && !typeof(IDisposable).IsAssignableFrom(type) && !typeof(Exception).IsAssignableFrom(type));
        Assert.All(results, type => Assert.True(
            type.GetConstructors().Length > 0 || made.Contains(type.Name) || type == typeof(SmpBatchOutcome), $"{type.Name} cannot be made"));
        UpdateResult result = SmpModelFactory.UpdateResult(UpdateOutcome.OnTrial, uploadedBytes: 5, bootMode: DeviceImageKind.Swap);
        Assert.Equal((UpdateOutcome.OnTrial, 5L, DeviceImageKind.Swap, "{}"), (result.Outcome, result.UploadedBytes, result.BootMode, result.Json));
    }

    private static object? Default(Type type) => type.IsValueType ? Activator.CreateInstance(type) : null;

    private static async Task<UpdateResult> UpdateWithRetriesAsync(SmpClient client, FirmwareImage image)
    {
        for (int tries = 1; ; tries++)
        {
            try
            {
                return await client.UpdateAsync(image);
            }
            catch (SmpException e) when (e.IsTransient && tries < 5)
            {
                // Again.
            }
        }
    }

    private sealed class NoImage : FirmwareImage
    {
        public override IReadOnlyList<FirmwareImageInfo> Images { get; } = [SmpModelFactory.FirmwareImageInfo(version: new ImageVersion(1, 1, 0, 0))];
    }

    private sealed class FailingTwice : SmpClient
    {
        internal SmpStatus Status { get; init; } = SmpStatus.LinkLost;

        internal int Calls { get; private set; }

        public override Task<UpdateResult> UpdateAsync(
            FirmwareImage image, UpdateOptions? options = null, IProgress<UpdateProgress>? progress = null, CancellationToken cancellationToken = default) =>
            ++Calls <= 2
                ? throw new SmpProtocolException(Status, "the link is gone") { LeftWith = UpdateLeftWith.OldImageRuns }
                : Task.FromResult(SmpModelFactory.UpdateResult(
                    UpdateOutcome.Updated, [new UpdatedImage { From = "1.0.0", To = image.Info.Version.ToString(), IsConfirmed = true }]));
    }
}
