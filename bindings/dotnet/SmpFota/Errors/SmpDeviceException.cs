using System;

namespace SmpFota;

/// <summary>The device refused a request or could not carry it out.</summary>
public sealed class SmpDeviceException : SmpException
{
    internal SmpDeviceException(SmpStatus status, string message, string? finding, int? group, int? code, Exception? inner = null)
        : base(status, message, finding, group, code, inner)
    {
    }
}
