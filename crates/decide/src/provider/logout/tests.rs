use aeolus_keys::{Alg, SigningKey};
use aeolus_testkit::SeededRng;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;

const NOW: Time = Time::from_secs(1_800_000_000);
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn key() -> SigningKey {
    SigningKey::generate(Alg::EdDsa, &SeededRng::new("idp")).unwrap()
}

fn terms() -> LogoutTerms {
    let record = ProviderKey {
        kid: Some("k1".to_owned()),
        jwk: key().public().to_jwk().to_json(),
    };
    let clients = vec!["control".to_owned(), "plane".to_owned()];
    LogoutTerms::new("https://idp.test/", clients, &[record])
}

fn claims() -> Value {
    json!({
        "iss": "https://idp.test/", "sub": "eve", "aud": "plane", "iat": NOW.secs(),
        "exp": NOW.secs() + 120, "jti": "one", "events": {EVENT: {}}, "sid": "theirs",
    })
}

fn signed(header: &Value, claims: &Value, by: &SigningKey) -> String {
    let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    let (header, claims) = (header.to_string(), claims.to_string());
    let input = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.as_bytes())
    );
    let signature = by.sign_raw(input.as_bytes()).unwrap();
    format!("{input}.{}", encode(&signature))
}

fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "logout+jwt", "kid": "k1"})
}

fn read(claims: &Value) -> Result<LoggedOut, LogoutError> {
    terms().verify(signed(&header(), claims, &key()).as_bytes(), NOW)
}

#[test]
fn a_logout_token_says_who_signed_out() {
    let told = LoggedOut {
        subject: "eve".parse().unwrap(),
        id: "one".to_owned(),
    };
    assert_eq!(read(&claims()), Ok(told.clone()));
    for (member, value) in [
        ("aud", json!(["else", "control"])),
        ("typ", json!("Logout")),
        ("events", json!({EVENT: {"extra": 1}, "another": {}})),
        ("exp", json!(NOW.secs() + 120)),
    ] {
        let mut claims = claims();
        claims[member] = value;
        assert_eq!(read(&claims), Ok(told.clone()), "{member}");
    }
    for typ in [json!("JWT"), json!("application/logout+jwt"), Value::Null] {
        let mut header = header();
        match &typ {
            Value::Null => {
                header.as_object_mut().unwrap().remove("typ");
            }
            typ => header["typ"] = typ.clone(),
        }
        let token = signed(&header, &claims(), &key());
        assert_eq!(
            terms().verify(token.as_bytes(), NOW),
            Ok(told.clone()),
            "{typ}"
        );
    }
}

#[test]
fn o32_each_rule_of_a_logout_token_is_one_of_its_own() {
    let now = NOW.secs();
    for (member, value, error) in [
        ("iss", json!("https://evil.test/"), LogoutError::Issuer),
        ("aud", json!("another"), LogoutError::Audience),
        ("aud", json!([]), LogoutError::Audience),
        ("events", json!({}), LogoutError::Kind),
        ("events", json!({"other": {}}), LogoutError::Kind),
        ("events", json!({EVENT: "text"}), LogoutError::Malformed),
        ("events", json!({EVENT: []}), LogoutError::Malformed),
        ("events", json!([{EVENT: {}}]), LogoutError::Malformed),
        ("nonce", json!("n"), LogoutError::Kind),
        ("nonce", Value::Null, LogoutError::Kind),
        ("typ", json!("ID"), LogoutError::Kind),
        ("iat", json!(now + 61), LogoutError::Time),
        ("iat", json!(now - 661), LogoutError::Time),
        ("nbf", json!(now + 61), LogoutError::Time),
        ("exp", json!(now - 60), LogoutError::Time),
        ("jti", json!(""), LogoutError::Malformed),
        ("jti", json!("j".repeat(257)), LogoutError::Malformed),
        ("sub", json!(""), LogoutError::Malformed),
        ("sub", json!(1), LogoutError::Malformed),
    ] {
        let mut claims = claims();
        claims[member] = value.clone();
        assert_eq!(read(&claims), Err(error), "{member}: {value}");
    }
    for (member, error) in [
        ("iss", LogoutError::Malformed),
        ("aud", LogoutError::Audience),
        ("iat", LogoutError::Malformed),
        ("exp", LogoutError::Malformed),
        ("jti", LogoutError::Malformed),
        ("events", LogoutError::Malformed),
        ("sub", LogoutError::NoSubject),
    ] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(member);
        assert_eq!(read(&claims), Err(error), "{member}");
    }
    let mut nobody = claims();
    nobody.as_object_mut().unwrap().remove("sub");
    nobody.as_object_mut().unwrap().remove("sid");
    assert_eq!(read(&nobody), Err(LogoutError::Malformed));
}

#[test]
fn o32_only_the_provider_signs_logout_tokens() {
    let verify = |header: &Value, by: &SigningKey| {
        terms().verify(signed(header, &claims(), by).as_bytes(), NOW)
    };
    let other = SigningKey::generate(Alg::EdDsa, &SeededRng::new("other")).unwrap();
    assert_eq!(verify(&header(), &other), Err(LogoutError::Signature));
    let mut unknown = header();
    unknown["kid"] = json!("k2");
    assert_eq!(verify(&unknown, &key()), Err(LogoutError::Key));
    for alg in ["none", "HS256"] {
        let mut confused = header();
        confused["alg"] = json!(alg);
        assert_eq!(
            verify(&confused, &key()),
            Err(LogoutError::Malformed),
            "{alg}"
        );
    }
    let mut rs = header();
    rs["alg"] = json!("RS256");
    assert_eq!(verify(&rs, &key()), Err(LogoutError::Key));
    let mut access = header();
    access["typ"] = json!("at+jwt");
    assert_eq!(verify(&access, &key()), Err(LogoutError::Malformed));
}
