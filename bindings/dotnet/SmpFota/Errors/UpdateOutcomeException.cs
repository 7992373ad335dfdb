using System;

namespace SmpFota;

/// <summary>The update ended otherwise than asked, for example reverted by the bootloader; the device's own image list says so.</summary>
public sealed class UpdateOutcomeException : SmpException
{
    internal UpdateOutcomeException(SmpStatus status, string message, string? finding, int? group, int? code, Exception? inner = null)
        : base(status, message, finding, group, code, inner)
    {
    }
}
