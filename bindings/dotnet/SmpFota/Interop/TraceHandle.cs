namespace SmpFota.Interop;

/// <summary>Owns a handle that smpfota_trace_close closes.</summary>
internal sealed class TraceHandle : NativeHandle
{
    protected override string Owner => nameof(SmpTrace);

    protected override int Close(nuint value) => NativeMethods.smpfota_trace_close(value);
}
