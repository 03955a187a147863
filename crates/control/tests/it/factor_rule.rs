//! The rule that people need a second factor in an organization: what it ends, whom it keeps out, and how
//! they get in.

use aeolus_api::plane::RenewRequest;
use aeolus_model::Action;
use serde_json::{Value, json};

use crate::factor::{Enrolled, MEMBER};
use crate::fixture::{ADMIN, Answer, Fixture, Gate, HOST};

const POLICY: &str = "/v1/organizations/acme/policy";
const ACME: &str = "/v1/organizations/acme";

struct World {
    f: Fixture,
    admin: String,
    gate: Gate,
    deployment: String,
}

impl World {
    async fn new(name: &str) -> Self {
        let f = Fixture::new(name).await;
        let admin = f.admin().await;
        f.fleet(&admin).await;
        let gate = f.join(&admin, "eu-1").await;
        let path = "/v1/organizations/acme/deployments";
        let listed = f.call("GET", path, &admin, None).await.expect(200).json();
        let deployment = listed["items"][0]["id"].as_str().unwrap().to_owned();
        Self {
            f,
            admin,
            gate,
            deployment,
        }
    }

    async fn set(&self, bearer: &str, query: &str) -> Answer {
        let path = format!("{POLICY}{query}");
        let body = json!({"secondFactor": "required"});
        self.f.call("PUT", &path, bearer, Some(body)).await
    }

    async fn sign_in_at_gate(&self, cookie: &str) -> Answer {
        self.f
            .gate_sign_in(&self.gate, &self.deployment, cookie)
            .await
    }

    /// What a gate is told that renews a session.
    async fn renew(&self, session: &str) -> u16 {
        let path = format!("/v1/planes/self/sessions/{session}/renew");
        let deployment = self.deployment.parse().unwrap();
        let body = serde_json::to_value(RenewRequest { deployment }).unwrap();
        let bearer = self.f.assertion(&self.gate);
        let answer = self.f.call("POST", &path, &bearer, Some(body)).await;
        answer.status.as_u16()
    }

    /// The ids of somebody's sessions with how they began, oldest first.
    async fn sessions(&self, email: &str) -> Vec<(String, Value)> {
        let path = format!("/v1/sessions?user={email}");
        let listed = self.f.call("GET", &path, &self.admin, None).await;
        let listed = listed.expect(200).json();
        let items = listed["items"].as_array().unwrap().iter();
        items
            .map(|item| (item["id"].as_str().unwrap().to_owned(), item["amr"].clone()))
            .collect()
    }
}

#[tokio::test]
async fn the_rule_ends_sessions_without_one_says_so_before_and_tells_gates() {
    let w = World::new("factor-rule-ends").await;
    let one = w.f.login(MEMBER).await;
    w.sign_in_at_gate(&one).await.expect(200);
    let Enrolled { cookie: two, .. } = w.f.enroll(&w.f.login("eve@example.com").await).await;
    w.sign_in_at_gate(&two).await.expect(200);
    let member = w.f.token_of_cookie(&one).await;
    w.f.call("GET", ACME, &member, None).await.expect(200);
    let (ending, amr) = w.sessions("member%40example.com").await.remove(0);
    assert_eq!(amr, json!(["pwd"]));
    let (staying, amr) = w.sessions("eve%40example.com").await.remove(0);
    assert_eq!(amr, json!(["pwd", "otp", "mfa"]));
    assert_eq!(
        (w.renew(&ending).await, w.renew(&staying).await),
        (200, 200)
    );

    let dry = w.set(&w.admin, "?dry_run=true").await.expect(200).json();
    assert_eq!(
        (&dry["sessions"], &dry["done"]),
        (&json!([ending]), &json!(false))
    );
    assert_eq!(w.renew(&ending).await, 200);
    let done = w.set(&w.admin, "").await.expect(200).json();
    assert_eq!(done["sessions"], json!([ending]));
    assert_eq!(
        (w.renew(&ending).await, w.renew(&staying).await),
        (410, 200)
    );
    let set = w.f.audited(Action::PolicySet).await;
    assert_eq!(set[0].changes[1].field, "sessions");

    // The session goes on elsewhere, but here it says what is missing.
    w.f.call("GET", "/v1/me", &member, None).await.expect(200);
    let other = w.f.token_of(MEMBER).await;
    let refused = w.f.call("GET", ACME, &other, None).await.expect(403).json();
    assert_eq!(refused["code"], "second-factor-required");
    // Not even the organization's name, nor what is in it.
    let listed = w.f.call("GET", "/v1/organizations", &other, None).await;
    assert_eq!(listed.expect(200).json()["items"], json!([]));
    let page = w.f.visit("/", &w.f.login(MEMBER).await).await.expect(200);
    assert!(page.text().contains("asks for a second factor") && !page.text().contains("etl"));
    let page = w.f.visit("/", &two).await.expect(200);
    assert!(page.text().contains("etl") && !page.text().contains("asks for"));
    let eve = w.f.token_of_cookie(&two).await;
    let listed = w.f.call("GET", "/v1/organizations", &eve, None).await;
    assert_eq!(listed.expect(200).json()["items"][0]["name"], "acme");
    w.f.call("GET", ACME, &eve, None).await.expect(200);
    // Whoever administers the installation is not bound, so that a mistake can be taken back.
    w.f.call("GET", ACME, &w.admin, None).await.expect(200);
}

#[tokio::test]
async fn whoever_is_kept_out_is_led_to_prove_more_and_goes_on_from_there() {
    let w = World::new("factor-rule-way").await;
    w.set(&w.admin, "").await.expect(200);
    let cookie = w.f.login(MEMBER).await;
    let authorize = w.gate.authorize(&w.deployment);
    let led = w.f.visit(&authorize, &cookie).await.expect(303);
    assert!(led.location().starts_with("/second-factor?rd="));
    let page = w.f.visit(led.location(), &cookie).await.expect(200);
    assert!(page.text().contains("asks for a second factor"));
    let silent = format!("{authorize}&prompt=none");
    let silent = w.f.visit(&silent, &cookie).await.expect(303);
    assert_eq!(
        silent.param("error").as_deref(),
        Some("interaction_required")
    );
    // A link to the deployment leads the same way.
    let link = format!("/login?rd=https%3A%2F%2F{HOST}%2F");
    let led = w.f.visit(&link, &cookie).await.expect(303);
    assert!(led.location().starts_with("/second-factor?rd="));

    let enrolled = w.f.enroll(&cookie).await;
    w.sign_in_at_gate(&enrolled.cookie).await.expect(200);
    let session = w.sessions("member%40example.com").await.remove(0).0;
    assert_eq!(w.renew(&session).await, 200);
    // Whoever has one is not led to set it up again.
    let back =
        w.f.visit(led.location(), &enrolled.cookie)
            .await
            .expect(303);
    assert!(back.location().starts_with("/login?rd=") && !back.location().contains("again"));
}

#[tokio::test]
async fn a_code_that_was_handed_out_before_the_rule_is_worth_nothing_after_it() {
    let w = World::new("factor-rule-code").await;
    let cookie = w.f.login(MEMBER).await;
    let answer = w.f.visit(&w.gate.authorize(&w.deployment), &cookie).await;
    let code = answer.expect(303).param("code").unwrap();
    w.set(&w.admin, "").await.expect(200);
    let assertion = w.f.assertion(&w.gate);
    w.f.gate_exchange(&w.gate, &code, &assertion)
        .await
        .expect(400);
}

#[tokio::test]
async fn nobody_sets_a_rule_that_would_lock_them_out_and_programs_are_not_bound() {
    let w = World::new("factor-rule-lockout").await;
    let cookie = w.f.login("owner@example.com").await;
    let owner = w.f.token_of_cookie(&cookie).await;
    let refused = w.set(&owner, "").await.expect(422).json();
    assert_eq!(refused["errors"][0]["at"], "secondFactor");
    let body = json!({"name": "ci", "role": "ORGANIZATION_OWNER"});
    let path = "/v1/organizations/acme/tokens";
    let made = w.f.call("POST", path, &owner, Some(body)).await;
    let program = made.expect(201).json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let enrolled = w.f.enroll(&cookie).await;
    let owner = w.f.token_of_cookie(&enrolled.cookie).await;
    w.set(&owner, "").await.expect(200);
    w.f.call("GET", ACME, &owner, None).await.expect(200);
    w.f.call("GET", ACME, &program, None).await.expect(200);
    let admin = w.f.token_of(ADMIN).await;
    w.f.call("PUT", POLICY, &admin, Some(json!({})))
        .await
        .expect(200);
    let member = w.f.token_of(MEMBER).await;
    w.f.call("GET", ACME, &member, None).await.expect(200);
}

#[tokio::test]
async fn an_exchange_is_refused_as_the_organization_itself_is() {
    let w = World::new("factor-rule-exchange").await;
    let owner = w.f.token_of("owner@example.com").await;
    w.set(&w.admin, "").await.expect(200);
    let audience = format!("urn:aeolus:deployment:{}", w.deployment);
    let fields = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", owner.as_str()),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("audience", audience.as_str()),
        ("client_id", "aeolus-cli"),
    ];
    let refused = w.f.form("/oauth2/token", &fields, &[]).await.expect(403);
    assert_eq!(refused.json()["error"], "second-factor-required");
}
