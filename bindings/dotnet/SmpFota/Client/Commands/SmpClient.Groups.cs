using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <content>Groups 9, 10 and 63: the shell, the list of groups, and Zephyr's basics.</content>
public partial class SmpClient
{
    /// <summary>Runs a shell command on the device. It is sent once only, whatever happens to the answer.</summary>
    /// <param name="arguments">The command and its arguments, one each.</param>
    /// <param name="timeout">How long it may take; 30 s by default.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="ArgumentNullException">There are no arguments.</exception>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<ShellResult> ExecuteShellAsync(
        IReadOnlyList<string> arguments, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        string json = Arguments(w =>
        {
            w.WriteStartArray("argv");
            foreach (string argument in arguments)
            {
                w.WriteStringValue(argument);
            }

            w.WriteEndArray();
            if (timeout is { } limit)
            {
                w.WriteNumber("timeout_ms", (long)limit.TotalMilliseconds);
            }
        });
        return AskAsync("shell_execute", json, ShellResult.Read, cancellationToken);
    }

    /// <summary>How many groups of commands the device knows. Since Zephyr 4.0.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<int> CountGroupsAsync(CancellationToken cancellationToken = default) =>
        AskAsync("enumeration_count", null, static a => (int)(a.Number("count") ?? 0), cancellationToken);

    /// <summary>The numbers of the groups that the device knows. Since Zephyr 4.0.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<IReadOnlyList<int>> ReadGroupsAsync(CancellationToken cancellationToken = default) =>
        AskAsync<IReadOnlyList<int>>("enumeration_list", null, static a => a.Items("groups", static g => g.GetInt32()), cancellationToken);

    /// <summary>The number of one group, for devices whose answers have no room for all. Since Zephyr 4.0.</summary>
    /// <param name="index">Which of the groups, counted from 0.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<SmpGroupNumber> ReadGroupAsync(int index, CancellationToken cancellationToken = default) =>
        AskAsync(
            "enumeration_single", Arguments(w => w.WriteNumber("index", index)),
            static a => new SmpGroupNumber((int)(a.Number("group") ?? 0), a.Flag("last")), cancellationToken);

    /// <summary>Names of groups and how many commands they have. Since Zephyr 4.0.</summary>
    /// <param name="groups">Which groups; null for all.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<IReadOnlyList<SmpGroup>> ReadGroupDetailsAsync(
        IReadOnlyList<int>? groups = null, CancellationToken cancellationToken = default)
    {
        string? json = groups is null ? null : Arguments(w =>
        {
            w.WriteStartArray("groups");
            foreach (int group in groups)
            {
                w.WriteNumberValue(group);
            }

            w.WriteEndArray();
        });
        return AskAsync<IReadOnlyList<SmpGroup>>("enumeration_details", json, static a => a.Items("groups", SmpGroup.Read), cancellationToken);
    }

    /// <summary>Erases the device's storage partition, settings included.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task EraseStorageAsync(CancellationToken cancellationToken = default) => CommandAsync("zephyr_storage_erase", null, cancellationToken);
}
