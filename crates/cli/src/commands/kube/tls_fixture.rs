//! An authority and what it issues, for tests.

use aeolus_keys::SystemRng;
use aeolus_kube::{Data, Meta, Place, SecretObject, Seen, TLS};
use aeolus_model::{Secret, Time};
use aeolus_pki::{
    Authority, Certificate, KeyKind, Life, PrivateKey, Profile, San, certificates_pem,
};

use super::tls::{CHAIN, KEY, Marks, Pair, Wanted};

pub(super) const NOW: Time = Time::from_secs(1_800_000_000);

pub(super) fn place() -> Place {
    Place::new("astronomer", "platform-tls")
}

pub(super) fn authority() -> Authority {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    Authority::root("Root", key, Life::ROOT, (NOW, &SystemRng)).unwrap()
}

pub(super) fn pair(authority: &Authority, name: &str, profile: Profile) -> Pair {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let wanted = aeolus_pki::Wanted::new([San::parse(name).unwrap()], profile, Life::LEAF);
    let issued = authority.issue(&wanted.unwrap(), key.public(), (NOW, &SystemRng));
    let chain = issued.unwrap().chain;
    Pair { chain, key }
}

pub(super) fn wanted(pair: Pair) -> Wanted {
    Wanted {
        place: place(),
        pair,
        labels: Marks::new(),
        annotations: Marks::new(),
        replaces: None,
    }
}

/// A Secret with a pair, in the writing that another program chose.
pub(super) fn stored(chain: &[Certificate], key: &PrivateKey) -> SecretObject {
    let text = format!("subject=/CN=x\n{}", certificates_pem(chain));
    SecretObject {
        meta: Meta {
            place: place(),
            uid: "u".to_owned(),
            version: "7".to_owned(),
            ..Meta::default()
        },
        kind: TLS.to_owned(),
        data: Data::from([
            (CHAIN.to_owned(), Secret::new(text.into_bytes())),
            (
                KEY.to_owned(),
                Secret::new(key.pem().expose().as_bytes().to_vec()),
            ),
        ]),
        is_immutable: false,
    }
}

pub(super) fn seen(secret: SecretObject) -> Seen {
    Seen {
        secret,
        ..Seen::default()
    }
}
