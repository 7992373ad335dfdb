#if NETSTANDARD2_0
using System;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace SmpFota;

/// <summary>Members that .NET has and neither netstandard2.0 nor Polyfill has, under .NET's own names.</summary>
internal static class Extensions
{
    extension(Task)
    {
        public static Task Delay(TimeSpan delay, TimeProvider timeProvider, CancellationToken cancellationToken) =>
            timeProvider.Delay(delay, cancellationToken);
    }

    extension(RuntimeInformation)
    {
        /// <summary>As .NET names the platform; .NET Framework and Mono have no such name.</summary>
        public static string RuntimeIdentifier
        {
            get
            {
                string system = RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? "win"
                    : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? "osx" : "linux";
                return $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
            }
        }
    }
}
#endif
