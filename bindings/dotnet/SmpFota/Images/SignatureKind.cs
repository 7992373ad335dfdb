namespace SmpFota;

/// <summary>How an image is signed, by the type of its signature TLV. A kind that has no name here keeps its number.</summary>
/// <remarks>One type may stand for several: the hash of the image tells the two ECDSA curves of 0x22 apart (P-256 with SHA-256, P-384 with SHA-384).</remarks>
public enum SignatureKind
{
    /// <summary>Not signed.</summary>
    None = 0,

    /// <summary>RSA with 2048 bits.</summary>
    Rsa2048 = 0x20,

    /// <summary>ECDSA with the curve P-224.</summary>
    EcdsaP224 = 0x21,

    /// <summary>ECDSA with the curve P-256 or P-384.</summary>
    Ecdsa = 0x22,

    /// <summary>RSA with 3072 bits.</summary>
    Rsa3072 = 0x23,

    /// <summary>Ed25519, over the hash or over the image itself.</summary>
    Ed25519 = 0x24,
}
