//! Which algorithms exist, which kinds of token exist, and which goes with which.

use std::fmt;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

/// A signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1). We sign with the first three; with the others
/// some identity providers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alg {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256: what identity providers take of their clients.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
}

impl Alg {
    /// Every algorithm: all of them asymmetric.
    pub const ALL: [Self; 10] = [
        Self::EdDsa,
        Self::Es256,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es384,
        Self::Es512,
    ];

    /// The value of `alg` that we write. Airflow and `PyJWT` know `EdDSA`, not yet RFC 9864's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
        }
    }

    /// The algorithm of our own tokens called `name`, case-sensitive.
    pub(crate) fn own(name: &str) -> Option<Self> {
        match name {
            "EdDSA" => Some(Self::EdDsa),
            "ES256" => Some(Self::Es256),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }

    /// The algorithm that others call `name`, case-sensitive; also by the fully specified name of
    /// RFC 9864. There is none for `none` and for shared secrets.
    pub fn of_others(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDsa);
        }
        Self::ALL.into_iter().find(|alg| alg.name() == name)
    }

    /// Whether keys for it are taken wherever nothing else is said.
    pub(crate) const fn is_ours(self) -> bool {
        matches!(self, Self::EdDsa | Self::Es256 | Self::Rs256)
    }

    /// The left half of the algorithm's digest: `at_hash` and `c_hash` before their encoding (OIDC Core
    /// §3.1.3.6). For Ed25519 that is SHA-512, which it signs with.
    pub fn left_half(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Es256 | Self::Rs256 | Self::Ps256 => &digest::SHA256,
            Self::Es384 | Self::Rs384 | Self::Ps384 => &digest::SHA384,
            Self::EdDsa | Self::Es512 | Self::Rs512 | Self::Ps512 => &digest::SHA512,
        };
        let mut half = digest::digest(algorithm, bytes).as_ref().to_vec();
        half.truncate(half.len() / 2);
        half
    }
}

impl fmt::Display for Alg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A kind of signed document. Kinds exclude each other: each has its own keys, and what would
/// verify as two kinds at once doesn't exist (RFC 8725 §3.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A user's access token (RFC 9068).
    Access,
    /// The value of an API token.
    Api,
    /// A direct access token, whose authority is inside.
    Direct,
    /// A token for a workload of another issuer.
    Federated,
    /// An `id_token` (OIDC Core §2).
    Id,
    /// A back-channel logout token.
    Logout,
    /// What an Airflow 3 gets.
    Airflow3,
    /// What an Airflow 2 gets.
    Airflow2,
    /// What an application gets where control itself answers its proxy, as the original did.
    Legacy,
    /// A snapshot's manifest.
    Manifest,
    /// A statement that a manifest is still the newest.
    Freshness,
    /// The root document.
    Root,
    /// A token status list.
    StatusList,
    /// A plane's proof to control of who it is.
    PlaneAssertion,
    /// The proof of a plane's client to an identity provider of who it is.
    ClientAssertion,
    /// Control's word of how far the audit log goes.
    Checkpoint,
    /// A security event token (RFC 8417), which tells a receiver what happened to somebody.
    SecurityEvent,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::Access,
        Self::Api,
        Self::Direct,
        Self::Federated,
        Self::Id,
        Self::Logout,
        Self::Airflow3,
        Self::Airflow2,
        Self::Legacy,
        Self::Manifest,
        Self::Freshness,
        Self::Root,
        Self::StatusList,
        Self::PlaneAssertion,
        Self::ClientAssertion,
        Self::Checkpoint,
        Self::SecurityEvent,
    ];

    /// Its name, as stores and snapshots keep it and the `kind` claim says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Api => "api",
            Self::Direct => "direct",
            Self::Federated => "federated",
            Self::Id => "id",
            Self::Logout => "logout",
            Self::Airflow3 => "airflow3",
            Self::Airflow2 => "airflow2",
            Self::Legacy => "legacy",
            Self::Manifest => "manifest",
            Self::Freshness => "freshness",
            Self::Root => "root",
            Self::StatusList => "status-list",
            Self::PlaneAssertion => "plane-assertion",
            Self::ClientAssertion => "client-assertion",
            Self::Checkpoint => "checkpoint",
            Self::SecurityEvent => "security-event",
        }
    }

    /// The kind called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The one value of `typ` its tokens have (RFC 8725 §3.11).
    pub const fn typ(self) -> &'static str {
        match self {
            Self::Access | Self::Api | Self::Federated => "at+jwt",
            Self::Direct => "aeolus-direct+jwt",
            Self::Id
            | Self::Airflow3
            | Self::Airflow2
            | Self::PlaneAssertion
            | Self::ClientAssertion => "JWT",
            Self::Logout => "logout+jwt",
            Self::Legacy => "aeolus-legacy+jwt",
            Self::Manifest => "aeolus-manifest+jwt",
            Self::Freshness => "aeolus-freshness+jwt",
            Self::Root => "aeolus-root+jwt",
            Self::StatusList => "statuslist+jwt",
            Self::Checkpoint => "aeolus-checkpoint+jwt",
            // RFC 8417 §2.3.
            Self::SecurityEvent => "secevent+jwt",
        }
    }

    /// The one algorithm its tokens are signed with.
    pub const fn alg(self) -> Alg {
        match self {
            Self::Id | Self::Logout | Self::Airflow2 | Self::Legacy | Self::SecurityEvent => {
                Alg::Rs256
            }
            Self::ClientAssertion => Alg::Es256,
            _ => Alg::EdDsa,
        }
    }

    /// Whether the claim `kind` must name it. Kinds that share `typ: at+jwt` are told apart by it
    /// even if one key were used for two of them.
    pub(crate) const fn is_claimed(self) -> bool {
        matches!(
            self,
            Self::Access | Self::Api | Self::Direct | Self::Federated
        )
    }

    /// Whether one key may serve both: only the snapshot key does, for manifests, the freshness
    /// statements about them and the audit log's checkpoints, which differ in `typ`.
    pub(crate) const fn may_share_key(self, other: Self) -> bool {
        self.is_snapshot_keys() && other.is_snapshot_keys()
    }

    const fn is_snapshot_keys(self) -> bool {
        matches!(self, Self::Manifest | Self::Freshness | Self::Checkpoint)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_parse_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.name()), Some(kind));
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{}\"", kind.name()));
        }
        assert_eq!(Kind::parse("Access"), None);
    }
}
