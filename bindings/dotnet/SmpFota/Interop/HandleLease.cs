namespace SmpFota.Interop;

/// <summary>
/// One call's hold on a handle: neither Dispose on another thread nor a finalizer can close it before the lease ends.
/// It is what the marshaller would do for a SafeHandle in the signature, for signatures that are generated with plain integers.
/// </summary>
internal readonly ref struct HandleLease
{
    private readonly NativeHandle owner;

    internal HandleLease(NativeHandle owner)
    {
        bool added = false;
        owner.DangerousAddRef(ref added);
        this.owner = owner;
        Value = (nuint)(nint)owner.DangerousGetHandle();
    }

    /// <summary>The value to pass to the native call.</summary>
    internal nuint Value { get; }

    public void Dispose() => owner.DangerousRelease();
}
