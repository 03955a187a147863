//! Certificates that a server gets by itself (ACME, RFC 8555).

use std::path::PathBuf;

use aeolus_acme::LETS_ENCRYPT;
use aeolus_api::{Listen, Period, schema};
use aeolus_model::Email;
use aeolus_pki::KeyKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretSource;
use super::types::OptionalSecret;

/// A certificate of a public authority, got and kept by `control serve` or `gate serve`. Whatever listener has the same
/// two files serves it. Several replicas may share the folder and the files: one of them acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Acme {
    /// The names: hosts, wildcards, addresses. None: there is no such certificate.
    pub(crate) names: Vec<String>,
    /// The authority's directory.
    #[schemars(with = "schema::HttpUrl")]
    pub(crate) directory: String,
    /// You have read the authority's terms of service, and agree.
    pub(crate) agree_terms: bool,
    /// Where the authority writes to when something is wrong.
    #[schemars(with = "Vec<schema::Email>")]
    pub(crate) contact: Vec<Email>,
    /// How the names are proved: one of the two.
    pub(crate) challenge: AcmeChallenge,
    /// Where the certificate lies (PEM), followed by those between it and its authority.
    pub(crate) certificate: Option<PathBuf>,
    /// Where its private key lies (PEM): in the same folder, so that both are replaced in one step.
    pub(crate) key: Option<PathBuf>,
    /// The client's own folder: its account, what it remembers, and answers to challenges.
    pub(crate) folder: Option<PathBuf>,
    /// The kind of key: `p256`, `p384`, `rsa2048`, `rsa3072` or `rsa4096`; `ed25519` where the authority is
    /// private and no browser comes.
    #[schemars(with = "String")]
    pub(crate) key_kind: KeyKind,
    /// Certificates (PEM) of those who may vouch for the authority's own server, beside the system's: for a private one.
    pub(crate) directory_ca: Option<PathBuf>,
    /// Certificates (PEM) of the authorities that clients trust: what was issued has to lead to one. Absent: the chain is
    /// proved as far as it was sent.
    pub(crate) ca: Option<PathBuf>,
    /// The account at the authority's site that this one is bound to, for authorities that ask for it.
    pub(crate) external_account: ExternalAccount,
    /// How long a server that has no certificate yet waits for its first one before it gives up. One that has some starts
    /// with that.
    #[schemars(with = "schema::Period")]
    pub(crate) first_within: Period,
}

impl Default for Acme {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            directory: LETS_ENCRYPT.to_owned(),
            agree_terms: false,
            contact: Vec::new(),
            challenge: AcmeChallenge::default(),
            certificate: None,
            key: None,
            folder: None,
            key_kind: KeyKind::P256,
            directory_ca: None,
            ca: None,
            external_account: ExternalAccount::default(),
            first_within: Period::from_secs(300),
        }
    }
}

/// How names are proved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct AcmeChallenge {
    /// Over HTTP (http-01): where this server answers. The authority asks at port 80 of each name.
    #[schemars(with = "Option<schema::Listen>")]
    pub(crate) http: Option<Listen>,
    /// By DNS (dns-01), as wildcards need: a program that adds and removes a TXT record.
    pub(crate) dns_hook: Option<PathBuf>,
    /// How long the program may take each time.
    #[schemars(with = "schema::Period")]
    pub(crate) hook_timeout: Period,
}

impl Default for AcmeChallenge {
    fn default() -> Self {
        Self {
            http: None,
            dns_hook: None,
            hook_timeout: Period::from_secs(300),
        }
    }
}

/// An account at an authority's site (RFC 8555 §7.3.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ExternalAccount {
    /// The name of its key.
    pub(crate) kid: Option<String>,
    /// The key, in base64url as the site shows it.
    #[schemars(with = "OptionalSecret")]
    pub(crate) key: Option<SecretSource>,
}
