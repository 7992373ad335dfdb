using System;
using System.Runtime.InteropServices;

namespace SmpFota.Interop;

/// <summary>
/// Owns one handle of the native library. Closing waits for the calls that are inside: every call holds a
/// <see cref="HandleLease"/>, and the last one out closes. The finalizer is a critical one and needs no other object.
/// </summary>
internal abstract class NativeHandle : SafeHandle
{
    private long pressure;
    private volatile bool closing;

    protected NativeHandle()
        : base(IntPtr.Zero, ownsHandle: true)
    {
        NativeLibraryLoader.EnsureLoaded();
    }

    public sealed override bool IsInvalid => handle == IntPtr.Zero;

    /// <summary>Takes over a handle that the library has just given out.</summary>
    internal void Own(nuint value) => SetHandle((nint)value);

    /// <summary>Tells the collector, once, how many bytes the handle holds outside its heap, so that dropped ones are found in time.</summary>
    internal void Weigh(long nativeBytes)
    {
        if (nativeBytes > 0)
        {
            pressure = nativeBytes;
            GC.AddMemoryPressure(nativeBytes);
        }
    }

    /// <summary>Keeps the handle open until the lease is disposed.</summary>
    /// <exception cref="ObjectDisposedException">Dispose was called, even if the last call inside has not left yet.</exception>
    internal HandleLease Lease()
    {
        if (closing)
        {
            throw new ObjectDisposedException(Owner);
        }

        return new HandleLease(this);
    }

    /// <summary>The public type that people know the handle as.</summary>
    protected abstract string Owner { get; }

    /// <summary>Closes the native handle; the status that the library answered.</summary>
    protected abstract int Close(nuint value);

    protected sealed override void Dispose(bool disposing)
    {
        closing = true;
        base.Dispose(disposing);
    }

    protected sealed override bool ReleaseHandle()
    {
        if (pressure > 0)
        {
            GC.RemoveMemoryPressure(pressure);
        }

        return Close((nuint)(nint)handle) == 0;
    }
}
