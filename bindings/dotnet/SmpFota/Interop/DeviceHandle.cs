namespace SmpFota.Interop;

/// <summary>Owns a handle that smpfota_device_close closes.</summary>
internal sealed class DeviceHandle : NativeHandle
{
    protected override string Owner => nameof(VirtualDevice);

    protected override int Close(nuint value) => NativeMethods.smpfota_device_close(value);
}
