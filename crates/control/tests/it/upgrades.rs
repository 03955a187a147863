//! A newer version starts on a database: what the flag of the original's `regenerateCaEachUpgrade` does
//! (row H2), and that nothing happens without it.

use aeolus_api::oauth::TokenAnswer;
use aeolus_control::{ControlConfig, NewKeys, Upgrades};
use aeolus_keys::jws;
use aeolus_model::{Action, Clock as _};
use aeolus_store::{Page, Store, Unit as _};
use semver::Version;
use serde_json::json;

use crate::engines::on_every_engine;
use crate::fixture::Fixture;
use crate::keys::{kids, listed};
use crate::publish::Reader;

on_every_engine! {
    h2_an_upgrade_ends_nothing_by_itself,
    h2_an_upgrade_with_the_flag_ends_whatever_was_issued_before,
    h2_of_replicas_that_start_at_once_one_replaces_the_keys,
}

const PURPOSES: [&str; 6] = ["access", "api", "direct", "id", "status", "snapshot"];

fn version(minor: u64, at_once: bool) -> Upgrades {
    let keys = if at_once {
        NewKeys::AtOnce
    } else {
        NewKeys::None
    };
    Upgrades {
        version: Version::new(1, minor, 0),
        keys,
    }
}

/// Starts a version on a database.
fn starting(database: Option<&String>, upgrades: Upgrades) -> impl FnOnce(&mut ControlConfig) {
    move |config| {
        config.upgrades = upgrades;
        if let Some(database) = database {
            config.database.clone_from(database);
        }
    }
}

/// What somebody holds.
struct Held {
    cookie: String,
    access: String,
    refresh: String,
    token: String,
}

impl Held {
    async fn by(f: &Fixture, email: &str) -> Self {
        let cookie = f.login(email).await;
        let url =
            Fixture::cli_authorize("").replace("scope=openid", "scope=openid%20offline_access");
        let code = f.visit(&url, &cookie).await.expect(303).param("code");
        let answer: TokenAnswer = f.cli_exchange(&code.unwrap()).await.expect(200).of();
        let body = json!({"name": "ci", "role": "ORGANIZATION_MEMBER"});
        let path = "/v1/organizations/acme/tokens";
        let made = f
            .call("POST", path, &answer.access_token, Some(body))
            .await
            .expect(201);
        Self {
            cookie,
            access: answer.access_token,
            refresh: answer.refresh_token.unwrap(),
            token: made.json()["token"].as_str().unwrap().to_owned(),
        }
    }

    /// Which of it a control plane takes: the cookie, the access token, the refresh token, the API token.
    async fn taken(&self, f: &Fixture) -> [bool; 4] {
        let page = f.visit(&Fixture::cli_authorize(""), &self.cookie).await;
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", self.refresh.as_str()),
            ("client_id", "aeolus-cli"),
        ];
        let refreshed = f.form("/oauth2/token", &fields, &[]).await;
        let me = async |bearer: &str| f.call("GET", "/v1/me", bearer, None).await.status == 200;
        [
            page.param("code").is_some(),
            me(&self.access).await,
            refreshed.status == 200,
            me(&self.token).await,
        ]
    }
}

async fn active(f: &Fixture, admin: &str) -> Vec<String> {
    let all = listed(f, admin).await;
    PURPOSES
        .iter()
        .flat_map(|purpose| kids(&all, purpose, "active"))
        .collect()
}

async fn regenerations(url: &str) -> usize {
    let store = Store::connect(&url.parse().unwrap()).await.unwrap();
    let mut view = store.read().await.unwrap();
    let lines = view.audit_log().list(None, Page::first(10_000)).await;
    let lines = lines.unwrap().items.into_iter();
    lines
        .filter(|line| line.event.action == Action::KeysRegenerate)
        .count()
}

fn url(f: &Fixture, database: Option<&String>) -> String {
    let embedded = format!("sqlite:{}", f.dir.path().join("control.db").display());
    database.cloned().unwrap_or(embedded)
}

async fn h2_an_upgrade_ends_nothing_by_itself(database: Option<String>) {
    let of = database.as_ref();
    let f = Fixture::configured("upgrade", starting(of, version(1, false))).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let held = Held::by(&f, "owner@example.com").await;
    let before = active(&f, &admin).await;
    let newer = f.replica(starting(of, version(2, false))).await;
    assert_eq!(held.taken(&newer).await, [true; 4]);
    assert_eq!(active(&newer, &admin).await, before);
    // The flag is about the next upgrade, not about this start, and going back is none.
    let same = f.replica(starting(of, version(2, true))).await;
    let older = f.replica(starting(of, version(1, true))).await;
    let again = f.replica(starting(of, version(2, true))).await;
    for f in [&same, &older, &again] {
        assert_eq!(active(f, &admin).await, before);
    }
    assert_eq!(regenerations(&url(&f, of)).await, 0);
}

async fn h2_an_upgrade_with_the_flag_ends_whatever_was_issued_before(database: Option<String>) {
    let of = database.as_ref();
    let f = Fixture::configured("upgrade-all", starting(of, version(1, true))).await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    let held = Held::by(&f, "owner@example.com").await;
    // One that has retired, too, would still be believed.
    let at_once = json!({"activateIn": "0s", "regardless": true});
    let rotated = f.call("POST", "/v1/keys/api/rotate", &admin, Some(at_once));
    rotated.await.expect(200);
    assert_eq!(held.taken(&f).await, [true; 4]);
    let held = Held::by(&f, "owner@example.com").await;
    let before = active(&f, &admin).await;

    let newer = f.replica(starting(of, version(2, true))).await;
    assert_eq!(held.taken(&newer).await, [false; 4]);
    let at = f.clock.now().secs();
    f.clock.advance(std::time::Duration::from_secs(2));
    // Planes are told of the new keys and of an end to everything before, by whichever replica tells them.
    reader
        .until(&f, |snapshot| {
            let lists = &snapshot.sections().revocations;
            lists.values().all(|list| list.not_before == at + 1)
                && !before[..3].iter().any(|kid| {
                    let keys = &snapshot.sections().keys.keys;
                    keys.iter().any(|key| key.jwk.contains(kid.as_str()))
                })
        })
        .await;
    let admin = newer.admin().await;
    let all = listed(&newer, &admin).await;
    let after = active(&newer, &admin).await;
    assert!(after[..5].iter().all(|kid| !before.contains(kid)));
    assert_eq!(after[5], before[5], "root documents name the snapshot key");
    assert!(kids(&all, "api", "retired").is_empty());
    assert_eq!(regenerations(&url(&f, of)).await, 1);
    let fresh = Held::by(&newer, "owner@example.com").await;
    assert_eq!(fresh.taken(&newer).await, [true; 4]);
    // A token keeps its name and its roles, and needs a new value.
    let id = jws::parse(held.token.as_bytes()).unwrap();
    let id: serde_json::Value = id.unverified_claims().unwrap();
    let path = format!(
        "/v1/organizations/acme/tokens/{}/rotate",
        id["sub"].as_str().unwrap()
    );
    let owner = newer.token_of("owner@example.com").await;
    let rotated = newer.call("POST", &path, &owner, None).await.expect(200);
    let value = rotated.json()["token"].as_str().unwrap().to_owned();
    newer.call("GET", "/v1/me", &value, None).await.expect(200);
    let restarted = f.replica(starting(of, version(2, true))).await;
    assert_eq!(active(&restarted, &admin).await, after);
}

async fn h2_of_replicas_that_start_at_once_one_replaces_the_keys(database: Option<String>) {
    let of = database.as_ref();
    let f = Fixture::configured("upgrade-twice", starting(of, version(1, true))).await;
    let (one, two) = tokio::join!(
        f.replica(starting(of, version(2, true))),
        f.replica(starting(of, version(2, true))),
    );
    assert_eq!(regenerations(&url(&f, of)).await, 1);
    let admin = one.admin().await;
    assert_eq!(active(&one, &admin).await, active(&two, &admin).await);
}
