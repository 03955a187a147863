//! Attacks on the header and the shape of a token.

use aeolus_keys::jws::{self, JwsError};
use aeolus_keys::{Kind, PublicKey, SigningKey};

use crate::support::{P256, b64, claims, ed25519, forge, header};

fn access() -> String {
    claims(Kind::Access).to_string()
}

fn verify(token: &str, key: &PublicKey) -> Result<(), JwsError> {
    let token = jws::parse(token.as_bytes())?;
    token.verify(Kind::Access, key).map(|_| ())
}

/// A rightly signed token with this header; `KID` stands for the key's id.
fn signed(key: &SigningKey, header: &str) -> String {
    let header = header.replace("KID", &key.public().kid().to_string());
    forge(key, &header, access())
}

fn outcome(header: &str) -> Result<(), JwsError> {
    let key = ed25519("header");
    verify(&signed(&key, header), key.public())
}

#[test]
fn the_plain_header_passes() {
    let key = ed25519("header");
    assert_eq!(outcome(&header(&key, Kind::Access)), Ok(()));
    assert_eq!(
        outcome(r#"{"typ":"at+jwt","kid":"KID","alg":"EdDSA"}"#),
        Ok(())
    );
}

#[test]
fn t1_alg_none() {
    let key = ed25519("t1");
    for alg in ["none", "None", "nOnE", "NONE", "none ", " none", ""] {
        let header = format!(r#"{{"alg":"{alg}","kid":"KID","typ":"at+jwt"}}"#);
        let token = signed(&key, &header);
        assert_eq!(verify(&token, key.public()), Err(JwsError::Alg), "{alg}");
        let (input, _) = token.rsplit_once('.').unwrap();
        for unsigned in [format!("{input}."), input.to_owned(), format!("{input}..")] {
            assert_eq!(verify(&unsigned, key.public()), Err(JwsError::Shape));
        }
    }
}

#[test]
fn t2_hmac_keyed_with_the_public_key() {
    let key = ed25519("t2");
    let raw = key.public().as_ed25519().unwrap();
    let jwk = key.public().to_jwk().to_json();
    let spki = [
        &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..],
        raw,
    ]
    .concat();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----",
        b64(&spki)
    );
    let secrets = [
        raw.to_vec(),
        spki,
        pem.clone().into_bytes(),
        (pem + "\n").into_bytes(),
        jwk.clone().into_bytes(),
        (jwk + "\n").into_bytes(),
    ];
    for (alg, digest) in [
        ("HS256", aws_lc_rs::hmac::HMAC_SHA256),
        ("HS384", aws_lc_rs::hmac::HMAC_SHA384),
        ("HS512", aws_lc_rs::hmac::HMAC_SHA512),
    ] {
        for secret in &secrets {
            for named in [alg, "EdDSA"] {
                let head = header(&key, Kind::Access).replace("EdDSA", named);
                let input = format!("{}.{}", b64(head), b64(access()));
                let hmac = aws_lc_rs::hmac::Key::new(digest, secret);
                let tag = aws_lc_rs::hmac::sign(&hmac, input.as_bytes());
                let refused = verify(&format!("{input}.{}", b64(tag)), key.public());
                let why = if named == alg {
                    JwsError::Alg
                } else {
                    JwsError::Signature
                };
                assert_eq!(refused, Err(why));
            }
        }
    }
}

#[test]
fn t3_alg_swapped_under_a_valid_kid() {
    for alg in [
        "RS256", "PS256", "ES256", "ES384", "ES512", "Ed448", "Ed25519", "RS512",
    ] {
        let header = format!(r#"{{"alg":"{alg}","kid":"KID","typ":"at+jwt"}}"#);
        assert_eq!(outcome(&header), Err(JwsError::Alg), "{alg}");
    }
    let (p256, key) = (P256::generate(), ed25519("t3"));
    let token = p256.token(r#"{"alg":"EdDSA","kid":"k"}"#, "{}");
    let token = jws::parse_foreign(token.as_bytes()).unwrap();
    assert_eq!(token.verify(&p256.public()).unwrap_err(), JwsError::Alg);
    let token = p256.token(r#"{"alg":"ES256","kid":"k"}"#, "{}");
    let token = jws::parse_foreign(token.as_bytes()).unwrap();
    assert_eq!(token.verify(key.public()).unwrap_err(), JwsError::Alg);
}

#[test]
fn t4_alg_malformed() {
    for header in [
        r#"{"kid":"KID","typ":"at+jwt"}"#,
        r#"{"alg":null,"kid":"KID","typ":"at+jwt"}"#,
        r#"{"alg":["EdDSA"],"kid":"KID","typ":"at+jwt"}"#,
        r#"{"alg":{"EdDSA":1},"kid":"KID","typ":"at+jwt"}"#,
        r#"{"alg":1,"kid":"KID","typ":"at+jwt"}"#,
        r#"{"alg":true,"kid":"KID","typ":"at+jwt"}"#,
        r#"{"alg":"EdDSA","alg":"EdDSA","kid":"KID","typ":"at+jwt"}"#,
        r#"{"alg":"none","alg":"EdDSA","kid":"KID","typ":"at+jwt"}"#,
    ] {
        assert_eq!(outcome(header), Err(JwsError::Header), "{header}");
    }
    for alg in ["eddsa", "EDDSA", "EdDSA ", "EdDSA\\u0000"] {
        let header = format!(r#"{{"alg":"{alg}","kid":"KID","typ":"at+jwt"}}"#);
        assert!(outcome(&header).is_err(), "{alg}");
    }
}

#[test]
fn t6_kid_absent_or_empty() {
    assert_eq!(
        outcome(r#"{"alg":"EdDSA","typ":"at+jwt"}"#),
        Err(JwsError::Header)
    );
    assert_eq!(
        outcome(r#"{"alg":"EdDSA","kid":null,"typ":"at+jwt"}"#),
        Err(JwsError::Header)
    );
    for kid in ["", "1", "../../etc/passwd", "' OR 1=1 --", "KIDx", "KID="] {
        let header = format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"at+jwt"}}"#);
        assert_eq!(outcome(&header), Err(JwsError::Kid), "{kid}");
    }
    let other = ed25519("another").public().kid();
    let header = format!(r#"{{"alg":"EdDSA","kid":"{other}","typ":"at+jwt"}}"#);
    assert_eq!(outcome(&header), Err(JwsError::Kid));
}

#[test]
fn typ_is_explicit_and_exact() {
    assert_eq!(
        outcome(r#"{"alg":"EdDSA","kid":"KID"}"#),
        Err(JwsError::Header)
    );
    for typ in [
        "JWT",
        "",
        "AT+JWT",
        "application/at+jwt",
        "at+jwt ",
        "secevent+jwt",
        "dpop+jwt",
    ] {
        let header = format!(r#"{{"alg":"EdDSA","kid":"KID","typ":"{typ}"}}"#);
        assert_eq!(outcome(&header), Err(JwsError::Typ), "{typ}");
    }
}

#[test]
fn t8_keys_that_the_token_brings() {
    let attacker = ed25519("attacker");
    let jwk = attacker.public().to_jwk().to_json();
    for member in [
        format!(r#""jwk":{jwk}"#),
        r#""jku":"https://attacker.example/jwks.json""#.to_owned(),
        r#""x5u":"http://169.254.169.254/""#.to_owned(),
        r#""x5c":["MIIB"]"#.to_owned(),
    ] {
        let header = format!(r#"{{"alg":"EdDSA","kid":"KID","typ":"at+jwt",{member}}}"#);
        assert_eq!(outcome(&header), Err(JwsError::Header), "{member}");
        let header = format!(r#"{{"alg":"EdDSA","kid":"KID",{member}}}"#);
        let token = signed(&attacker, &header);
        assert_eq!(
            jws::parse_foreign(token.as_bytes()).unwrap_err(),
            JwsError::Header
        );
    }
}

#[test]
fn t9_crit_and_b64() {
    for member in [
        r#""crit":["exp"]"#,
        r#""crit":["foo"]"#,
        r#""crit":[]"#,
        r#""crit":"exp""#,
        r#""crit":["b64"],"b64":false"#,
        r#""b64":false"#,
        r#""b64":true"#,
    ] {
        let header = format!(r#"{{"alg":"EdDSA","kid":"KID","typ":"at+jwt",{member}}}"#);
        assert_eq!(outcome(&header), Err(JwsError::Header), "{member}");
        let token = signed(&ed25519("t9"), &format!(r#"{{"alg":"EdDSA",{member}}}"#));
        assert_eq!(
            jws::parse_foreign(token.as_bytes()).unwrap_err(),
            JwsError::Header
        );
    }
}

#[test]
fn t11_encrypted_and_nested_tokens() {
    let key = ed25519("t11");
    let jwe = format!(
        "{}.a2V5.aXY.Y2lwaGVy.dGFn",
        b64(r#"{"alg":"dir","enc":"A256GCM"}"#)
    );
    assert_eq!(verify(&jwe, key.public()), Err(JwsError::Shape));
    assert_eq!(
        jws::parse_foreign(jwe.as_bytes()).unwrap_err(),
        JwsError::Shape
    );
    let nested = r#"{"alg":"EdDSA","kid":"KID","typ":"at+jwt","cty":"JWT"}"#;
    assert_eq!(outcome(nested), Err(JwsError::Header));
    let inner = signed(&key, &header(&key, Kind::Access));
    let outer = forge(&key, &header(&key, Kind::Access), &inner);
    assert_eq!(verify(&outer, key.public()), Err(JwsError::Claims));
    let json = r#"{"payload":"e30","signatures":[{"protected":"e30","signature":"AA"}]}"#;
    assert_eq!(verify(json, key.public()), Err(JwsError::Shape));
}

#[test]
fn t12_compressed_tokens() {
    let header = r#"{"alg":"EdDSA","kid":"KID","typ":"at+jwt","zip":"DEF"}"#;
    assert_eq!(outcome(header), Err(JwsError::Header));
    let bomb = format!(
        "{}.a2V5.aXY.{}.dGFn",
        b64(r#"{"alg":"dir","zip":"DEF"}"#),
        "A".repeat(250_000)
    );
    assert_eq!(jws::parse(bomb.as_bytes()).unwrap_err(), JwsError::TooLong);
    assert_eq!(
        jws::parse_document(bomb.as_bytes()).unwrap_err(),
        JwsError::Shape
    );
    let key = ed25519("t12");
    let long = forge(
        &key,
        &self::header(&key, Kind::Access),
        " ".repeat(jws::MAX_DOCUMENT),
    );
    assert_eq!(jws::parse(long.as_bytes()).unwrap_err(), JwsError::TooLong);
    assert_eq!(
        jws::parse_document(long.as_bytes()).unwrap_err(),
        JwsError::TooLong
    );
}

#[test]
fn t13_costly_key_derivation() {
    let head = r#"{"alg":"PBES2-HS512+A256KW","enc":"A256GCM","p2s":"AAAA","p2c":1000000000}"#;
    let token = format!("{}.a.b.c.d", b64(head));
    assert_eq!(jws::parse(token.as_bytes()).unwrap_err(), JwsError::Shape);
    assert_eq!(outcome(head), Err(JwsError::Header));
}

#[test]
fn t14_a_member_twice_in_the_header() {
    for header in [
        r#"{"alg":"EdDSA","kid":"x","kid":"KID","typ":"at+jwt"}"#,
        r#"{"alg":"EdDSA","kid":"KID","typ":"JWT","typ":"at+jwt"}"#,
        r#"{"alg":"EdDSA","k\u0069d":"x","kid":"KID","typ":"at+jwt"}"#,
    ] {
        assert_eq!(outcome(header), Err(JwsError::Header), "{header}");
    }
    let token = signed(&ed25519("t14"), r#"{"alg":"EdDSA","a":{"b":1,"b":2}}"#);
    assert_eq!(
        jws::parse_foreign(token.as_bytes()).unwrap_err(),
        JwsError::Header
    );
}

#[test]
fn only_the_characters_of_a_compact_token() {
    let key = ed25519("characters");
    let good = signed(&key, &header(&key, Kind::Access));
    for bad in [
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        format!("{good}="),
        format!("{good}."),
        format!(".{good}"),
        good.replace('.', ".."),
        good.replacen('e', "%65", 1),
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
    ] {
        assert_eq!(verify(&bad, key.public()), Err(JwsError::Shape), "{bad}");
    }
    assert_eq!(verify(&good, key.public()), Ok(()));
}

#[test]
fn foreign_headers_may_carry_what_others_write() {
    let key = ed25519("foreign");
    for head in [
        r#"{"alg":"EdDSA"}"#,
        r#"{"alg":"Ed25519","kid":"any text/1"}"#,
        r#"{"alg":"EdDSA","kid":"1","typ":"jwt","x5t":"abc","nonce":"1"}"#,
        r#"{"alg":"EdDSA","typ":"application/JWT"}"#,
    ] {
        let token = forge(&key, head, r#"{"a":1}"#);
        let token = jws::parse_foreign(token.as_bytes()).unwrap();
        assert!(token.verify(key.public()).is_ok(), "{head}");
    }
    for typ in [
        Kind::Access.typ(),
        Kind::Direct.typ(),
        Kind::Logout.typ(),
        "dpop+jwt",
        "",
    ] {
        let token = forge(&key, &format!(r#"{{"alg":"EdDSA","typ":"{typ}"}}"#), "{}");
        assert_eq!(
            jws::parse_foreign(token.as_bytes()).unwrap_err(),
            JwsError::Header
        );
    }
    let token = forge(&key, r#"{"alg":"EdDSA","kid":null}"#, "{}");
    assert_eq!(
        jws::parse_foreign(token.as_bytes()).unwrap_err(),
        JwsError::Header
    );
}
