//! Which algorithms exist, which kinds of token exist, and which goes with which.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alg {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256: what identity providers take of their clients.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

impl Alg {
    /// The value of `alg` that we write. Airflow and `PyJWT` know `EdDSA`, not yet RFC 9864's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
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

    /// The same for what others write: also the fully specified name of RFC 9864.
    pub(crate) fn foreign(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDsa);
        }
        Self::own(name)
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
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 16] = [
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
        }
    }

    /// The one algorithm its tokens are signed with.
    pub const fn alg(self) -> Alg {
        match self {
            Self::Id | Self::Logout | Self::Airflow2 | Self::Legacy => Alg::Rs256,
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
