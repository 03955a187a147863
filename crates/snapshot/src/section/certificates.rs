//! Certificates that others know control's keys by.

use prost::{Enumeration, Message};

/// Section `certificates`: what the plane's cluster is told of control's certified keys. No decision reads it.
/// Absent where there are none.
#[derive(Clone, PartialEq, Message)]
pub struct Certificates {
    /// Where control shows the key that signs, as a bare JSON Web Key with its certificate.
    #[prost(string, tag = "1")]
    pub jwks_url: String,
    /// The certificates. Key: kid.
    #[prost(message, repeated, tag = "2")]
    pub certificates: Vec<Certificate>,
}

/// The certificate of one key. It has no private part of anything.
#[derive(Clone, PartialEq, Message)]
pub struct Certificate {
    /// What the key is for: `legacy`.
    #[prost(string, tag = "1")]
    pub purpose: String,
    /// The key's thumbprint (RFC 7638).
    #[prost(string, tag = "2")]
    pub kid: String,
    /// The certificate as text (RFC 7468), followed by those between it and its authority.
    #[prost(string, tag = "3")]
    pub chain: String,
    /// From when it is good.
    #[prost(int64, tag = "4")]
    pub not_before: i64,
    /// Until when.
    #[prost(int64, tag = "5")]
    pub not_after: i64,
    /// Where the key stands.
    #[prost(enumeration = "CertificateStage", tag = "6")]
    pub stage: i32,
    /// When control made or took the key.
    #[prost(int64, tag = "7")]
    pub made_at: i64,
}

/// Where a certified key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub enum CertificateStage {
    /// Never sent; whoever reads it (or a number they don't know) leaves the record out.
    Unspecified = 0,
    /// It signs next.
    Announced = 1,
    /// It signs.
    Current = 2,
    /// It signs no more; what it signed is still good.
    Retiring = 3,
}
