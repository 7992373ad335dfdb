using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using SmpFota.Interop;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

/// <summary>The structs of the ABI have one layout in C# and in the C header.</summary>
public sealed class LayoutTests
{
    private static readonly Type[] Structs =
    [
        typeof(smpfota_error), typeof(smpfota_session_options), typeof(smpfota_update_options),
        typeof(smpfota_image_info), typeof(smpfota_progress), typeof(smpfota_device_options),
    ];

    [Fact]
    public unsafe void SizesAreThoseOfAbiVersion1()
    {
        Assert.Equal(512, sizeof(smpfota_error));
        Assert.Equal(80, sizeof(smpfota_session_options));
        Assert.Equal(44, sizeof(smpfota_update_options));
        Assert.Equal(160, sizeof(smpfota_image_info));
        Assert.Equal(64, sizeof(smpfota_progress));
        Assert.Equal(48, sizeof(smpfota_device_options));
    }

    [Fact]
    public void OffsetsAreThoseOfAbiVersion1()
    {
        Assert.Equal(24, Offset<smpfota_error>("text"));
        Assert.Equal(60, Offset<smpfota_session_options>("reserved"));
        Assert.Equal(64, Offset<smpfota_session_options>("batch_frames"));
        Assert.Equal(76, Offset<smpfota_session_options>("reserved2"));
        Assert.Equal(28, Offset<smpfota_update_options>("deadline_ms"));
        Assert.Equal(32, Offset<smpfota_update_options>("boot_mode"));
        Assert.Equal(36, Offset<smpfota_update_options>("security_counter"));
        Assert.Equal(40, Offset<smpfota_update_options>("self_reset_ms"));
        Assert.Equal(32, Offset<smpfota_image_info>("hash"));
        Assert.Equal(96, Offset<smpfota_image_info>("sha256"));
        Assert.Equal(156, Offset<smpfota_image_info>("slot"));
        Assert.Equal(8, Offset<smpfota_progress>("bytes_acknowledged"));
        Assert.Equal(24, Offset<smpfota_progress>("image_index"));
        Assert.Equal(60, Offset<smpfota_progress>("link_resets"));
        Assert.Equal(16, Offset<smpfota_device_options>("seed"));
        Assert.Equal(44, Offset<smpfota_device_options>("reserved"));
    }

    [Fact]
    public void TheHeaderHasTheSameStructs()
    {
        var header = new CHeader(Repository.Header);
        Assert.Equal(
            header.Structures.Keys.Order(StringComparer.Ordinal), Structs.Select(s => s.Name).Order(StringComparer.Ordinal));
        foreach (Type type in Structs)
        {
            List<CHeader.Field> expected = header.Structures[type.Name];
            FieldInfo[] actual = type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
            Assert.Equal(expected.Select(f => f.Name), actual.Select(f => f.Name));
            (List<int> offsets, int size) = CHeader.LayOut(expected);
            Assert.Equal(offsets, actual.Select(f => (int)Marshal.OffsetOf(type, f.Name)));
            Assert.Equal(size, Marshal.SizeOf(type));
        }
    }

    private static int Offset<T>(string field) => (int)Marshal.OffsetOf<T>(field);
}
