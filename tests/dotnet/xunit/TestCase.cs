using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;

namespace Xunit.Standin
{
    /// <summary>One run of one test method: a fact, or one row of a theory.</summary>
    internal sealed record TestCase(Type Class, MethodInfo Method, object?[] Arguments, string? Skip, int TimeoutMs)
    {
        public string Name =>
            $"{Class.FullName}.{Method.Name}"
            + (Arguments.Length == 0 ? "" : $"({string.Join(", ", Arguments.Select(Format.Value))})");

        /// <summary>All cases of an assembly, class by class in the order of names.</summary>
        public static IEnumerable<TestCase> Of(Assembly assembly) =>
            assembly.GetTypes()
                .Where(type => type.IsClass && (!type.IsAbstract || type.IsSealed))
                .OrderBy(type => type.FullName, StringComparer.Ordinal)
                .SelectMany(Of);

        private static IEnumerable<TestCase> Of(Type type)
        {
            foreach (MethodInfo method in type.GetMethods(
                BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static))
            {
                if (method.GetCustomAttribute<FactAttribute>() is not FactAttribute fact)
                {
                    continue;
                }

                // xunit overlooks such a method without a word; a test that is never run is worse than a failure.
                if (!method.IsPublic || !type.IsVisible)
                {
                    throw new InvalidOperationException($"{type}.{method.Name}: a test and its class must be public");
                }

                foreach ((object?[] arguments, string? skip) in Rows(method, fact))
                {
                    yield return new TestCase(type, method, arguments, skip, fact.Timeout);
                }
            }
        }

        private static IEnumerable<(object?[] Arguments, string? Skip)> Rows(MethodInfo method, FactAttribute fact)
        {
            // A skipped theory counts as one test: its data may not be there.
            if (fact is not TheoryAttribute || fact.Skip is not null)
            {
                return [([], fact.Skip)];
            }

            var rows = method.GetCustomAttributes<Sdk.DataAttribute>()
                .SelectMany(data => data.GetData(method).Select(row => (Complete(method, row), data.Skip)))
                .ToList();
            return rows.Count > 0 ? rows : throw new InvalidOperationException($"no data for the theory {method.Name}");
        }

        private static object?[] Complete(MethodInfo method, object?[] row) =>
            [.. row, .. method.GetParameters().Skip(row.Length).Where(p => p.HasDefaultValue).Select(p => p.DefaultValue)];
    }
}
