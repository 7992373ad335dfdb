using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Xunit.Standin;

namespace Xunit
{
    public static partial class Assert
    {
        public static void Equal<T>(T[]? expected, T[]? actual) =>
            Check(Comparison.AreEqual(expected, actual), Differs("Equal", expected, actual));

        public static void Equal<T>(IEnumerable<T>? expected, IEnumerable<T>? actual) =>
            Check(Comparison.AreEqual(expected, actual), Differs("Equal", expected, actual));

        public static void Equal<T>(IEnumerable<T>? expected, IEnumerable<T>? actual, IEqualityComparer<T> comparer) =>
            Check(
                expected is null || actual is null
                    ? ReferenceEquals(expected, actual)
                    : expected.SequenceEqual(actual, comparer),
                Differs("Equal", expected, actual));

        public static void Equal<T>(ReadOnlySpan<T> expectedSpan, ReadOnlySpan<T> actualSpan)
            where T : IEquatable<T> =>
            Equal(expectedSpan.ToArray(), actualSpan.ToArray());

        public static void Equal<T>(ReadOnlySpan<T> expectedSpan, Span<T> actualSpan)
            where T : IEquatable<T> =>
            Equal(expectedSpan.ToArray(), actualSpan.ToArray());

        public static void Equal<T>(Span<T> expectedSpan, ReadOnlySpan<T> actualSpan)
            where T : IEquatable<T> =>
            Equal(expectedSpan.ToArray(), actualSpan.ToArray());

        public static void Equal<T>(Span<T> expectedSpan, Span<T> actualSpan)
            where T : IEquatable<T> =>
            Equal(expectedSpan.ToArray(), actualSpan.ToArray());

        public static void Equal<T>(ReadOnlyMemory<T> expectedMemory, ReadOnlyMemory<T> actualMemory)
            where T : IEquatable<T> =>
            Equal(expectedMemory.ToArray(), actualMemory.ToArray());

        public static void NotEqual<T>(T[]? expected, T[]? actual) => NotEqual<object>(expected!, actual!);

        public static void NotEqual<T>(IEnumerable<T>? expected, IEnumerable<T>? actual) =>
            NotEqual<object>(expected!, actual!);

        public static void Empty(IEnumerable collection) =>
            Check(!collection.Cast<object?>().Any(), $"Assert.Empty() Failure: it holds {Format.Value(collection)}");

        public static void Empty(string value) =>
            Check(value.Length == 0, $"Assert.Empty() Failure: it is {Format.Value(value)}");

        public static void NotEmpty(IEnumerable collection) =>
            Check(collection.Cast<object?>().Any(), "Assert.NotEmpty() Failure: it is empty");

        public static object? Single(IEnumerable collection) => Single(collection.Cast<object?>());

        public static T Single<T>(IEnumerable<T> collection) => Single(collection, _ => true);

        public static T Single<T>(IEnumerable<T> collection, Predicate<T> predicate)
        {
            List<T> found = collection.Where(item => predicate(item)).ToList();
            Check(found.Count == 1, $"Assert.Single() Failure: {found.Count} of {Format.Value(collection)}");
            return found[0];
        }

        public static void Contains<T>(T expected, IEnumerable<T> collection) =>
            Check(
                collection.Any(item => Comparison.AreEqual(expected, item)),
                $"Assert.Contains() Failure: {Format.Value(expected)} is not in {Format.Value(collection)}");

        public static void Contains<T>(IEnumerable<T> collection, Predicate<T> filter) =>
            Check(
                collection.Any(item => filter(item)),
                $"Assert.Contains() Failure: nothing fits in {Format.Value(collection)}");

        public static TValue Contains<TKey, TValue>(TKey expected, IReadOnlyDictionary<TKey, TValue> collection)
            where TKey : notnull
        {
            Check(
                collection.TryGetValue(expected, out TValue? value),
                $"Assert.Contains() Failure: no key {Format.Value(expected)} in {Format.Value(collection.Keys)}");
            return value!;
        }

        public static void DoesNotContain<T>(T expected, IEnumerable<T> collection) =>
            Check(
                !collection.Any(item => Comparison.AreEqual(expected, item)),
                $"Assert.DoesNotContain() Failure: {Format.Value(expected)} is in {Format.Value(collection)}");

        public static void DoesNotContain<T>(IEnumerable<T> collection, Predicate<T> filter) =>
            Check(
                !collection.Any(item => filter(item)),
                $"Assert.DoesNotContain() Failure: something fits in {Format.Value(collection)}");

        public static void Distinct<T>(IEnumerable<T> collection) =>
            Check(
                collection.Distinct().Count() == collection.Count(),
                $"Assert.Distinct() Failure: something is twice in {Format.Value(collection)}");

        public static void All<T>(IEnumerable<T> collection, Action<T> action) =>
            All(collection, (item, _) => action(item));

        public static void All<T>(IEnumerable<T> collection, Action<T, int> action) =>
            Multiple(collection.Select((item, index) => (Action)(() => action(item, index))).ToArray());

        public static async Task AllAsync<T>(IEnumerable<T> collection, Func<T, Task> action)
        {
            foreach (T item in collection)
            {
                await action(item);
            }
        }

        public static void Collection<T>(IEnumerable<T> collection, params Action<T>[] elementInspectors)
        {
            T[] items = collection.ToArray();
            Check(
                items.Length == elementInspectors.Length,
                $"Assert.Collection() Failure: {items.Length} items for {elementInspectors.Length} inspectors");
            for (int index = 0; index < items.Length; index++)
            {
                elementInspectors[index](items[index]);
            }
        }
    }
}
