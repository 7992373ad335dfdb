using System;
using System.Threading.Tasks;
using Xunit.Sdk;

namespace Xunit
{
    public static partial class Assert
    {
        public static T Throws<T>(Action testCode)
            where T : Exception =>
            Expect<T>(Record.Exception(testCode), exact: true);

        public static T Throws<T>(Func<object?> testCode)
            where T : Exception =>
            Expect<T>(Record.Exception(testCode), exact: true);

        public static T Throws<T>(string? paramName, Action testCode)
            where T : ArgumentException =>
            Named(Throws<T>(testCode), paramName);

        public static T Throws<T>(string? paramName, Func<object?> testCode)
            where T : ArgumentException =>
            Named(Throws<T>(testCode), paramName);

        public static T ThrowsAny<T>(Action testCode)
            where T : Exception =>
            Expect<T>(Record.Exception(testCode), exact: false);

        public static T ThrowsAny<T>(Func<object?> testCode)
            where T : Exception =>
            Expect<T>(Record.Exception(testCode), exact: false);

        public static async Task<T> ThrowsAsync<T>(Func<Task> testCode)
            where T : Exception =>
            Expect<T>(await Record.ExceptionAsync(testCode), exact: true);

        public static async Task<T> ThrowsAsync<T>(string? paramName, Func<Task> testCode)
            where T : ArgumentException =>
            Named(await ThrowsAsync<T>(testCode), paramName);

        public static async Task<T> ThrowsAnyAsync<T>(Func<Task> testCode)
            where T : Exception =>
            Expect<T>(await Record.ExceptionAsync(testCode), exact: false);

        private static T Expect<T>(Exception? thrown, bool exact)
            where T : Exception
        {
            bool good = exact ? thrown?.GetType() == typeof(T) : thrown is T;
            return good
                ? (T)thrown!
                : throw new XunitException(
                    $"Assert.Throws() Failure\nExpected: {typeof(T)}\nActual:   {thrown?.ToString() ?? "nothing was thrown"}",
                    thrown);
        }

        private static T Named<T>(T thrown, string? paramName)
            where T : ArgumentException
        {
            Equal(paramName, thrown.ParamName);
            return thrown;
        }
    }

    public static class Record
    {
        public static Exception? Exception(Action testCode)
        {
            try
            {
                testCode();
                return null;
            }
            catch (Exception thrown)
            {
                return thrown;
            }
        }

        public static Exception? Exception(Func<object?> testCode)
        {
            object? result = null;
            Exception? thrown = Exception((Action)(() => result = testCode()));
            return result is Task
                ? throw new InvalidOperationException("an asynchronous test code needs the Async form of the assertion")
                : thrown;
        }

        public static async Task<Exception?> ExceptionAsync(Func<Task> testCode)
        {
            try
            {
                await testCode();
                return null;
            }
            catch (Exception thrown)
            {
                return thrown;
            }
        }
    }
}
