using System;
using System.Buffers;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota.Interop;

/// <summary>The rest of a stream in pooled memory, on its way to the library, which copies it.</summary>
internal sealed class PooledBytes : IDisposable
{
    private const int FirstSize = 64 * 1024;

    private byte[] buffer;
    private int length;

    private PooledBytes(int size) => buffer = ArrayPool<byte>.Shared.Rent(size);

    internal ReadOnlyMemory<byte> Memory => buffer.AsMemory(0, length);

    /// <summary>Reads to the end, or one byte further than allowed: the library then says what is too long.</summary>
    internal static async Task<PooledBytes> ReadAsync(Stream stream, int most, CancellationToken cancellationToken)
    {
        var read = new PooledBytes(SizeOf(stream, most));
        try
        {
            while (read.length <= most)
            {
                read.Grow(most);
                int count = await stream.ReadAsync(read.Free(most), cancellationToken).ConfigureAwait(false);
                if (count == 0)
                {
                    break;
                }

                read.length += count;
            }

            return read;
        }
        catch
        {
            read.Dispose();
            throw;
        }
    }

    /// <summary>As <see cref="ReadAsync"/>, on this thread.</summary>
    internal static PooledBytes Read(Stream stream, int most)
    {
        var read = new PooledBytes(SizeOf(stream, most));
        try
        {
            while (read.length <= most)
            {
                read.Grow(most);
                int count = stream.Read(read.Free(most).Span);
                if (count == 0)
                {
                    break;
                }

                read.length += count;
            }

            return read;
        }
        catch
        {
            read.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        byte[] last = buffer;
        buffer = [];
        length = 0;
        if (last.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(last);
        }
    }

    private static int SizeOf(Stream stream, int most) =>
        stream.CanSeek ? (int)Math.Min(Math.Max(stream.Length - stream.Position, 0), most) + 1 : FirstSize;

    private Memory<byte> Free(int most) => buffer.AsMemory(length, Math.Min(buffer.Length, most + 1) - length);

    private void Grow(int most)
    {
        if (length < Math.Min(buffer.Length, most + 1))
        {
            return;
        }

        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Min(buffer.Length * 2, most + 1));
        Memory.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }
}
