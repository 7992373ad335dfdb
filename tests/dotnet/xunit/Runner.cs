using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.Loader;
using System.Threading.Tasks;

namespace Xunit.Standin
{
    /// <summary>
    /// Runs the tests of an assembly, or those that are compiled into this program, one after another. The last line is
    /// <c>passed=N failed=N skipped=N</c>; the exit code is 0 only when something passed and nothing failed.
    /// </summary>
    internal static class Runner
    {
        private const string Usage =
            "usage: xunit-standin [TESTS.dll] [--filter TEXT]... [--exclude TEXT]... [--timeout SECONDS] [--list]";

        private static TimeSpan limit = TimeSpan.FromSeconds(120);

        private static int Main(string[] args)
        {
            var filters = new List<string>();
            var excluded = new List<string>();
            string? path = null;
            bool list = false;
            for (int i = 0; i < args.Length; i++)
            {
                switch (args[i])
                {
                    case "--filter" when i + 1 < args.Length:
                        filters.Add(args[++i]);
                        break;
                    case "--exclude" when i + 1 < args.Length:
                        excluded.Add(args[++i]);
                        break;
                    case "--timeout" when i + 1 < args.Length && int.TryParse(args[i + 1], out int seconds):
                        limit = TimeSpan.FromSeconds(seconds);
                        i++;
                        break;
                    case "--list":
                        list = true;
                        break;
                    case string file when path is null && !file.StartsWith('-'):
                        path = file;
                        break;
                    default:
                        Console.Error.WriteLine(Usage);
                        return 2;
                }
            }

            Assembly assembly = path is null
                ? typeof(Runner).Assembly
                : AssemblyLoadContext.Default.LoadFromAssemblyPath(Path.GetFullPath(path));
            List<TestCase> cases = TestCase.Of(assembly)
                .Where(test => filters.Count == 0 || filters.Any(test.Name.Contains))
                .Where(test => !excluded.Any(test.Name.Contains))
                .ToList();
            if (list)
            {
                cases.ForEach(test => Console.WriteLine(test.Name));
                return 0;
            }

            int code = RunAsync(assembly, cases).GetAwaiter().GetResult();
            Console.Out.Flush();
            // A test that did not end still holds a thread; it must not hold the process.
            Environment.Exit(code);
            return code;
        }

        private static async Task<int> RunAsync(Assembly assembly, List<TestCase> cases)
        {
            var fixtures = new Fixtures(assembly);
            int passed = 0, failed = 0, skipped = 0;
            foreach (IGrouping<Type, TestCase> group in cases.GroupBy(test => test.Class))
            {
                foreach (TestCase test in group)
                {
                    if (test.Skip is not null)
                    {
                        skipped++;
                        Console.WriteLine($"skip {test.Name}: {test.Skip}");
                        continue;
                    }

                    var output = new TestOutput();
                    Stopwatch clock = Stopwatch.StartNew();
                    Exception? failure = await RunAsync(test, fixtures, output);
                    Console.WriteLine($"{(failure is null ? "ok" : "FAIL")} {test.Name} ({clock.ElapsedMilliseconds} ms)");
                    passed += failure is null ? 1 : 0;
                    failed += failure is null ? 0 : 1;
                    Show(failure, output);
                }

                failed += await CountFailureAsync(fixtures.EndClassAsync, group.Key.FullName!);
            }

            failed += await CountFailureAsync(fixtures.EndAllAsync, "collections");
            if (cases.Count == 0)
            {
                Console.WriteLine("no test fits");
            }

            Console.WriteLine($"passed={passed} failed={failed} skipped={skipped}");
            return failed == 0 && passed + skipped > 0 ? 0 : 1;
        }

        private static async Task<Exception?> RunAsync(TestCase test, Fixtures fixtures, TestOutput output)
        {
            TimeSpan allowed = test.TimeoutMs > 0 ? TimeSpan.FromMilliseconds(test.TimeoutMs) : limit;
            // On another thread, so that a test that blocks can be given up.
            Task<Exception?> run = Task.Run(() => Record.ExceptionAsync(() => InvokeAsync(test, fixtures, output)));
            return await Task.WhenAny(run, Task.Delay(allowed)) == run
                ? await run
                : new TimeoutException($"the test did not end within {allowed.TotalSeconds} s");
        }

        private static async Task InvokeAsync(TestCase test, Fixtures fixtures, TestOutput output)
        {
            await fixtures.PrepareAsync(test.Class);
            object? instance = test.Method.IsStatic ? null : fixtures.Create(test.Class, test.Class, output);
            try
            {
                if (instance is not null)
                {
                    await Fixtures.StartAsync(instance);
                }

                object? result = test.Method.Invoke(
                    instance, BindingFlags.DoNotWrapExceptions, null, test.Arguments, null);
                if (result is Task task)
                {
                    await task;
                }
                else if (test.Method.ReturnType != typeof(void)
                    || test.Method.GetCustomAttribute<System.Runtime.CompilerServices.AsyncStateMachineAttribute>() is not null)
                {
                    throw new InvalidOperationException("a test returns void or, when it is asynchronous, Task");
                }
            }
            finally
            {
                if (instance is not null)
                {
                    await Fixtures.EndAsync(instance);
                }
            }
        }

        private static async Task<int> CountFailureAsync(Func<Task> end, string name)
        {
            Exception? failure = await Record.ExceptionAsync(end);
            if (failure is not null)
            {
                Console.WriteLine($"FAIL end of the fixtures of {name}");
                Show(failure, null);
            }

            return failure is null ? 0 : 1;
        }

        private static void Show(Exception? failure, TestOutput? output)
        {
            if (failure is not null)
            {
                string text = $"{failure}\n{output}".TrimEnd();
                Console.WriteLine("    " + text.Replace("\n", "\n    "));
            }
        }
    }
}
