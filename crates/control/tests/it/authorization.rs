//! `/v1/authorization` at control: an nginx of the original, and no gate.

use aeolus_control::ParentCookie;
use aeolus_keys::claims::Airflow2;
use aeolus_keys::{Kind, PublicKey, jws};
use aeolus_model::{Host, Secret};
use axum::body::Body;
use http::Request;
use http::header::SET_COOKIE;
use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, HOST, ISS, PASSWORD};

pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
const PARENT: &str = "astronomer_example_com_auth";
const TOKENS: &str = "/v1/organizations/acme/tokens";

async fn open(name: &str) -> Fixture {
    let f = Fixture::configured(name, |config| {
        config.proxy_secrets = vec![Secret::new(SECRET.to_owned())];
        config.parent_cookie = Some(ParentCookie {
            domain: Host::parse("example.com").unwrap(),
            name: PARENT.to_owned(),
        });
    })
    .await;
    f.fleet(&f.admin().await).await;
    f
}

/// A check about a request, as the proxy sends it that knows the secret.
pub(crate) async fn ask(f: &Fixture, line: &str, headers: &[(&str, &str)]) -> Answer {
    let known = [("x-aeolus-proxy-secret", SECRET)];
    asked(f, (HOST, line), &[&known, headers].concat()).await
}

async fn asked(f: &Fixture, (host, line): (&str, &str), headers: &[(&str, &str)]) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::get("/v1/authorization?rd=x")
        .header("x-original-url", format!("https://{host}/_aeolus_check"))
        .header("x-auth-request-redirect", path)
        .header("x-original-method", method);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    f.send(request.body(Body::empty()).unwrap()).await
}

/// A token for the deployment: its value, and where it is deleted.
async fn token(f: &Fixture, admin: &str) -> (String, String) {
    let body = json!({"name": "ci", "role": "ORGANIZATION_OWNER", "tokenExpiryPeriodInDays": 30});
    let made = f.call("POST", TOKENS, admin, Some(body)).await;
    let made = made.expect(201).json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("token"), format!("{TOKENS}/{}", text("id")))
}

async fn claims(f: &Fixture, answer: &Answer) -> Airflow2 {
    let jwk = f.get("/v1/.well-known/jwks.json").await.expect(200).json();
    assert!(jwk.get("keys").is_none(), "H5, a bare key: {jwk}");
    assert!(jwk["x5c"][0].as_str().unwrap().starts_with("MII"));
    let key = PublicKey::from_jwk_json(&jwk.to_string()).unwrap();
    let token = jws::parse(given(answer).as_bytes()).unwrap();
    let verified = token.verify(Kind::Legacy, &key).unwrap();
    verified.claims().unwrap()
}

/// The token that the application is given.
pub(crate) fn given(answer: &Answer) -> &str {
    let bearer = answer.header("authorization");
    bearer.strip_prefix("Bearer ").unwrap()
}

#[tokio::test]
async fn i2_i9_whom_it_lets_in_gets_the_originals_token_and_names() {
    let f = open("central").await;
    let (key, path) = token(&f, &f.admin().await).await;
    for value in [format!("Bearer {key}"), key.clone()] {
        let answer = ask(
            &f,
            "GET /api/v1/dags",
            &[("authorization", &value), ("username", "mallory")],
        )
        .await
        .expect(200);
        let claims = claims(&f, &answer).await;
        assert_eq!((&*claims.iss, &*claims.aud), (ISS, HOST));
        assert_eq!((&*claims.email, &*claims.full_name), ("", "ci"));
        assert_eq!(claims.roles, ["Admin"]);
        assert_eq!(claims.exp - claims.nbf, 330);
        assert_eq!(answer.header("username"), claims.sub);
        assert!(path.ends_with(&claims.sub) && answer.header("email").is_empty());
        assert!(!answer.text().contains(&key));
    }
    // The same for two minutes, and never for longer than the credential.
    let bearer = [("authorization", key.as_str())];
    let one = ask(&f, "GET /a", &bearer).await;
    let two = ask(&f, "GET /b", &bearer).await;
    assert_eq!(one.header("authorization"), two.header("authorization"));
    let public = ask(&f, "GET /static/a.js", &bearer).await.expect(200);
    for name in ["authorization", "username", "email", "x-aeolus-user"] {
        assert_eq!(public.headers.get(name).unwrap(), "", "{name}");
    }
    // Nobody who reads control's key set for other tokens finds this key in it.
    let set = f.get("/.well-known/jwks.json").await.expect(200).json();
    let legacy = f.get("/v1/.well-known/jwks.json").await.json();
    let kids: Vec<&Value> = set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|k| &k["kid"])
        .collect();
    assert!(!kids.contains(&&legacy["kid"]));
}

#[tokio::test]
async fn what_is_revoked_is_refused_by_the_next_check() {
    let f = open("central-revoked").await;
    let admin = f.admin().await;
    let (key, path) = token(&f, &admin).await;
    let bearer = [("authorization", key.as_str())];
    ask(&f, "GET /api/v2/dags", &bearer).await.expect(200);
    f.call("DELETE", &path, &admin, None).await.expect(200);
    let refused = ask(&f, "GET /api/v2/dags", &bearer).await.expect(401);
    assert!(refused.header("www-authenticate").starts_with("Bearer"));
    assert!(refused.headers.get("authorization").is_none());
}

#[tokio::test]
async fn row_85_nobody_asks_without_the_secret() {
    let f = open("central-secret").await;
    let (key, _) = token(&f, &f.admin().await).await;
    for shown in [None, Some("0123456789abcdef0123456789abcdee")] {
        let mut headers = vec![("authorization", key.as_str())];
        headers.extend(shown.map(|secret| ("x-aeolus-proxy-secret", secret)));
        let answer = asked(&f, (HOST, "GET /api/v2/dags"), &headers)
            .await
            .expect(403);
        assert!(answer.headers.get("authorization").is_none());
    }
    let closed = Fixture::new("central-closed").await;
    asked(
        &closed,
        (HOST, "GET /"),
        &[("x-aeolus-proxy-secret", SECRET)],
    )
    .await
    .expect(404);
    closed.get("/v1/.well-known/jwks.json").await.expect(404);
}

#[tokio::test]
async fn i4_classes_and_hosts_are_judged_as_at_a_gate() {
    let f = open("central-classes").await;
    let (key, _) = token(&f, &f.admin().await).await;
    let bearer = [("authorization", key.as_str())];
    for (line, status) in [
        ("GET /api/v2/dags", 200),
        ("POST /api/v2/dags", 200),
        ("GET /execution/task-instances", 403),
        ("GET /static/../api/v2/dags", 403),
        ("TRACE /", 403),
        ("GET //api/v2/dags", 200),
    ] {
        assert_eq!(
            ask(&f, line, &bearer).await.status.as_u16(),
            status,
            "{line}"
        );
    }
    let known = [
        ("x-aeolus-proxy-secret", SECRET),
        ("authorization", key.as_str()),
    ];
    for host in [
        "evil.example.com",
        "etl.example.com.evil",
        "a_b.example.com",
        "a b",
    ] {
        asked(&f, (host, "GET /"), &known).await.expect(403);
    }
    let more = [
        &known[..],
        &[("x-original-url", "https://etl.example.com/")],
    ]
    .concat();
    asked(&f, (HOST, "GET /"), &more).await.expect(403);
    let pinned = [
        &known[..],
        &[("x-auth-deployment", "04040404-0404-0404-0404-040404040404")],
    ]
    .concat();
    asked(&f, (HOST, "GET /"), &pinned).await.expect(403);
    let nobody = ask(&f, "GET /api/v2/dags", &[]).await.expect(401);
    assert_eq!(nobody.header("www-authenticate"), "Bearer");
    let page = ask(&f, "GET /dags", &[("accept", "text/html")])
        .await
        .expect(401);
    assert!(
        page.header("x-auth-location")
            .starts_with("/.aeolus/sign-in?next=")
    );
}

#[tokio::test]
async fn i13_a_browser_comes_with_the_parents_cookie_and_goes_with_its_session() {
    let f = open("central-parent").await;
    let rd = format!("https://{HOST}/dags");
    let signed_in = f
        .try_login("eve@example.com", PASSWORD, &rd)
        .await
        .expect(303);
    let all = signed_in.headers.get_all(SET_COOKIE).iter();
    let pair = |text: &str| text.split(';').next().unwrap().to_owned();
    let cookies: Vec<String> = all.map(|value| pair(value.to_str().unwrap())).collect();
    let find = |name: &str| cookies.iter().find(|text| text.starts_with(name)).unwrap();
    let parent = find(PARENT);
    // The cookie of a gate that was there before opens nothing here, and shuts nothing either.
    let both = format!("__Host-aeolus=AAAA; {parent}");
    for cookie in [parent, &both] {
        let answer = ask(&f, "GET /dags", &[("cookie", cookie)])
            .await
            .expect(200);
        assert_eq!(answer.header("email"), "eve@example.com");
        let claims = claims(&f, &answer).await;
        assert_eq!(
            (&*claims.email, claims.roles),
            ("eve@example.com", vec!["Viewer".to_owned()])
        );
    }
    ask(&f, "GET /dags", &[("cookie", "__Host-aeolus=AAAA")])
        .await
        .expect(401);
    // Control's own cookie never leaves its host, and counts nowhere else.
    let own = find("__Host-aeolus-control=");
    ask(&f, "GET /dags", &[("cookie", own)]).await.expect(401);
    let other = [
        ("cookie", parent.as_str()),
        ("origin", "https://evil.example.com"),
    ];
    ask(&f, "POST /api/v2/dags", &other).await.expect(403);
    let headers = [("origin", ISS), ("cookie", own.as_str())];
    f.form("/logout", &[], &headers).await.expect(303);
    ask(&f, "GET /dags", &[("cookie", parent)])
        .await
        .expect(401);
}
