//! `/login?rd=` with a page of a deployment: where a proxy that comes from the original sends people.

use aeolus_control::ParentCookie;
use aeolus_keys::jws;
use aeolus_model::Host;
use http::header::SET_COOKIE;
use serde_json::Value;

use crate::fixture::{ADMIN, Answer, Fixture, HOST, ISS, PASSWORD};

fn login(rd: &str) -> String {
    let rd: String = url::form_urlencoded::byte_serialize(rd.as_bytes()).collect();
    format!("/login?rd={rd}")
}

fn set_cookies(answer: &Answer) -> Vec<String> {
    let all = answer.headers.get_all(SET_COOKIE).iter();
    all.map(|value| value.to_str().unwrap().to_owned())
        .collect()
}

async fn with_parent(name: &str) -> Fixture {
    Fixture::configured(name, |config| {
        config.parent_cookie = Some(ParentCookie {
            domain: Host::parse("example.com").unwrap(),
            name: "astronomer_example_com_auth".to_owned(),
        });
    })
    .await
}

#[tokio::test]
async fn i4_without_a_parent_cookie_the_gates_own_page_makes_the_session() {
    let f = Fixture::new("rd").await;
    f.fleet(&f.admin().await).await;
    let rd = format!("https://{HOST}/dags?x=1&y=2");
    let page = f.get(&login(&rd)).await.expect(200);
    let policy = page.header("content-security-policy").to_owned();
    assert!(
        policy.contains(&format!("form-action 'self' https://{HOST}")),
        "{policy}"
    );
    let answer = f.try_login(ADMIN, PASSWORD, &rd).await.expect(303);
    let gates = format!("https://{HOST}/.aeolus/sign-in?next=%2Fdags%3Fx%3D1%26y%3D2");
    assert_eq!(answer.location(), gates);
    assert_eq!(set_cookies(&answer).len(), 1);
    let again = f.visit(&login(&rd), &answer.cookie()).await.expect(303);
    assert_eq!(again.location(), gates);
}

#[tokio::test]
async fn row_60_a_foreign_host_is_never_gone_on_to() {
    let f = with_parent("rd-foreign").await;
    f.fleet(&f.admin().await).await;
    let cookie = f.login(ADMIN).await;
    for rd in [
        "https://evil.example.com/".to_owned(),
        format!("https://{HOST}.evil/"),
        format!("https://{HOST}@evil/"),
        format!("https://evil/@{HOST}/"),
        format!("https://{HOST}:444/"),
        format!("http://{HOST}/"),
        format!("//{HOST}/"),
        format!("https://{HOST}\\@evil/"),
        format!("https:/{HOST}/"),
        format!(" https://{HOST}/"),
    ] {
        let answer = f.visit(&login(&rd), &cookie).await.expect(303);
        assert_eq!(answer.location(), "/", "{rd}");
        assert!(set_cookies(&answer).is_empty(), "{rd}");
    }
}

/// The sample fleet with a second deployment behind a wildcard.
fn with_a_wildcard() -> Value {
    let mut fleet = crate::fixture::fleet();
    let list = "/fleet/organizations/0/workspaces/0/deployments";
    let deployments = fleet.pointer_mut(list).unwrap().as_array_mut().unwrap();
    let wild = serde_json::json!({"name": "wild", "plane": "eu-1", "hosts": ["*.w.example.com"]});
    deployments.push(wild);
    fleet
}

#[tokio::test]
async fn row_60_a_host_below_a_wildcard_is_gone_on_to_and_no_other_beside_it() {
    let f = with_parent("rd-wildcard").await;
    let admin = f.admin().await;
    let applied = f.call("POST", "/v1/apply", &admin, Some(with_a_wildcard()));
    applied.await.expect(200);
    let cookie = f.login(ADMIN).await;
    let rd = "https://a.w.example.com/dags?x=1";
    let answer = f.visit(&login(rd), &cookie).await.expect(303);
    assert_eq!(answer.location(), rd);
    for rd in [
        "https://w.example.com/",
        "https://a.b.w.example.com/",
        "https://aw.example.com/",
        "https://*.w.example.com/",
        "https://a.w.example.com.evil/",
        "https://a.w.example.com:444/",
        "https://evil/?.w.example.com/",
    ] {
        let answer = f.visit(&login(rd), &cookie).await.expect(303);
        assert_eq!(answer.location(), "/", "{rd}");
    }
}

#[tokio::test]
async fn i13_the_parent_cookie_is_a_token_for_one_organization_and_goes_with_the_session() {
    let f = with_parent("rd-parent").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let rd = format!("https://{HOST}/dags");
    let answer = f.try_login(ADMIN, PASSWORD, &rd).await.expect(303);
    assert_eq!(answer.location(), rd);
    let cookies = set_cookies(&answer);
    let parent = cookies
        .iter()
        .find(|text| text.starts_with("astronomer_example_com_auth="));
    let parent = parent.expect("the parent's cookie");
    assert!(parent.ends_with("; Domain=.example.com; Path=/; HttpOnly; SameSite=Lax; Secure"));
    let token = parent.split(['=', ';']).nth(1).unwrap();
    let claims: Value = jws::parse(token.as_bytes())
        .unwrap()
        .unverified_claims()
        .unwrap();
    assert_eq!(claims["aud"], "urn:aeolus:parent-cookie");
    assert_eq!(claims["iss"], ISS);
    let organizations = f.call("GET", "/v1/organizations", &admin, None).await;
    assert_eq!(
        claims["org"],
        organizations.expect(200).json()["items"][0]["id"]
    );
    // It opens nothing at control.
    f.call("GET", "/v1/organizations", token, None)
        .await
        .expect(401);
    let own = cookies
        .iter()
        .find(|text| text.starts_with("__Host-aeolus-control="));
    let own = own
        .and_then(|text| text.split(';').next())
        .unwrap()
        .to_owned();
    let headers = [("origin", ISS), ("cookie", own.as_str())];
    let out = f.form("/logout", &[], &headers).await.expect(303);
    let cleared = set_cookies(&out);
    assert!(
        cleared
            .iter()
            .any(|text| text.starts_with("astronomer_example_com_auth=; ")
                && text.ends_with("Max-Age=0"))
    );
}

#[tokio::test]
async fn airflows_own_pages_for_signing_in_and_out_do_not_lead_in_a_circle() {
    let f = with_parent("rd-circle").await;
    f.fleet(&f.admin().await).await;
    let cookie = f.login(ADMIN).await;
    let out = f
        .visit(&login(&format!("https://{HOST}/auth/logout")), &cookie)
        .await;
    assert_eq!(out.expect(303).location(), "/logout");
    let rd = format!("https://{HOST}/auth/login?next=x");
    let home = f.visit(&login(&rd), &cookie).await.expect(303);
    assert_eq!(home.location(), format!("https://{HOST}/"));
}
