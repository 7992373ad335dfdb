using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Threading;
using System.Threading.Tasks;
using SmpFota.Interop;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>Options: copied when given, refused at once by name, the same ranges as the library's, and figures only.</summary>
public sealed class OptionTests
{
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    public static TheoryData<string, object[], object[]> SessionEdges => new()
    {
        { nameof(SmpSessionOptions.MaxWrite), [20, 65_535], [-1, 0, 19, 65_536] },
        { nameof(SmpSessionOptions.MaxFrame), [32, 65_535], [-1, 31, 65_536] },
        { nameof(SmpSessionOptions.Window), [1, 16], [-1, 17] },
        { nameof(SmpSessionOptions.RoundTripHint), [Millisecond, TimeSpan.FromMinutes(10)], [TimeSpan.Zero, TimeSpan.FromMinutes(10) + Millisecond, TimeSpan.MinValue] },
        { nameof(SmpSessionOptions.FirstTimeout), [Millisecond, TimeSpan.FromDays(1)], [TimeSpan.Zero, TimeSpan.FromDays(1) + Millisecond, TimeSpan.MaxValue] },
        { nameof(SmpSessionOptions.LastTimeout), [Millisecond, TimeSpan.FromDays(1)], [TimeSpan.Zero, TimeSpan.FromDays(1) + Millisecond] },
        { nameof(SmpSessionOptions.Timeout), [Millisecond, TimeSpan.FromDays(1)], [TimeSpan.Zero, TimeSpan.FromDays(1) + Millisecond] },
        { nameof(SmpSessionOptions.Retries), [1, 100], [-1, 0, 101] },
        { nameof(SmpSessionOptions.StallTimeout), [Millisecond, TimeSpan.FromDays(1)], [TimeSpan.Zero, TimeSpan.FromDays(1) + Millisecond] },
        { nameof(SmpSessionOptions.WriteInterval), [TimeSpan.Zero, TimeSpan.FromMinutes(10)], [-Millisecond, TimeSpan.FromMinutes(10) + Millisecond] },
        { nameof(SmpSessionOptions.BatchFrames), [0, 128], [-1, 129] },
        { nameof(SmpSessionOptions.BatchBytes), [0, int.MaxValue], [-1] },
        { nameof(SmpSessionOptions.BatchGap), [TimeSpan.Zero, TimeSpan.FromSeconds(10)], [-Millisecond, TimeSpan.FromSeconds(10) + Millisecond] },
        { nameof(SmpSessionOptions.Framing), [SmpFramingMode.Raw, SmpFramingMode.Serial], [(SmpFramingMode)2] },
        { nameof(SmpSessionOptions.Version), [SmpProtocolVersion.V2], [(SmpProtocolVersion)3] },
        { nameof(SmpSessionOptions.Reassembly), [SmpReassembly.No], [(SmpReassembly)(-1)] },
    };

    public static TheoryData<string, object[], object[]> UpdateEdges => new()
    {
        { nameof(UpdateOptions.Mode), [UpdateMode.UploadOnly], [(UpdateMode)4] },
        { nameof(UpdateOptions.BootMode), [BootMode.Unknown, BootMode.FirmwareLoader], [(BootMode)(-1), (BootMode)8] },
        { nameof(UpdateOptions.SwapEstimate), [TimeSpan.Zero, TimeSpan.FromMinutes(5)], [-Millisecond, TimeSpan.FromDays(2), TimeSpan.FromMinutes(6)] },
        { nameof(UpdateOptions.SwapTimeout), [Millisecond, TimeSpan.FromDays(1)], [TimeSpan.Zero, TimeSpan.FromDays(1) + Millisecond] },
        { nameof(UpdateOptions.SlotSize), [1, int.MaxValue], [0, -1] },
        { nameof(UpdateOptions.HealthTimeout), [Millisecond, TimeSpan.FromDays(1)], [TimeSpan.Zero, TimeSpan.FromDays(1) + Millisecond] },
        { nameof(UpdateOptions.Deadline), [Millisecond, TimeSpan.FromDays(49)], [TimeSpan.Zero, TimeSpan.FromDays(50)] },
    };

    public static TheoryData<string, object[], object[]> ClientEdges => new()
    {
        { nameof(SmpClientOptions.CarrierKind), [SmpCarrierKind.Transport, SmpCarrierKind.Exchange], [(SmpCarrierKind)(-1), (SmpCarrierKind)4] },
        { nameof(SmpClientOptions.ProgressInterval), [TimeSpan.Zero, TimeSpan.FromDays(1)], [-Millisecond, TimeSpan.FromDays(2)] },
        { nameof(SmpClientOptions.SnapshotInterval), [TimeSpan.Zero, TimeSpan.FromDays(1)], [-Millisecond, TimeSpan.FromDays(2)] },
        { nameof(SmpClientOptions.MaxExchangeWait), [Millisecond, TimeSpan.FromDays(1)], [TimeSpan.Zero, TimeSpan.FromDays(2)] },
        { nameof(SmpClientOptions.EmptyExchangePause), [Millisecond, TimeSpan.FromDays(1)], [TimeSpan.Zero, -Millisecond] },
        { nameof(SmpClientOptions.CarrierTimeout), [Millisecond, TimeSpan.FromDays(1)], [TimeSpan.Zero, TimeSpan.MaxValue] },
    };

    [Theory]
    [MemberData(nameof(SessionEdges))]
    public void SessionOptionsHaveEdges(string name, object[] good, object[] bad)
    {
        using var way = new VirtualLink();
        foreach (object value in good)
        {
            new SmpSession(Set(new SmpSessionOptions(), name, value)).Dispose();
        }

        foreach (object value in bad)
        {
            SmpSessionOptions options = Set(new SmpSessionOptions(), name, value);
            Refused(name, () => new SmpSession(options).Dispose());
            Refused(name, () => new SmpClient(way, new SmpClientOptions { Session = options }).Dispose());
        }
    }

    [Theory]
    [MemberData(nameof(UpdateEdges))]
    public void UpdateOptionsHaveEdges(string name, object[] good, object[] bad)
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        using SmpClient client = way.Duplex();
        foreach (object value in good)
        {
            using var session = new SmpSession();
            session.StartUpdate(image, Set(new UpdateOptions(), name, value));
        }

        foreach (object value in bad)
        {
            using var session = new SmpSession();
            UpdateOptions options = Set(new UpdateOptions(), name, value);
            Refused(name, () => session.StartUpdate(image, options));
            Refused(name, () => { _ = client.UpdateAsync(image, options); });
        }

        Refused(nameof(UpdateOptions.WaitForHealth), () => { _ = client.UpdateAsync(image, new UpdateOptions { WaitForHealth = true, Mode = UpdateMode.TestOnly }); });
        Assert.Equal(0, way.Writes);
    }

    [Theory]
    [MemberData(nameof(ClientEdges))]
    public void ClientOptionsHaveEdges(string name, object[] good, object[] bad)
    {
        using var way = new VirtualLink();
        foreach (object value in good)
        {
            new SmpClient(way, Set(new SmpClientOptions(), name, value)).Dispose();
        }

        foreach (object value in bad)
        {
            Refused(name, () => new SmpClient(way, Set(new SmpClientOptions(), name, value)).Dispose());
        }

        Assert.Throws<ArgumentNullException>(() => new SmpClient(way, null, new SmpClientServices { TimeProvider = null! }));
    }

    /// <summary>The edges are the library's own: it takes what is taken here, and refuses one more.</summary>
    [Fact]
    public void TheLibraryHasTheSameEdges()
    {
        Assert.True(Opens((ref smpfota_session_options o) => o.max_write = 20) && !Opens((ref smpfota_session_options o) => o.max_write = 19));
        Assert.True(Opens((ref smpfota_session_options o) => o.max_frame = 32) && !Opens((ref smpfota_session_options o) => o.max_frame = 31));
        Assert.True(Opens((ref smpfota_session_options o) => o.window = 16) && !Opens((ref smpfota_session_options o) => o.window = 17));
        Assert.True(Opens((ref smpfota_session_options o) => o.retries = 100) && !Opens((ref smpfota_session_options o) => o.retries = 101));
        Assert.True(Opens((ref smpfota_session_options o) => o.rtt_hint_ms = 600_000) && !Opens((ref smpfota_session_options o) => o.rtt_hint_ms = 600_001));
        Assert.True(Opens((ref smpfota_session_options o) => o.timeout_ms = 86_400_000) && !Opens((ref smpfota_session_options o) => o.timeout_ms = 86_400_001));
        Assert.True(Opens((ref smpfota_session_options o) => o.batch_frames = 128) && !Opens((ref smpfota_session_options o) => o.batch_frames = 129));
        Assert.True(Opens((ref smpfota_session_options o) => o.batch_gap_ms = 10_000) && !Opens((ref smpfota_session_options o) => o.batch_gap_ms = 10_001));
        Assert.True(Opens((ref smpfota_session_options o) => o.write_interval_ms = 600_000) && !Opens((ref smpfota_session_options o) => o.write_interval_ms = 600_001));
    }

    /// <summary>Each option reaches the field or the bit that the header names, and no other.</summary>
    [Fact]
    public void UpdateOptionsReachTheirFields()
    {
        uint none = new UpdateOptions().ToNative().flags;
        Assert.Equal(0u, none);
        Assert.Equal(1u, new UpdateOptions { EraseFirst = true }.ToNative().flags);
        Assert.Equal(2u, new UpdateOptions { UpgradeOnly = true }.ToNative().flags);
        Assert.Equal(4u, new UpdateOptions { WaitForHealth = true }.ToNative().flags);
        Assert.Equal(8u, new UpdateOptions { ForceUpload = true }.ToNative().flags);
        Assert.Equal(Constant("UPDATE_ENTER_LOADER"), new UpdateOptions { EnterLoader = true }.ToNative().flags);
        Assert.Equal(Constant("UPDATE_IGNORE_DEPENDENCIES"), new UpdateOptions { IgnoreDependencies = true }.ToNative().flags);
        Assert.Equal(Constant("UPDATE_IGNORE_BOARD"), new UpdateOptions { IgnoreBoard = true }.ToNative().flags);
        Assert.Equal(Constant("UPDATE_IGNORE_SECURITY_COUNTER"), new UpdateOptions { IgnoreSecurityCounter = true }.ToNative().flags);
        Assert.Equal(Constant("UPDATE_IGNORE_VERSION"), new UpdateOptions { IgnoreVersion = true }.ToNative().flags);
        Assert.Equal(Constant("UPDATE_IGNORE_SIZE"), new UpdateOptions { IgnoreSize = true }.ToNative().flags);
        Assert.Equal(Constant("UPDATE_IGNORE_IMAGE_NUMBER"), new UpdateOptions { IgnoreImageNumber = true }.ToNative().flags);
        Assert.Equal(Constant("UPDATE_REQUIRE_WAY_BACK"), new UpdateOptions { RequireWayBack = true }.ToNative().flags);
        Assert.Equal((0u, 7u), (new UpdateOptions().ToNative().security_counter, new UpdateOptions { SecurityCounter = 7 }.ToNative().security_counter));
        Assert.Equal((0u, 9_000u), (new UpdateOptions().ToNative().self_reset_ms, new UpdateOptions { SelfReset = TimeSpan.FromSeconds(9) }.ToNative().self_reset_ms));
        foreach (BootMode mode in Enum.GetValues<BootMode>())
        {
            string name = string.Concat(mode.ToString().Select((c, i) => i > 0 && char.IsUpper(c) ? $"_{c}" : $"{c}")).ToUpperInvariant();
            Assert.Equal(Constant($"BOOT_MODE_{name}"), new UpdateOptions { BootMode = mode }.ToNative().boot_mode);
        }
    }

    [Fact]
    public async Task ALaterChangeHasNoEffect()
    {
        using FirmwareImage image = Images.Open();
        using var way = new VirtualLink();
        var options = new SmpClientOptions { Session = new SmpSessionOptions { Nonce = 7, MaxWrite = 100 }, CarrierKind = SmpCarrierKind.Transport };
        bool seen = false;
        SmpClientServices services = way.Services with { EventSink = _ => seen = true };
        await using var client = new SmpClient(way, options, services);
        options.Session.MaxWrite = 200;
        options.Session = null;
        options.CarrierTimeout = TimeSpan.Zero;
        services.EventSink = null;
        services.TimeProvider = null!;
        var update = new UpdateOptions { Mode = UpdateMode.UploadOnly };
        Task<UpdateResult> running = client.UpdateAsync(image, update);
        update.Mode = UpdateMode.ConfirmAtOnce;
        update.Deadline = Millisecond;
        Assert.Equal(UpdateOutcome.Uploaded, (await running).Outcome);
        Assert.Equal(100, way.LongestWrite);
        Assert.True(seen);
    }

    /// <summary>What the binder of a configuration generates code for: settable, and neither a delegate nor a clock.</summary>
    [Fact]
    public void BoundOptionsAreFiguresWithSetters()
    {
        foreach (Type type in new[] { typeof(SmpClientOptions), typeof(SmpSessionOptions), typeof(UpdateOptions) })
        {
            PropertyInfo[] properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance);
            Assert.NotEmpty(properties);
            Assert.NotNull(type.GetConstructor(Type.EmptyTypes));
            Assert.All(properties, property =>
            {
                Type kind = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
                Assert.True(
                    kind.IsEnum || kind == typeof(bool) || kind == typeof(int) || kind == typeof(uint) || kind == typeof(TimeSpan) || kind == typeof(SmpSessionOptions),
                    $"{type.Name}.{property.Name} is a {kind}");
                Assert.NotNull(property.SetMethod);
                Assert.DoesNotContain(
                    property.SetMethod!.ReturnParameter.GetRequiredCustomModifiers(), modifier => modifier.Name == "IsExternalInit");
            });
        }
    }

    private static uint Constant(string name)
    {
        string start = $"    SMPFOTA_{name} = ";
        string line = System.IO.File.ReadLines(Repository.Header).Single(l => l.StartsWith(start, StringComparison.Ordinal));
        return uint.Parse(line.AsSpan(start.Length).TrimEnd(','), System.Globalization.CultureInfo.InvariantCulture);
    }

    private delegate void Change(ref smpfota_session_options options);

    private static unsafe bool Opens(Change change)
    {
        smpfota_session_options native = new SmpSessionOptions().ToNative();
        change(ref native);
        nuint session = 0;
        int status = NativeMethods.smpfota_session_open(&native, &session, null);
        Assert.True(status is 0 or (int)SmpStatus.InvalidArgument, $"{status}");
        return status == 0 && NativeMethods.smpfota_session_close(session) == 0;
    }

    private static T Set<T>(T options, string name, object value)
    {
        typeof(T).GetProperty(name)!.SetValue(options, value);
        return options;
    }

    private static void Refused(string name, Action action)
    {
        var thrown = Assert.Throws<ArgumentOutOfRangeException>(action);
        Assert.Equal(name, thrown.ParamName);
        Assert.Contains(name, thrown.Message);
        Assert.DoesNotContain('_', thrown.Message); // as in the names of the native fields
    }
}
