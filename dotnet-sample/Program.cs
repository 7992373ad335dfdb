using System;
using System.Runtime.InteropServices;
using System.Threading;
using SmpFota;
using SmpFota.Sample;

Arguments arguments;
try
{
    arguments = Arguments.Parse(args);
}
catch (ArgumentException e)
{
    Console.Error.WriteLine($"{e.Message} Try --help.");
    return 2;
}
catch (SmpException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

if (arguments.Help)
{
    Console.Write(Arguments.HelpText);
    return 0;
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, key) =>
{
    key.Cancel = true;
    stop.Cancel();
};

// A service that is stopped gets SIGTERM: what is stored stays, and the next run goes on from it.
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
{
    signal.Cancel = true;
    stop.Cancel();
});

try
{
    await using IConnection connection = Connections.Open(arguments);
    await Updater.RunAsync(connection, arguments, stop.Token);
    return 0;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("Stopped. The device keeps what it has; start again to go on from there.");
    return 1;
}
catch (Exception e) when (e is SmpException or System.Net.Sockets.SocketException or System.IO.IOException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
