using System;
using System.Collections.Generic;
using SmpFota.Interop;

namespace SmpFota;

/// <summary>What a <see cref="VirtualDevice"/> is like. Null leaves a value to the library.</summary>
/// <remarks>A device takes what they say when it is made: a later change has no effect on it.</remarks>
public sealed record VirtualDeviceOptions
{
    private const uint ReassemblyFlag = 1;
    private const uint SerialConsoleFlag = 2;

    /// <summary>Which server it behaves like. Zephyr 4.4 by default.</summary>
    public VirtualProfile Profile { get; set; }

    /// <summary>The link in front of it, one of <see cref="VirtualDevice.LinkNames"/>; null, the default, for none, which is instant and loses nothing.</summary>
    public string? Link { get; set; }

    /// <summary>What goes wrong on the way, one of <see cref="VirtualDevice.FaultNames"/>; null, the default, for nothing special.</summary>
    public string? Fault { get; set; }

    /// <summary>The seed of all chance on the link: the same seed gives the same delays and losses. 0 by default.</summary>
    public ulong Seed { get; set; }

    /// <summary>The size of each slot, in bytes. Null, the default: 487,424.</summary>
    public int? SlotSize { get; set; }

    /// <summary>The size of one buffer of its SMP server, in bytes. Null, the default: 384.</summary>
    public int? BufferSize { get; set; }

    /// <summary>How many buffers its SMP server has. Null, the default: 4.</summary>
    public int? BufferCount { get; set; }

    /// <summary>Whether it joins several writes to one frame. False by default: only as the library's profile does.</summary>
    public bool Reassembly { get; set; }

    /// <summary>Whether it speaks the console framing. False by default.</summary>
    public bool SerialConsole { get; set; }

    /// <summary>The most bytes one write or notification carries. Null, the default: 244.</summary>
    public int? MaxWrite { get; set; }

    internal unsafe smpfota_device_options ToNative()
    {
        smpfota_device_options native;
        StatusTable.Check(NativeMethods.smpfota_device_options_init(&native, (uint)sizeof(smpfota_device_options)));
        native.profile = (uint)Profile;
        native.seed = Seed;
        native.flags |= (Reassembly ? ReassemblyFlag : 0) | (SerialConsole ? SerialConsoleFlag : 0);
        if (Link is { } link) { native.link = Index(VirtualDevice.LinkNames, link, nameof(Link)); }
        if (Fault is { } fault) { native.fault = Index(VirtualDevice.FaultNames, fault, nameof(Fault)); }
        if (SlotSize is { } slot) { native.slot_size = NativeOption.From(slot, nameof(SlotSize)); }
        if (BufferSize is { } size) { native.buf_size = NativeOption.From(size, nameof(BufferSize)); }
        if (BufferCount is { } count) { native.buf_count = NativeOption.From(count, nameof(BufferCount)); }
        if (MaxWrite is { } write) { native.max_write = NativeOption.From(write, nameof(MaxWrite)); }
        return native;
    }

    private static uint Index(IReadOnlyList<string> names, string wanted, string option)
    {
        for (int index = 0; index < names.Count; index++)
        {
            if (names[index] == wanted)
            {
                return (uint)index;
            }
        }

        throw new ArgumentException($"{option} '{wanted}' is unknown; known are {string.Join(", ", names)}.", option);
    }
}
