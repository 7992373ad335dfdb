namespace SmpFota;

/// <summary>How SMP frames are wrapped on the way to the device.</summary>
public enum SmpFramingMode
{
    /// <summary>As they are: Bluetooth, UDP, most gateways.</summary>
    Raw = 0,

    /// <summary>As console lines of at most 127 bytes: UART gateways and MCUboot serial recovery.</summary>
    Serial = 1,
}
