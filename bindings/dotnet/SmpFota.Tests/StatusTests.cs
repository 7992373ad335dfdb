using System;
using System.Collections.Generic;
using System.Linq;
using SmpFota.Interop;
using Xunit;

namespace SmpFota.Tests;

/// <summary>The status table knows every status of the library, by the same number and name.</summary>
public sealed class StatusTests
{
    private static IEnumerable<(int Number, string Name)> Native => Enumerable.Range(-700, 800)
        .Select(number => (Number: number, Name: StatusTable.Name(number)))
        .Where(status => status.Name is not null)
        .Select(status => (status.Number, status.Name!));

    [Fact]
    public void NumbersAndNamesAreEqual()
    {
        Assert.NotEmpty(Native);
        Assert.Equal(
            Native.Select(s => $"{s.Number} {s.Name}").Order(StringComparer.Ordinal),
            Enum.GetValues<SmpStatus>().Select(s => $"{(int)s} {Capitals(s.ToString())}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void EveryErrorHasItsException()
    {
        foreach ((int number, string name) in Native.Where(s => s.Number < 0))
        {
            Exception thrown = Assert.ThrowsAny<Exception>(() => StatusTable.Check(number));
            Assert.Equal(Expected(number, name), thrown.GetType());
            Assert.Equal(StatusTable.Text(number), thrown.Message);
            if (thrown is SmpException smp)
            {
                Assert.Equal(number, (int)smp.Status);
            }
        }
    }

    [Fact]
    public void NormalOutcomesThrowNothing() => Assert.All(Native.Where(s => s.Number >= 0), s => StatusTable.Check(s.Number));

    [Theory]
    [InlineData(-99, typeof(SmpUsageException))]
    [InlineData(-199, typeof(FirmwareImageException))]
    [InlineData(-299, typeof(SmpProtocolException))]
    [InlineData(-399, typeof(SmpDeviceException))]
    [InlineData(-499, typeof(UpdateOutcomeException))]
    [InlineData(-599, typeof(SmpLibraryException))]
    public void NumbersOfANewerLibraryKeepTheirNumberAndRange(int number, Type expected)
    {
        var thrown = (SmpException)Record.Exception(() => StatusTable.Check(number))!;
        Assert.IsType(expected, thrown);
        Assert.Equal(number, (int)thrown.Status);
        Assert.Contains(number.ToString(System.Globalization.CultureInfo.InvariantCulture), thrown.Message);
    }

    private static Type Expected(int number, string name) => name switch
    {
        "CANCELLED" => typeof(OperationCanceledException),
        "SNAPSHOT_DAMAGED" or "SNAPSHOT_VERSION" or "SNAPSHOT_IMAGE" => typeof(SmpSnapshotException),
        "UNAVAILABLE" => typeof(SmpLibraryException),
        _ => (-number / 100) switch
        {
            0 => typeof(SmpUsageException),
            1 => typeof(FirmwareImageException),
            2 => typeof(SmpProtocolException),
            3 => typeof(SmpDeviceException),
            4 => typeof(UpdateOutcomeException),
            _ => typeof(SmpLibraryException),
        },
    };

    private static string Capitals(string name) =>
        string.Concat(name.Select((c, i) => i > 0 && char.IsUpper(c) ? $"_{c}" : char.ToUpperInvariant(c).ToString()));
}
