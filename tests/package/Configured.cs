// An application whose options stand in appsettings.json, published as native code: the binder is generated, not reflected.
using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Configuration;
using SmpFota;

IConfiguration configuration = new ConfigurationBuilder().AddJsonFile(args[3], optional: false).Build();
var options = new UpdateOptions();
configuration.GetSection("Update").Bind(options);
Console.WriteLine($"{options.Mode} {options.EraseFirst} {options.SwapTimeout}");

using var image = FirmwareImage.Open(args[0]);
await using var client = new SmpClient(new UdpDevice(args[1], int.Parse(args[2])));
UpdateResult result = await client.UpdateAsync(image, options);
Console.WriteLine($"{result.Outcome}: {image.Info.Version}");

