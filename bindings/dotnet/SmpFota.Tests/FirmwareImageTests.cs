using System;
using System.IO;
using System.Security.Cryptography;
using System.Text.Json;
using SmpFota.Tests.Support;
using Xunit;

namespace SmpFota.Tests;

public sealed class FirmwareImageTests
{
    [Fact]
    public void AnImageSaysWhatItIs()
    {
        byte[] bytes = Images.Bytes("1.2.3+4", 5000);
        using FirmwareImage image = FirmwareImage.Open(bytes);
        FirmwareImageInfo info = Assert.Single(image.Images);
        Assert.Same(info, image.Info);
        Assert.Equal(new ImageVersion(1, 2, 3, 4), info.Version);
        Assert.Equal("1.2.3+4", info.Version.ToString());
        Assert.Equal(bytes.Length, info.Size);
        Assert.Equal(256, info.HashBits);
        Assert.Equal(32, info.Hash.Length);
        Assert.Equal(SHA256.HashData(bytes), info.FileSha256.ToArray());
        Assert.NotEqual(info.Hash.ToArray(), info.FileSha256.ToArray());
        Assert.Equal(0, info.ImageNumber);
        Assert.Null(info.Slot);
        Assert.False(info.IsEncrypted || info.IsCompressed || info.IsPadded || info.IsFromPackage);
        using JsonDocument description = JsonDocument.Parse(image.Describe());
        Assert.Equal(JsonValueKind.Object, description.RootElement.ValueKind);
    }

    [Fact]
    public void AFileIsReadByAPathInUtf8()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("smpfota");
        try
        {
            string path = Path.Combine(folder.FullName, "prüfling-固件.bin");
            File.WriteAllBytes(path, Images.Bytes("1.1.0"));
            using FirmwareImage image = FirmwareImage.Open(path);
            Assert.Equal("1.1.0", image.Info.Version.ToString());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void WhatIsNoImageIsRefusedWithAReason()
    {
        Assert.Equal(SmpStatus.NotAnImage, Refused(new byte[1000]).Status);
        Assert.Throws<FirmwareImageException>(() => FirmwareImage.Open(ReadOnlySpan<byte>.Empty).Dispose());
        Assert.Equal(SmpStatus.ImageTruncated, Refused(Images.Bytes()[..600]).Status);
        byte[] damaged = Images.Bytes();
        damaged[1000] ^= 1;
        FirmwareImageException thrown = Refused(damaged);
        Assert.Equal(SmpStatus.ImageHashMismatch, thrown.Status);
        Assert.NotEmpty(thrown.Message);
        Assert.Null(thrown.Code);
    }

    [Fact]
    public void AFileThatCannotBeReadIsAnError()
    {
        var thrown = Assert.Throws<FirmwareImageException>(() => FirmwareImage.Open("/nonexistent/image.bin"));
        Assert.Equal(SmpStatus.FileUnreadable, thrown.Status);
        Assert.Contains("/nonexistent/image.bin", thrown.Message);
        Assert.Throws<ArgumentException>(() => FirmwareImage.Open(""));
        Assert.Throws<ArgumentNullException>(() => FirmwareImage.Open((string)null!));
    }

    [Fact]
    public void ADisposedImageIsRefusedAndDisposedOnlyOnce()
    {
        FirmwareImage image = Images.Open();
        image.Dispose();
        image.Dispose();
        Assert.Throws<ObjectDisposedException>(image.Describe);
        using var session = new SmpSession();
        Assert.Throws<ObjectDisposedException>(() => session.StartUpdate(image));
        Assert.Equal("1.1.0", image.Info.Version.ToString());
    }

    private static FirmwareImageException Refused(byte[] bytes) => Assert.Throws<FirmwareImageException>(() => FirmwareImage.Open(bytes).Dispose());
}
