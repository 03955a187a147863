//! Certificates in Secrets of Kubernetes, as manifests and the API server have them.
//!
//! The API server takes any bytes in a Secret of the type `kubernetes.io/tls`: whether the two belong together,
//! what else lies there and who copied it is for whoever reads it to judge.

mod judge;
mod origin;

use std::collections::BTreeMap;

use aeolus_keys::digest;
use aeolus_model::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use zeroize::Zeroizing;

use self::origin::Origin;
use crate::pem::is_pem;
use crate::{Certificate, InputError, PrivateKey, read};

/// A Secret with a certificate, or with what should be one.
#[derive(Debug)]
pub struct StoredSecret {
    /// None in a manifest that leaves it to whoever applies it.
    namespace: Option<String>,
    name: String,
    /// What `tls.crt` has, or another entry that is no bundle: a leaf and what is sent with it.
    chain: Vec<Certificate>,
    /// What `ca.crt` and `cert.pem` have: authorities that somebody trusts.
    bundle: Vec<Certificate>,
    keys: Vec<PrivateKey>,
    /// Entries that aren't what their names say.
    unread: Vec<(String, Unread)>,
    /// The copy of it that kubectl keeps in an annotation has the private key too.
    key_in_annotation: bool,
    origin: Origin,
    /// When it was made, as it is written (RFC 3339, so that it sorts).
    created: String,
    /// SHA-256 of each entry.
    entries: BTreeMap<String, [u8; 32]>,
}

/// Why an entry isn't what its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Unread {
    #[error("it is empty")]
    Empty,
    #[error("it is not base64")]
    NoBase64,
    #[error("it is not PEM")]
    NoPem,
    #[error("there is no {0} in it")]
    Without(&'static str),
    #[error(transparent)]
    Input(#[from] InputError),
}

/// Lists within lists are nobody's.
const MAX_DEPTH: u8 = 4;

/// Every Secret with a certificate in a document: one by itself, a `List`, or a `SecretList`. The rest is left out.
pub fn secrets(document: &Value, passphrase: Option<&Secret<String>>) -> Vec<StoredSecret> {
    let mut found = Vec::new();
    collect(document, false, MAX_DEPTH, &mut |object| {
        found.extend(StoredSecret::of(object, passphrase));
    });
    found
}

/// The API server leaves `kind` out of what a typed list has.
fn collect(document: &Value, of_secrets: bool, depth: u8, each: &mut impl FnMut(&Value)) {
    let kind = document.get("kind").and_then(Value::as_str);
    match (kind, document.get("items").and_then(Value::as_array)) {
        (Some("Secret"), _) => each(document),
        (None, None) if of_secrets => each(document),
        (Some(list @ ("List" | "SecretList")), Some(items)) if depth > 0 => {
            for item in items {
                collect(item, list == "SecretList", depth - 1, each);
            }
        }
        _ => {}
    }
}

impl StoredSecret {
    fn of(object: &Value, passphrase: Option<&Secret<String>>) -> Option<Self> {
        let metadata = object.get("metadata")?;
        let text = |field: &str| metadata.get(field)?.as_str().map(str::to_owned);
        let mut stored = Self {
            namespace: text("namespace"),
            name: text("name").or_else(|| text("generateName"))?,
            chain: Vec::new(),
            bundle: Vec::new(),
            keys: Vec::new(),
            unread: Vec::new(),
            key_in_annotation: origin::has_key_in_annotation(metadata),
            origin: Origin::of(metadata),
            created: text("creationTimestamp").unwrap_or_default(),
            entries: BTreeMap::new(),
        };
        let is_tls = object.get("type").and_then(Value::as_str) == Some("kubernetes.io/tls");
        let entries = entries(object);
        for (name, bytes) in &entries {
            stored.entry(name, bytes.as_ref().map(|bytes| &***bytes), passphrase);
        }
        for name in [CHAIN, KEY] {
            if is_tls && !entries.contains_key(name) {
                stored.unread.push((name.to_owned(), Unread::Empty));
            }
        }
        let is_empty = stored.chain.is_empty()
            && stored.bundle.is_empty()
            && stored.unread.is_empty()
            && !stored.key_in_annotation;
        (!is_empty).then_some(stored)
    }

    fn entry(&mut self, name: &str, bytes: Option<&[u8]>, passphrase: Option<&Secret<String>>) {
        let named = matches!(name, CHAIN | KEY | BUNDLE | VENDOR_BUNDLE);
        let read = match bytes {
            None => Err(Unread::NoBase64),
            // Who has no authority to name leaves this one empty.
            Some([]) if name == BUNDLE => return,
            Some([]) => Err(Unread::Empty),
            Some(bytes) if !is_pem(bytes) => Err(Unread::NoPem),
            Some(bytes) => {
                let digest = digest::sha256(bytes);
                self.entries.insert(name.to_owned(), digest);
                read(bytes, passphrase).map_err(Unread::Input)
            }
        };
        let input = match read {
            Ok(input) => input,
            Err(why) if named => return self.unread.push((name.to_owned(), why)),
            // Something else that is no business of ours.
            Err(_) => return,
        };
        let lacks = match name {
            KEY => input.keys.is_empty().then_some("private key"),
            _ if named => input.certificates.is_empty().then_some("certificate"),
            _ => None,
        };
        if let Some(what) = lacks {
            self.unread.push((name.to_owned(), Unread::Without(what)));
        }
        self.keys.extend(input.keys);
        match name {
            BUNDLE | VENDOR_BUNDLE => self.bundle.extend(input.certificates),
            CHAIN => {
                self.chain.splice(..0, input.certificates);
            }
            _ => self.chain.extend(input.certificates),
        }
    }

    /// `namespace/name`.
    pub fn place(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.clone(),
        }
    }

    /// Everything in it, its own chain first.
    pub fn certificates(&self) -> Vec<Certificate> {
        self.chain.iter().chain(&self.bundle).cloned().collect()
    }
}

const CHAIN: &str = "tls.crt";
const KEY: &str = "tls.key";
const BUNDLE: &str = "ca.crt";
/// Where the original's private authorities lie.
const VENDOR_BUNDLE: &str = "cert.pem";

/// Bytes by name; none where they aren't base64. What is said as text counts, as it does when it is applied.
fn entries(object: &Value) -> BTreeMap<&str, Option<Zeroizing<Vec<u8>>>> {
    let plain = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
    let encoded = texts(object, "data").map(|(name, text)| (name, decoded(text)));
    let written = texts(object, "stringData").map(|(name, text)| (name, Some(plain(text))));
    encoded.chain(written).collect()
}

fn texts<'a>(object: &'a Value, field: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let map = object.get(field).and_then(Value::as_object);
    let pairs = map.into_iter().flatten();
    pairs.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}

/// Lines that people broke are one value.
fn decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let joined: Zeroizing<String> = Zeroizing::new(text.split_ascii_whitespace().collect());
    STANDARD.decode(joined.as_bytes()).ok().map(Zeroizing::new)
}
