namespace SmpFota;

/// <summary>As what a client uses its carrier.</summary>
public enum SmpCarrierKind
{
    /// <summary>As the first of these that it is: <see cref="ISmpBatchExchange"/>, <see cref="ISmpExchange"/>, <see cref="ISmpTransport"/>.</summary>
    Auto = 0,

    /// <summary>As an <see cref="ISmpTransport"/>.</summary>
    Transport = 1,

    /// <summary>As an <see cref="ISmpExchange"/>.</summary>
    Exchange = 2,

    /// <summary>As an <see cref="ISmpBatchExchange"/>.</summary>
    BatchExchange = 3,
}
