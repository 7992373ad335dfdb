using System;

namespace SmpFota.Interop;

/// <summary>The one place that turns a native status into an exception; the sentences come from the library.</summary>
internal static unsafe class StatusTable
{
    /// <summary>Nothing for a normal outcome, else the exception of the status with the library's general sentence.</summary>
    internal static void Check(int status)
    {
        if (status < 0)
        {
            throw ToException(status, Text(status), default, null, null);
        }
    }

    /// <summary>As <see cref="Check(int)"/>, with what the call left in <paramref name="error"/>.</summary>
    internal static void Check(int status, in smpfota_error error)
    {
        if (status < 0)
        {
            throw ToException(status, error);
        }
    }

    /// <summary>The exception for a status and the error struct that belongs to it, if it does.</summary>
    internal static Exception ToException(int status, in smpfota_error error)
    {
        if (error.status != status || error.text_length == 0)
        {
            return ToException(status, Text(status), default, null, null);
        }

        string sentence;
        fixed (byte* text = error.text)
        {
            int length = (int)Math.Min(error.text_length, (uint)NativeError.TextCapacity);
            sentence = System.Text.Encoding.UTF8.GetString(text, length);
        }

        return ToException(
            status, sentence, (SmpFinding)error.finding, error.group < 0 ? null : error.group, error.code < 0 ? null : error.code);
    }

    /// <summary>The table: a few statuses of their own, else by range, so that a newer library's numbers find their place too.</summary>
    internal static Exception ToException(int status, string sentence, SmpFinding finding, int? group, int? code)
    {
        var named = (SmpStatus)status;
        return named switch
        {
            SmpStatus.Cancelled => new OperationCanceledException(sentence),
            SmpStatus.SnapshotDamaged or SmpStatus.SnapshotVersion or SmpStatus.SnapshotImage =>
                new SmpSnapshotException(named, sentence) { Finding = finding },
            SmpStatus.Unavailable => new SmpLibraryException(named, sentence),
            > (SmpStatus)(-100) => new SmpUsageException(named, sentence) { Finding = finding },
            > (SmpStatus)(-200) => new FirmwareImageException(named, sentence) { Finding = finding },
            > (SmpStatus)(-300) => new SmpProtocolException(named, sentence) { Finding = finding, Group = group, Code = code },
            > (SmpStatus)(-400) => new SmpDeviceException(named, sentence) { Finding = finding, Group = group, Code = code },
            > (SmpStatus)(-500) => new UpdateOutcomeException(named, sentence) { Finding = finding, Group = group, Code = code },
            _ => new SmpLibraryException(named, sentence),
        };
    }

    /// <summary>What may be done about a status; never by itself for a number that the library does not know.</summary>
    internal static SmpRetry Retry(int status)
    {
        NativeLibraryLoader.EnsureLoaded();
        uint retry = 0;
        int answer = NativeMethods.smpfota_status_retry(status, &retry);
        return answer == 0 ? (SmpRetry)retry : status < 0 ? SmpRetry.Never : SmpRetry.None;
    }

    /// <summary>The library's sentence for a status; for a number that it does not know, one that keeps the number.</summary>
    internal static string Text(int status)
    {
        int answer = NativeText.TryRead((buffer, capacity, length) => NativeMethods.smpfota_status_text(status, buffer, capacity, length), out string? text);
        string sentence = answer == 0 ? text! : "The native library gave no sentence.";
        return Name(status) is null ? $"{sentence} Its number is {status}." : sentence;
    }

    /// <summary>The library's name of a status in capitals, or null for a number that it does not know.</summary>
    internal static string? Name(int status)
    {
        _ = NativeText.TryRead((buffer, capacity, length) => NativeMethods.smpfota_status_name(status, buffer, capacity, length), out string? name);
        return name;
    }

    /// <summary>The library's name of a finding, or its number where the library does not know it.</summary>
    internal static string FindingName(uint finding)
    {
        int answer = NativeText.TryRead((buffer, capacity, length) => NativeMethods.smpfota_finding_name(finding, buffer, capacity, length), out string? name);
        return answer == 0 ? name! : finding.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }
}
