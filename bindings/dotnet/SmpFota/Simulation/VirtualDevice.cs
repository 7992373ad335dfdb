using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>
/// A Zephyr device with MCUboot and the link in front of it, in memory: for an application's own tests, without hardware.
/// It knows no clock; whoever uses it says what time it is.
/// </summary>
/// <remarks>One thread at a time, as <see cref="SmpSession"/>; <see cref="Dispose"/> from any.</remarks>
public sealed unsafe class VirtualDevice : IDisposable
{
    private delegate int NameCall(uint index, byte* text, nuint capacity, nuint* length);

    private readonly DeviceHandle handle = new();

    /// <summary>Makes a device that runs version 1.0.0 of an image of its own.</summary>
    /// <param name="options">What it is like; null for a Zephyr 4.4 device without a link in front.</param>
    /// <exception cref="ArgumentException">A name or number in the options is unknown.</exception>
    /// <exception cref="SmpUsageException">An option is outside its range.</exception>
    /// <exception cref="SmpLibraryException">The native library is missing, of another version, or was built without the simulator.</exception>
    public VirtualDevice(VirtualDeviceOptions? options = null)
    {
        smpfota_device_options native = (options ?? new VirtualDeviceOptions()).ToNative();
        smpfota_error error = NativeError.Create();
        nuint raw = 0;
        StatusTable.Check(NativeMethods.smpfota_device_open(&native, &raw, &error), error);
        handle.Own(raw);
        handle.Weigh(2L * native.slot_size);
    }

    /// <summary>The links that <see cref="VirtualDeviceOptions.Link"/> knows.</summary>
    /// <exception cref="SmpLibraryException">The native library is missing, of another version, or was built without the simulator.</exception>
    public static IReadOnlyList<string> LinkNames => Names(NativeMethods.smpfota_simulator_link_name);

    /// <summary>The faults that <see cref="VirtualDeviceOptions.Fault"/> knows.</summary>
    /// <exception cref="SmpLibraryException">The native library is missing, of another version, or was built without the simulator.</exception>
    public static IReadOnlyList<string> FaultNames => Names(NativeMethods.smpfota_simulator_fault_name);

    /// <summary>When something will arrive next, or null while nothing is on its way.</summary>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public TimeSpan? Deadline
    {
        get
        {
            using HandleLease lease = handle.Lease();
            ulong deadline = 0;
            int status = NativeMethods.smpfota_device_deadline(lease.Value, &deadline);
            StatusTable.Check(status);
            return status == (int)SmpStatus.Empty ? null : NativeTime.Point(deadline);
        }
    }

    /// <summary>Makes an image that a virtual device takes: valid and hashed, without a signature.</summary>
    /// <param name="version">Such as <c>1.1.0</c>.</param>
    /// <param name="size">The size of the payload, in bytes.</param>
    /// <param name="seed">What the payload is made from.</param>
    /// <exception cref="ArgumentNullException">There is no version.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative.</exception>
    /// <exception cref="SmpUsageException">The version is not one, or the size is outside its range.</exception>
    public static byte[] MakeImage(string version, int size, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(version);
        uint bytes = NativeOption.From(size, nameof(size));
        byte[] utf8 = Encoding.UTF8.GetBytes(version);
        fixed (byte* start = utf8)
        {
            byte* text = start;
            return NativeText.ReadBytes((buffer, capacity, length) =>
                NativeMethods.smpfota_simulator_make_image(text, (nuint)utf8.Length, bytes, seed, buffer, capacity, length));
        }
    }

    /// <summary>Puts an image into the running slot, confirmed, and boots it.</summary>
    /// <exception cref="FirmwareImageException">The bytes are not an image.</exception>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public void Install(ReadOnlySpan<byte> image)
    {
        smpfota_error error = NativeError.Create();
        using HandleLease lease = handle.Lease();
        fixed (byte* start = image)
        {
            StatusTable.Check(NativeMethods.smpfota_device_install(lease.Value, start, (nuint)image.Length, &error), error);
        }
    }

    /// <summary>One write of the client enters the link.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative.</exception>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public void Write(TimeSpan now, ReadOnlySpan<byte> bytes)
    {
        using HandleLease lease = handle.Lease();
        fixed (byte* start = bytes)
        {
            StatusTable.Check(NativeMethods.smpfota_device_write(lease.Value, NativeTime.Now(now), start, (nuint)bytes.Length));
        }
    }

    /// <summary>Takes one notification that has arrived by now.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative.</exception>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public bool TryRead(TimeSpan now, [NotNullWhen(true)] out byte[]? notification)
    {
        ulong milliseconds = NativeTime.Now(now);
        using HandleLease lease = handle.Lease();
        nuint raw = lease.Value;
        StatusTable.Check(NativeText.TryReadBytes(
            (buffer, capacity, length) => NativeMethods.smpfota_device_read(raw, milliseconds, buffer, capacity, length), out notification));
        return notification is not null;
    }

    /// <summary>Drops the link to the device or brings it up again.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative.</exception>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public void SetLink(TimeSpan now, bool up)
    {
        using HandleLease lease = handle.Lease();
        StatusTable.Check(NativeMethods.smpfota_device_link(lease.Value, NativeTime.Now(now), up ? 1u : 0u));
    }

    /// <summary>Its slots, the running version and what the link did, as JSON.</summary>
    /// <exception cref="ObjectDisposedException">The device was disposed.</exception>
    /// <exception cref="SmpUsageException">Another thread is inside.</exception>
    public string Describe()
    {
        using HandleLease lease = handle.Lease();
        nuint raw = lease.Value;
        return NativeText.Read((buffer, capacity, length) => NativeMethods.smpfota_device_describe(raw, buffer, capacity, length));
    }

    /// <summary>Removes the device.</summary>
    public void Dispose() => handle.Dispose();

    private static ReadOnlyCollection<string> Names(NameCall call)
    {
        var names = new List<string>();
        while (true)
        {
            uint index = (uint)names.Count;
            int status = NativeText.TryRead((buffer, capacity, length) => call(index, buffer, capacity, length), out string? name);
            if (status == (int)SmpStatus.InvalidArgument)
            {
                return names.AsReadOnly();
            }

            StatusTable.Check(status);
            names.Add(name!);
        }
    }
}
