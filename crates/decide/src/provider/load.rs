//! From the sections of a snapshot to the providers.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aeolus_keys::digest::hmac;
use aeolus_keys::{Alg, ForeignKey, PublicKey};
use aeolus_model::ConnectionId;
use aeolus_snapshot::{Sections, section};

use super::{Provider, Providers, SubjectClaim, registration};

/// The most that a clock may differ, whatever the snapshot says.
const MAX_TOLERANCE: u64 = 300;
/// The most that a token lives, whatever the snapshot says.
const MAX_LIFE: u64 = 86_400;

impl Providers {
    /// What can't be understood is left out: tokens of that provider are refused.
    pub(crate) fn load(sections: &Sections) -> Self {
        let mut by_issuer = HashMap::new();
        let mut ambiguous = HashSet::new();
        for record in &sections.connections.connections {
            let Some(terms) = &record.session_tokens else {
                continue;
            };
            let issuer: Box<str> = terms.issuer.as_str().into();
            // Ours never names a provider; of two with one name nobody knows which is meant.
            if *issuer == *sections.keys.issuer || ambiguous.contains(&issuer) {
                continue;
            }
            let Some(provider) = provider(&record.id, terms) else {
                continue;
            };
            if by_issuer.insert(issuer.clone(), provider).is_some() {
                by_issuer.remove(&issuer);
                ambiguous.insert(issuer);
            }
        }
        let (auth_host, registrations) = registration::load(sections);
        if (by_issuer.is_empty() && registrations.is_empty())
            || sections.connections.identity_salt.is_empty()
        {
            return Self::default();
        }
        Self {
            by_issuer,
            salt: sections.connections.identity_salt.as_slice().into(),
            registrations,
            auth_host,
        }
    }
}

fn provider(connection: &[u8], terms: &section::SessionTokens) -> Option<Provider> {
    let subject = match terms.subject.as_str() {
        "sub" => SubjectClaim::Sub,
        "tid+oid" => SubjectClaim::TidOid,
        "uid" => SubjectClaim::Uid,
        _ => return None,
    };
    let named = |text: &str| !text.is_empty();
    let whole = named(&terms.issuer) && named(&terms.audience) && named(&terms.identity_issuer);
    // Where both are one, an `id_token` can't be told from an access token.
    if !whole || terms.client_ids.contains(&terms.audience) {
        return None;
    }
    let algorithms: Vec<Alg> = ALGORITHMS
        .into_iter()
        .filter(|alg| terms.algorithms.iter().any(|name| name == alg.name()))
        .collect();
    let keys = keys(&terms.keys);
    Some(Provider {
        connection: ConnectionId::from_slice(connection).ok()?,
        identity_issuer: terms.identity_issuer.as_str().into(),
        audience: terms.audience.as_str().into(),
        client_ids: boxed(&terms.client_ids),
        algorithms,
        subject,
        second_factor_acr: boxed(&terms.second_factor_acr),
        typed_only: terms.typed_only,
        tolerance: Duration::from_secs(terms.clock_tolerance.min(MAX_TOLERANCE)),
        max_life: i64::try_from(terms.max_life.min(MAX_LIFE)).ok()?,
        keys,
        terms: digest(connection, terms),
    })
}

/// Texts that are only compared.
pub(super) fn boxed(texts: &[String]) -> Vec<Box<str>> {
    texts.iter().map(|text| text.as_str().into()).collect()
}

/// The keys that can be understood.
pub(super) fn keys(records: &[section::ProviderKey]) -> Vec<ForeignKey> {
    let key = |record: &section::ProviderKey| {
        Some(ForeignKey {
            kid: record.kid.clone(),
            key: PublicKey::from_jwk_json(&record.jwk).ok()?,
        })
    };
    records.iter().filter_map(key).collect()
}

const ALGORITHMS: [Alg; 3] = [Alg::Rs256, Alg::Es256, Alg::EdDsa];

/// Half of a digest of everything but the keys.
fn digest(connection: &[u8], terms: &section::SessionTokens) -> u128 {
    let numbers = [
        terms.clock_tolerance,
        terms.max_life,
        u64::from(terms.typed_only),
        terms.client_ids.len() as u64,
        terms.second_factor_acr.len() as u64,
    ];
    let numbers: Vec<u8> = numbers.into_iter().flat_map(u64::to_be_bytes).collect();
    let mut parts: Vec<&[u8]> = vec![
        connection,
        terms.issuer.as_bytes(),
        terms.audience.as_bytes(),
        terms.identity_issuer.as_bytes(),
        terms.subject.as_bytes(),
        &numbers,
    ];
    let lists = terms.client_ids.iter().chain(&terms.second_factor_acr);
    let lists = lists.chain(&terms.algorithms);
    parts.extend(lists.map(String::as_bytes));
    let digest = hmac(b"terms of a provider's tokens", &parts);
    digest
        .first_chunk()
        .map_or(0, |half| u128::from_be_bytes(*half))
}
