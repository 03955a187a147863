//! Public status lists, and the attacks of row T46 on them.

use aeolus_keys::claims::ClaimError;
use aeolus_keys::jws::JwsError;
use aeolus_keys::status_list::{
    BYTES, Claims, LENGTH, Place, StatusList, StatusListError, TTL, pack, uri,
};
use aeolus_keys::{KeyRing, Kind, SigningKey};
use aeolus_model::{OrganizationId, Time};
use miniz_oxide::deflate::compress_to_vec_zlib;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{ID, ISS, NOW, b64, ed25519, forge, header, merge};

struct Issuer {
    key: SigningKey,
    ring: KeyRing,
    uri: String,
}

impl Issuer {
    fn new() -> Self {
        let (key, api) = (ed25519("status"), ed25519("api"));
        let mut ring = KeyRing::default();
        ring.insert(Kind::StatusList, key.public().clone()).unwrap();
        ring.insert(Kind::Api, api.public().clone()).unwrap();
        let uri = uri(ISS, organization(), 0);
        Self { key, ring, uri }
    }

    fn claims(&self, bits: &[u8]) -> Claims {
        Claims {
            iss: ISS.to_owned(),
            sub: self.uri.clone(),
            iat: NOW,
            exp: NOW + 86_400,
            ttl: TTL,
            status_list: pack(bits).into(),
        }
    }

    fn sign(&self, bits: &[u8]) -> String {
        self.key.sign(Kind::StatusList, &self.claims(bits)).unwrap()
    }

    /// A good list but for some claims.
    fn but(&self, other: Value) -> String {
        let mut claims = serde_json::to_value(self.claims(&[0; 128])).unwrap();
        merge(&mut claims, other);
        self.key.sign(Kind::StatusList, &claims).unwrap()
    }

    fn verify(&self, list: &str) -> Result<StatusList, StatusListError> {
        self.verify_at(list, NOW)
    }

    fn verify_at(&self, list: &str, now: i64) -> Result<StatusList, StatusListError> {
        StatusList::verify(list.as_bytes(), &self.ring, &self.uri, Time::from_secs(now))
    }
}

fn organization() -> OrganizationId {
    ID.parse().unwrap()
}

fn lst(bits: u8, bytes: &[u8]) -> Value {
    json!({"status_list": {"bits": bits, "lst": b64(compress_to_vec_zlib(bytes, 9))}})
}

#[test]
fn a_list_says_of_each_value_whether_it_is_revoked() {
    let issuer = Issuer::new();
    let mut bits = vec![0; BYTES];
    bits[0] = 0b0000_0001;
    bits[BYTES - 1] = 0b1000_0000;
    let list = issuer.verify(&issuer.sign(&bits)).unwrap();
    let revoked: Vec<u32> = (0..LENGTH)
        .filter(|at| list.is_revoked(*at).unwrap())
        .collect();
    assert_eq!(revoked, [0, LENGTH - 1]);
    assert_eq!(list.expires_at, NOW + 86_400);
}

/// The draft's own examples (§4.1, appendix "Test vectors").
#[test]
fn the_examples_of_the_draft_are_read_as_it_says() {
    let issuer = Issuer::new();
    let short = json!({"status_list": {"bits": 1, "lst": "eNrbuRgAAhcBXQ"}});
    let list = issuer.verify(&issuer.but(short)).unwrap();
    let expected = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1];
    for (at, bit) in (0..).zip(expected) {
        assert_eq!(list.is_revoked(at).unwrap(), bit == 1, "{at}");
    }
    assert_eq!(list.is_revoked(16), Err(StatusListError::Outside));

    let long = "eNrt3AENwCAMAEGogklACtKQPg9LugC9k_ACvreiogEAAKkeCQAAAAAAAAAAAAAAAAAAAIBylgQAAAAAAAAAAAAAAA\
                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAXG9IAAAAAAAAAPwsJAAAAAAAAAAAAAAAvhsSAAAAAAAAAAAA7KpL\
                AAAAAAAAAAAAAAAAAAAAAJsLCQAAAAAAAAAAADjelAAAAAAAAAAAKjDMAQAAAACAZC8L2AEb";
    let long = json!({"status_list": {"bits": 1, "lst": long}});
    let list = issuer.verify(&issuer.but(long)).unwrap();
    let revoked: Vec<u32> = (0..LENGTH)
        .filter(|at| list.is_revoked(*at).unwrap())
        .collect();
    let expected = [
        0, 1993, 25_460, 159_495, 495_669, 554_353, 645_645, 723_232, 854_545, 934_534, 1_000_345,
    ];
    assert_eq!(revoked, expected);
}

#[test]
fn an_index_has_one_place() {
    let place = Place::of(ISS, organization(), 2 * LENGTH + 7);
    assert_eq!(place.idx, 7);
    assert_eq!(place.uri, format!("{ISS}/v1/status-lists/{ID}/2"));
    assert_eq!(Place::of(ISS, organization(), LENGTH - 1).idx, LENGTH - 1);
    assert_eq!(
        Place::of(ISS, organization(), u32::MAX).uri,
        uri(ISS, organization(), 4095)
    );
}

#[test]
fn t46_a_list_from_elsewhere_is_refused() {
    let issuer = Issuer::new();
    for sub in [
        uri(ISS, organization(), 1),
        format!("{}/", issuer.uri),
        String::new(),
    ] {
        let refused = issuer.verify(&issuer.but(json!({"sub": sub})));
        assert_eq!(refused, Err(StatusListError::Other), "{sub}");
    }
}

#[test]
fn t46_another_type_is_refused() {
    let issuer = Issuer::new();
    let claims = serde_json::to_string(&issuer.claims(&[0; 128])).unwrap();
    for kind in Kind::ALL
        .into_iter()
        .filter(|kind| *kind != Kind::StatusList)
    {
        let head = header(&issuer.key, kind).replace(kind.alg().name(), "EdDSA");
        let refused = issuer.verify(&forge(&issuer.key, &head, &claims));
        assert_eq!(refused, Err(StatusListError::Jws(JwsError::Typ)), "{kind}");
    }
}

#[test]
fn t46_an_expired_list_is_refused() {
    let issuer = Issuer::new();
    let list = issuer.sign(&[0; 128]);
    assert!(issuer.verify_at(&list, NOW + 86_400 + 59).is_ok());
    let expired = issuer.verify_at(&list, NOW + 86_400 + 60);
    assert_eq!(expired, Err(StatusListError::Times(ClaimError::Expired)));
    let early = issuer.verify_at(&list, NOW - 61);
    assert_eq!(
        early,
        Err(StatusListError::Times(ClaimError::FromTheFuture))
    );
    for claim in ["exp", "iat", "sub", "status_list"] {
        let refused = issuer.verify(&issuer.but(json!({claim: null})));
        assert_eq!(
            refused,
            Err(StatusListError::Jws(JwsError::Claims)),
            "{claim}"
        );
    }
}

#[test]
fn t46_three_bits_a_value_are_refused() {
    let issuer = Issuer::new();
    for bits in [0, 2, 3, 4, 8, 255] {
        let refused = issuer.verify(&issuer.but(lst(bits, &[0; 128])));
        assert_eq!(refused, Err(StatusListError::Bits), "{bits}");
    }
}

/// Who counts the other way round finds the wrong value revoked.
#[test]
fn t46_bits_are_counted_from_the_least_significant() {
    let issuer = Issuer::new();
    let list = issuer
        .verify(&issuer.sign(&[0b0000_0010, 0b1000_0000]))
        .unwrap();
    let revoked: Vec<u32> = (0..16).filter(|at| list.is_revoked(*at).unwrap()).collect();
    assert_eq!(revoked, [1, 15]);
}

#[test]
fn t46_a_list_that_unpacks_without_end_is_refused() {
    let issuer = Issuer::new();
    for size in [BYTES + 1, 64 << 20] {
        let refused = issuer.verify(&issuer.but(lst(1, &vec![0; size])));
        assert_eq!(refused, Err(StatusListError::TooLong), "{size}");
    }
    let packed = compress_to_vec_zlib(&[0; 128], 9);
    let mut more = packed.clone();
    more.push(0);
    let mut wrong_sum = packed.clone();
    *wrong_sum.last_mut().unwrap() ^= 1;
    for bad in [
        &packed[..packed.len() - 1],
        &packed[2..],
        &more,
        &wrong_sum,
        &[],
    ] {
        let bad = json!({"status_list": {"bits": 1, "lst": b64(bad)}});
        let refused = issuer.verify(&issuer.but(bad));
        assert_eq!(refused, Err(StatusListError::Packing));
    }
    let padded = json!({"status_list": {"bits": 1, "lst": format!("{}=", b64(&packed))}});
    assert_eq!(
        issuer.verify(&issuer.but(padded)),
        Err(StatusListError::Packing)
    );
}

#[test]
fn t46_a_list_that_has_shrunk_says_nothing_of_what_it_lost() {
    let issuer = Issuer::new();
    let list = issuer.verify(&issuer.sign(&[0; 16])).unwrap();
    assert_eq!(list.is_revoked(127), Ok(false));
    assert_eq!(list.is_revoked(128), Err(StatusListError::Outside));
    assert_eq!(list.is_revoked(u32::MAX), Err(StatusListError::Outside));
    let empty = issuer.verify(&issuer.sign(&[])).unwrap();
    assert_eq!(empty.is_revoked(0), Err(StatusListError::Outside));
}

#[test]
fn t46_a_key_for_something_else_signs_no_list() {
    let issuer = Issuer::new();
    let claims = issuer.claims(&[0; 128]);
    for name in ["api", "unknown"] {
        let list = ed25519(name).sign(Kind::StatusList, &claims).unwrap();
        let refused = issuer.verify(&list);
        assert_eq!(refused, Err(StatusListError::Jws(JwsError::Kid)), "{name}");
    }
}

proptest! {
    #[test]
    fn what_is_packed_is_read_again(bits in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let issuer = Issuer::new();
        let list = issuer.verify(&issuer.sign(&bits)).unwrap();
        for at in 0..u32::try_from(bits.len()).unwrap() * 8 {
            let bit = bits[(at / 8) as usize] >> (at % 8) & 1 == 1;
            prop_assert_eq!(list.is_revoked(at), Ok(bit));
        }
    }

    #[test]
    fn no_packed_text_unpacks_to_more_than_a_list(packed in prop::collection::vec(any::<u8>(), 0..600)) {
        let issuer = Issuer::new();
        let lst = json!({"status_list": {"bits": 1, "lst": b64(packed)}});
        if let Ok(list) = issuer.verify(&issuer.but(lst)) {
            prop_assert_eq!(list.is_revoked(LENGTH), Err(StatusListError::Outside));
        }
    }
}

/// What is least well packed still fits what a verifier reads.
#[test]
fn the_largest_list_can_be_read() {
    let issuer = Issuer::new();
    let rng = aeolus_testkit::SeededRng::new("noise");
    let mut bits = vec![0; BYTES];
    aeolus_model::Rng::fill(&rng, &mut bits);
    let list = issuer.sign(&bits);
    assert!(
        list.len() < aeolus_keys::jws::MAX_DOCUMENT,
        "{}",
        list.len()
    );
    assert!(issuer.verify(&list).is_ok());
}
