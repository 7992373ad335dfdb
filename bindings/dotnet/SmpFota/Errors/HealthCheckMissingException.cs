using System;

namespace SmpFota;

/// <summary>An update asks for the health of the new image and its client has no check. Thrown to the outside as what it is derived from.</summary>
internal sealed class HealthCheckMissingException() : InvalidOperationException(
    "The update waits for word on the new image, and the client has no health check: give SmpClientServices.HealthCheck and go on with ContinueUpdateAsync, or the device goes back to the old image at its next reset.");
