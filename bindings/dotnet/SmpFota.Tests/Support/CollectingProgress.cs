using System;
using System.Collections.Generic;

namespace SmpFota.Tests.Support;

/// <summary>Keeps every report, in order.</summary>
internal sealed class CollectingProgress : IProgress<UpdateProgress>
{
    internal List<UpdateProgress> Reports { get; } = [];

    public void Report(UpdateProgress value) => Reports.Add(value);
}
