using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <content>Group 2, statistics.</content>
public partial class SmpClient
{
    /// <summary>The names of the device's statistics groups.</summary>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<IReadOnlyList<string>> ReadStatisticsGroupsAsync(CancellationToken cancellationToken = default) =>
        AskAsync<IReadOnlyList<string>>("statistics_list", null, static a => a.Items("groups", static g => g.GetString() ?? string.Empty), cancellationToken);

    /// <summary>The counters of one statistics group by their names.</summary>
    /// <param name="name">The group, as <see cref="ReadStatisticsGroupsAsync"/> lists it.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="ArgumentNullException">There is no name.</exception>
    /// <exception cref="SmpException">As <see cref="CommandAsync"/>.</exception>
    public virtual Task<IReadOnlyDictionary<string, ulong>> ReadStatisticsAsync(string name, CancellationToken cancellationToken = default) =>
        AskAsync<IReadOnlyDictionary<string, ulong>>(
            "statistics_read", Named(name),
            static a => new ReadOnlyDictionary<string, ulong>(
                a.GetProperty("fields").EnumerateObject().ToDictionary(static f => f.Name, static f => f.Value.GetUInt64())),
            cancellationToken);
}
