//! A source that may be copied, with what its copies have; or why it may not.

use std::collections::BTreeMap;

use aeolus_model::Time;

use super::copy::is_copy;
use super::keys;
use super::tls::{self, Pair, TlsProblem};
use super::wish::{Mode, Rules, Warning, Wish};
use crate::object::{Data, Place, SecretObject, TLS};

/// A source, and what its copies have.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it lies.
    pub place: Place,
    /// Which one of that name.
    pub uid: String,
    /// What it asks for.
    pub wish: Wish,
    /// The copies' type.
    pub kind: String,
    /// What copies have.
    pub data: Data,
    /// Labels that copies have.
    pub labels: BTreeMap<String, String>,
    /// The certificate, where it has one that was judged.
    pub pair: Option<Pair>,
}

/// Why a source isn't copied. Its copies stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// An annotation that can't be read.
    #[error("{key}: {why}")]
    Annotation {
        /// Which.
        key: &'static str,
        /// Why.
        why: String,
    },
    /// It leaves to us which namespaces are meant, and nothing says it.
    #[error("it doesn't say which namespaces, and neither --release nor --selector does")]
    NoDefault,
    /// It names another release.
    #[error("it is for the release {0:?}, which is another one")]
    OtherRelease(String),
    /// It is a copy itself.
    #[error("it is a copy of another Secret: copies of copies go in circles")]
    IsCopy,
    /// Secrets of this type belong where they are.
    #[error("Secrets of the type {0} belong to one namespace")]
    Kind(String),
    /// A private key, and nothing lets it go.
    #[error("{0} is a private key")]
    PrivateKey(String),
    /// A key that was asked for is absent.
    #[error("it has no {0}")]
    NoKey(String),
    /// A certificate that isn't good.
    #[error(transparent)]
    Tls(#[from] TlsProblem),
}

/// Types that are bound to one namespace, or to what made them.
const BOUND: [&str; 3] = [
    "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token",
    "helm.sh/release.v1",
];

impl Refused {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Annotation { .. } => "KUBE-201",
            Self::NoDefault => "KUBE-202",
            Self::OtherRelease(_) => "KUBE-203",
            Self::IsCopy => "KUBE-204",
            Self::Kind(_) => "KUBE-205",
            Self::PrivateKey(_) => "KUBE-206",
            Self::NoKey(_) => "KUBE-207",
            Self::Tls(_) => "KUBE-208",
        }
    }

    /// What to do.
    pub const fn help(&self) -> &'static str {
        match self {
            Self::Annotation { .. } => "correct the annotation",
            Self::NoDefault => {
                "give --release NAME or --selector LABELS, or write the namespaces into the annotation"
            }
            Self::OtherRelease(_) => "correct the annotation, or leave --strict away",
            Self::IsCopy => "annotate its source instead",
            Self::Kind(_) => "let what needs it make its own",
            Self::PrivateKey(_) => {
                "annotate it with aeolus/sync-private-key: \"true\" if every namespace may have the key, or with aeolus/sync-keys: tls.crt"
            }
            Self::NoKey(_) => "correct aeolus/sync-keys",
            Self::Tls(_) => {
                "renew it; copies keep what they have (aeolus/sync-invalid: \"true\" copies it all the same)"
            }
        }
    }
}

impl Source {
    /// Reads a Secret of the syncer's namespace. None: it is no source.
    pub fn read(secret: &SecretObject, rules: &Rules, now: Time) -> Option<Result<Self, Refused>> {
        if secret.meta.is_ending {
            return None;
        }
        let wish = Wish::read(&secret.meta.annotations, rules)?;
        Some(wish.and_then(|wish| judged(secret, wish, (rules, now))))
    }

    /// The copies' name.
    pub fn copy_name(&self) -> &str {
        self.wish
            .name
            .as_ref()
            .map_or(&self.place.name, |name| name.as_str())
    }
}

fn judged(
    secret: &SecretObject,
    mut wish: Wish,
    (rules, now): (&Rules, Time),
) -> Result<Source, Refused> {
    if is_copy(&secret.meta) {
        return Err(Refused::IsCopy);
    }
    if BOUND.contains(&secret.kind.as_str()) {
        return Err(Refused::Kind(secret.kind.clone()));
    }
    let mut data = secret.data.clone();
    if let Some(keys) = &wish.keys {
        if let Some(absent) = keys.iter().find(|key| !data.contains_key(*key)) {
            return Err(Refused::NoKey(absent.clone()));
        }
        data.retain(|key, _| keys.contains(key));
    }
    if let Some(key) = tls::private_key(&data).filter(|_| !wish.private_key) {
        let is_ours = [keys::SYNC, keys::NAMESPACES]
            .iter()
            .any(|key| secret.meta.annotations.contains_key(*key));
        if is_ours || rules.mode == Mode::Strict {
            return Err(Refused::PrivateKey(key.to_owned()));
        }
        wish.warnings.push(Warning::PrivateKey(key.to_owned()));
    }
    let is_tls = secret.kind == TLS;
    let pair = match tls::judge(&secret.data, now) {
        _ if !is_tls => None,
        Ok(pair) => Some(pair),
        Err(_) if wish.invalid => None,
        Err(problem) => return Err(problem.into()),
    };
    // The API server wants both keys in Secrets of that type.
    let whole = data.contains_key("tls.crt") && data.contains_key("tls.key");
    let kind = if is_tls && !whole {
        "Opaque"
    } else {
        &secret.kind
    };
    let labels = secret.meta.labels.iter();
    let labels = labels.filter(|(key, _)| rules.labels.contains(*key));
    Ok(Source {
        place: secret.meta.place.clone(),
        uid: secret.meta.uid.clone(),
        wish,
        kind: kind.to_owned(),
        data,
        labels: labels
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        pair,
    })
}

#[cfg(test)]
mod tests;
