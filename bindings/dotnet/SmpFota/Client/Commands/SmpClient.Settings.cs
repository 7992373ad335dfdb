using System;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <content>Group 3, settings.</content>
public partial class SmpClient
{
    /// <summary>The value of a setting.</summary>
    /// <param name="name">The setting's path, such as <c>app/rate</c>.</param>
    /// <param name="maxSize">The most bytes to send back; null for what the device has room for.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="ArgumentNullException">There is no name.</exception>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<byte[]> ReadSettingAsync(string name, int? maxSize = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        string arguments = Arguments(w =>
        {
            w.WriteString("name", name);
            if (maxSize is { } most)
            {
                w.WriteNumber("max_size", most);
            }
        });
        return AskAsync("settings_read", arguments, static a => a.Hex("value_hex"), cancellationToken);
    }

    /// <summary>Changes a setting in the device's memory; <see cref="SaveSettingsAsync"/> keeps it.</summary>
    /// <param name="name">The setting's path.</param>
    /// <param name="value">The bytes, in whatever form the device keeps them.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="ArgumentNullException">There is no name.</exception>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task WriteSettingAsync(string name, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        string arguments = Arguments(w =>
        {
            w.WriteString("name", name);
            w.WriteBase64String("value_base64", value.Span);
        });
        return CommandAsync("settings_write", arguments, cancellationToken);
    }

    /// <summary>Deletes a setting.</summary>
    /// <param name="name">The setting's path.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="ArgumentNullException">There is no name.</exception>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task DeleteSettingAsync(string name, CancellationToken cancellationToken = default) =>
        CommandAsync("settings_delete", Named(name), cancellationToken);

    /// <summary>Makes changed settings count.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task CommitSettingsAsync(CancellationToken cancellationToken = default) => CommandAsync("settings_commit", null, cancellationToken);

    /// <summary>Loads all settings from the device's storage, over what was changed and not saved.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task LoadSettingsAsync(CancellationToken cancellationToken = default) => CommandAsync("settings_load", null, cancellationToken);

    /// <summary>Writes all settings to the device's storage.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task SaveSettingsAsync(CancellationToken cancellationToken = default) => CommandAsync("settings_save", null, cancellationToken);
}
