namespace SmpFota.Sample;

/// <summary>Chooses the carrier.</summary>
internal static class Connections
{
    internal static IConnection Open(Arguments arguments)
    {
        if (arguments.Udp is { } endPoint)
        {
            return new UdpCarrier(endPoint);
        }

#if IOTHUB
        if (arguments.IotHub is { } device)
        {
            return new IotHubConnection(device);
        }
#endif

        var options = new VirtualDeviceOptions { Link = arguments.Link, Fault = arguments.Fault, Seed = arguments.Seed };
        return arguments.Link == "iothub-method" ? new VirtualMethodCarrier(options) : new VirtualCarrier(options);
    }
}
