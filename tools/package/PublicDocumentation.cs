// usage: PublicDocumentation ASSEMBLY XML
// Takes out of the XML documentation every member that cannot be reached from outside the assembly.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Xml.Linq;

const BindingFlags Everything =
    BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

var names = new HashSet<string>();
foreach (Type type in Assembly.LoadFrom(Path.GetFullPath(args[0])).GetExportedTypes())
{
    string owner = NameOf(type);
    names.Add($"T:{owner}");
    names.UnionWith(type.GetFields(Everything).Where(f => f.IsPublic || f.IsFamily || f.IsFamilyOrAssembly).Select(f => $"F:{owner}.{f.Name}"));
    names.UnionWith(type.GetEvents(Everything).Where(e => IsReachable(e.AddMethod)).Select(e => $"E:{owner}.{e.Name}"));
    names.UnionWith(type.GetProperties(Everything).Where(p => IsReachable(p.GetMethod) || IsReachable(p.SetMethod))
        .Select(p => $"P:{owner}.{p.Name}{Parameters(p.GetIndexParameters())}"));
    foreach (MethodBase method in type.GetMethods(Everything).Cast<MethodBase>().Concat(type.GetConstructors(Everything)).Where(IsReachable))
    {
        string arity = method.IsGenericMethod ? $"``{method.GetGenericArguments().Length}" : "";
        string result = method is MethodInfo { Name: "op_Implicit" or "op_Explicit" } conversion ? $"~{NameOf(conversion.ReturnType)}" : "";
        names.Add($"M:{owner}.{method.Name.Replace('.', '#')}{arity}{Parameters(method.GetParameters())}{result}");
    }
}

XDocument document = XDocument.Load(args[1]);
List<XElement> members = document.Descendants("member").ToList();
foreach (XElement member in members.Where(m => !names.Contains(m.Attribute("name")!.Value)))
{
    member.Remove();
}

int left = document.Descendants("member").Count();
document.Save(args[1]);
Console.WriteLine($"{left} of {members.Count} members are public");
return left > 0 ? 0 : 1;

static bool IsReachable(MethodBase? method) => method is { } m && (m.IsPublic || m.IsFamily || m.IsFamilyOrAssembly);

static string Parameters(ParameterInfo[] parameters) =>
    parameters.Length == 0 ? "" : $"({string.Join(",", parameters.Select(p => NameOf(p.ParameterType)))})";

// As the compiler writes the name of a type in its documentation.
static string NameOf(Type type)
{
    if (type.IsByRef)
    {
        return NameOf(type.GetElementType()!) + "@";
    }

    if (type.IsPointer)
    {
        return NameOf(type.GetElementType()!) + "*";
    }

    if (type.IsArray)
    {
        return NameOf(type.GetElementType()!) + "[]";
    }

    if (type.IsGenericParameter)
    {
        return (type.DeclaringMethod is null ? "`" : "``") + type.GenericParameterPosition;
    }

    string name = (type.DeclaringType is { } outer ? NameOf(outer) : type.Namespace) + ".";
    if (!type.IsGenericType || type.IsGenericTypeDefinition)
    {
        return name + type.Name;
    }

    return $"{name}{type.Name.Split('`')[0]}{{{string.Join(",", type.GetGenericArguments().Select(NameOf))}}}";
}
