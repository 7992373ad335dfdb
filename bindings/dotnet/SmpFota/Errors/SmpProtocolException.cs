using System;

namespace SmpFota;

/// <summary>The conversation with the device failed: no answer in time, no progress, or answers that make no sense.</summary>
public sealed class SmpProtocolException : SmpException
{
    internal SmpProtocolException(SmpStatus status, string message, string? finding, int? group, int? code, Exception? inner = null)
        : base(status, message, finding, group, code, inner)
    {
    }
}
