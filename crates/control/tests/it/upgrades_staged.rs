//! What an upgrade does to everything that keys sign: nothing by itself, nothing where the next keys are announced,
//! and an end to all of it where they are replaced, which is said before.

use std::time::Duration;

use aeolus_control::{ControlConfig, NewKeys, Upgrades};
use aeolus_keys::{Kid, Kind, PublicKey, jws};
use aeolus_model::{Action, Clock as _, Secret};
use aeolus_store::Unit as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use semver::Version;
use serde_json::{Value, json};

use crate::authorization;
use crate::engines::on_every_engine;
use crate::fixture::{Answer, Fixture};
use crate::keys::{kids, listed};
use crate::registry::{ETL, both, config as registry};

on_every_engine! {
    h2_two_upgrades_end_no_token_of_any_kind,
    h2_an_upgrade_with_the_flag_ends_every_kind_of_token_and_has_said_so,
    h2_a_staged_upgrade_gives_new_keys_and_ends_nothing,
}

const DAY: Duration = Duration::from_secs(86_400);
const TOKENS: &str = "/v1/organizations/acme/tokens";

fn starting(
    database: Option<&String>,
    (minor, keys): (u64, NewKeys),
) -> impl FnOnce(&mut ControlConfig) {
    move |config| {
        config.upgrades = Upgrades {
            version: Version::new(1, minor, 0),
            keys,
        };
        config.registry = Some(registry());
        config.proxy_secrets = vec![Secret::new(authorization::SECRET.to_owned())];
        if let Some(database) = database {
            config.database.clone_from(database);
        }
    }
}

/// A token of each kind that others believe by a key, and those that control judges itself.
struct Held {
    cookie: String,
    api: String,
    /// Access, API, direct and `id_token`, and the registry's and that of `/v1/authorization`, which the legacy key
    /// signs.
    all: Vec<(&'static str, String)>,
}

impl Held {
    async fn by(f: &Fixture) -> Self {
        let cookie = f.login("owner@example.com").await;
        let code = f.cli_code(&cookie).await;
        let answer = f.cli_exchange(&code).await.expect(200).json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let access = text(&answer["access_token"]);
        let make = async |body: Value| {
            let made = f.call("POST", TOKENS, &access, Some(body)).await;
            text(&made.expect(201).json()["token"])
        };
        let name = format!("t{}", f.clock_now().millis());
        let api = make(json!({"name": name, "role": "ORGANIZATION_OWNER"})).await;
        let direct = json!({"name": format!("{name}d"), "scope": "ORGANIZATION", "kind": "DIRECT_ACCESS",
            "tokenExpiryPeriodInDays": 30});
        let direct = make(direct).await;
        let image = asked(f, &api).await.expect(200).json();
        let checked = checked(f, &api).await.expect(200);
        Self {
            cookie,
            all: vec![
                ("access", access),
                ("api", api.clone()),
                ("direct", direct),
                ("id", text(&answer["id_token"])),
                ("registry", text(&image["token"])),
                ("authorization", authorization::given(&checked).to_owned()),
            ],
            api,
        }
    }

    /// Which kinds can still be verified by whoever reads what control and the planes' snapshots show.
    async fn verifiable(&self, f: &Fixture, told: &str) -> Vec<&'static str> {
        let set = f.get("/.well-known/jwks.json").await.expect(200).text();
        let legacy = f.get("/v2/.well-known/jwks.json").await.expect(200).text();
        let bare = f.get("/v1/.well-known/jwks.json").await.expect(200).text();
        let bare = PublicKey::from_jwk_json(&bare).unwrap();
        let still = self.all.iter().filter(|(kind, token)| {
            if *kind == "authorization" {
                // As an application of the original does it: by the one key that it fetches.
                let token = jws::parse(token.as_bytes()).unwrap();
                return token.verify(Kind::Legacy, &bare).is_ok();
            }
            let kid = kid(token);
            let where_ = match *kind {
                "access" | "api" | "direct" => told,
                "registry" => &legacy,
                _ => &set,
            };
            where_.contains(&kid)
        });
        still.map(|(kind, _)| *kind).collect()
    }

    /// Whether control takes the cookie, the access token, the API token, and that at the endpoints for a registry and for proxies.
    async fn taken(&self, f: &Fixture) -> [bool; 5] {
        let page = f.visit(&Fixture::cli_authorize(""), &self.cookie).await;
        let me = async |bearer: &str| f.call("GET", "/v1/me", bearer, None).await.status == 200;
        [
            page.param("code").is_some(),
            me(&self.all[0].1).await,
            me(&self.api).await,
            asked(f, &self.api).await.status == 200,
            checked(f, &self.api).await.status == 200,
        ]
    }
}

const EVERY: [&str; 6] = ["access", "api", "direct", "id", "registry", "authorization"];

fn kid(token: &str) -> String {
    if let Ok(token) = jws::parse(token.as_bytes()) {
        return Kid::to_string(&token.kid());
    }
    // The registry's has a certificate in its header.
    let header = token.split('.').next().unwrap();
    let header = URL_SAFE_NO_PAD.decode(header).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

async fn asked(f: &Fixture, password: &str) -> Answer {
    let path = "/v1/registry/authorization?service=docker-registry&scope=";
    let path = format!("{path}{}", both(ETL));
    let basic = format!("Basic {}", STANDARD.encode(format!("user:{password}")));
    f.call_with(("GET", &path), "", &[("authorization", &basic)], None)
        .await
}

/// What a proxy of the original is answered about a request with a token.
async fn checked(f: &Fixture, token: &str) -> Answer {
    let bearer = [("authorization", token)];
    authorization::ask(f, "GET /api/v2/dags", &bearer).await
}

/// The keys that planes are told: those that there are, as [`crate::upgrades`] shows.
async fn told(f: &Fixture) -> String {
    let store = f.store().await;
    let mut view = store.read().await.unwrap();
    let keys = view.keys().list().await.unwrap().into_iter();
    keys.map(|key| key.public_jwk).collect()
}

async fn h2_two_upgrades_end_no_token_of_any_kind(database: Option<String>) {
    let of = database.as_ref();
    let f = Fixture::configured("staged-none", starting(of, (1, NewKeys::None))).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let held = Held::by(&f).await;
    let certificate = f.get("/v1/.well-known/jwks.json").await.expect(200).json();
    for minor in [2, 3] {
        let newer = f.replica(starting(of, (minor, NewKeys::None))).await;
        let keys = told(&f).await;
        assert_eq!(held.verifiable(&newer, &keys).await, EVERY);
        assert_eq!(held.taken(&newer).await, [true; 5]);
        let after = newer.get("/v1/.well-known/jwks.json").await.expect(200);
        assert_eq!(after.json(), certificate, "the certificate is kept");
        let next = listed(&newer, &admin).await["nextUpgrade"].clone();
        assert_eq!(next, json!({"keys": "kept"}));
    }
}

async fn h2_an_upgrade_with_the_flag_ends_every_kind_of_token_and_has_said_so(
    database: Option<String>,
) {
    let of = database.as_ref();
    let f = Fixture::configured("staged-all", starting(of, (1, NewKeys::AtOnce))).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let held = Held::by(&f).await;
    let said = listed(&f, &admin).await["nextUpgrade"].clone();
    assert_eq!(said["keys"], "replaced");
    let ends = &said["ends"];
    let sessions = ends["sessions"].as_u64().unwrap();
    assert!(sessions >= 2, "the administrator's and the owner's: {said}");
    let counts = ["apiTokens", "directTokens", "organizations"].map(|name| ends[name].clone());
    assert_eq!(counts, [json!(1), json!(1), json!(1)]);
    let purposes = ["access", "api", "direct", "id", "status", "legacy"];
    assert_eq!(ends["purposes"], json!(purposes));

    let newer = f.replica(starting(of, (2, NewKeys::AtOnce))).await;
    let [line] = newer
        .audited(Action::KeysRegenerate)
        .await
        .try_into()
        .unwrap();
    let line = serde_json::to_string(&line).unwrap();
    for count in ["sessions", "apiTokens", "directTokens", "organizations"] {
        assert!(line.contains(count), "{line}");
    }
    assert_eq!(held.taken(&newer).await, [false; 5]);
    f.clock.advance(Duration::from_secs(2));
    let keys = told(&newer).await;
    assert!(held.verifiable(&newer, &keys).await.is_empty());
    let fresh = Held::by(&newer).await;
    assert_eq!(fresh.taken(&newer).await, [true; 5]);
    let keys = told(&newer).await;
    assert_eq!(fresh.verifiable(&newer, &keys).await, EVERY);
}

async fn h2_a_staged_upgrade_gives_new_keys_and_ends_nothing(database: Option<String>) {
    let of = database.as_ref();
    let f = Fixture::configured("staged", starting(of, (1, NewKeys::Staged))).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let held = Held::by(&f).await;
    let before = listed(&f, &admin).await;
    assert_eq!(before["nextUpgrade"], json!({"keys": "announced"}));
    // One that is announced already stays the next one.
    let rotated = f.call("POST", "/v1/keys/id/rotate", &admin, None).await;
    let own = kids(&rotated.expect(200).json(), "id", "announced");

    let (one, two) = tokio::join!(
        f.replica(starting(of, (2, NewKeys::Staged))),
        f.replica(starting(of, (2, NewKeys::Staged))),
    );
    let all = listed(&one, &admin).await;
    let purposes = ["access", "api", "direct", "id", "status", "legacy"];
    for purpose in purposes {
        let next = kids(&all, purpose, "announced");
        assert_eq!(next.len(), 1, "{purpose}: {all}");
        assert_eq!(
            kids(&all, purpose, "active"),
            kids(&before, purpose, "active")
        );
    }
    assert_eq!(kids(&all, "id", "announced"), own);
    assert!(kids(&all, "snapshot", "announced").is_empty());
    // A gate that is cut off from now on serves for seven days: no key signs earlier that it doesn't know.
    let due = f.clock.now().plus(7 * DAY).secs();
    let [api] = kids(&all, "api", "announced").try_into().unwrap();
    let next = &crate::keys::key(&all, &api)["next"];
    assert_eq!(
        next["atTheLatest"].as_i64().or(next["at"].as_i64()),
        Some(due)
    );
    assert_eq!(next["at"], due);
    for f in [&one, &two] {
        assert_eq!(held.taken(f).await, [true; 5]);
        assert!(f.audited(Action::KeysRegenerate).await.is_empty());
    }
    let keys = told(&f).await;
    assert_eq!(held.verifiable(&one, &keys).await, EVERY);

    // It takes over by itself, and what was signed before stays good for as long as it lasts.
    f.clock.advance(7 * DAY);
    let admin = one.admin().await;
    let over = |answer: &Answer| kids(&answer.json(), "api", "active") == [api.clone()];
    one.until("/v1/keys", || admin.clone(), over).await;
    let [cookie, _, token, image, checked] = held.taken(&one).await;
    assert!(cookie && token && image && checked);
    // One that starts now signs with the new keys, and the others take what it signs.
    let three = f.replica(starting(of, (2, NewKeys::Staged))).await;
    let fresh = Held::by(&three).await;
    assert_eq!(kid(&fresh.api), api);
    assert_eq!(fresh.taken(&f).await, [true; 5]);
}
