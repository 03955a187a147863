//! Attacks on signatures.

use aeolus_keys::jws::{self, JwsError};
use aeolus_keys::{BadSignature, KeyError, Kind, PublicKey};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

use crate::support::{P256, b64, claims, ed25519, rsa, unb64, unhex};

/// The order of P-256's group.
const N: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

/// The order of Ed25519's group, little-endian.
const L: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

#[test]
fn t16_the_ecdsa_twin_has_the_same_jti() {
    let key = P256::generate();
    let token = key.token(r#"{"alg":"ES256"}"#, r#"{"jti":"revoked"}"#);
    let (input, signature) = token.rsplit_once('.').unwrap();
    let mut twin = unb64(signature);
    negate(&mut twin[32..]);
    let twin = format!("{input}.{}", b64(twin));
    assert_ne!(twin, token);
    // Both are good signatures, which is why nothing may know a token by its text.
    for text in [&token, &twin] {
        let token = jws::parse_foreign(text.as_bytes()).unwrap();
        let claims: serde_json::Value = token.verify(&key.public()).unwrap().claims().unwrap();
        assert_eq!(claims["jti"], "revoked");
    }
}

/// `n − s`, big-endian.
fn negate(s: &mut [u8]) {
    let mut borrow = 0;
    for (s, n) in s.iter_mut().zip(unhex(N)).rev() {
        let difference = i16::from(n) - i16::from(*s) - borrow;
        borrow = i16::from(difference < 0);
        *s = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
}

#[test]
fn t16_a_token_has_one_spelling() {
    let key = ed25519("t16");
    let token = key.sign(Kind::Access, &claims(Kind::Access)).unwrap();
    // 64 bytes are 85.3 characters: the last one has four bits that carry nothing.
    let (rest, last) = token.split_at(token.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let good = alphabet.chars().filter(|c| {
        let text = format!("{rest}{c}");
        let token = jws::parse(text.as_bytes());
        token.is_ok_and(|token| token.verify(Kind::Access, key.public()).is_ok())
    });
    assert_eq!(good.collect::<String>(), last);
}

#[test]
fn t17_psychic_signatures() {
    let key = P256::generate();
    let public = key.public();
    let good = key.sign(b"message");
    assert_eq!(public.verify(b"message", &good), Ok(()));
    let (zero, n) = (vec![0; 32], unhex(N));
    let (r, s) = (good[..32].to_vec(), good[32..].to_vec());
    for (r, s) in [
        (&zero, &zero),
        (&zero, &s),
        (&r, &zero),
        (&n, &s),
        (&r, &n),
        (&n, &n),
        (&zero, &n),
    ] {
        assert_eq!(
            public.verify(b"message", &[&r[..], s].concat()),
            Err(BadSignature)
        );
    }
}

#[test]
fn t18_signatures_of_another_length_or_form() {
    let p256 = P256::generate();
    let ed = ed25519("t18");
    let rsa = rsa(0);
    let message = b"message";
    let cases = [
        (p256.public(), p256.sign(message)),
        (ed.public().clone(), ed.sign_raw(message).unwrap()),
        (rsa.public().clone(), rsa.sign_raw(message).unwrap()),
    ];
    for (key, good) in cases {
        assert_eq!(key.verify(message, &good), Ok(()));
        let longer = [&good[..], &[0]].concat();
        let padded = [&[0], &good[..]].concat();
        for bad in [
            &[][..],
            &good[1..],
            &good[..good.len() - 1],
            &longer,
            &padded,
        ] {
            assert_eq!(key.verify(message, bad), Err(BadSignature), "{key:?}");
        }
    }
    let good = p256.sign(message);
    assert_eq!(
        p256.public().verify(message, &der(&good)),
        Err(BadSignature)
    );
}

/// The ASN.1 form of `r ‖ s`.
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |n: &[u8]| {
        let n = [&[0], n].concat();
        [&[2, u8::try_from(n.len()).unwrap()], &n[..]].concat()
    };
    let both = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [&[0x30, u8::try_from(both.len()).unwrap()], &both[..]].concat()
}

#[test]
fn t19_s_not_reduced() {
    let key = ed25519("t19");
    let mut signature = key.sign_raw(b"message").unwrap();
    assert_eq!(key.public().verify(b"message", &signature), Ok(()));
    let mut carry = 0;
    for (s, l) in signature[32..].iter_mut().zip(unhex(L)) {
        let sum = u16::from(*s) + u16::from(l) + carry;
        (*s, carry) = (u8::try_from(sum & 0xff).unwrap(), sum >> 8);
    }
    assert_eq!(
        key.public().verify(b"message", &signature),
        Err(BadSignature)
    );
}

#[test]
fn t19_small_order_keys_are_refused_at_import() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let forged = [identity, [0; 32]].concat();
    let library = UnparsedPublicKey::new(&ED25519, identity);
    assert!(
        library.verify(b"anything", &forged).is_ok(),
        "why the check is ours"
    );

    for point in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ] {
        for sign in [0, 0x80] {
            let mut point: [u8; 32] = unhex(point).try_into().unwrap();
            point[31] |= sign;
            let refused = PublicKey::from_ed25519(point).unwrap_err();
            assert!(matches!(refused, KeyError::Weak(_)));
            let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, b64(point));
            assert!(PublicKey::from_jwk_json(&jwk).is_err());
        }
    }
    // y from p to 2^255 - 1: other spellings of 0 to 18.
    for low in 0xed..=0xff_u8 {
        for sign in [0x7f, 0xff] {
            let mut point = [0xff; 32];
            (point[0], point[31]) = (low, sign);
            assert!(PublicKey::from_ed25519(point).is_err());
        }
    }
}

#[test]
fn a_signature_is_of_one_message_by_one_key() {
    let (key, other) = (ed25519("one"), ed25519("other"));
    let token = key.sign(Kind::Access, &claims(Kind::Access)).unwrap();
    let parsed = jws::parse(token.as_bytes()).unwrap();
    assert_eq!(
        parsed.verify(Kind::Access, other.public()).unwrap_err(),
        JwsError::Kid
    );
    let (_, signature) = token.rsplit_once('.').unwrap();
    let changed = key
        .sign(Kind::Access, &serde_json::json!({"kind": "access"}))
        .unwrap();
    let (input, _) = changed.rsplit_once('.').unwrap();
    let mixed = format!("{input}.{signature}");
    let parsed = jws::parse(mixed.as_bytes()).unwrap();
    assert_eq!(
        parsed.verify(Kind::Access, key.public()).unwrap_err(),
        JwsError::Signature
    );
}
