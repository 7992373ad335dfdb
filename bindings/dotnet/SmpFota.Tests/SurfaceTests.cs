using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using System.Xml.Linq;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>What holds for the public types as a whole.</summary>
public sealed class SurfaceTests
{
    private static Type[] Public => typeof(SmpClient).Assembly.GetExportedTypes();

    /// <summary>Every option says what it is where nobody sets it.</summary>
    [Fact]
    public void EveryOptionNamesItsDefault()
    {
        Dictionary<string, string> members = Documentation();
        Type[] options = Public.Where(type => type.Name.EndsWith("Options", StringComparison.Ordinal)).ToArray();
        Assert.True(options.Length >= 8, $"{options.Length} records of options");
        foreach (PropertyInfo property in options.SelectMany(type => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)))
        {
            string name = $"{property.DeclaringType!.FullName}.{property.Name}";
            Assert.True(members[$"P:{name}"].Contains("default", StringComparison.Ordinal), $"{name} does not name its default");
        }
    }

    /// <summary>Where the library fills in a figure, the comment has the library's.</summary>
    [Fact]
    public void TheNamedDefaultsAreTheLibrarys()
    {
        Dictionary<string, string> members = Documentation();
        var session = new SmpSessionOptions().ToNative();
        var update = new UpdateOptions().ToNative();
        Named<SmpSessionOptions>(nameof(SmpSessionOptions.MaxWrite), $"{session.max_write} by default");
        Named<SmpSessionOptions>(nameof(SmpSessionOptions.FirstTimeout), $"{session.first_timeout_ms / 1000} s by default");
        Named<SmpSessionOptions>(nameof(SmpSessionOptions.LastTimeout), $"{session.last_timeout_ms / 1000} s by default");
        Named<SmpSessionOptions>(nameof(SmpSessionOptions.Timeout), $"{session.timeout_ms} ms by default");
        Named<SmpSessionOptions>(nameof(SmpSessionOptions.Retries), $"{session.retries} by default");
        Named<SmpSessionOptions>(nameof(SmpSessionOptions.StallTimeout), $"{session.stall_timeout_ms / 1000} s by default");
        Named<UpdateOptions>(nameof(UpdateOptions.SwapEstimate), $"{update.swap_estimate_ms} by default");
        Named<UpdateOptions>(nameof(UpdateOptions.SwapTimeout), $"{update.swap_timeout_ms / 60_000} minutes by default");
        Named<UpdateOptions>(nameof(UpdateOptions.HealthTimeout), $"{update.health_timeout_ms / 60_000} minutes by default");
        Named<UpdateOptions>(nameof(UpdateOptions.Deadline), update.deadline_ms == 0 ? "No limit by default" : "a limit");
        var client = new SmpClientOptions();
        Named<SmpClientOptions>(nameof(SmpClientOptions.SnapshotInterval), $"{client.SnapshotInterval.TotalSeconds} s by default");
        Named<SmpClientOptions>(nameof(SmpClientOptions.ProgressInterval), $"{client.ProgressInterval.TotalMilliseconds} ms by default");
        Named<SmpClientOptions>(nameof(SmpClientOptions.MaxExchangeWait), $"{client.MaxExchangeWait.TotalSeconds} s by default");
        Named<SmpClientOptions>(nameof(SmpClientOptions.EmptyExchangePause), $"{client.EmptyExchangePause.TotalMilliseconds} ms by default");
        Named<SmpClientOptions>(nameof(SmpClientOptions.CarrierTimeout), $"{client.CarrierTimeout.TotalMinutes} minutes by default");

        void Named<T>(string property, string words) =>
            Assert.Contains(words, members[$"P:{typeof(T).FullName}.{property}"]);
    }

    /// <summary>The members, tests and recipes that docs/DOTNET.md answers with are there.</summary>
    [Fact]
    public void WhatTheRecipesPageNamesIsThere()
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "DOTNET.md"));
        string[][] rows = page[page.IndexOf("\n| missed in 0.1 |", StringComparison.Ordinal)..].Split('\n').Skip(3).TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Trim('|').Split('|')).ToArray();
        Assert.True(rows.Length >= 30, $"{rows.Length} rows");
        Assert.All(rows, row => Assert.True(row.Length == 3 && (Words(row[1]).Any() || row[1].Trim().Length == 0) && Words(row[2]).Any(), string.Join(" | ", row)));
        Type[] tests = typeof(SurfaceTests).Assembly.GetTypes();
        Assert.All(rows.SelectMany(row => Words(row[1])), word => Assert.True(IsPublic(word), $"{word} is no public member"));
        Assert.All(rows.SelectMany(row => Words(row[2])), word => Assert.True(IsTest(word) || IsFile(word) || IsRecipe(word), $"{word} is no test"));
        Assert.All(rows.SelectMany(row => row[2].Split('"').Where((_, index) => index % 2 == 1)), title => Assert.Contains($"\n## {title}\n", page));

        static IEnumerable<string> Words(string cell) => cell.Split('`').Where((_, index) => index % 2 == 1);
        bool IsRecipe(string word) => page.Contains($"public sealed class {word}\n", StringComparison.Ordinal);
        static bool IsFile(string word) => word.Contains('/') && File.Exists(Path.Combine(Repository.Root, word));
        bool IsTest(string word) => word.Split('.') is [var type, var name]
            && tests.Any(test => test.Name == type && test.GetMethod(name)?.GetCustomAttribute<FactAttribute>() is not null);
        static bool IsPublic(string word)
        {
            string[] parts = word.Split('.');
            return Public.FirstOrDefault(type => type.Name == parts[0]) is { } type && (parts.Length == 1 || type.GetMember(parts[1]).Length > 0);
        }
    }

    /// <summary>No tuple in a signature, and no list that is not read-only.</summary>
    [Fact]
    public void SignaturesHaveNoTuplesAndNoWritableLists()
    {
        foreach (MethodInfo method in Public.SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)))
        {
            foreach (Type type in method.GetParameters().Select(parameter => parameter.ParameterType).Append(method.ReturnType).SelectMany(Parts))
            {
                Assert.False(type.FullName?.StartsWith("System.ValueTuple`", StringComparison.Ordinal), $"{method.DeclaringType}.{method.Name}: a tuple");
                Assert.False(
                    type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(List<>) || type.GetGenericTypeDefinition() == typeof(IList<>) || type.GetGenericTypeDefinition() == typeof(Dictionary<,>)),
                    $"{method.DeclaringType}.{method.Name}: a list that can be changed");
            }
        }
    }

    /// <summary>What comes back cannot be changed by a cast either.</summary>
    [Fact]
    public async Task ReturnedListsAreReadOnly()
    {
        using FirmwareImage image = Images.Open(size: 6000);
        using var way = new VirtualLink();
        await using SmpClient client = way.Duplex();
        UpdatePlan plan = await client.CheckAsync(image);
        UpdateResult result = await client.UpdateAsync(image);
        string group = (await client.ReadStatisticsGroupsAsync())[0];
        object[] lists =
        [
            image.Images, plan.Images, plan.Before, result.Images, result.Before, result.After, result.Counts!.Phases, VirtualDevice.LinkNames,
            VirtualDevice.FaultNames, await client.ReadImagesAsync(), await client.ReadStatisticsAsync(group), await client.ReadTasksAsync(),
            SmpTrace.Explain("-> 02 00 00 00 00 00 01 06\n"u8).Points, SmpTrace.Explain("-> 02 00 00 00 00 00 01 06\n"u8).Evidence.Frames,
        ];
        foreach (object list in lists)
        {
            Assert.True(list is not IList { IsReadOnly: false } and not IDictionary { IsReadOnly: false }, list.GetType().ToString());
            Assert.False(list.GetType().IsArray, list.GetType().ToString());
        }
    }

    /// <summary>What has a new name says so where the old one is used, and inside the namespace <c>Path</c> is System.IO's.</summary>
    [Fact]
    public void NothingHidesAnOldName()
    {
        PropertyInfo old = typeof(SmpLibrary).GetProperty("Path")!;
        Assert.Contains(nameof(SmpLibrary.NativePath), old.GetCustomAttribute<ObsoleteAttribute>()!.Message);
        Assert.Equal(SmpLibrary.NativePath, old.GetValue(null));
        Assert.DoesNotContain(Public, type => type.Name is "Path" or "File" or "Timeout" or "Version" or "Progress");
    }

    /// <summary>A class may be all three kinds of carrier, and its user says which is used.</summary>
    [Theory]
    [InlineData(SmpCarrierKind.Auto, "batch")]
    [InlineData(SmpCarrierKind.Transport, "transport")]
    [InlineData(SmpCarrierKind.Exchange, "exchange")]
    [InlineData(SmpCarrierKind.BatchExchange, "batch")]
    public async Task OneClassMayBeSeveralCarriers(SmpCarrierKind kind, string used)
    {
        var carrier = new Everything();
        await using var client = new SmpClient(carrier, new SmpClientOptions { CarrierKind = kind });
        var thrown = await Assert.ThrowsAsync<NotSupportedException>(() => client.EchoAsync("x"));
        Assert.Equal(used, thrown.Message);
        var wrong = Assert.Throws<ArgumentException>(() => new SmpClient(new Nothing()).Dispose());
        Assert.Contains(nameof(ISmpTransport), wrong.Message);
    }

    private static Dictionary<string, string> Documentation() =>
        XDocument.Load(Path.ChangeExtension(typeof(SmpClient).Assembly.Location, ".xml"))
            .Descendants("member").ToDictionary(member => member.Attribute("name")!.Value, member => member.Value);

    private static IEnumerable<Type> Parts(Type type) =>
        type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type) : type.HasElementType ? Parts(type.GetElementType()!) : [type];

    private sealed class Nothing : ISmpCarrier;

    private sealed class Everything : ISmpTransport, ISmpExchange, ISmpBatchExchange
    {
        public ChannelReader<ReadOnlyMemory<byte>> Received { get; } = Channel.CreateUnbounded<ReadOnlyMemory<byte>>().Reader;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> write, CancellationToken cancellationToken) => throw new NotSupportedException("transport");

        public Task<IReadOnlyList<ReadOnlyMemory<byte>>> ExchangeAsync(
            IReadOnlyList<ReadOnlyMemory<byte>> writes, TimeSpan wait, CancellationToken cancellationToken) => throw new NotSupportedException("exchange");

        public Task<SmpBatchOutcome> ExchangeAsync(SmpBatch batch, CancellationToken cancellationToken) => throw new NotSupportedException("batch");
    }
}
