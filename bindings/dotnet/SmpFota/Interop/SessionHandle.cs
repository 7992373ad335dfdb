namespace SmpFota.Interop;

/// <summary>Owns a handle that smpfota_session_close closes.</summary>
internal sealed class SessionHandle : NativeHandle
{
    protected override string Owner => nameof(SmpSession);

    protected override int Close(nuint value) => NativeMethods.smpfota_session_close(value);
}
