//! Whether what an authority sent is what was ordered.

use aeolus_model::Time;
use aeolus_pki::{Certificate, PublicKey, San, Usage, read, verify};

use crate::error::AcmeError;

/// Longer chains are nobody's.
const MAX_CHAIN: usize = 10;

/// Reads a chain, and proves it for our key and every name: up to those who are trusted, or where that isn't
/// said up to the last one that was sent.
pub(crate) fn prove(
    pem: &str,
    (key, names): (&PublicKey, &[San]),
    trusted: &[Certificate],
    at: Time,
) -> Result<Vec<Certificate>, AcmeError> {
    let input = read(pem.as_bytes(), None);
    let input = input.map_err(|_| AcmeError::NotIt("it is no chain of certificates in PEM"))?;
    let chain = input.certificates;
    let (Some(leaf), true) = (chain.first(), chain.len() <= MAX_CHAIN) else {
        return Err(AcmeError::NotIt("it has no certificate, or more than ten"));
    };
    if leaf.key != *key {
        return Err(AcmeError::NotIt("it is for another key"));
    }
    let between = chain.get(1..).unwrap_or_default();
    let trusted = match (trusted, between) {
        ([], [.., last]) => std::slice::from_ref(last),
        ([], []) => {
            return Err(AcmeError::NotIt(
                "it came without its issuer, and no authority is trusted (--ca)",
            ));
        }
        (trusted, _) => trusted,
    };
    let proved = verify(leaf, between, trusted, at, (Usage::Server, names));
    proved.map_err(AcmeError::Unproven)?;
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aeolus_pki::{
        Authority, Constraints, KeyKind, Life, PrivateKey, Profile, Wanted, certificates_pem,
    };
    use aeolus_testkit::SeededRng;

    use super::*;

    #[test]
    fn only_what_was_ordered_is_taken() {
        let rng = SeededRng::new("proof");
        let now = Time::from_secs(1_800_000_000);
        let key = || PrivateKey::generate(KeyKind::P256).unwrap();
        let name = |text: &str| San::parse(text).unwrap();
        let root = Authority::root("Root", key(), Life::INTERMEDIATE, (now, &rng)).unwrap();
        let (life, free) = (Life::INTERMEDIATE, Constraints::default());
        let issuer = root
            .intermediate(("Between", key()), &free, life, (now, &rng))
            .unwrap();
        let own = key();
        let wanted = Wanted::new(
            [name("a.example.com")],
            Profile::Server,
            Life::days(9).unwrap(),
        );
        let issued = issuer
            .issue(&wanted.unwrap(), own.public(), (now, &rng))
            .unwrap();
        let chain = certificates_pem(&issued.chain);
        let leaf = certificates_pem([&issued.certificate]);
        let names = [name("a.example.com")];
        let roots = [root.certificate().clone()];
        let other = Authority::root("Other", key(), Life::INTERMEDIATE, (now, &rng)).unwrap();
        let others = [other.certificate().clone()];
        let prove =
            |pem: &str, key: &PrivateKey, names: &[San], trusted: &[Certificate], after: u64| {
                let at = now.plus(Duration::from_secs(after * 86_400));
                prove(pem, (key.public(), names), trusted, at).map(|chain| chain.len())
            };
        assert_eq!(prove(&chain, &own, &names, &roots, 0).unwrap(), 2);
        assert_eq!(prove(&chain, &own, &names, &[], 0).unwrap(), 2);
        assert!(
            prove(&chain, &key(), &names, &roots, 0).is_err(),
            "another key"
        );
        assert!(prove(&chain, &own, &[name("b.example.com")], &[], 0).is_err());
        assert!(
            prove(&chain, &own, &names, &others, 0).is_err(),
            "another root"
        );
        assert!(prove(&chain, &own, &names, &roots, 10).is_err(), "expired");
        assert!(prove(&leaf, &own, &names, &[], 0).is_err(), "no issuer");
        for nothing in ["", "-----BEGIN CERTIFICATE-----", "hello"] {
            assert!(prove(nothing, &own, &names, &[], 0).is_err(), "{nothing}");
        }
    }
}
