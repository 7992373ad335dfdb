namespace SmpFota.Interop;

/// <summary>Owns a handle that smpfota_serial_decoder_close closes.</summary>
internal sealed class SerialDecoderHandle : NativeHandle
{
    protected override string Owner => nameof(SerialDecoder);

    protected override int Close(nuint value) => NativeMethods.smpfota_serial_decoder_close(value);
}
