// The part of xunit 2.9 that the tests of this project use, under the same names and with the same meaning, for machines
// where the xunit package cannot be had. What is here compiles and behaves the same with xunit itself; keep it a subset.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Threading.Tasks;

namespace Xunit
{
    [AttributeUsage(AttributeTargets.Method)]
    public class FactAttribute : Attribute
    {
        public virtual string? DisplayName { get; set; }

        /// <summary>Why the test is not run. A derived attribute may set it in its constructor.</summary>
        public virtual string? Skip { get; set; }

        /// <summary>Milliseconds; 0 for the runner's limit.</summary>
        public virtual int Timeout { get; set; }
    }

    [AttributeUsage(AttributeTargets.Method)]
    public class TheoryAttribute : FactAttribute
    {
    }

    [AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
    public sealed class InlineDataAttribute : Sdk.DataAttribute
    {
        private readonly object?[] data;

        // A single null argument arrives as a null array.
        public InlineDataAttribute(params object?[]? data) => this.data = data ?? [null];

        public override IEnumerable<object?[]> GetData(MethodInfo testMethod) => [data];
    }

    [AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
    public sealed class MemberDataAttribute : Sdk.DataAttribute
    {
        private const BindingFlags Members = BindingFlags.Static | BindingFlags.Public | BindingFlags.FlattenHierarchy;

        public MemberDataAttribute(string memberName, params object?[]? parameters)
        {
            MemberName = memberName;
            Parameters = parameters ?? [null];
        }

        public string MemberName { get; }

        public object?[] Parameters { get; }

        public Type? MemberType { get; set; }

        public override IEnumerable<object?[]> GetData(MethodInfo testMethod)
        {
            Type owner = MemberType ?? testMethod.ReflectedType!;
            object? data = owner.GetProperty(MemberName, Members) is PropertyInfo property ? property.GetValue(null)
                : owner.GetField(MemberName, Members) is FieldInfo field ? field.GetValue(null)
                : owner.GetMethod(MemberName, Members) is MethodInfo method ? method.Invoke(null, Parameters)
                : throw new ArgumentException($"{owner} has no public static member {MemberName}");
            return ((System.Collections.IEnumerable)data!).Cast<object?[]>();
        }
    }

    [AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
    public class ClassDataAttribute(Type type) : Sdk.DataAttribute
    {
        public override IEnumerable<object?[]> GetData(MethodInfo testMethod) =>
            (IEnumerable<object?[]>)Activator.CreateInstance(type)!;
    }

    [AttributeUsage(AttributeTargets.Class | AttributeTargets.Method, AllowMultiple = true)]
    public sealed class TraitAttribute(string name, string value) : Attribute
    {
        public string Name => name;

        public string Value => value;
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class CollectionAttribute(string name) : Attribute
    {
        public string Name => name;
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class CollectionDefinitionAttribute(string name) : Attribute
    {
        public string Name => name;

        public bool DisableParallelization { get; set; }
    }

    [AttributeUsage(AttributeTargets.Assembly)]
    public sealed class CollectionBehaviorAttribute : Attribute
    {
        public bool DisableTestParallelization { get; set; }

        public int MaxParallelThreads { get; set; }
    }

    public interface IClassFixture<TFixture>
        where TFixture : class
    {
    }

    public interface ICollectionFixture<TFixture>
        where TFixture : class
    {
    }

    public interface IAsyncLifetime
    {
        Task InitializeAsync();

        Task DisposeAsync();
    }

    /// <summary>Rows of arguments; the base of the typed ones.</summary>
    public abstract class TheoryData : IEnumerable<object?[]>
    {
        private readonly List<object?[]> rows = [];

        public IEnumerator<object?[]> GetEnumerator() => rows.GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => rows.GetEnumerator();

        protected void AddRow(params object?[] values) => rows.Add(values);
    }

    public class TheoryData<T> : TheoryData
    {
        public void Add(T p) => AddRow(p);
    }

    public class TheoryData<T1, T2> : TheoryData
    {
        public void Add(T1 p1, T2 p2) => AddRow(p1, p2);
    }

    public class TheoryData<T1, T2, T3> : TheoryData
    {
        public void Add(T1 p1, T2 p2, T3 p3) => AddRow(p1, p2, p3);
    }

    public class TheoryData<T1, T2, T3, T4> : TheoryData
    {
        public void Add(T1 p1, T2 p2, T3 p3, T4 p4) => AddRow(p1, p2, p3, p4);
    }

    public class TheoryData<T1, T2, T3, T4, T5> : TheoryData
    {
        public void Add(T1 p1, T2 p2, T3 p3, T4 p4, T5 p5) => AddRow(p1, p2, p3, p4, p5);
    }
}

namespace Xunit.Abstractions
{
    public interface ITestOutputHelper
    {
        void WriteLine(string message);

        void WriteLine(string format, params object[] args);
    }
}

namespace Xunit.Sdk
{
    public class XunitException : Exception
    {
        public XunitException(string? userMessage)
            : base(userMessage)
        {
        }

        public XunitException(string? userMessage, Exception? innerException)
            : base(userMessage, innerException)
        {
        }
    }

    [AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
    public abstract class DataAttribute : Attribute
    {
        /// <summary>Why these rows are not run.</summary>
        public virtual string? Skip { get; set; }

        public abstract IEnumerable<object?[]> GetData(MethodInfo testMethod);
    }
}
