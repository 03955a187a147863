//! Power that is taken away while it is used: over HTTP, against two served replicas, on either database.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aeolus_api::client::{Client, ClientError, Wait};
use aeolus_api::token::{TokenCreated, TokenRotate};
use aeolus_control::serve;
use aeolus_model::{Secret, TokenId};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::engines::on_every_engine;
use crate::fixture::{Fixture, ISS, config, quiet};

const ACME: &str = "/v1/organizations/acme";
const MAKERS: usize = 50;

on_every_engine! {
    a11_what_is_made_after_its_makers_role_was_narrowed_holds_no_more,
    a11_what_is_made_after_its_makers_grant_was_taken_holds_no_more,
}

/// An organization in which Eve may make tokens of a workspace, by a role of its own.
struct Race {
    f: Fixture,
    owner: String,
    workspace: Value,
    grant: String,
    urls: [String; 2],
    stop: CancellationToken,
}

impl Drop for Race {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn builder(permissions: &[&str]) -> Value {
    json!({"name": "builder", "scope": "WORKSPACE", "permissions": permissions})
}

const WIDE: [&str; 6] = [
    "workspace.config.get",
    "workspace.serviceAccounts.get",
    "workspace.serviceAccounts.create",
    "workspace.serviceAccounts.update",
    "deployment.airflow.get",
    "deployment.airflow.user",
];

impl Race {
    async fn new(name: &str, database: Option<String>) -> Self {
        let mut url = String::new();
        let f = Fixture::configured(name, |config| {
            if let Some(database) = database {
                config.database = database;
            }
            url.clone_from(&config.database);
        })
        .await;
        let admin = f.admin().await;
        f.fleet(&admin).await;
        let owner = f.token_of("owner@example.com").await;
        let roles = format!("{ACME}/roles");
        let runner = json!({"name": "runner", "scope": "WORKSPACE", "permissions":
            ["workspace.config.get", "deployment.airflow.get", "deployment.airflow.user"]});
        for role in [builder(&WIDE), runner] {
            f.call("POST", &roles, &owner, Some(role)).await.expect(201);
        }
        let found = async |list: &str, key: &str, value: &str| {
            let path = format!("{ACME}/{list}");
            let list = f.call("GET", &path, &owner, None).await.expect(200).json();
            let items = list["items"].as_array().unwrap().clone();
            let found = items.into_iter().find(|item| item[key] == value);
            found.unwrap()["id"].clone()
        };
        let workspace = found("workspaces", "name", "sales").await;
        let eve = found("users", "email", "eve@example.com").await;
        let grant = json!({"role": "builder", "subject": {"type": "user", "id": eve},
            "resource": {"type": "workspace", "id": workspace}});
        let path = format!("{ACME}/grants");
        let grant = f.call("POST", &path, &owner, Some(grant)).await.expect(201);
        let grant = grant.json()["id"].as_str().unwrap().to_owned();
        let stop = CancellationToken::new();
        let urls = [served(&f, &url, &stop).await, served(&f, &url, &stop).await];
        Self {
            f,
            owner,
            workspace,
            grant,
            urls,
            stop,
        }
    }

    fn client(&self, number: usize, bearer: &str) -> Client {
        let client = Client::new(&self.urls[number % 2]).unwrap();
        client.with_bearer(Secret::new(bearer.to_owned()))
    }

    /// Many make and rotate tokens until they are refused; in the middle something is taken away. Nothing of
    /// what was done after that was done.
    async fn run(&self, narrow: impl Future<Output = u64>) {
        let eve = self.f.token_of("eve@example.com").await;
        let done: Arc<Mutex<Vec<u64>>> = Arc::default();
        let mut makers = JoinSet::new();
        for number in 0..MAKERS {
            let client = self.client(number, &eve);
            let (done, workspace) = (Arc::clone(&done), self.workspace.clone());
            makers.spawn(async move {
                let mut made = None;
                loop {
                    match deed(&client, &workspace, made).await {
                        Ok(token) => {
                            done.lock().unwrap().push(token.seq);
                            made = made.is_none().then_some(token.record.id);
                        }
                        // What may not even be seen any more is a 404.
                        Err(error) if matches!(error.status(), Some(403 | 404)) => return,
                        // Whoever loses a race is told to try again.
                        Err(error) if matches!(error.status(), Some(409 | 503)) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        let race = async {
            while done.lock().unwrap().len() < MAKERS {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let narrowed = narrow.await;
            makers.join_all().await;
            narrowed
        };
        let limit = Duration::from_secs(120);
        let narrowed = tokio::time::timeout(limit, race).await.expect("in time");
        let done = done.lock().unwrap().clone();
        let late: Vec<_> = done.iter().filter(|seq| **seq > narrowed).collect();
        assert!(late.is_empty(), "{narrowed}: {late:?}");
        assert!(done.len() >= MAKERS);
    }
}

/// Makes a token with all that Eve may give, or rotates one.
async fn deed(
    client: &Client,
    workspace: &Value,
    made: Option<TokenId>,
) -> Result<TokenCreated, ClientError> {
    let Some(id) = made else {
        let wanted = json!({"name": "t", "scope": "WORKSPACE", "entityId": workspace,
            "role": "runner"});
        let wanted = serde_json::from_value(wanted).unwrap();
        return client.create_token("acme", &wanted, Wait::No).await;
    };
    let wanted: TokenRotate = serde_json::from_value(json!({"grace": "0s"})).unwrap();
    let rotated = client.rotate_token("acme", id, (&wanted, Wait::No));
    rotated.await
}

/// Another replica of control over a socket; its URL.
async fn served(f: &Fixture, database: &str, stop: &CancellationToken) -> String {
    let mut config = config(f.dir.path());
    config.database = database.to_owned();
    config.public_url = Some(ISS.to_owned());
    let (ready, bound) = tokio::sync::oneshot::channel();
    let (clock, rng, stop) = (f.clock.clone(), f.rng.clone(), stop.clone());
    tokio::spawn(async move {
        let served = Box::pin(serve(config, clock, rng, (ready, quiet()), stop)).await;
        served.unwrap();
    });
    format!("http://{}", bound.await.unwrap().control.address())
}

async fn a11_what_is_made_after_its_makers_role_was_narrowed_holds_no_more(
    database: Option<String>,
) {
    let race = Race::new("a11-role", database).await;
    let narrow = async {
        let path = format!("{ACME}/roles/builder");
        // All but the last.
        let narrower = Some(builder(&WIDE[..5]));
        let changed = race.f.call("PUT", &path, &race.owner, narrower).await;
        changed.expect(200).json()["seq"].as_u64().unwrap()
    };
    race.run(narrow).await;
}

async fn a11_what_is_made_after_its_makers_grant_was_taken_holds_no_more(database: Option<String>) {
    let race = Race::new("a11-grant", database).await;
    let narrow = async {
        let path = format!("{ACME}/grants/{}", race.grant);
        let taken = race.f.call("DELETE", &path, &race.owner, None).await;
        taken.expect(200).json()["seq"].as_u64().unwrap()
    };
    race.run(narrow).await;
}
