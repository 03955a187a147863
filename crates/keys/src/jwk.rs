//! JSON Web Keys and sets of them (RFC 7517, RFC 7518 §6, RFC 8037 §2): public keys only.

use std::collections::HashSet;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::public::Numbers;
use crate::{Alg, KeyError, PublicKey, base64url, json};

/// Largest set read.
const MAX_BYTES: usize = 256 * 1024;

/// Most keys in a set.
const MAX_KEYS: usize = 64;

/// One public JWK as it was published. Reading refuses private and symmetric members; whether the
/// rest makes a usable key is said by [`PublicKey::from_jwk`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Members")]
pub struct Jwk {
    kty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    usage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_ops: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
}

/// What a JWK may carry, with the members that must not be there.
#[derive(Deserialize)]
struct Members {
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    kid: Option<String>,
    d: Option<IgnoredAny>,
    p: Option<IgnoredAny>,
    q: Option<IgnoredAny>,
    dp: Option<IgnoredAny>,
    dq: Option<IgnoredAny>,
    qi: Option<IgnoredAny>,
    oth: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
}

impl TryFrom<Members> for Jwk {
    type Error = KeyError;

    fn try_from(jwk: Members) -> Result<Self, KeyError> {
        let private = [jwk.d, jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi, jwk.oth, jwk.k];
        if jwk.kty == "oct" || private.iter().any(Option::is_some) {
            return Err(KeyError::Private);
        }
        Ok(Self {
            kty: jwk.kty,
            crv: jwk.crv,
            x: jwk.x,
            y: jwk.y,
            n: jwk.n,
            e: jwk.e,
            alg: jwk.alg,
            usage: jwk.usage,
            key_ops: jwk.key_ops,
            kid: jwk.kid,
        })
    }
}

impl Jwk {
    /// From JSON text; no member twice.
    pub fn parse(json: &[u8]) -> Result<Self, KeyError> {
        if json.len() > MAX_BYTES {
            return Err(KeyError::TooLarge);
        }
        let members: Members = read(json)?;
        members.try_into()
    }

    /// The JSON text to publish.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The `kid` as published; other issuers' may be any text.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(crate) fn publish(key: &PublicKey) -> Self {
        let encode = |bytes: &[u8]| Some(base64url::encode(bytes));
        let (kty, crv) = match key.numbers() {
            Numbers::Ed25519(_) => ("OKP", Some("Ed25519")),
            Numbers::P256 { .. } => ("EC", Some("P-256")),
            Numbers::P384 { .. } => ("EC", Some("P-384")),
            Numbers::P521 { .. } => ("EC", Some("P-521")),
            Numbers::Rsa { .. } => ("RSA", None),
        };
        let (x, y, n, e) = match key.numbers() {
            Numbers::Ed25519(x) => (encode(x), None, None, None),
            Numbers::P256 { x, y } => (encode(x), encode(y), None, None),
            Numbers::P384 { x, y } => (encode(x), encode(y), None, None),
            Numbers::P521 { x, y } => (encode(x), encode(y), None, None),
            Numbers::Rsa { n, e } => (None, None, encode(n), encode(e)),
        };
        Self {
            kty: kty.to_owned(),
            crv: crv.map(str::to_owned),
            x,
            y,
            n,
            e,
            alg: Some(key.alg().name().to_owned()),
            usage: Some("sig".to_owned()),
            key_ops: None,
            kid: Some(key.kid().to_string()),
        }
    }

    pub(crate) fn public_key(&self) -> Result<PublicKey, KeyError> {
        let key = PublicKey::new(self.numbers()?)?;
        if !key.alg().is_ours() {
            return Err(KeyError::Unsupported);
        }
        match self.alg.as_deref().map(Alg::of_others) {
            Some(alg) if alg != Some(key.alg()) => Err(KeyError::WrongAlg(key.alg())),
            _ => Ok(key),
        }
    }

    /// The key for an algorithm, if it may be used with that: what it says itself is believed.
    fn public_key_for(&self, alg: Alg) -> Result<PublicKey, KeyError> {
        match self.alg.as_deref().map(Alg::of_others) {
            Some(said) if said != Some(alg) => Err(KeyError::Unsupported),
            _ => PublicKey::for_alg(self.numbers()?, alg),
        }
    }

    fn numbers(&self) -> Result<Numbers, KeyError> {
        let (x, y) = (self.x.as_ref(), self.y.as_ref());
        let numbers = match (self.kty.as_str(), self.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => Numbers::Ed25519(array(x, "x")?),
            ("EC", Some("P-256")) => Numbers::P256 {
                x: array(x, "x")?,
                y: array(y, "y")?,
            },
            ("EC", Some("P-384")) => Numbers::P384 {
                x: array(x, "x")?,
                y: array(y, "y")?,
            },
            ("EC", Some("P-521")) => Numbers::P521 {
                x: array(x, "x")?,
                y: array(y, "y")?,
            },
            ("RSA", None) => Numbers::Rsa {
                n: bytes(self.n.as_ref(), "n")?,
                e: bytes(self.e.as_ref(), "e")?,
            },
            _ => return Err(KeyError::Unsupported),
        };
        self.refuse_other_use()?;
        Ok(numbers)
    }

    /// RFC 7517 §4.2 and §4.3: what says "not for verifying" is believed.
    fn refuse_other_use(&self) -> Result<(), KeyError> {
        let usage = self.usage.as_deref().is_none_or(|usage| usage == "sig");
        let only_verify = |ops: &Vec<String>| ops.len() == 1 && ops.iter().all(|op| op == "verify");
        if usage && self.key_ops.as_ref().is_none_or(only_verify) {
            Ok(())
        } else {
            Err(KeyError::WrongUse)
        }
    }
}

/// A set of public keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    keys: Vec<Jwk>,
    /// Members of the set that have not the form of a key.
    #[serde(skip)]
    strange: usize,
}

/// A key of another issuer with the `kid` it was published under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// Any text, or none.
    pub kid: Option<String>,
    /// The key.
    pub key: PublicKey,
}

impl JwkSet {
    /// The set of our own keys, to publish.
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a PublicKey>) -> Self {
        let keys = keys.into_iter().map(PublicKey::to_jwk).collect();
        Self { keys, strange: 0 }
    }

    /// Reads a set. Refused as a whole (the caller keeps the set it had): above the caps, with
    /// private or symmetric members, not strict JSON.
    pub fn parse(json: &[u8]) -> Result<Self, KeyError> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Member>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Member {
            Key(Box<Members>),
            Strange(IgnoredAny),
        }
        if json.len() > MAX_BYTES {
            return Err(KeyError::TooLarge);
        }
        let set: Set = read(json)?;
        if set.keys.len() > MAX_KEYS {
            return Err(KeyError::TooLarge);
        }
        let mut read = Self::default();
        for member in set.keys {
            match member {
                Member::Key(members) => read.keys.push(Jwk::try_from(*members)?),
                Member::Strange(_) => read.strange += 1,
            }
        }
        Ok(read)
    }

    /// The JSON text to publish.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The keys as published.
    pub fn iter(&self) -> impl Iterator<Item = &Jwk> {
        self.keys.iter()
    }

    /// Every key of a set of ours: one that isn't usable, whose `kid` isn't its thumbprint, or that
    /// is there twice, refuses the set.
    pub fn own_keys(&self) -> Result<Vec<PublicKey>, KeyError> {
        if self.strange > 0 {
            return Err(KeyError::Unsupported);
        }
        let own = |jwk: &Jwk| {
            let key = jwk.public_key()?;
            match jwk.kid() {
                Some(kid) if kid == key.kid().to_string() => Ok(key),
                _ => Err(KeyError::WrongKid),
            }
        };
        let keys = self.keys.iter().map(own).collect::<Result<Vec<_>, _>>()?;
        distinct(self.keys.iter().filter_map(Jwk::kid))?;
        Ok(keys)
    }

    /// The usable keys of another issuer, at least one. Every other key is left out (RFC 7517 §5):
    /// for encryption, of a type or algorithm that isn't used here, weak, or malformed. Leaving a
    /// key out only ever refuses tokens, and what is wrong with one says nothing of the others;
    /// refusing the set for it would put every person of that issuer at the mercy of its oddest
    /// key. Two usable keys of one `kid` do refuse it: nobody knows which of them signs.
    pub fn foreign_keys(&self) -> Result<Vec<ForeignKey>, KeyError> {
        let usable = |jwk: &Jwk| {
            let key = jwk.public_key().ok()?;
            let kid = jwk.kid.clone();
            Some(ForeignKey { kid, key })
        };
        let keys: Vec<_> = self.keys.iter().filter_map(usable).collect();
        if keys.is_empty() {
            return Err(KeyError::NoneUsable);
        }
        distinct(keys.iter().filter_map(|held| held.kid.as_deref()))?;
        Ok(keys)
    }

    /// The same for an issuer that announces its algorithms: a key that doesn't say which one it is for
    /// is there once for each that its type can have. A token still fits one of them alone, by its own
    /// `alg` (see [`crate::jws::ForeignToken::select`]). Two keys of one `kid` refuse the set if they are
    /// for one algorithm.
    pub fn foreign_keys_for(&self, algorithms: &[Alg]) -> Result<Vec<ForeignKey>, KeyError> {
        let mut keys: Vec<ForeignKey> = Vec::new();
        for jwk in &self.keys {
            for alg in algorithms {
                let Ok(key) = jwk.public_key_for(*alg) else {
                    continue;
                };
                let same = |held: &ForeignKey| {
                    held.kid.is_some() && held.kid == jwk.kid && held.key.alg() == *alg
                };
                if keys.iter().any(same) {
                    return Err(KeyError::DuplicateKid);
                }
                let kid = jwk.kid.clone();
                keys.push(ForeignKey { kid, key });
            }
        }
        if keys.is_empty() {
            return Err(KeyError::NoneUsable);
        }
        Ok(keys)
    }
}

fn distinct<'a>(mut kids: impl Iterator<Item = &'a str>) -> Result<(), KeyError> {
    let mut seen = HashSet::new();
    if kids.all(|kid| seen.insert(kid)) {
        return Ok(());
    }
    Err(KeyError::DuplicateKid)
}

fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, KeyError> {
    let text = json::strict_object(json, json::DOCUMENT_VALUES)
        .map_err(|_| KeyError::Malformed("not a strict JSON object"))?;
    serde_json::from_str(text).map_err(|_| KeyError::Malformed("not a JWK or JWK set"))
}

fn bytes(member: Option<&String>, name: &'static str) -> Result<Vec<u8>, KeyError> {
    member
        .and_then(base64url::decode)
        .ok_or(KeyError::Malformed(name))
}

fn array<const N: usize>(member: Option<&String>, name: &'static str) -> Result<[u8; N], KeyError> {
    member
        .and_then(base64url::decode_array)
        .ok_or(KeyError::Malformed(name))
}
