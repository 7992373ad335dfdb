using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Threading.Tasks;

namespace Xunit.Standin
{
    /// <summary>Makes test classes and what their constructors ask for; ends what it made, newest first.</summary>
    internal sealed class Fixtures(Assembly assembly)
    {
        private readonly Dictionary<Type, object> perClass = [];
        private readonly Dictionary<(string Collection, Type Fixture), object> perCollection = [];

        /// <summary>Makes the fixtures the class names that are not there yet.</summary>
        public async Task PrepareAsync(Type testClass)
        {
            if (CollectionOf(testClass) is string collection)
            {
                foreach (Type fixture in Arguments(Definition(collection), typeof(ICollectionFixture<>)))
                {
                    if (!perCollection.ContainsKey((collection, fixture)))
                    {
                        perCollection[(collection, fixture)] = await StartAsync(Activator.CreateInstance(fixture)!);
                    }
                }
            }

            foreach (Type fixture in Arguments(testClass, typeof(IClassFixture<>)))
            {
                if (!perClass.ContainsKey(fixture))
                {
                    perClass[fixture] = await StartAsync(Create(fixture, testClass, null));
                }
            }
        }

        public object Create(Type type, Type testClass, TestOutput? output)
        {
            ConstructorInfo constructor = type.GetConstructors().Single();
            object?[] arguments = constructor.GetParameters().Select(parameter =>
                parameter.ParameterType == typeof(Abstractions.ITestOutputHelper) && output is not null ? output
                : perClass.GetValueOrDefault(parameter.ParameterType)
                    ?? perCollection.GetValueOrDefault((CollectionOf(testClass) ?? "", parameter.ParameterType))
                    ?? throw new InvalidOperationException($"{type}: no fixture for {parameter.ParameterType}")).ToArray();
            return constructor.Invoke(BindingFlags.DoNotWrapExceptions, null, arguments, null);
        }

        public Task EndClassAsync() => EndAsync(perClass);

        public Task EndAllAsync() => EndAsync(perCollection);

        public static async Task<object> StartAsync(object instance)
        {
            if (instance is IAsyncLifetime lifetime)
            {
                await lifetime.InitializeAsync();
            }

            return instance;
        }

        public static async Task EndAsync(object instance)
        {
            if (instance is IAsyncLifetime lifetime)
            {
                await lifetime.DisposeAsync();
            }

            if (instance is IAsyncDisposable asyncDisposable)
            {
                await asyncDisposable.DisposeAsync();
            }

            (instance as IDisposable)?.Dispose();
        }

        private static async Task EndAsync<TKey>(Dictionary<TKey, object> fixtures)
            where TKey : notnull
        {
            object[] instances = fixtures.Values.Reverse().ToArray();
            fixtures.Clear();
            foreach (object instance in instances)
            {
                await EndAsync(instance);
            }
        }

        private static string? CollectionOf(Type testClass) => testClass.GetCustomAttribute<CollectionAttribute>()?.Name;

        private Type Definition(string collection) =>
            assembly.GetTypes().FirstOrDefault(type =>
                type.GetCustomAttribute<CollectionDefinitionAttribute>()?.Name == collection) ?? typeof(object);

        private static IEnumerable<Type> Arguments(Type type, Type generic) =>
            type.GetInterfaces()
                .Where(candidate => candidate.IsGenericType && candidate.GetGenericTypeDefinition() == generic)
                .Select(candidate => candidate.GetGenericArguments()[0]);
    }

    /// <summary>What a test writes is shown only when it fails.</summary>
    internal sealed class TestOutput : Abstractions.ITestOutputHelper
    {
        private readonly System.Text.StringBuilder text = new();

        public void WriteLine(string message)
        {
            lock (text)
            {
                text.AppendLine(message);
            }
        }

        public void WriteLine(string format, params object[] args) => WriteLine(string.Format(format, args));

        public override string ToString()
        {
            lock (text)
            {
                return text.ToString();
            }
        }
    }
}
