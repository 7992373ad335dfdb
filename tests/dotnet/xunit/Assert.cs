using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Linq;
using System.Text.RegularExpressions;
using Xunit.Sdk;
using Xunit.Standin;

namespace Xunit
{
    public static partial class Assert
    {
        [DoesNotReturn]
        public static void Fail(string? message = null) => throw new XunitException(message ?? "Assert.Fail() Failure");

        public static void True([DoesNotReturnIf(false)] bool condition) => True(condition, null);

        public static void True([DoesNotReturnIf(false)] bool? condition) => True(condition, null);

        public static void True([DoesNotReturnIf(false)] bool condition, string? userMessage) =>
            Check(condition, userMessage ?? "Assert.True() Failure: the condition is false");

        public static void True([DoesNotReturnIf(false)] bool? condition, string? userMessage) =>
            Check(condition == true, userMessage ?? "Assert.True() Failure: the condition is not true");

        public static void False([DoesNotReturnIf(true)] bool condition) => False(condition, null);

        public static void False([DoesNotReturnIf(true)] bool? condition) => False(condition, null);

        public static void False([DoesNotReturnIf(true)] bool condition, string? userMessage) =>
            Check(!condition, userMessage ?? "Assert.False() Failure: the condition is true");

        public static void False([DoesNotReturnIf(true)] bool? condition, string? userMessage) =>
            Check(condition == false, userMessage ?? "Assert.False() Failure: the condition is not false");

        public static void Null(object? @object) =>
            Check(@object is null, $"Assert.Null() Failure: the value is {Format.Value(@object)}");

        public static void NotNull([NotNull] object? @object) => Check(@object is not null, "Assert.NotNull() Failure");

        public static T NotNull<T>([NotNull] T? value)
            where T : struct
        {
            Check(value.HasValue, "Assert.NotNull() Failure");
            return value.Value;
        }

        public static void Same(object? expected, object? actual) =>
            Check(ReferenceEquals(expected, actual), Differs("Same", expected, actual));

        public static void NotSame(object? expected, object? actual) =>
            Check(!ReferenceEquals(expected, actual), "Assert.NotSame() Failure: it is the same instance");

        public static void Equal<T>([AllowNull] T expected, [AllowNull] T actual) =>
            Check(Comparison.AreEqual(expected, actual), Differs("Equal", expected, actual));

        public static void Equal<T>([AllowNull] T expected, [AllowNull] T actual, IEqualityComparer<T> comparer) =>
            Check(comparer.Equals(expected!, actual!), Differs("Equal", expected, actual));

        public static void Equal<T>([AllowNull] T expected, [AllowNull] T actual, Func<T, T, bool> comparer) =>
            Check(comparer(expected!, actual!), Differs("Equal", expected, actual));

        public static void Equal(string? expected, string? actual) =>
            Check(string.Equals(expected, actual, StringComparison.Ordinal), Differs("Equal", expected, actual));

        public static void Equal(string? expected, string? actual, bool ignoreCase) =>
            Check(
                string.Equals(expected, actual, ignoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal),
                Differs("Equal", expected, actual));

        /// <param name="precision">Decimal places, 0 to 15.</param>
        public static void Equal(double expected, double actual, int precision) =>
            Check(Math.Round(expected, precision).Equals(Math.Round(actual, precision)), Differs("Equal", expected, actual));

        public static void Equal(double expected, double actual, double tolerance) =>
            Check(expected.Equals(actual) || Math.Abs(expected - actual) <= tolerance, Differs("Equal", expected, actual));

        public static void Equal(decimal expected, decimal actual, int precision) =>
            Check(Math.Round(expected, precision) == Math.Round(actual, precision), Differs("Equal", expected, actual));

        public static void Equal(DateTime expected, DateTime actual, TimeSpan precision) =>
            Check((expected - actual).Duration() <= precision, Differs("Equal", expected, actual));

        public static void StrictEqual<T>([AllowNull] T expected, [AllowNull] T actual) =>
            Check(EqualityComparer<T>.Default.Equals(expected, actual), Differs("StrictEqual", expected, actual));

        public static void NotEqual<T>([AllowNull] T expected, [AllowNull] T actual) =>
            Check(!Comparison.AreEqual(expected, actual), $"Assert.NotEqual() Failure: both are {Format.Value(actual)}");

        public static void NotStrictEqual<T>([AllowNull] T expected, [AllowNull] T actual) =>
            Check(
                !EqualityComparer<T>.Default.Equals(expected, actual),
                $"Assert.NotStrictEqual() Failure: both are {Format.Value(actual)}");

        public static void InRange<T>(T actual, T low, T high)
            where T : IComparable =>
            Check(
                low.CompareTo(actual) <= 0 && actual.CompareTo(high) <= 0,
                $"Assert.InRange() Failure: {Format.Value(actual)} is not in {Format.Value(low)} to {Format.Value(high)}");

        public static void NotInRange<T>(T actual, T low, T high)
            where T : IComparable =>
            Check(
                actual.CompareTo(low) < 0 || high.CompareTo(actual) < 0,
                $"Assert.NotInRange() Failure: {Format.Value(actual)} is in {Format.Value(low)} to {Format.Value(high)}");

        public static T IsType<T>([NotNull] object? @object)
        {
            IsType(typeof(T), @object);
            return (T)@object;
        }

        public static void IsType(Type expectedType, [NotNull] object? @object)
        {
            NotNull(@object);
            Check(@object.GetType() == expectedType, Differs("IsType", expectedType, @object.GetType()));
        }

        public static void IsNotType<T>(object? @object) => IsNotType(typeof(T), @object);

        public static void IsNotType(Type expectedType, object? @object) =>
            Check(@object?.GetType() != expectedType, $"Assert.IsNotType() Failure: the type is {expectedType}");

        public static T IsAssignableFrom<T>([NotNull] object? @object)
        {
            IsAssignableFrom(typeof(T), @object);
            return (T)@object;
        }

        public static void IsAssignableFrom(Type expectedType, [NotNull] object? @object)
        {
            NotNull(@object);
            Check(expectedType.IsInstanceOfType(@object), Differs("IsAssignableFrom", expectedType, @object.GetType()));
        }

        public static void Contains(string expectedSubstring, string? actualString) =>
            Contains(expectedSubstring, actualString, StringComparison.Ordinal);

        public static void Contains(string expectedSubstring, string? actualString, StringComparison comparisonType) =>
            Check(
                actualString?.Contains(expectedSubstring, comparisonType) == true,
                $"Assert.Contains() Failure: {Format.Value(expectedSubstring)} is not in {Format.Value(actualString)}");

        public static void DoesNotContain(string expectedSubstring, string? actualString) =>
            DoesNotContain(expectedSubstring, actualString, StringComparison.Ordinal);

        public static void DoesNotContain(string expectedSubstring, string? actualString, StringComparison comparisonType) =>
            Check(
                actualString?.Contains(expectedSubstring, comparisonType) != true,
                $"Assert.DoesNotContain() Failure: {Format.Value(expectedSubstring)} is in {Format.Value(actualString)}");

        public static void StartsWith(string? expectedStartString, string? actualString) =>
            StartsWith(expectedStartString, actualString, StringComparison.Ordinal);

        public static void StartsWith(string? expectedStartString, string? actualString, StringComparison comparisonType) =>
            Check(
                expectedStartString is not null && actualString?.StartsWith(expectedStartString, comparisonType) == true,
                Differs("StartsWith", expectedStartString, actualString));

        public static void EndsWith(string? expectedEndString, string? actualString) =>
            EndsWith(expectedEndString, actualString, StringComparison.Ordinal);

        public static void EndsWith(string? expectedEndString, string? actualString, StringComparison comparisonType) =>
            Check(
                expectedEndString is not null && actualString?.EndsWith(expectedEndString, comparisonType) == true,
                Differs("EndsWith", expectedEndString, actualString));

        public static void Matches(string expectedRegexPattern, string? actualString) =>
            Matches(new Regex(expectedRegexPattern), actualString);

        public static void Matches(Regex expectedRegex, string? actualString) =>
            Check(
                actualString is not null && expectedRegex.IsMatch(actualString),
                Differs("Matches", expectedRegex.ToString(), actualString));

        public static void DoesNotMatch(string expectedRegexPattern, string? actualString) =>
            Check(
                actualString is null || !Regex.IsMatch(actualString, expectedRegexPattern),
                $"Assert.DoesNotMatch() Failure: {Format.Value(actualString)} matches {expectedRegexPattern}");

        /// <summary>Runs every check, and fails with all the failures together.</summary>
        public static void Multiple(params Action[] checks)
        {
            var failures = new List<Exception>();
            foreach (Action check in checks)
            {
                try
                {
                    check();
                }
                catch (Exception failure)
                {
                    failures.Add(failure);
                }
            }

            Check(
                failures.Count == 0,
                "Assert.Multiple() Failure: " + string.Join("\n", failures.Select(failure => failure.ToString())));
        }

        private static void Check([DoesNotReturnIf(false)] bool condition, string message)
        {
            if (!condition)
            {
                throw new XunitException(message);
            }
        }

        private static string Differs(string assertion, object? expected, object? actual)
        {
            string where = "";
            if (expected is string x && actual is string y)
            {
                int same = x.Zip(y).TakeWhile(pair => pair.First == pair.Second).Count();
                where = $" at character {same}";
            }
            else if (expected is System.Collections.IEnumerable first && actual is System.Collections.IEnumerable second)
            {
                int index = Comparison.FirstDifference(first, second);
                where = index < 0 ? "" : $" at index {index}";
            }

            return $"Assert.{assertion}() Failure{where}\nExpected: {Format.Value(expected)}\nActual:   {Format.Value(actual)}";
        }
    }
}
