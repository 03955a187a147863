//! Row T31: no token is taken for one of another kind. The matrix is made from `Kind::ALL`, so that
//! a new kind is in it by existing.

use aeolus_keys::jws::{self, JwsError, Verified};
use aeolus_keys::{Alg, KeyRing, Kind, SigningKey};

use crate::support::{claims, derived, ed25519, rsa};

fn own_key(kind: Kind) -> SigningKey {
    let rsa = |index| SigningKey::from_pkcs8(&rsa(index).to_pkcs8().unwrap()).unwrap();
    match kind {
        Kind::Id => rsa(0),
        Kind::Logout => rsa(1),
        Kind::Airflow2 => rsa(2),
        Kind::Legacy => rsa(3),
        Kind::SecurityEvent => rsa(4),
        Kind::ClientAssertion => derived("own"),
        _ => ed25519(kind.name()),
    }
}

fn shared_key(kind: Kind) -> SigningKey {
    match kind.alg() {
        Alg::Rs256 => own_key(Kind::Id),
        Alg::Es256 => derived("shared"),
        _ => ed25519("shared"),
    }
}

fn try_as(token: &str, kind: Kind, key: &SigningKey) -> Result<Verified, JwsError> {
    jws::parse(token.as_bytes())?.verify(kind, key.public())
}

#[test]
fn t31_every_kind_against_every_kind() {
    let keys: Vec<_> = Kind::ALL.map(|kind| (kind, own_key(kind))).into();
    let mut ring = KeyRing::default();
    for (kind, key) in &keys {
        ring.insert(*kind, key.public().clone()).unwrap();
    }
    for (minted, key) in &keys {
        let token = key.sign(*minted, &claims(*minted)).unwrap();
        for asked in Kind::ALL {
            let parsed = jws::parse(token.as_bytes()).unwrap();
            let verified = ring.verify(asked, parsed);
            assert_eq!(verified.is_ok(), asked == *minted, "{minted} as {asked}");
        }
        let kid = key.public().kid();
        assert_eq!(ring.kind_of(&kid, &Kind::ALL), Some(*minted));
        assert_eq!(ring.kind_of(&kid, &[]), None);
    }
}

/// Even if an operator's mistake gave one key to all kinds of an algorithm, `typ` and the claim
/// `kind` still hold them apart; the two pairs that share `typ: JWT` differ in issuer and audience.
#[test]
fn t31_with_one_key_for_all_kinds_the_rest_still_differs() {
    let left_to_issuer_and_audience = [
        (Kind::Id, Kind::Airflow2),
        (Kind::Airflow3, Kind::PlaneAssertion),
    ];
    for minted in Kind::ALL {
        let token = shared_key(minted).sign(minted, &claims(minted)).unwrap();
        for asked in Kind::ALL {
            let verified = try_as(&token, asked, &shared_key(asked));
            let pair = left_to_issuer_and_audience
                .iter()
                .any(|&pair| pair == (minted, asked) || pair == (asked, minted));
            assert_eq!(
                verified.is_ok(),
                asked == minted || pair,
                "{minted} as {asked}"
            );
            if pair {
                assert_ne!(claims(minted)["iss"], claims(asked)["iss"]);
                assert_ne!(claims(minted)["aud"], claims(asked)["aud"]);
            }
        }
    }
}

#[test]
fn t31_the_kind_claim_must_be_the_kind() {
    let key = ed25519("kind claim");
    for kind in [Kind::Access, Kind::Api, Kind::Federated, Kind::Direct] {
        for claimed in Kind::ALL {
            let mut claims = claims(kind);
            claims["kind"] = claimed.name().into();
            let token = key.sign(kind, &claims).unwrap();
            let verified = try_as(&token, kind, &key);
            assert_eq!(
                verified.is_ok(),
                claimed == kind,
                "{kind} claiming {claimed}"
            );
        }
        for bad in [
            serde_json::json!(null),
            serde_json::json!(["access"]),
            "".into(),
        ] {
            let mut claims = claims(kind);
            claims["kind"] = bad;
            let token = key.sign(kind, &claims).unwrap();
            assert_eq!(try_as(&token, kind, &key).unwrap_err(), JwsError::Claims);
        }
    }
}
