//! The OAuth2 provider, attacked.

use std::time::Duration;

use aeolus_api::oauth::{Metadata, TokenAnswer};
use aeolus_keys::claims::{Access, IdToken};
use aeolus_keys::{JwkSet, Kind, digest, jws};
use aeolus_model::Clock as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::fixture::{ADMIN, Answer, CLI_REDIRECT, Fixture, HOST, ISS, VERIFIER};

fn error(answer: &Answer) -> String {
    answer.json()["error"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

async fn exchange(f: &Fixture, code: &str, change: (&str, &str)) -> Answer {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CLI_REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_id", "aeolus-cli"),
    ];
    let changed = fields.map(|(name, value)| {
        let changed = name == change.0;
        (name, if changed { change.1 } else { value })
    });
    f.form("/oauth2/token", &changed, &[]).await
}

#[tokio::test]
async fn discovery_names_this_issuer_under_both_names() {
    let f = Fixture::new("discovery").await;
    let oidc = f.get("/.well-known/openid-configuration").await.expect(200);
    let oauth = f
        .get("/.well-known/oauth-authorization-server")
        .await
        .expect(200);
    assert_eq!(oidc.json(), oauth.json());
    let metadata: Metadata = oidc.of();
    assert_eq!(metadata.issuer, ISS);
    assert_eq!(metadata.code_challenge_methods_supported, ["S256"]);
    assert!(metadata.authorization_response_iss_parameter_supported);
    let jwks = f.get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(JwkSet::parse(&jwks.body).unwrap().iter().count(), 5);
    assert!(!jwks.text().contains("\"d\""));
}

#[tokio::test]
async fn a_person_gets_tokens_that_verify_by_the_published_keys() {
    let f = Fixture::new("tokens").await;
    let cookie = f.login(ADMIN).await;
    let answer = f
        .visit(&Fixture::cli_authorize(""), &cookie)
        .await
        .expect(303);
    assert_eq!(answer.param("iss").as_deref(), Some(ISS));
    assert_eq!(answer.param("state").as_deref(), Some("st"));
    let code = answer.param("code").unwrap();
    let answer: TokenAnswer = f.cli_exchange(&code).await.expect(200).of();
    assert_eq!(
        (answer.token_type.as_str(), answer.expires_in),
        ("Bearer", 28_800)
    );
    let jwks = f.get("/.well-known/jwks.json").await;
    let keys = JwkSet::parse(&jwks.body).unwrap().own_keys().unwrap();
    let find = |token: &jws::Unverified<'_>| {
        keys.iter()
            .find(|k| k.kid() == token.kid())
            .unwrap()
            .clone()
    };
    let access = jws::parse(answer.access_token.as_bytes()).unwrap();
    let key = find(&access);
    let access: Access = access.verify(Kind::Access, &key).unwrap().claims().unwrap();
    assert_eq!((access.iss.as_str(), access.aud.as_str()), (ISS, ISS));
    assert_eq!(
        (access.client_id.as_str(), access.org),
        ("aeolus-cli", None)
    );
    let text = answer.id_token.unwrap();
    let id = jws::parse(text.as_bytes()).unwrap();
    let key = find(&id);
    let id: IdToken = id.verify(Kind::Id, &key).unwrap().claims().unwrap();
    let half = &digest::sha256(answer.access_token.as_bytes())[..16];
    assert_eq!(id.at_hash, Some(URL_SAFE_NO_PAD.encode(half)));
    assert_eq!(
        (id.nonce.as_deref(), id.aud.as_str()),
        (Some("no"), "aeolus-cli")
    );
    assert_eq!(id.exp - id.iat, 600);
    assert!(!id.email_verified);
    let info = f
        .call("GET", "/oauth2/userinfo", &answer.access_token, None)
        .await;
    assert_eq!(info.expect(200).json()["email"], ADMIN);
}

#[tokio::test]
async fn o1_a_code_used_twice_ends_the_session_it_made() {
    let f = Fixture::new("o1").await;
    let cookie = f.login(ADMIN).await;
    let code = f.cli_code(&cookie).await;
    let answer: TokenAnswer = f.cli_exchange(&code).await.expect(200).of();
    f.call("GET", "/v1/me", &answer.access_token, None)
        .await
        .expect(200);
    let again = f.cli_exchange(&code).await.expect(400);
    assert_eq!(error(&again), "invalid_grant");
    f.call("GET", "/v1/me", &answer.access_token, None)
        .await
        .expect(401);
    f.visit("/", &cookie).await.expect(303);
}

#[tokio::test]
async fn o2_a_code_is_for_one_client_one_redirect_one_minute() {
    let f = Fixture::new("o2").await;
    let cookie = f.login(ADMIN).await;
    let other = "http://127.0.0.1:4712/callback";
    let code = f.cli_code(&cookie).await;
    let refused = exchange(&f, &code, ("redirect_uri", other))
        .await
        .expect(400);
    assert_eq!(error(&refused), "invalid_grant");
    // A code that was tried is spent.
    f.cli_exchange(&code).await.expect(400);
    let cookie = f.login(ADMIN).await;
    let code = f.cli_code(&cookie).await;
    f.clock.advance(Duration::from_secs(61));
    assert_eq!(
        error(&f.cli_exchange(&code).await.expect(400)),
        "invalid_grant"
    );
    let code = f.cli_code(&cookie).await;
    let client = (
        "client_id",
        "urn:aeolus:plane:01890a5d-ac96-774b-bcce-b302099a8057",
    );
    let refused = exchange(&f, &code, client).await.expect(401);
    assert_eq!(error(&refused), "invalid_client");
}

#[tokio::test]
async fn o2_a_planes_code_is_nobody_elses() {
    let f = Fixture::new("o2-plane").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    let other = f.join(&admin, "us-1").await;
    let deployment = deployment(&f, &admin).await;
    let cookie = f.login(ADMIN).await;
    let answer = f
        .visit(&gate.authorize(&deployment), &cookie)
        .await
        .expect(303);
    let code = answer.param("code").unwrap();
    let stolen = f
        .gate_exchange(&other, &code, &f.assertion(&other))
        .await
        .expect(400);
    assert_eq!(error(&stolen), "invalid_grant");
    // An assertion of another plane, under the first one's name.
    let answer = f
        .visit(&gate.authorize(&deployment), &cookie)
        .await
        .expect(303);
    let code = answer.param("code").unwrap();
    let posed = f
        .gate_exchange(&gate, &code, &f.assertion(&other))
        .await
        .expect(401);
    assert_eq!(error(&posed), "invalid_client");
    let foreign = f
        .visit(&other.authorize(&deployment), &cookie)
        .await
        .expect(400);
    assert!(foreign.text().contains("invalid_target"));
}

#[tokio::test]
async fn o3_without_s256_there_is_no_code() {
    let f = Fixture::new("o3").await;
    let cookie = f.login(ADMIN).await;
    let good = Fixture::cli_authorize("");
    for (from, to) in [
        (
            "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            "",
        ),
        ("code_challenge_method=S256", "code_challenge_method=plain"),
        ("&code_challenge_method=S256", ""),
        ("code_challenge=E9", "code_challenge=!9"),
    ] {
        let changed = good.replace(from, to);
        assert_ne!(good, changed);
        let answer = f.visit(&changed, &cookie).await.expect(303);
        assert_eq!(
            answer.param("error").as_deref(),
            Some("invalid_request"),
            "{to}"
        );
        assert_eq!(answer.param("code"), None);
        assert_eq!(answer.param("iss").as_deref(), Some(ISS));
    }
    for verifier in ["a".repeat(42), "a".repeat(129), "a".repeat(43)] {
        let code = f.cli_code(&cookie).await;
        let refused = exchange(&f, &code, ("code_verifier", &verifier))
            .await
            .expect(400);
        assert_eq!(error(&refused), "invalid_grant", "{}", verifier.len());
    }
    let code = f.cli_code(&cookie).await;
    let refused = exchange(&f, &code, ("code_verifier", "")).await.expect(400);
    assert_eq!(error(&refused), "invalid_request");
}

#[tokio::test]
async fn o4_no_request_without_a_challenge_ever_leads_to_a_code() {
    let f = Fixture::new("o4").await;
    let cookie = f.login(ADMIN).await;
    let bare = Fixture::cli_authorize("").replace("code_challenge", "other");
    let answer = f.visit(&bare, &cookie).await.expect(303);
    assert_eq!(answer.param("code"), None);
    let refused = exchange(&f, "made-up", ("", "")).await.expect(400);
    assert_eq!(error(&refused), "invalid_grant");
}

#[tokio::test]
async fn o6_redirects_that_are_not_the_clients_get_a_page_not_a_redirect() {
    let f = Fixture::new("o6").await;
    let cookie = f.login(ADMIN).await;
    let good = "redirect_uri=http%3A%2F%2F127.0.0.1%3A4711%2Fcallback";
    let other_port = "redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback";
    let url = Fixture::cli_authorize("");
    assert!(url.contains(good));
    f.visit(&url.replace(good, other_port), &cookie)
        .await
        .expect(303);
    for bad in [
        "redirect_uri=http%3A%2F%2Flocalhost%3A4711%2Fcallback",
        "redirect_uri=http%3A%2F%2F127.0.0.1%3A4711%2Fother",
        "redirect_uri=https%3A%2F%2Fevil.example%2Fcallback",
        "redirect_uri=",
        "x=",
    ] {
        let answer = f.visit(&url.replace(good, bad), &cookie).await.expect(400);
        assert_eq!(answer.location(), "", "{bad}");
    }
    f.visit(&url.replace("aeolus-cli", "someone"), &cookie)
        .await
        .expect(400);
}

#[tokio::test]
async fn o11_parameters_sent_twice_are_refused() {
    let f = Fixture::new("o11").await;
    let cookie = f.login(ADMIN).await;
    let answer = f
        .visit(&Fixture::cli_authorize("&state=st"), &cookie)
        .await
        .expect(400);
    assert_eq!(answer.location(), "");
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", "a"),
        ("code", "b"),
    ];
    let refused = f.form("/oauth2/token", &fields, &[]).await.expect(400);
    assert_eq!(error(&refused), "invalid_request");
}

#[tokio::test]
async fn o16_client_assertions_are_for_this_issuer_short_and_good_once() {
    let f = Fixture::new("o16").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    let deployment = deployment(&f, &admin).await;
    let cookie = f.login(ADMIN).await;
    let now = f.clock.now().secs();
    let list = serde_json::json!({
        "iss": format!("plane:{}", gate.plane), "sub": format!("plane:{}", gate.plane),
        "aud": [ISS], "iat": now, "exp": now + 60, "jti": "a",
    });
    let token_url = format!("{ISS}/oauth2/token");
    for bad in [
        gate.sign(&list),
        gate.sign(&gate.claims(&token_url, now, now + 60, "b")),
        gate.sign(&gate.claims(ISS, now, now + 86_400, "c")),
        gate.sign(&gate.claims(ISS, now - 200, now - 140, "d")),
        "x".to_owned(),
    ] {
        let refused = f.gate_exchange(&gate, "code", &bad).await.expect(401);
        assert_eq!(error(&refused), "invalid_client");
    }
    let good = f.assertion(&gate);
    let answer = f
        .visit(&gate.authorize(&deployment), &cookie)
        .await
        .expect(303);
    let code = answer.param("code").unwrap();
    f.gate_exchange(&gate, &code, &good).await.expect(200);
    let replayed = f.gate_exchange(&gate, &code, &good).await.expect(401);
    assert_eq!(error(&replayed), "invalid_client");
}

#[tokio::test]
async fn a_gate_gets_a_token_for_its_deployment_and_nothing_else() {
    let f = Fixture::new("gate-token").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    let deployment = deployment(&f, &admin).await;
    let cookie = f.login("eve@example.com").await;
    let answer: TokenAnswer = f
        .gate_sign_in(&gate, &deployment, &cookie)
        .await
        .expect(200)
        .of();
    let token = jws::parse(answer.access_token.as_bytes()).unwrap();
    let access: Access = token.unverified_claims().unwrap();
    assert_eq!(access.aud, format!("urn:aeolus:deployment:{deployment}"));
    assert!(access.org.is_some());
    assert_eq!(access.client_id, format!("urn:aeolus:plane:{}", gate.plane));
    let hint = answer.aeolus.unwrap();
    assert_eq!(hint.absolute_end, access.auth_time + 30 * 86_400);
    // It is not for control.
    f.call("GET", "/v1/me", &answer.access_token, None)
        .await
        .expect(401);
    let http = gate.authorize(&deployment).replace("https%3A", "http%3A");
    f.visit(&http, &cookie).await.expect(400);
    let other = gate
        .authorize(&deployment)
        .replace(HOST, "evil.example.com");
    f.visit(&other, &cookie).await.expect(400);
    let none = gate.authorize(&deployment).replace("&resource=", "&x=");
    f.visit(&none, &cookie).await.expect(400);
}

#[tokio::test]
async fn somebody_without_a_session_signs_in_first_and_comes_back() {
    let f = Fixture::new("first").await;
    let url = Fixture::cli_authorize("");
    let to_login = f.get(&url).await.expect(303);
    let rd = to_login.param("rd").unwrap();
    assert!(to_login.location().starts_with("/login?rd="));
    let page = f.get(to_login.location()).await.expect(200);
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("form-action 'self' http://127.0.0.1:4711"),
        "{policy}"
    );
    let signed_in = f
        .try_login(ADMIN, crate::fixture::PASSWORD, &rd)
        .await
        .expect(303);
    let answer = f
        .visit(signed_in.location(), &signed_in.cookie())
        .await
        .expect(303);
    assert!(answer.location().starts_with(CLI_REDIRECT));
    let none = f
        .get(&Fixture::cli_authorize("&prompt=none"))
        .await
        .expect(303);
    assert_eq!(none.param("error").as_deref(), Some("login_required"));
    let cookie = signed_in.cookie();
    let again = f
        .visit(&Fixture::cli_authorize("&prompt=login"), &cookie)
        .await
        .expect(303);
    assert!(again.location().starts_with("/login?again=1"));
    f.visit(again.location(), &cookie).await.expect(200);
    f.clock.advance(Duration::from_secs(100));
    let old = f
        .visit(&Fixture::cli_authorize("&max_age=99"), &cookie)
        .await
        .expect(303);
    assert!(old.location().starts_with("/login?again=1"));
    let fresh = f
        .visit(&Fixture::cli_authorize("&max_age=100"), &cookie)
        .await
        .expect(303);
    assert!(fresh.param("code").is_some());
}

#[tokio::test]
async fn a13_of_fifty_exchanges_at_once_one_succeeds() {
    let f = std::sync::Arc::new(Fixture::new("a13").await);
    let cookie = f.login(ADMIN).await;
    let code = f.cli_code(&cookie).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (f, code) = (f.clone(), code.clone());
        tasks.spawn(async move { f.cli_exchange(&code).await.status.as_u16() });
    }
    let answers = tasks.join_all().await;
    assert_eq!(
        answers.iter().filter(|status| **status == 200).count(),
        1,
        "{answers:?}"
    );
    assert!(
        answers.iter().all(|status| matches!(status, 200 | 400)),
        "{answers:?}"
    );
}

#[tokio::test]
async fn o19_revoking_is_for_the_clients_own_tokens() {
    let f = Fixture::new("o19").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let gate = f.join(&admin, "eu-1").await;
    let deployment = deployment(&f, &admin).await;
    let cookie = f.login("eve@example.com").await;
    let gates: TokenAnswer = f
        .gate_sign_in(&gate, &deployment, &cookie)
        .await
        .expect(200)
        .of();
    let fields = [
        ("client_id", "aeolus-cli"),
        ("token", gates.access_token.as_str()),
    ];
    f.form("/oauth2/revoke", &fields, &[]).await.expect(200);
    f.visit("/", &cookie).await.expect(200);
    let fields = [("client_id", "aeolus-cli"), ("token", "unknown")];
    f.form("/oauth2/revoke", &fields, &[]).await.expect(200);
    let fields = [("client_id", "aeolus-cli"), ("token", admin.as_str())];
    f.form("/oauth2/revoke", &fields, &[]).await.expect(200);
    f.call("GET", "/v1/me", &admin, None).await.expect(401);
}

pub(crate) async fn deployment(f: &Fixture, bearer: &str) -> String {
    let path = "/v1/organizations/acme/deployments";
    let list = f.call("GET", path, bearer, None).await.expect(200).json();
    list["items"][0]["id"].as_str().unwrap().to_owned()
}
