using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Xunit.Standin
{
    /// <summary>Equality as xunit's assertions understand it: collections are equal when their elements are.</summary>
    internal static class Comparison
    {
        public static bool AreEqual(object? expected, object? actual)
        {
            if (expected is null || actual is null || ReferenceEquals(expected, actual))
            {
                return ReferenceEquals(expected, actual);
            }

            if (IsEquatable(expected, actual))
            {
                return expected.Equals(actual);
            }

            return (expected, actual) switch
            {
                (IDictionary x, IDictionary y) => x.Count == y.Count
                    && x.Keys.Cast<object>().All(key => y.Contains(key) && AreEqual(x[key], y[key])),
                (IEnumerable x, IEnumerable y) when IsSet(x) && IsSet(y) => SetsAreEqual(x, y),
                (IEnumerable x, IEnumerable y) => FirstDifference(x, y) < 0 && HasSameShape(x, y),
                _ => expected.Equals(actual),
            };
        }

        /// <summary>Index of the first element that differs, or -1.</summary>
        public static int FirstDifference(IEnumerable expected, IEnumerable actual)
        {
            IEnumerator x = expected.GetEnumerator();
            IEnumerator y = actual.GetEnumerator();
            for (int index = 0; ; index++)
            {
                bool more = x.MoveNext();
                if (more != y.MoveNext() || (more && !AreEqual(x.Current, y.Current)))
                {
                    return index;
                }

                if (!more)
                {
                    return -1;
                }
            }
        }

        // Strings, numbers, records: their own equality decides. Arrays and lists have none of their own.
        private static bool IsEquatable(object expected, object actual) =>
            expected is string || expected.GetType().GetInterfaces().Any(type =>
                type.IsGenericType
                && type.GetGenericTypeDefinition() == typeof(IEquatable<>)
                && type.GetGenericArguments()[0].IsInstanceOfType(actual));

        private static bool IsSet(IEnumerable value) => value.GetType().GetInterfaces().Any(type =>
            type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ISet<>));

        private static bool SetsAreEqual(IEnumerable x, IEnumerable y)
        {
            List<object?> left = x.Cast<object?>().ToList();
            List<object?> right = y.Cast<object?>().ToList();
            return left.Count == right.Count && left.All(item => right.Any(other => AreEqual(item, other)));
        }

        private static bool HasSameShape(IEnumerable x, IEnumerable y) =>
            x is not Array { Rank: > 1 } left || y is not Array right
            || Enumerable.Range(0, left.Rank).All(i => right.Rank == left.Rank && left.GetLength(i) == right.GetLength(i));
    }

    /// <summary>Values as a failure shows them.</summary>
    internal static class Format
    {
        private const int MaxItems = 24;
        private const int MaxText = 400;

        public static string Value(object? value) => value switch
        {
            null => "null",
            string text => Quote(text),
            char c => $"'{c}'",
            byte b => $"0x{b:x2}",
            Type type => $"typeof({type})",
            Exception e => $"{e.GetType()}: {e.Message}",
            IFormattable number => number.ToString(null, System.Globalization.CultureInfo.InvariantCulture),
            IEnumerable items => Items(items),
            _ => value.ToString() ?? value.GetType().ToString(),
        };

        private static string Quote(string text)
        {
            string shown = text.Length > MaxText ? text[..MaxText] + "..." : text;
            return "\"" + shown.Replace("\r", "\\r").Replace("\n", "\\n") + "\"";
        }

        private static string Items(IEnumerable items)
        {
            var text = new StringBuilder("[");
            int count = 0;
            foreach (object? item in items)
            {
                if (++count <= MaxItems)
                {
                    text.Append(count > 1 ? ", " : "").Append(Value(item));
                }
            }

            return text.Append(count > MaxItems ? $", ... {count} in all]" : "]").ToString();
        }
    }
}
