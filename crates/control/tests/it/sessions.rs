//! Sessions as people and administrators see and end them.

use std::time::Duration;

use aeolus_keys::claims::Access;
use aeolus_keys::jws;
use serde_json::{Value, json};

use crate::engines::on_every_engine;
use crate::fixture::{ADMIN, Answer, CHALLENGE, Fixture, Gate, HOST, ISS, PASSWORD, fleet};

on_every_engine! {
    x3_people_see_where_they_are_signed_in_and_end_what_is_not_theirs,
    n10_a_session_ended_in_one_organization_is_refused_there_and_nowhere_else,
    n10_all_sessions_in_an_organization_end_with_a_mark_and_a_new_sign_in_leads_back,
    n10_an_administrator_of_the_installation_ends_everything_everywhere,
    n10_a_session_ended_in_one_organization_has_no_power_over_it,
}

const GLOBEX_HOST: &str = "globex.example.com";

/// Two organizations on one plane. The member and Eve are in acme; the member is in globex too, and Zoe
/// in globex alone.
struct World {
    f: Fixture,
    admin: String,
    gate: Gate,
    /// A deployment of each organization.
    acme: String,
    globex: String,
}

impl World {
    async fn new(name: &str) -> Self {
        Self::of(Fixture::new(name).await).await
    }

    /// At two replicas.
    async fn two(name: &str, database: Option<String>) -> Self {
        Self::of(Fixture::pair(name, database).await).await
    }

    async fn of(f: Fixture) -> Self {
        let admin = f.admin().await;
        let mut body = fleet();
        let user = |name: &str, role: &str| json!({"email": format!("{name}@example.com"), "role": role, "password": {"env": "P"}});
        body["fleet"]["organizations"]
            .as_array_mut()
            .unwrap()
            .push(json!({
                "name": "globex",
                "users": [
                    user("boss", "ORGANIZATION_OWNER"),
                    user("zoe", "ORGANIZATION_MEMBER"),
                    {"email": "member@example.com", "role": "ORGANIZATION_MEMBER"},
                ],
                "workspaces": [{"name": "ops", "deployments": [{
                    "name": "main", "plane": "eu-1", "hosts": [GLOBEX_HOST],
                    "upstream": "http://127.0.0.1:8080",
                }]}],
            }));
        for n in 0..2 {
            body["secrets"][format!("organizations[1].users[{n}].password")] = json!(PASSWORD);
        }
        f.call("POST", "/v1/apply", &admin, Some(body))
            .await
            .expect(200);
        let gate = f.join(&admin, "eu-1").await;
        let deployment = |organization: &'static str| {
            let (f, admin) = (&f, &admin);
            async move {
                let path = format!("/v1/organizations/{organization}/deployments");
                let list = f.call("GET", &path, admin, None).await.expect(200).json();
                list["items"][0]["id"].as_str().unwrap().to_owned()
            }
        };
        let (acme, globex) = (deployment("acme").await, deployment("globex").await);
        Self {
            f,
            admin,
            gate,
            acme,
            globex,
        }
    }

    /// What an authorization of a gate leads to: a code, or the sign-in page.
    async fn authorize(&self, (deployment, host): (&str, &str), cookie: &str) -> Answer {
        let path = format!(
            "/oauth2/authorize?response_type=code&client_id=urn%3Aaeolus%3Aplane%3A{}\
             &redirect_uri=https%3A%2F%2F{host}%2F.aeolus%2Fcallback&scope=openid&state=st&nonce=no\
             &code_challenge={CHALLENGE}&code_challenge_method=S256\
             &resource=urn%3Aaeolus%3Adeployment%3A{deployment}",
            self.gate.plane
        );
        self.f.visit(&path, cookie).await.expect(303)
    }

    /// Uses a session at a gate, as a renewal tells of it.
    async fn renew(&self, session: &str, deployment: &str) -> u16 {
        let path = format!("/v1/planes/self/sessions/{session}/renew");
        let assertion = self.f.assertion(&self.gate);
        let body = Some(json!({ "deployment": deployment }));
        let answer = self.f.call("POST", &path, &assertion, body).await;
        answer.status.as_u16()
    }

    /// Somebody signed in, with the cookie, the id of the session and a bearer for control.
    async fn sign_in(&self, email: &str) -> (String, String, String) {
        let cookie = self.f.login(email).await;
        let bearer = self.f.token_of_cookie(&cookie).await;
        let claims: Access = jws::parse(bearer.as_bytes())
            .unwrap()
            .unverified_claims()
            .unwrap();
        (cookie, claims.sid.to_string(), bearer)
    }

    async fn list(&self, query: &str, bearer: &str) -> Answer {
        let path = format!("/v1/sessions{query}");
        self.f.call("GET", &path, bearer, None).await
    }

    async fn end(&self, what: &str, bearer: &str) -> Answer {
        let path = format!("/v1/sessions{what}");
        self.f.call("DELETE", &path, bearer, None).await
    }

    async fn audit(&self, organization: &str, action: &str) -> Vec<Value> {
        let path = format!("/v1/organizations/{organization}/audit?limit=200");
        let lines = self.f.call("GET", &path, &self.admin, None).await;
        let lines = lines.expect(200).json()["items"].clone();
        let lines = lines.as_array().unwrap().clone();
        lines
            .into_iter()
            .filter(|l| l["action"] == action)
            .collect()
    }
}

fn ids(answer: &Answer) -> Vec<String> {
    let list = answer.json();
    let items = list["items"].as_array().unwrap();
    let id = |item: &Value| item["id"].as_str().unwrap().to_owned();
    items.iter().map(id).collect()
}

async fn x3_people_see_where_they_are_signed_in_and_end_what_is_not_theirs(
    database: Option<String>,
) {
    let w = World::two("x3", database).await;
    let fields = [
        ("email", "member@example.com"),
        ("password", PASSWORD),
        ("rd", "/"),
    ];
    let headers = [
        ("origin", ISS),
        ("x-forwarded-for", "10.0.0.1, 192.0.2.7"),
        ("user-agent", "Fire\u{e9}fox/1 (X11)"),
    ];
    let cookie =
        w.f.form("/login", &fields, &headers)
            .await
            .expect(303)
            .cookie();
    let stolen = w.f.token_of_cookie(&cookie).await;
    w.f.clock.advance(Duration::from_secs(60));
    let (_, current, bearer) = w.sign_in("member@example.com").await;

    let listed = w.list("", &bearer).await.expect(200);
    let items = listed.json()["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 2, "{items}");
    let (old, new) = (&items[0], &items[1]);
    assert_eq!(old["source"], "192.0.2.7");
    assert_eq!(old["userAgent"], "Fire??fox/1 (X11)");
    assert_eq!(old["email"], "member@example.com");
    assert_eq!(old["connection"], "local");
    assert_eq!(old["authTime"], 1_800_000_000);
    assert_eq!(
        (&old["current"], &new["current"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(new["id"], current);
    assert_eq!(new["lastSeenAt"], 1_800_000_060);
    assert_eq!(new["organizations"], json!([]));
    let first = w.list("?limit=1", &bearer).await.expect(200);
    let next = first.json()["next_cursor"].as_str().unwrap().to_owned();
    let second = w.list(&format!("?cursor={next}"), &bearer).await;
    assert_eq!([ids(&first), ids(&second)].concat(), ids(&listed));

    let id = old["id"].as_str().unwrap();
    let ended = w.end(&format!("/{id}"), &bearer).await.expect(200);
    assert_eq!(ended.json()["ended"], json!([id]));
    w.f.call("GET", "/v1/me", &stolen, None).await.expect(401);
    w.f.visit("/", &cookie).await.expect(303);
    w.end(&format!("/{id}"), &bearer).await.expect(404);

    let (_, third, _) = w.sign_in("member@example.com").await;
    let ended = w.end("?others=true", &bearer).await.expect(200);
    assert_eq!(ended.json()["ended"], json!([third]));
    assert_eq!(
        ids(&w.list("", &bearer).await),
        std::slice::from_ref(&current)
    );
    let ended = w.end("", &bearer).await.expect(200);
    assert_eq!(ended.json()["ended"], json!([current]));
    w.list("", &bearer).await.expect(401);
}

#[tokio::test]
async fn x3_nobody_sees_or_ends_the_sessions_of_others() {
    let w = World::new("x3-others").await;
    let (_, zoes, _) = w.sign_in("zoe@example.com").await;
    let (_, members, member) = w.sign_in("member@example.com").await;
    let owner = w.f.token_of("owner@example.com").await;
    for bearer in [&member, &owner] {
        w.list("?user=zoe@example.com", bearer).await.expect(403);
        w.end("?user=zoe@example.com", bearer).await.expect(403);
        w.end(&format!("/{zoes}"), bearer).await.expect(404);
    }
    w.end(&format!("/{members}"), &owner).await.expect(404);
    w.list("?organization=acme", &member).await.expect(403);
    w.end(&format!("/{members}?organization=acme"), &member)
        .await
        .expect(403);
    // An organization that one may not know of.
    w.list("?organization=globex", &owner).await.expect(404);
    w.end("?user=member@example.com&organization=globex", &owner)
        .await
        .expect(404);
    // Somebody outside is as unknown as nobody, also by id.
    for user in ["zoe@example.com", "nobody@example.com", ADMIN, "x"] {
        let query = format!("?user={user}&organization=acme");
        w.list(&query, &owner).await.expect(404);
        w.end(&query, &owner).await.expect(404);
    }
    w.end(&format!("/{zoes}?organization=acme"), &owner)
        .await
        .expect(404);
    w.end("?organization=acme", &owner).await.expect(422);
    w.end(
        "?others=true&user=member@example.com&organization=acme",
        &owner,
    )
    .await
    .expect(422);
    w.end("?others=perhaps", &member).await.expect(422);
    // A program has none, and ends none without an organization.
    let token = json!({"name": "x", "role": "ORGANIZATION_OWNER", "tokenExpiryPeriodInDays": 1});
    let made =
        w.f.call("POST", "/v1/organizations/acme/tokens", &owner, Some(token))
            .await;
    let value = made.expect(201).json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    w.list("", &value).await.expect(403);
    w.end("", &value).await.expect(403);
    w.list("?organization=acme", &value).await.expect(200);
}

#[tokio::test]
async fn x3_an_organization_learns_nothing_of_another() {
    let w = World::new("x3-narrow").await;
    let (cookie, members, member) = w.sign_in("member@example.com").await;
    let (zoe, _, _) = w.sign_in("zoe@example.com").await;
    let owner = w.f.token_of("owner@example.com").await;
    w.f.gate_sign_in(&w.gate, &w.acme, &cookie)
        .await
        .expect(200);
    w.f.clock.advance(Duration::from_secs(600));
    assert_eq!(w.renew(&members, &w.globex).await, 200);
    w.authorize((&w.globex, GLOBEX_HOST), &zoe).await;

    let listed = w.list("?organization=acme", &owner).await.expect(200);
    assert_eq!(ids(&listed), std::slice::from_ref(&members));
    assert!(!listed.text().contains("globex") && !listed.text().contains("lastSeenAt"));
    w.f.clock.advance(Duration::from_secs(600));
    assert_eq!(w.renew(&members, &w.acme).await, 200);
    let query = "?user=member@example.com&organization=acme";
    let listed = w.list(query, &owner).await.expect(200).json();
    assert_eq!(listed["items"][0]["lastSeenAt"], 1_800_001_200);
    assert_eq!(listed["items"][0]["organizations"][0]["name"], "acme");
    // The person and an administrator of the installation see all of it.
    for (query, bearer) in [("", &member), ("?user=member@example.com", &w.admin)] {
        let own = w.list(query, bearer).await.expect(200).json();
        let places = own["items"][0]["organizations"].as_array().unwrap();
        assert_eq!(places.len(), 2, "{own}");
    }
}

async fn n10_a_session_ended_in_one_organization_is_refused_there_and_nowhere_else(
    database: Option<String>,
) {
    let w = World::two("n10-one", database).await;
    let (cookie, members, member) = w.sign_in("member@example.com").await;
    let owner = w.f.token_of("owner@example.com").await;
    for deployment in [&w.acme, &w.globex] {
        assert_eq!(w.renew(&members, deployment).await, 200);
    }
    let ended = w
        .end(&format!("/{members}?organization=acme&wait=planes"), &owner)
        .await
        .expect(200)
        .json();
    assert_eq!(ended["planes"]["unconfirmed"][0]["name"], "eu-1");
    assert_eq!(w.renew(&members, &w.acme).await, 410);
    assert_eq!(w.renew(&members, &w.globex).await, 200);
    assert_eq!(
        ids(&w.list("", &member).await.expect(200)),
        std::slice::from_ref(&members)
    );
    // Control doesn't send them back with what would be refused again.
    let sent = w.authorize((&w.acme, HOST), &cookie).await;
    assert!(
        sent.location().starts_with("/login?again=1&rd="),
        "{}",
        sent.location()
    );
    w.f.visit(sent.location(), &cookie).await.expect(200);
    let sent = w.authorize((&w.globex, GLOBEX_HOST), &cookie).await;
    assert!(sent.param("code").is_some());
    let lines = w.audit("acme", "session.sign_out").await;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["target"], members);
    assert_eq!(lines[0]["reason"], "by_administrator");
    assert_eq!(lines[0]["actor"]["type"], "user");
    assert_eq!(w.audit("globex", "session.sign_out").await.len(), 0);
}

async fn n10_all_sessions_in_an_organization_end_with_a_mark_and_a_new_sign_in_leads_back(
    database: Option<String>,
) {
    let w = World::two("n10-all", database).await;
    let (cookie, members, member) = w.sign_in("member@example.com").await;
    let owner = w.f.token_of("owner@example.com").await;
    for deployment in [&w.acme, &w.globex] {
        assert_eq!(w.renew(&members, deployment).await, 200);
    }
    let query = "?user=member@example.com&organization=acme";
    let ended = w.end(query, &owner).await.expect(200).json();
    assert_eq!(ended["ended"], json!([members]));
    assert_eq!(w.renew(&members, &w.acme).await, 410);
    assert_eq!(w.renew(&members, &w.globex).await, 200);
    assert_eq!(
        ids(&w.list(query, &owner).await.expect(200)),
        [] as [String; 0]
    );
    w.list("", &member).await.expect(200);
    let sent = w.authorize((&w.acme, HOST), &cookie).await;
    assert!(sent.location().starts_with("/login?again=1&rd="));
    assert_eq!(w.audit("acme", "session.sign_out").await.len(), 1);
    assert_eq!(w.audit("acme", "session.end_all").await.len(), 1);
    assert_eq!(w.audit("globex", "session.sign_out").await.len(), 0);

    w.f.clock.advance(Duration::from_secs(1));
    let cookie = w.f.login("member@example.com").await;
    w.f.gate_sign_in(&w.gate, &w.acme, &cookie)
        .await
        .expect(200);
    assert_eq!(ids(&w.list(query, &owner).await.expect(200)).len(), 1);
}

async fn n10_an_administrator_of_the_installation_ends_everything_everywhere(
    database: Option<String>,
) {
    let w = World::two("n10-admin", database).await;
    let (_, first, member) = w.sign_in("member@example.com").await;
    let (_, second, _) = w.sign_in("member@example.com").await;
    assert_eq!(w.renew(&first, &w.globex).await, 200);
    w.end(&format!("/{second}"), &w.admin).await.expect(200);
    let ended = w.end("?user=member@example.com", &w.admin).await;
    assert_eq!(ended.expect(200).json()["ended"], json!([first]));
    assert_eq!(w.renew(&first, &w.globex).await, 410);
    w.f.call("GET", "/v1/me", &member, None).await.expect(401);
    let lines = w.audit("globex", "session.sign_out").await;
    assert_eq!(lines[0]["target"], first);
    w.end("?user=nobody@example.com", &w.admin)
        .await
        .expect(404);
}

/// A session that is over in an organization administers it no more: gates refuse it, and so does control.
async fn n10_a_session_ended_in_one_organization_has_no_power_over_it(database: Option<String>) {
    let w = World::two("n10-power", database).await;
    let (_, bosses, boss) = w.sign_in("boss@example.com").await;
    let role = json!({"email": "boss@example.com", "role": "ORGANIZATION_OWNER"});
    let users = "/v1/organizations/acme/users";
    w.f.call("POST", users, &w.admin, Some(role))
        .await
        .expect(201);
    assert_eq!(w.renew(&bosses, &w.globex).await, 200);
    w.f.call("GET", users, &boss, None).await.expect(200);
    w.end(&format!("/{bosses}?organization=globex"), &w.admin)
        .await
        .expect(200);
    let theirs = "/v1/organizations/globex/users";
    w.f.call("GET", theirs, &boss, None).await.expect(404);
    let eve = json!({"email": "eve@example.com", "role": "ORGANIZATION_OWNER"});
    w.f.call("POST", theirs, &boss, Some(eve)).await.expect(404);
    w.f.call("GET", users, &boss, None).await.expect(200);
    // Everything that they have signed in until now, also where it was never used.
    w.end("?user=boss@example.com&organization=acme", &w.admin)
        .await
        .expect(200);
    w.f.call("GET", users, &boss, None).await.expect(404);

    w.f.clock.advance(Duration::from_secs(1));
    let (_, _, boss) = w.sign_in("boss@example.com").await;
    w.f.call("GET", theirs, &boss, None).await.expect(200);
    w.f.call("GET", users, &boss, None).await.expect(200);
}
