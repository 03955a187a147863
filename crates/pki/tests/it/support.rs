//! Authorities and times of the tests.

use std::time::Duration;

use aeolus_model::Time;
use aeolus_pki::{Authority, Issued, KeyKind, Life, PrivateKey, Profile, San, Wanted};
use aeolus_testkit::SeededRng;

/// 2027-01-15 08:00 UTC.
pub(crate) const NOW: Time = Time::from_secs(1_800_000_000);

pub(crate) const fn days(days: u64) -> Duration {
    Duration::from_secs(days * 86_400)
}

pub(crate) fn key(kind: KeyKind) -> PrivateKey {
    PrivateKey::generate(kind).unwrap()
}

pub(crate) fn root(name: &str) -> Authority {
    let rng = SeededRng::new(name);
    Authority::root(name, key(KeyKind::P256), Life::ROOT, (NOW, &rng)).unwrap()
}

pub(crate) fn names(names: &[&str]) -> Vec<San> {
    names.iter().map(|name| San::parse(name).unwrap()).collect()
}

pub(crate) fn wanted(of: &[&str], profile: Profile) -> Wanted {
    Wanted::new(names(of), profile, Life::LEAF).unwrap()
}

pub(crate) fn server(authority: &Authority, of: &[&str]) -> (Issued, PrivateKey) {
    let key = key(KeyKind::P256);
    let rng = SeededRng::new("leaf");
    let issued = authority.issue(&wanted(of, Profile::Server), key.public(), (NOW, &rng));
    (issued.unwrap(), key)
}
