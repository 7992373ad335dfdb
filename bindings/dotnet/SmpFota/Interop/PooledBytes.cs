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

    // Whether a full buffer is the end is asked with one byte: a buffer for one more would be twice as large.
    private readonly byte[] probe = new byte[1];
    private readonly int most;
    private byte[] buffer;
    private int length;

    private PooledBytes(Stream stream, int most)
    {
        this.most = most;
        int size = stream.CanSeek ? (int)Math.Min(Math.Max(stream.Length - stream.Position, 1), most) : FirstSize;
        buffer = ArrayPool<byte>.Shared.Rent(size);
    }

    internal ReadOnlyMemory<byte> Memory => buffer.AsMemory(0, length);

    /// <summary>Reads to the end, or one byte further than allowed: the library then says what is too long.</summary>
    internal static async Task<PooledBytes> ReadAsync(Stream stream, int most, CancellationToken cancellationToken)
    {
        var read = new PooledBytes(stream, most);
        try
        {
            while (read.Took(await stream.ReadAsync(read.Room, cancellationToken).ConfigureAwait(false)))
            {
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
        var read = new PooledBytes(stream, most);
        try
        {
            while (read.Took(stream.Read(read.Room.Span)))
            {
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

    private Memory<byte> Room => length < buffer.Length ? buffer.AsMemory(length) : probe;

    // Whether there may be more to read.
    private bool Took(int count)
    {
        if (count > 0 && length == buffer.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
            Memory.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = larger;
            buffer[length] = probe[0];
        }

        length += count;
        return count > 0 && length <= most;
    }
}
