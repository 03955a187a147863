//! Two owners are taken out of an organization at once, through two replicas: one stays (rows A9, D9).

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::engines::on_every_engine;
use crate::fixture::{Fixture, fleet};

const ACME: &str = "/v1/organizations/acme";
const BOTH: [&str; 2] = ["owner@example.com", "member@example.com"];
/// A race that is lost one time in two is seen.
const ROUNDS: usize = 6;

on_every_engine! {
    d9_of_two_owners_taken_out_at_once_one_stays,
    d9_of_two_owners_shown_out_at_once_one_stays,
    d9_of_two_owners_who_give_it_up_at_once_one_keeps_it,
    d9_of_two_owners_who_take_each_other_out_at_once_one_is_left,
}

struct World {
    f: Arc<Fixture>,
    admin: String,
    document: Value,
}

impl World {
    async fn new(name: &str, database: Option<String>) -> Self {
        let f = Arc::new(Fixture::pair(name, database).await);
        let admin = f.admin().await;
        let mut document = fleet();
        let users = &mut document["fleet"]["organizations"][0]["users"];
        users[1]["role"] = json!("ORGANIZATION_OWNER");
        let world = Self { f, admin, document };
        world.both_own().await;
        world
    }

    /// Makes both owners, again.
    async fn both_own(&self) {
        let document = Some(self.document.clone());
        let applied = self.f.call("POST", "/v1/apply", &self.admin, document);
        applied.await.expect(200);
        assert_eq!(self.owners().await.len(), 2);
    }

    /// The grants that make somebody an owner.
    async fn owners(&self) -> Vec<Value> {
        let path = format!("{ACME}/grants?limit=200");
        let list = self.f.call("GET", &path, &self.admin, None).await;
        let items = list.expect(200).json()["items"].clone();
        let mut items = items.as_array().unwrap().clone();
        items.retain(|grant| grant["role"] == "ORGANIZATION_OWNER");
        items
    }

    /// Sends both at once, each to another replica; in the order of the requests.
    async fn at_once(&self, requests: [(&'static str, String, String); 2]) -> [StatusCode; 2] {
        let mut tasks = JoinSet::new();
        for (n, (method, path, bearer)) in requests.into_iter().enumerate() {
            let f = self.f.clone();
            tasks.spawn(async move {
                let body = (method == "POST").then(|| json!({}));
                let answer = f.call(method, &path, &bearer, body).await;
                (n, answer.status)
            });
        }
        let mut answers = tasks.join_all().await;
        answers.sort_unstable();
        [answers[0].1, answers[1].1]
    }

    /// One was done, the other would have taken the last owner.
    async fn one_stays(&self, request: impl Fn(&str) -> (&'static str, String)) {
        for _ in 0..ROUNDS {
            let requests = BOTH.map(|who| {
                let (method, path) = request(who);
                (method, path, self.admin.clone())
            });
            let mut answers = self.at_once(requests).await;
            answers.sort_unstable();
            assert_eq!(answers, [StatusCode::OK, StatusCode::CONFLICT]);
            assert_eq!(self.owners().await.len(), 1);
            self.both_own().await;
        }
    }
}

async fn d9_of_two_owners_taken_out_at_once_one_stays(database: Option<String>) {
    let w = World::new("owners-delete", database).await;
    w.one_stays(|who| ("DELETE", format!("{ACME}/users/{who}")))
        .await;
}

async fn d9_of_two_owners_shown_out_at_once_one_stays(database: Option<String>) {
    let w = World::new("owners-offboard", database).await;
    w.one_stays(|who| ("POST", format!("{ACME}/users/{who}/offboard")))
        .await;
}

async fn d9_of_two_owners_who_give_it_up_at_once_one_keeps_it(database: Option<String>) {
    let w = World::new("owners-grants", database).await;
    for _ in 0..ROUNDS {
        let mut owners = w.owners().await.into_iter();
        let requests = [owners.next().unwrap(), owners.next().unwrap()].map(|grant| {
            let id = grant["id"].as_str().unwrap().to_owned();
            let user = grant["subject"]["id"].as_str().unwrap().to_owned();
            (id, user)
        });
        // Each of them asks to be owner no more.
        let mut asked = Vec::new();
        for (id, user) in requests {
            asked.push((
                "DELETE",
                format!("{ACME}/grants/{id}"),
                w.bearer_of(&user).await,
            ));
        }
        let mut answers = w.at_once(asked.try_into().unwrap()).await;
        answers.sort_unstable();
        assert_eq!(answers, [StatusCode::OK, StatusCode::CONFLICT]);
        assert_eq!(w.owners().await.len(), 1);
        w.both_own().await;
    }
}

/// Who was taken out first may take nobody out any more.
async fn d9_of_two_owners_who_take_each_other_out_at_once_one_is_left(database: Option<String>) {
    let w = World::new("owners-each-other", database).await;
    let [one, other] = BOTH;
    for _ in 0..ROUNDS {
        let mut requests = Vec::new();
        for (by, whom) in [(one, other), (other, one)] {
            let path = format!("{ACME}/users/{whom}");
            requests.push(("DELETE", path, w.f.token_of(by).await));
        }
        let mut answers = w.at_once(requests.try_into().unwrap()).await;
        answers.sort_unstable();
        assert_eq!(answers[0], StatusCode::OK);
        assert!(answers[1].is_client_error(), "{answers:?}");
        assert_eq!(w.owners().await.len(), 1);
        w.both_own().await;
        // What began in the second of a mark has ended with it.
        w.f.clock.advance(std::time::Duration::from_secs(2));
    }
}

impl World {
    async fn bearer_of(&self, user: &str) -> String {
        let path = format!("{ACME}/users?limit=200");
        let list = self.f.call("GET", &path, &self.admin, None).await;
        let items = list.expect(200).json()["items"].clone();
        let found = items.as_array().unwrap().iter().find(|u| u["id"] == user);
        let email = found.unwrap()["email"].as_str().unwrap();
        self.f.token_of(email).await
    }
}
