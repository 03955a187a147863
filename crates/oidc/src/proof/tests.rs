mod access;
mod fresh;
mod providers;

use aeolus_keys::SigningKey;
use aeolus_testkit::SeededRng;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::ResponseType;
use crate::fixture::{
    Case, ISSUER, KEY, NOW, claims, custom, document, header, keys, merge, token, tokens,
};

fn case(more: Value) -> Case {
    Case::new(custom(more))
}

#[track_caller]
fn refused(more: Value, error: SignInError) {
    let shown = more.to_string();
    let found = case(json!({})).by(&merge(claims(), more));
    assert_eq!(found.map(|_| ()), Err(error), "{shown}");
}

#[test]
fn somebody_is_who_the_provider_says() {
    let more = json!({"groups": ["a", "b"], "amr": ["pwd", "mfa"], "auth_time": NOW - 60,
        "sid": "s1", "acr": "2"});
    let found = case(json!({})).by(&merge(claims(), more)).unwrap();
    assert_eq!(found.connection.as_str(), "idp");
    assert_eq!(found.issuer, ISSUER);
    assert_eq!(found.subject.as_str(), "ann-1");
    assert_eq!(found.email.unwrap().as_str(), "ann@example.com");
    assert!(found.email_verified);
    assert_eq!(found.name.as_deref(), Some("Ann"));
    assert_eq!(found.groups, Groups::listed(["a", "b"]));
    assert_eq!(found.amr, ["pwd", "mfa"]);
    assert_eq!(found.auth_time, Some(Time::from_secs(NOW - 60)));
    assert_eq!(
        (found.acr.as_deref(), found.sid.as_deref()),
        (Some("2"), Some("s1"))
    );
}

#[test]
fn t29_the_issuer_is_compared_byte_by_byte() {
    for iss in [
        "https://idp.test/",
        "https://IDP.test",
        "https://idp.test:443",
        "http://idp.test",
        "https://idp.test/x",
        "idp.test",
        "",
        "https://evil.test",
    ] {
        refused(json!({"iss": iss}), SignInError::Issuer);
    }
}

#[test]
fn t28_the_audience_is_this_client() {
    for aud in [
        json!("other"),
        json!([]),
        json!(["other"]),
        json!("CLIENT"),
        json!("client "),
        json!("clien"),
        json!(["client", "other"]),
        Value::Null,
    ] {
        refused(json!({"aud": aud}), SignInError::Audience);
    }
    refused(json!({"azp": "other"}), SignInError::Audience);
    refused(
        json!({"aud": ["client", "other"], "azp": "other"}),
        SignInError::Audience,
    );
    refused(json!({"aud": {"a": 1}}), SignInError::Malformed);
    refused(json!({"azp": 1}), SignInError::Malformed);
    for good in [
        json!({"aud": ["client"]}),
        json!({"azp": "client"}),
        json!({"aud": ["client", "other"], "azp": "client"}),
    ] {
        assert!(
            case(json!({})).by(&merge(claims(), good.clone())).is_ok(),
            "{good}"
        );
    }
}

#[test]
fn o8_the_nonce_is_this_attempts() {
    for nonce in [Value::Null, json!(""), json!("other"), json!("nonce ")] {
        refused(json!({"nonce": nonce}), SignInError::Nonce);
    }
    refused(json!({"nonce": 1}), SignInError::Malformed);
}

#[test]
fn t24_t26_t27_times_hold_within_the_tolerance() {
    let by = |tolerance: u64, more: Value| {
        let case = case(json!({"clockTolerance": tolerance}));
        case.by(&merge(claims(), more)).map(|_| ())
    };
    let late = Err(SignInError::Time);
    for (tolerance, seconds) in [(60, 60), (0, 0), (300, 300)] {
        assert_eq!(by(tolerance, json!({"exp": NOW - seconds})), late);
        assert_eq!(by(tolerance, json!({"exp": NOW - seconds + 1})), Ok(()));
        assert_eq!(by(tolerance, json!({"iat": NOW + seconds + 1})), late);
        assert_eq!(by(tolerance, json!({"iat": NOW + seconds})), Ok(()));
        assert_eq!(by(tolerance, json!({"nbf": NOW + seconds + 1})), late);
        assert_eq!(by(tolerance, json!({"nbf": NOW + seconds})), Ok(()));
        let old = NOW - 600 - seconds;
        assert_eq!(by(tolerance, json!({"iat": old - 1})), late);
        assert_eq!(by(tolerance, json!({"iat": old})), Ok(()));
    }
    for exp in [
        json!("1900000300"),
        Value::Null,
        json!(true),
        json!([1]),
        json!(1e308),
        json!(i64::MAX),
    ] {
        refused(json!({"exp": exp}), SignInError::Malformed);
    }
    refused(json!({"exp": -1}), SignInError::Time);
    refused(json!({"iat": null}), SignInError::Malformed);
    assert_eq!(by(60, json!({"exp": 1_900_000_300.5})), Ok(()));
}

#[test]
fn t31_another_kind_of_token_is_none() {
    for more in [
        json!({"token_use": "access"}),
        json!({"typ": "Bearer"}),
        json!({"typ": "Logout"}),
        json!({"events": {}}),
    ] {
        refused(more, SignInError::Kind);
    }
    let typed = token(&merge(header(), json!({"typ": "at+jwt"})), &claims());
    let found = case(json!({})).judge(&tokens(Some(typed), None), |p| p.identity(None));
    assert_eq!(found, Err(SignInError::Malformed));
}

#[track_caller]
fn header_refused(more: Value, error: SignInError) {
    let shown = more.to_string();
    let odd = token(&merge(header(), more), &claims());
    let found = case(json!({})).judge(&tokens(Some(odd), None), |p| p.identity(None));
    assert_eq!(found.map(|_| ()), Err(error), "{shown}");
}

#[test]
fn t1_t2_t4_no_algorithm_but_the_keys() {
    for alg in ["none", "None", "nOnE", "HS256", "HS512", "eddsa", "RS1", ""] {
        header_refused(json!({"alg": alg}), SignInError::Algorithm);
    }
    header_refused(json!({"alg": null}), SignInError::Malformed);
    header_refused(json!({"alg": "RS256"}), SignInError::Algorithm);
    // Known, but not announced.
    header_refused(json!({"alg": "PS256"}), SignInError::Algorithm);
}

#[test]
fn t8_t9_a_token_brings_no_key_and_no_rule() {
    for name in [
        "jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc", "cty",
    ] {
        header_refused(json!({name: "x"}), SignInError::Malformed);
    }
}

#[test]
fn t6_without_a_kid_the_only_fitting_key_counts() {
    let bare = || tokens(Some(token(&json!({"alg": "EdDSA"}), &claims())), None);
    let mut case = case(json!({}));
    assert!(case.judge(&bare(), |p| p.identity(None)).is_ok());
    let second = SigningKey::generate(Alg::EdDsa, &SeededRng::new("second")).unwrap();
    let both = aeolus_keys::JwkSet::of([KEY.public(), second.public()]);
    case.keys = both.foreign_keys_for(&[Alg::EdDsa]).unwrap();
    assert_eq!(
        case.judge(&bare(), |p| p.identity(None)),
        Err(SignInError::Key)
    );
    header_refused(json!({"kid": "other"}), SignInError::Key);
    header_refused(json!({"kid": ""}), SignInError::Key);
}

#[test]
fn a_signature_of_another_key_or_text_is_none() {
    let mut case = case(json!({}));
    let stranger = SigningKey::generate(Alg::EdDsa, &SeededRng::new("stranger")).unwrap();
    case.keys[0].key = stranger.public().clone();
    assert_eq!(case.by(&claims()), Err(SignInError::Signature));
    case.keys = keys(&[Alg::EdDsa]);
    let whole = token(&header(), &claims());
    let other = token(&header(), &merge(claims(), json!({"sub": "eve"})));
    let (body, _) = other.rsplit_once('.').unwrap();
    let (_, signature) = whole.rsplit_once('.').unwrap();
    let mixed = tokens(Some(format!("{body}.{signature}")), None);
    assert_eq!(
        case.judge(&mixed, |p| p.identity(None)),
        Err(SignInError::Signature)
    );
}

#[test]
fn t14_t38_odd_claims_and_subjects_are_nobody() {
    for sub in [
        Value::Null,
        json!(""),
        json!(" x"),
        json!("a\u{0}"),
        json!("x".repeat(256)),
    ] {
        refused(json!({"sub": sub}), SignInError::Subject);
    }
    let twice = claims().to_string().replacen('{', r#"{"sub":"eve","#, 1);
    let input = [header().to_string(), twice]
        .map(|part| URL_SAFE_NO_PAD.encode(part))
        .join(".");
    let signature = URL_SAFE_NO_PAD.encode(KEY.sign_raw(input.as_bytes()).unwrap());
    let odd = tokens(Some(format!("{input}.{signature}")), None);
    let found = case(json!({})).judge(&odd, |p| p.identity(None));
    assert_eq!(found, Err(SignInError::Malformed));
}

#[test]
fn every_announced_algorithm_verifies_also_rs512() {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    let rsa = SigningKey::generate(Alg::Rs256, &SeededRng::new("rsa")).unwrap();
    let der = base64::engine::general_purpose::STANDARD.encode(rsa.to_pkcs8().unwrap().expose());
    let lines: Vec<&str> = der
        .as_bytes()
        .chunks(64)
        .map(|l| str::from_utf8(l).unwrap())
        .collect();
    let lines = lines.join("\n");
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n");
    let encoding = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
    // As canaille and others publish it: without `alg`.
    let jwk: Value = serde_json::from_str(&rsa.public().to_jwk().to_json()).unwrap();
    let set = json!({"keys": [merge(jwk.clone(), json!({"alg": null, "kid": "k"}))]});
    let set = aeolus_keys::JwkSet::parse(set.to_string().as_bytes()).unwrap();
    let announced = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    let mut case = case(json!({}));
    case.document = merge(
        document(ISSUER),
        json!({"id_token_signing_alg_values_supported": announced}),
    );
    let algorithms: Vec<Alg> = announced
        .iter()
        .filter_map(|name| Alg::of_others(name))
        .collect();
    case.keys = set.foreign_keys_for(&algorithms).unwrap();
    for (alg, kid) in [
        (Algorithm::RS256, true),
        (Algorithm::RS384, true),
        (Algorithm::RS512, true),
        (Algorithm::RS512, false),
        (Algorithm::PS256, true),
        (Algorithm::PS384, false),
        (Algorithm::PS512, true),
    ] {
        let mut header = Header::new(alg);
        header.kid = kid.then(|| "k".to_owned());
        let token = encode(&header, &claims(), &encoding).unwrap();
        let found = case.judge(&tokens(Some(token), None), |p| p.identity(None));
        assert!(found.is_ok(), "{alg:?} {found:?}");
    }
    // T3: what says that it is for RS256 verifies nothing else.
    let bound = json!({"keys": [jwk]});
    let bound = aeolus_keys::JwkSet::parse(bound.to_string().as_bytes()).unwrap();
    case.keys = bound.foreign_keys_for(&algorithms).unwrap();
    let token = encode(&Header::new(Algorithm::RS512), &claims(), &encoding).unwrap();
    let found = case.judge(&tokens(Some(token), None), |p| p.identity(None));
    assert_eq!(found, Err(SignInError::Key));
}

fn implicit(access: &str, hash: Option<&str>) -> Result<Identity, SignInError> {
    let mut case = case(json!({}));
    case.flow = Flow::Implicit(ResponseType::IdTokenToken);
    let id_token = token(&header(), &merge(claims(), json!({"at_hash": hash})));
    let both = tokens(Some(id_token), Some(access.to_owned()));
    case.judge(&both, |p| p.identity(None))
}

#[test]
fn an_access_token_out_of_a_browser_is_the_id_tokens() {
    let hash = URL_SAFE_NO_PAD.encode(Alg::EdDsa.left_half(b"access"));
    assert!(implicit("access", Some(&hash)).is_ok());
    for (access, hash) in [
        ("access", None),
        ("access", Some("")),
        ("other", Some(hash.as_str())),
    ] {
        let found = implicit(access, hash);
        assert_eq!(
            found.map(|_| ()),
            Err(SignInError::AccessToken),
            "{access} {hash:?}"
        );
    }
    // By the token endpoint it may be missing, and is checked where it isn't.
    let by_code = |more: Value| {
        let id_token = token(&header(), &merge(claims(), more));
        let both = tokens(Some(id_token), Some("access".to_owned()));
        case(json!({}))
            .judge(&both, |p| p.identity(None))
            .map(|_| ())
    };
    assert_eq!(by_code(json!({})), Ok(()));
    assert_eq!(
        by_code(json!({"at_hash": "x"})),
        Err(SignInError::AccessToken)
    );
}

/// OIDC Core §A.3.
#[test]
fn at_hash_is_the_standards() {
    let access = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
    let hash = URL_SAFE_NO_PAD.encode(Alg::Rs256.left_half(access.as_bytes()));
    assert_eq!(hash, "77QmUPtjPfzWtF2AnpK9RQ");
    for alg in Alg::ALL {
        let half = alg.left_half(b"x").len();
        assert!([16, 24, 32].contains(&half), "{alg}");
    }
}

#[test]
fn o21_an_address_is_proved_by_the_literal_true_alone() {
    for (verified, expected) in [
        (json!(true), true),
        (json!("true"), false),
        (json!(1), false),
        (json!(false), false),
        (Value::Null, false),
        (json!([true]), false),
    ] {
        let more = json!({"email_verified": verified});
        let found = case(json!({})).by(&merge(claims(), more)).unwrap();
        assert_eq!(found.email_verified, expected, "{verified}");
    }
    // It is about `email`: not about a login name in another claim.
    let mapped = case(json!({"claimsMapping": {"email": "upn"}}));
    let found = mapped
        .by(&merge(claims(), json!({"upn": "boss@example.com"})))
        .unwrap();
    assert_eq!(found.email.unwrap().as_str(), "boss@example.com");
    assert!(!found.email_verified);
    let odd = case(json!({}))
        .by(&merge(claims(), json!({"email": "no address"})))
        .unwrap();
    assert_eq!((odd.email, odd.email_verified), (None, false));
}

fn with_info(claims: &Value, info: &Value) -> Result<Identity, SignInError> {
    let case = case(json!({"fetchUserInfo": true}));
    let info = UserInfo::parse(info.to_string().as_bytes()).unwrap();
    let tokens = tokens(Some(token(&header(), claims)), None);
    case.judge(&tokens, |p| p.identity(Some(&info)))
}

#[test]
fn userinfo_is_the_same_persons_and_fills_what_is_missing() {
    let thin = merge(
        claims(),
        json!({"email": null, "email_verified": null, "name": null}),
    );
    let info = json!({"sub": "ann-1", "email": "ann@example.com", "email_verified": true,
        "name": "Ann", "groups": "single"});
    let found = with_info(&thin, &info).unwrap();
    assert!(found.email_verified);
    assert_eq!(found.groups, Groups::listed(["single"]));
    let other = merge(info, json!({"sub": "eve"}));
    assert_eq!(with_info(&thin, &other), Err(SignInError::UserInfo));
    let missing = case(json!({"fetchUserInfo": true})).by(&claims());
    assert_eq!(missing, Err(SignInError::NoUserInfo));
    for bad in [
        "{}",
        "[]",
        r#"{"sub":""}"#,
        r#"{"sub":"a","sub":"b"}"#,
        "x.y.z",
    ] {
        assert!(UserInfo::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn o21_an_address_of_one_and_a_yes_of_the_other_prove_nothing() {
    let unproved = merge(claims(), json!({"email_verified": null}));
    let info = json!({"sub": "ann-1", "email": "eve@example.com", "email_verified": true});
    let found = with_info(&unproved, &info).unwrap();
    assert_eq!(found.email.unwrap().as_str(), "ann@example.com");
    assert!(!found.email_verified);
}

#[test]
fn a_required_second_factor_is_proved() {
    let by = |more: Value| {
        let case = case(json!({"requireMfa": true, "acrValues": ["high"]}));
        case.by(&merge(claims(), more)).map(|_| ())
    };
    for good in [
        json!({"amr": ["pwd", "mfa"]}),
        json!({"amr": "mfa"}),
        json!({"acr": "high"}),
    ] {
        assert_eq!(by(good.clone()), Ok(()), "{good}");
    }
    for bad in [
        json!({}),
        json!({"amr": ["pwd"]}),
        json!({"amr": []}),
        json!({"acr": "low"}),
        json!({"amr": {"mfa": true}}),
        json!({"acr": ["high"]}),
        json!({"amr": ["MFA"]}),
    ] {
        assert_eq!(by(bad.clone()), Err(SignInError::Mfa), "{bad}");
    }
}

#[test]
fn a18_names_and_groups_are_what_can_be_shown() {
    let more = json!({"name": "a\nb", "groups": ["ok", "", "x\u{202e}y", 5, "z".repeat(300)]});
    let found = case(json!({})).by(&merge(claims(), more)).unwrap();
    assert_eq!(found.name, None);
    let ok = GroupList::new([("ok", None)]);
    assert_eq!(found.groups, Groups::Listed(ok.cut()), "not all were texts");
}

#[test]
fn d4_absent_is_not_empty_and_what_can_t_be_read_says_nothing() {
    let said = |settings: Value, more: Value| {
        let claims = merge(claims(), more);
        case(settings).by(&claims).unwrap().groups
    };
    let teams = |absent: bool| json!({"teams": {"absentMeansNone": absent}});
    let none = Groups::listed([]);
    assert_eq!(said(teams(false), json!({})), Groups::Unknown);
    assert_eq!(said(teams(true), json!({})), none);
    assert_eq!(said(json!({}), json!({})), Groups::Unknown);
    for strange in [json!({"a": 1}), json!(7), json!(true)] {
        let more = json!({ "groups": strange });
        assert_eq!(said(teams(true), more), Groups::Unknown);
    }
    assert_eq!(said(teams(false), json!({"groups": []})), none);
    assert_eq!(
        said(teams(true), json!({"hasgroups": true})),
        Groups::AskGraph
    );
    let objects = said(teams(false), json!({"groups": [{"name": "a"}]}));
    assert_eq!(objects, Groups::Listed(GroupList::default().cut()));
    let many: Vec<String> = (0..3_000).map(|n| format!("g{n}")).collect();
    let Groups::Listed(list) = said(teams(false), json!({ "groups": many })) else {
        panic!("not listed");
    };
    assert!(!list.is_whole() && list.iter().count() == 2_048);
}

#[test]
fn no_token_is_no_proof() {
    for (flow, bare) in [
        (Flow::Code, tokens(None, Some("x".into()))),
        (
            Flow::Implicit(ResponseType::IdToken),
            tokens(None, Some("x".into())),
        ),
        (Flow::Implicit(ResponseType::Token), tokens(None, None)),
    ] {
        let mut case = case(json!({}));
        case.flow = flow;
        let found = case.judge(&bare, |p| p.identity(None));
        assert_eq!(found, Err(SignInError::NoProof));
    }
    for error in [
        SignInError::Mfa,
        SignInError::Tenant,
        SignInError::Time,
        SignInError::Kind,
    ] {
        assert!(error.code().starts_with("sign_in_"));
        assert!(error.text().ends_with('.'));
    }
}

proptest! {
    #[test]
    fn nothing_that_is_not_signed_counts(text in "[A-Za-z0-9_.-]{0,200}|\\PC{0,40}") {
        let case = case(json!({}));
        prop_assert!(case.judge(&tokens(Some(text), None), |p| p.identity(None)).is_err());
    }
}

/// Whatever happens to a claim that decides, nobody else is signed in by it.
#[test]
fn no_changed_claim_signs_in_somebody_else() {
    let deciding = ["iss", "aud", "sub", "iat", "exp", "nonce"];
    for name in deciding {
        for (change, value) in aeolus_testkit::claims::changes(&claims()[name]) {
            let changed = merge(claims(), json!({name: value}));
            let found = case(json!({})).by(&changed);
            let same = found
                .as_ref()
                .is_ok_and(|found| found.subject.as_str() == "ann-1");
            let other = name == "sub" && found.is_ok();
            assert!(found.is_err() || same || other, "{name} {}", change.name());
        }
    }
}
