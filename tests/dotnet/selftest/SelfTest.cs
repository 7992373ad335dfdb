// Does the stand-in for xunit fail where it must? Run by tests/dotnet/selftest.sh, which knows the counts.
using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Xunit;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace SelfTest
{
    public class Good
    {
        private static readonly byte[] Bytes = [1, 2, 3];

        public static TheoryData<int, string> Rows => new() { { 1, "1" }, { 2, "2" } };

        public static IEnumerable<object[]> Range(int count)
        {
            for (int i = 0; i < count; i++)
            {
                yield return [i];
            }
        }

        [Fact]
        public void WhatIsEqualPasses()
        {
            Assert.Equal(1, 1);
            Assert.Equal(1L, 1);
            Assert.Equal("a", "a");
            Assert.Equal(new byte[] { 1, 2, 3 }, Bytes);
            Assert.Equal(new List<int> { 1, 2 }, (IEnumerable<int>)[1, 2]);
            Assert.Equal<byte>(Bytes.AsSpan(), Bytes.AsSpan());
            Assert.Equal(Bytes.AsSpan(0, 2), Bytes.AsSpan()[..2]);
            Assert.Equal("abc".AsSpan(), "abc".AsSpan());
            Assert.Equal(1.04, 1.041, 2);
            Assert.Equal(new Dictionary<string, int[]> { ["a"] = [1] }, new Dictionary<string, int[]> { ["a"] = [1] });
            Assert.Equal(new HashSet<int> { 1, 2 }, new HashSet<int> { 2, 1 });
            Assert.Equal((1, "x"), (1, "x"));
            Assert.NotEqual(Bytes, [1, 2, 4]);
        }

        [Fact]
        public void WhatDiffersFails()
        {
            Action[] all =
            [
                () => Assert.Equal(1, 2),
                () => Assert.Equal("a", "A"),
                () => Assert.Equal(new byte[] { 1, 2 }, Bytes),
                () => Assert.Equal<object>(1, 1L),
                () => Assert.Equal(Bytes.AsSpan(1), Bytes.AsSpan()),
                () => Assert.Equal(1.04, 1.05, 2),
                () => Assert.Equal(new Dictionary<string, int> { ["a"] = 1 }, new Dictionary<string, int> { ["a"] = 2 }),
                () => Assert.Equal(new HashSet<int> { 1, 2 }, new HashSet<int> { 2, 3 }),
                () => Assert.NotEqual(new byte[] { 1, 2, 3 }, Bytes),
                () => Assert.True(false),
                () => Assert.False(true),
                () => Assert.Null("x"),
                () => Assert.NotNull(null),
                () => Assert.Same(new object(), new object()),
                () => Assert.Empty(Bytes),
                () => Assert.NotEmpty(Array.Empty<int>()),
                () => Assert.Single(Bytes),
                () => Assert.Contains("x", "abc"),
                () => Assert.Contains((byte)9, Bytes),
                () => Assert.Contains(Bytes, b => b > 3),
                () => Assert.DoesNotContain("a", "abc"),
                () => Assert.DoesNotContain((byte)1, Bytes),
                () => Assert.StartsWith("b", "abc"),
                () => Assert.EndsWith("b", "abc"),
                () => Assert.Matches("^b", "abc"),
                () => Assert.InRange(5, 1, 4),
                () => Assert.IsType<ArgumentException>(new ArgumentNullException()),
                () => Assert.IsAssignableFrom<ArgumentException>(new InvalidOperationException()),
                () => Assert.All(Bytes, b => Assert.Equal(1, b)),
                () => Assert.Collection(Bytes, b => Assert.Equal(1, b)),
                () => Assert.Throws<ArgumentException>(() => { }),
                () => Assert.Throws<ArgumentException>((Action)(() => throw new ArgumentNullException())),
                () => Assert.ThrowsAny<ArgumentException>((Action)(() => throw new InvalidOperationException())),
                () => Assert.Throws<ArgumentException>("name", (Action)(() => throw new ArgumentException("", "other"))),
                () => Assert.Fail("why"),
            ];
            Assert.All(all, action => Assert.Throws<XunitException>(action));
        }

        [Fact]
        public async Task ExceptionsOfTasksAreSeen()
        {
            ArgumentException thrown = await Assert.ThrowsAsync<ArgumentException>(async () =>
            {
                await Task.Yield();
                throw new ArgumentException("late");
            });
            Assert.Equal("late", thrown.Message);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.Delay(1000, new CancellationToken(true)));
            await Assert.ThrowsAsync<XunitException>(() => Assert.ThrowsAsync<ArgumentException>(() => Task.CompletedTask));
        }

        [Theory]
        [InlineData(1, "1")]
        [MemberData(nameof(Rows))]
        public void RowsArrive(int number, string text, bool optional = true)
        {
            Assert.Equal(text, number.ToString());
            Assert.True(optional);
        }

        [Theory]
        [MemberData(nameof(Range), 3)]
        public void MethodsGiveRows(int number) => Assert.InRange(number, 0, 2);

        [Fact(Skip = "shown as skipped")]
        public void Skipped() => Assert.Fail("was run");

        [NotHere]
        public void SkippedByADerivedAttribute() => Assert.Fail("was run");

        private sealed class NotHereAttribute : FactAttribute
        {
            public NotHereAttribute() => Skip = "decided at run time";
        }
    }

    public sealed class Lifetime(Lifetime.Shared shared, ITestOutputHelper output)
        : IClassFixture<Lifetime.Shared>, IAsyncLifetime, IDisposable
    {
        private bool ready;

        public async Task InitializeAsync()
        {
            await Task.Yield();
            ready = true;
        }

        public Task DisposeAsync() => Task.CompletedTask;

        public void Dispose() => output.WriteLine("disposed");

        [Fact]
        public void First() => Check();

        [Fact]
        public void Second() => Check();

        // The instance is new for each test, the fixture is not.
        private void Check() => Assert.True(ready && shared.Ready && shared.Made == 1);

        public sealed class Shared : IAsyncLifetime
        {
            private static int made;

            public int Made => made;

            public bool Ready { get; private set; }

            public Task InitializeAsync()
            {
                made++;
                Ready = true;
                return Task.CompletedTask;
            }

            public Task DisposeAsync() => Task.CompletedTask;
        }
    }

    public class Bad
    {
        [Fact]
        public void Fails() => Assert.Equal(1, 2);

        [Fact]
        public async Task FailsLater()
        {
            await Task.Yield();
            throw new InvalidOperationException("later");
        }

        [Fact(Timeout = 200)]
        public void Blocks() => Thread.Sleep(Timeout.Infinite);

        [Theory]
        [InlineData(1)]
        [InlineData(2)]
        public void SecondRowFails(int number) => Assert.Equal(1, number);
    }

    public sealed class BadEnd : IDisposable
    {
        [Fact]
        public void FailsWhenDisposed()
        {
        }

        public void Dispose() => throw new InvalidOperationException("at the end");
    }
}
