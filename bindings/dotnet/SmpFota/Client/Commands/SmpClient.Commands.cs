using System;
using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <content>Commands and requests of any kind; the other files have the known ones by group.</content>
public partial class SmpClient
{
    /// <summary>Runs one of the library's commands.</summary>
    /// <param name="name">The command's name.</param>
    /// <param name="argumentsJson">The arguments as a JSON object; null for none.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <returns>The answer as JSON.</returns>
    /// <exception cref="ArgumentNullException">There is no name.</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    /// <exception cref="SmpUsageException">The command is unknown, or the arguments do not fit it.</exception>
    /// <exception cref="SmpDeviceException">The device refused the command.</exception>
    /// <exception cref="SmpProtocolException">The device did not answer, or not in a way that makes sense.</exception>
    public virtual Task<string> CommandAsync(string name, string? argumentsJson = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        return RunAsync(s => s.StartCommand(name, argumentsJson), static (_, json, _) => new ValueTask<string>(json), cancellationToken: cancellationToken);
    }

    /// <summary>Sends any request, also of groups that the library does not know (vendors' groups start at 64).</summary>
    /// <param name="operation">Read or write.</param>
    /// <param name="group">The SMP group.</param>
    /// <param name="command">The command in the group.</param>
    /// <param name="body">The body in CBOR; empty for the empty map.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <returns>The body of the answer in CBOR.</returns>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    /// <exception cref="SmpUsageException">An argument is outside its range.</exception>
    /// <exception cref="SmpDeviceException">The device refused the request.</exception>
    /// <exception cref="SmpProtocolException">The device did not answer, or not in a way that makes sense.</exception>
    public virtual Task<byte[]> RequestAsync(
        SmpOperation operation, ushort group, byte command, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default) =>
        RunAsync(
            s => s.StartRequest(operation, group, command, body.Span),
            static (_, json, _) => new ValueTask<byte[]>(Read(json, static answer => answer.Hex("body"))),
            cancellationToken: cancellationToken);

    private static string Arguments(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static string Named(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Arguments(w => w.WriteString("name", name));
    }

    private static T Read<T>(string json, Func<JsonElement, T> read)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return read(document.RootElement);
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException or JsonException or OverflowException
            or System.Collections.Generic.KeyNotFoundException or ArgumentException)
        {
            throw new SmpProtocolException(
                SmpStatus.UnexpectedResponse, $"The device's answer holds something that is not what it should be: {e.Message}", e);
        }
    }

    private Task<T> AskAsync<T>(
        string command, string? arguments, Func<JsonElement, T> read, CancellationToken cancellationToken) =>
        RunAsync(s => s.StartCommand(command, arguments), (_, json, _) => new ValueTask<T>(Read(json, read)), null, null, false, cancellationToken);
}
