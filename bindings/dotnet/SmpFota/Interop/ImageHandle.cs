namespace SmpFota.Interop;

/// <summary>Owns a handle that smpfota_image_close closes.</summary>
internal sealed class ImageHandle : NativeHandle
{
    protected override string Owner => nameof(FirmwareImage);

    protected override int Close(nuint value) => NativeMethods.smpfota_image_close(value);
}
