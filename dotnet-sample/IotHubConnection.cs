#if IOTHUB
using System;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Azure.Devices;
using Microsoft.Azure.Devices.Common.Exceptions;

namespace SmpFota.Sample;

/// <summary>The one call into Azure: the direct method "smp" of a gateway (service SDK v1; in v2 it is DirectMethods.InvokeAsync).</summary>
internal sealed class IotHubConnection(string device) : IConnection
{
    // The hub takes response timeouts of 5 to 300 s; the gateway gets a little less than we wait.
    private static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(30);

    private readonly ServiceClient service = ServiceClient.CreateFromConnectionString(
        Environment.GetEnvironmentVariable("IOTHUB_CONNECTION_STRING")
        ?? throw new System.IO.IOException("IOTHUB_CONNECTION_STRING is not set."));

    public string Name => $"{device} through IoT Hub";

    public SmpClient Connect(SmpClientServices services) => new(new IotHubDirectMethodCarrier(InvokeAsync), null, services);

    public SmpClient Restore(byte[] snapshot, FirmwareImage image, SmpClientServices services) =>
        SmpClient.Restore(snapshot, image, new IotHubDirectMethodCarrier(InvokeAsync), null, services);

    public async ValueTask DisposeAsync()
    {
        await service.CloseAsync();
        service.Dispose();
    }

    private async Task<string?> InvokeAsync(string payload, CancellationToken cancellationToken)
    {
        CloudToDeviceMethod method = new CloudToDeviceMethod("smp", ResponseTimeout).SetPayloadJson(payload);
        try
        {
            CloudToDeviceMethodResult result = await service.InvokeDeviceMethodAsync(device, method, cancellationToken);
            return result.Status == 200 ? result.GetPayloadAsJson() : null;
        }
        catch (IotHubException e) when (e.IsTransient || e.Code == ErrorCode.DeviceNotOnline)
        {
            return null; // 504101, 429001, 404103: it may or may not have been carried out
        }
        catch (IotHubException e)
        {
            throw new System.IO.IOException($"IoT Hub refuses the call: {e.Message}", e);
        }
    }
}
#endif
