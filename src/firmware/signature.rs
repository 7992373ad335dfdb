//! Which signature an image carries. It is MCUboot that checks it, on the device; here it is only named.

use super::{HashKind, Tlv};

/// The kind of the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureKind {
    /// No signature: only a bootloader that checks none takes the image.
    None,
    /// RSA-2048, PSS.
    Rsa2048,
    /// RSA-3072, PSS.
    Rsa3072,
    /// ECDSA on P-224, which MCUboot no longer supports.
    EcdsaP224,
    /// ECDSA on P-256.
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// Ed25519 over the hash of the image.
    Ed25519,
    /// Ed25519 over the image itself ("pure").
    Ed25519Pure,
    /// Of a type from the signature range (0x20 to 0x2f) that is not known here.
    Unknown(
        /// The type.
        u16,
    ),
}

impl SignatureKind {
    /// Every kind that has a name.
    pub const NAMED: [SignatureKind; 8] = [
        SignatureKind::None,
        SignatureKind::Rsa2048,
        SignatureKind::EcdsaP224,
        SignatureKind::EcdsaP256,
        SignatureKind::EcdsaP384,
        SignatureKind::Rsa3072,
        SignatureKind::Ed25519,
        SignatureKind::Ed25519Pure,
    ];

    /// The kind that these entries tell. The hash decides between the two ECDSA curves, which share one TLV type:
    /// imgtool pairs P-384 with SHA-384 and P-256 with SHA-256.
    pub(super) fn of(tlvs: &[Tlv], hash: HashKind) -> SignatureKind {
        let pure = tlvs.iter().any(|tlv| tlv.kind == Tlv::SIG_PURE);
        let signature = tlvs.iter().find(|tlv| matches!(tlv.kind, 0x20..=0x2f) && tlv.kind != Tlv::SIG_PURE);
        match signature.map(|tlv| tlv.kind) {
            None => SignatureKind::None,
            Some(Tlv::RSA2048) => SignatureKind::Rsa2048,
            Some(Tlv::RSA3072) => SignatureKind::Rsa3072,
            Some(Tlv::ECDSA224) => SignatureKind::EcdsaP224,
            Some(Tlv::ECDSA) if hash == HashKind::Sha384 => SignatureKind::EcdsaP384,
            Some(Tlv::ECDSA) => SignatureKind::EcdsaP256,
            Some(Tlv::ED25519) if pure => SignatureKind::Ed25519Pure,
            Some(Tlv::ED25519) => SignatureKind::Ed25519,
            Some(other) => SignatureKind::Unknown(other),
        }
    }

    /// The type of the signature's TLV, 0 for none. Kinds that share a type differ in the hash or in a further TLV.
    pub const fn tlv_type(self) -> u16 {
        match self {
            SignatureKind::None => 0,
            SignatureKind::Rsa2048 => Tlv::RSA2048,
            SignatureKind::Rsa3072 => Tlv::RSA3072,
            SignatureKind::EcdsaP224 => Tlv::ECDSA224,
            SignatureKind::EcdsaP256 | SignatureKind::EcdsaP384 => Tlv::ECDSA,
            SignatureKind::Ed25519 | SignatureKind::Ed25519Pure => Tlv::ED25519,
            SignatureKind::Unknown(kind) => kind,
        }
    }

    /// The usual name.
    pub const fn name(self) -> &'static str {
        match self {
            SignatureKind::None => "none",
            SignatureKind::Rsa2048 => "RSA-2048",
            SignatureKind::Rsa3072 => "RSA-3072",
            SignatureKind::EcdsaP224 => "ECDSA-P224",
            SignatureKind::EcdsaP256 => "ECDSA-P256",
            SignatureKind::EcdsaP384 => "ECDSA-P384",
            SignatureKind::Ed25519 => "Ed25519",
            SignatureKind::Ed25519Pure => "Ed25519 (pure)",
            SignatureKind::Unknown(_) => "unknown",
        }
    }
}
