using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <content>Group 0, operating system.</content>
public partial class SmpClient
{
    /// <summary>Has the device send a text back.</summary>
    /// <param name="text">The text, without NUL.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="ArgumentNullException">There is no text.</exception>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<string> EchoAsync(string text, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        return AskAsync(
            "echo", Arguments(w => w.WriteString("text", text)), static a => a.Text("text") ?? string.Empty, cancellationToken);
    }

    /// <summary>Resets the device. It answers first and resets a moment later.</summary>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task ResetAsync(CancellationToken cancellationToken) => ResetAsync(null, cancellationToken);

    /// <summary>Resets the device, with options in a way that newer servers know. It answers first and resets a moment later.</summary>
    /// <param name="options">How; null for a plain reset.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task ResetAsync(ResetOptions? options = null, CancellationToken cancellationToken = default)
    {
        string? arguments = options is null ? null : Arguments(w =>
        {
            w.WriteBoolean("force", options.Force);
            if (options.BootMode is { } mode)
            {
                w.WriteNumber("boot_mode", mode);
            }
        });
        return CommandAsync("reset", arguments, cancellationToken);
    }

    /// <summary>The buffers of the device's SMP server.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<SmpParameters> ReadParametersAsync(CancellationToken cancellationToken = default) =>
        AskAsync("parameters", null, SmpParameters.Read, cancellationToken);

    /// <summary>What the device tells of its bootloader. Only newer servers know this.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<BootloaderInfo> ReadBootloaderAsync(CancellationToken cancellationToken = default) =>
        AskAsync("bootloader_info", null, BootloaderInfo.Read, cancellationToken);

    /// <summary>What the device tells of its operating system and hardware.</summary>
    /// <param name="format">The letters of what to tell, as of <c>uname</c>; null for the name alone, <c>a</c> for everything.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<string> ReadOsInfoAsync(string? format = null, CancellationToken cancellationToken = default) =>
        AskAsync(
            "os_info", format is null ? null : Arguments(w => w.WriteString("format", format)),
            static a => a.Text("output") ?? string.Empty, cancellationToken);

    /// <summary>The device's clock, in a zone that the device does not name.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<DateTime> ReadDateTimeAsync(CancellationToken cancellationToken = default) =>
        AskAsync("date_time_get", null, static a => ParseDateTime(a.Text("date_time")), cancellationToken);

    /// <summary>Sets the device's clock, to the second.</summary>
    /// <param name="time">The time, in whatever zone the device keeps.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task SetDateTimeAsync(DateTime time, CancellationToken cancellationToken = default)
    {
        string text = time.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);
        return CommandAsync("date_time_set", Arguments(w => w.WriteString("date_time", text)), cancellationToken);
    }

    /// <summary>The device's threads.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<IReadOnlyList<TaskStatistics>> ReadTasksAsync(CancellationToken cancellationToken = default) =>
        AskAsync<IReadOnlyList<TaskStatistics>>("task_statistics", null, static a => a.Items("tasks", TaskStatistics.Read), cancellationToken);

    /// <summary>The device's memory pools.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<IReadOnlyList<MemoryPoolStatistics>> ReadMemoryPoolsAsync(CancellationToken cancellationToken = default) =>
        AskAsync<IReadOnlyList<MemoryPoolStatistics>>(
            "memory_pool_statistics", null, static a => a.Items("pools", MemoryPoolStatistics.Read), cancellationToken);

    private static DateTime ParseDateTime(string? text) =>
        DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AllowWhiteSpaces, out DateTime time)
            ? DateTime.SpecifyKind(time, DateTimeKind.Unspecified)
            : throw new SmpProtocolException(SmpStatus.UnexpectedResponse, $"The device's clock says '{text}', which is no date and time.");
}
