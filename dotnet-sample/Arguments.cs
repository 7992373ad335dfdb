using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;

namespace SmpFota.Sample;

/// <summary>What the command line asks for.</summary>
internal sealed record Arguments
{
    internal const string HelpText = """
        Updates the firmware of a device over SMP, and shows how an application of your own would.

        usage: sample [options]

        With no options a virtual device behind an emulated gateway, with delay and loss, goes from 1.0.0 to 1.1.0.

          --image FILE       the image: a signed MCUboot .bin, or a dfu_application.zip
          --mode MODE        confirm: boot on trial, check, confirm (the default)
                             test: boot on trial and leave it so; the next reset reverts
                             permanent: install for good without a trial
                             upload: upload only
          --snapshot FILE    keep the state of the update there: started again after a crash, it goes on from it
          --udp HOST:PORT    a device that speaks SMP over UDP, instead of the virtual one
          --link NAME        the virtual link: none, ble-local, gateway-lan (the default), iothub-method, cellular-bad
          --fault NAME       what goes wrong on the virtual link, such as seed-thread
          --seed N           the seed of chance on the virtual link (0)
          --iothub DEVICE    a gateway behind Azure IoT Hub; the service connection string is in IOTHUB_CONNECTION_STRING.
                             In builds with -p:IotHub=true.
          --help             this text

        Exit codes: 0 the device does what was asked, 1 it does not (the reason is on stderr), 2 wrong options.

        """;

    internal bool Help { get; private init; }

    internal string? Image { get; private init; }

    internal string? Snapshot { get; private init; }

    internal UpdateMode Mode { get; private init; }

    internal DnsEndPoint? Udp { get; private init; }

    internal string? IotHub { get; private init; }

    internal string Link { get; private init; } = "gateway-lan";

    internal string? Fault { get; private init; }

    internal ulong Seed { get; private init; }

    private bool IsVirtualChosen { get; init; }

    /// <exception cref="ArgumentException">An option is unknown, lacks its value, or has a wrong one; the message says so.</exception>
    internal static Arguments Parse(string[] args)
    {
        var parsed = new Arguments();
        for (int index = 0; index < args.Length; index++)
        {
            string option = args[index];
            string Value() => index + 1 < args.Length ? args[++index] : throw new ArgumentException($"{option} needs a value.");
            parsed = option switch
            {
                "--help" or "-h" => parsed with { Help = true },
                "--image" => parsed with { Image = Value() },
                "--snapshot" => parsed with { Snapshot = Value() },
                "--mode" => parsed with { Mode = ModeOf(Value()) },
                "--udp" => parsed with { Udp = EndPointOf(Value()) },
#if IOTHUB
                "--iothub" => parsed with { IotHub = Value() },
#endif
                "--link" => parsed with { Link = Value(), IsVirtualChosen = true },
                "--fault" => parsed with { Fault = Value(), IsVirtualChosen = true },
                "--seed" => parsed with { Seed = SeedOf(Value()), IsVirtualChosen = true },
                _ => throw new ArgumentException($"The option {option} is unknown."),
            };
        }

        if (parsed.IsVirtualChosen && (parsed.Udp is not null || parsed.IotHub is not null))
        {
            throw new ArgumentException("--link, --fault and --seed are for the virtual device.");
        }

        if (parsed.IsVirtualChosen && !parsed.Help)
        {
            Check("--link", parsed.Link, VirtualDevice.LinkNames);
            Check("--fault", parsed.Fault ?? VirtualDevice.FaultNames[0], VirtualDevice.FaultNames);
        }

        return parsed;
    }

    private static void Check(string option, string name, IReadOnlyList<string> known)
    {
        if (!known.Contains(name))
        {
            throw new ArgumentException($"{option} {name} is unknown: {string.Join(", ", known)}.");
        }
    }

    private static UpdateMode ModeOf(string text) => text switch
    {
        "confirm" => UpdateMode.TestAndConfirm,
        "test" => UpdateMode.TestOnly,
        "permanent" => UpdateMode.ConfirmAtOnce,
        "upload" => UpdateMode.UploadOnly,
        _ => throw new ArgumentException($"--mode {text} is unknown: confirm, test, permanent or upload."),
    };

    private static DnsEndPoint EndPointOf(string text)
    {
        int colon = text.LastIndexOf(':');
        return colon > 0 && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port > 0
            ? new DnsEndPoint(text[..colon].Trim('[', ']'), port)
            : throw new ArgumentException($"--udp {text} is not HOST:PORT.");
    }

    private static ulong SeedOf(string text) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed)
            ? seed
            : throw new ArgumentException($"--seed {text} is not a whole number.");
}
