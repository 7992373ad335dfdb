namespace SmpFota.Interop;

/// <summary>The error struct that a call fills in.</summary>
internal static unsafe class NativeError
{
    /// <summary>The room for the sentence in <see cref="smpfota_error"/>, in bytes.</summary>
    internal const int TextCapacity = 488;

    /// <summary>An empty error that tells the library how large it is.</summary>
    internal static smpfota_error Create()
    {
        smpfota_error error = default;
        error.struct_size = (uint)sizeof(smpfota_error);
        return error;
    }
}
