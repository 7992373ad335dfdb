namespace SmpFota;

/// <summary>
/// What carries bytes to one device and back: an <see cref="ISmpTransport"/> (single writes, and whatever arrives) or an
/// <see cref="ISmpExchange"/> (calls that bring the answers), which may be an <see cref="ISmpBatchExchange"/>. A class may be several of
/// them: <see cref="SmpClientOptions.CarrierKind"/> says which a client uses.
/// </summary>
/// <remarks>It has no members of its own: a class implements one of those, and <see cref="ISmpLinkControl"/> where it can drop the link.</remarks>
public interface ISmpCarrier
{
}
