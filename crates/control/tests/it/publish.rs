//! What planes are told, verified as a gate verifies it.

use std::collections::HashMap;
use std::time::Duration;

use aeolus_api::plane::ManifestAnswer;
use aeolus_model::{Clock as _, OrganizationId, PermissionSet, Role};
use aeolus_snapshot::{
    Digest, Evidence, Manifest, Position, Root, Snapshot, Trust, verify_freshness,
};
use aeolus_store::{Store, Unit as _};
use serde_json::json;

use crate::fixture::{Answer, Fixture, Gate, config};
use crate::provider::deployment;

const TOKENS: &str = "/v1/organizations/acme/tokens";

/// A gate's view: polls, fetches what is missing, verifies.
pub(crate) struct Reader {
    pub(crate) gate: Gate,
    pub(crate) root: Root,
    pub(crate) position: Option<Position>,
    /// The last manifest.
    pub(crate) manifest: String,
    blobs: HashMap<Digest, Vec<u8>>,
    /// Blobs that had to be asked for.
    pub(crate) fetched: usize,
    records: u64,
}

/// Whether anybody is granted exactly this at one place, as a gate is told.
pub(crate) fn told(snapshot: &Snapshot, set: PermissionSet) -> bool {
    let mut grants = snapshot.sections().grants.grants.iter();
    grants.any(|grant| PermissionSet::from_bytes(&grant.permissions) == set)
}

impl Reader {
    pub(crate) async fn new(f: &Fixture, admin: &str) -> Self {
        let gate = f.join(admin, "eu-1").await;
        Self {
            root: Root::parse(&gate.root).unwrap(),
            gate,
            position: None,
            manifest: String::new(),
            blobs: HashMap::new(),
            fetched: 0,
            records: 0,
        }
    }

    /// The same gate, which has lost what it had on its disk.
    pub(crate) fn emptied(self) -> Self {
        Self {
            position: None,
            manifest: String::new(),
            blobs: HashMap::new(),
            records: 0,
            ..self
        }
    }

    pub(crate) async fn poll(&mut self, f: &Fixture, wait: u64) -> ManifestAnswer {
        self.ask(f, wait).await.expect(200).of()
    }

    /// The answer to a poll.
    pub(crate) async fn ask(&self, f: &Fixture, wait: u64) -> Answer {
        let mut path = format!("/v1/planes/self/manifest?wait={wait}&root=1");
        if let Some(p) = self.position {
            path = format!(
                "{path}&after={}.{}&records={}",
                p.epoch, p.seq, self.records
            );
        }
        f.call("GET", &path, &f.assertion(&self.gate), None).await
    }

    pub(crate) async fn read(&mut self, f: &Fixture) -> Snapshot {
        let answer = self.poll(f, 10).await;
        self.take(f, answer).await.expect("news")
    }

    /// What is in force after an answer of the API, whatever else is published before.
    pub(crate) async fn read_after(&mut self, f: &Fixture, answer: &Answer) -> Snapshot {
        let seq = answer.json()["seq"].as_u64().expect("a position");
        loop {
            let snapshot = self.read(f).await;
            if snapshot.manifest().position.seq >= seq {
                return snapshot;
            }
        }
    }

    /// What an answer brings, if it brings something.
    pub(crate) async fn take(&mut self, f: &Fixture, answer: ManifestAnswer) -> Option<Snapshot> {
        let manifest = answer.manifest?;
        for (digest, bytes) in answer.blobs {
            self.blobs.insert(digest.parse().unwrap(), bytes.0);
        }
        let trust = Trust {
            root: &self.root,
            plane: self.gate.plane,
            floor: self.position,
        };
        loop {
            let missing = std::cell::RefCell::new(None);
            let find = |digest: &Digest| {
                let found = self.blobs.get(digest).cloned();
                if found.is_none() {
                    *missing.borrow_mut() = Some(*digest);
                }
                found
            };
            let verified = Snapshot::verify(&trust, &manifest, &find, f.clock.now());
            if let Some(digest) = missing.into_inner() {
                let path = format!("/v1/planes/self/sections/{digest}");
                let blob = f.call("GET", &path, &f.assertion(&self.gate), None).await;
                self.blobs.insert(digest, blob.expect(200).body);
                self.fetched += 1;
                continue;
            }
            let snapshot = verified.unwrap();
            let at = verify_freshness(&self.root, self.gate.plane, &answer.freshness).unwrap();
            assert_eq!(at.position, snapshot.position());
            self.position = Some(snapshot.position());
            self.records = snapshot.manifest().records();
            self.manifest = manifest;
            return Some(snapshot);
        }
    }

    /// What an organization has revoked, as control has signed it.
    pub(crate) fn evidence(&self, organization: OrganizationId) -> Evidence {
        let (opened, _) = Manifest::open(&self.root, self.gate.plane, &self.manifest).unwrap();
        let find = |digest: &Digest| self.blobs.get(digest).cloned();
        Evidence::new(organization, (&self.manifest, &opened), &find).unwrap()
    }

    /// Reads until the snapshot fits, within a deadline.
    pub(crate) async fn until(
        &mut self,
        f: &Fixture,
        fits: impl Fn(&Snapshot) -> bool,
    ) -> Snapshot {
        let work = async {
            loop {
                let answer = self.poll(f, 10).await;
                if let Some(snapshot) = self.take(f, answer).await
                    && fits(&snapshot)
                {
                    return snapshot;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), work)
            .await
            .expect("in time")
    }
}

#[tokio::test]
async fn a_plane_is_told_what_reaches_its_deployments_and_nothing_else() {
    let f = Fixture::new("publish").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    let snapshot = reader
        .until(&f, |s| !s.sections().deployments.deployments.is_empty())
        .await;
    let sections = snapshot.sections();
    let [deployment] = sections.deployments.deployments.as_slice() else {
        panic!("one deployment");
    };
    assert_eq!(
        (deployment.name.as_str(), deployment.routes[0].host.as_str()),
        ("acme/sales/etl", "etl.example.com")
    );
    let mut emails: Vec<_> = sections
        .subjects
        .subjects
        .iter()
        .map(|s| s.email.as_str())
        .collect();
    emails.sort_unstable();
    assert_eq!(
        emails,
        [
            "admin@example.com",
            "eve@example.com",
            "member@example.com",
            "owner@example.com"
        ]
    );
    assert_eq!(sections.subjects.teams[0].name, "data");
    let kinds: Vec<_> = sections.keys.keys.iter().map(|k| k.kind.as_str()).collect();
    assert!(
        ["access", "api", "id"]
            .iter()
            .all(|kind| kinds.contains(kind)),
        "{kinds:?}"
    );
    let viewer = Role::DeploymentViewer.shipped();
    let granted = sections
        .grants
        .grants
        .iter()
        .any(|g| PermissionSet::from_bytes(&g.permissions) == viewer);
    assert!(granted);
    assert_eq!(sections.revocations.len(), 1);
    // Another plane sees none of it, not even by its hash.
    let other = f.join(&admin, "us-1").await;
    f.until(
        "/v1/planes/self/manifest?wait=0",
        || f.assertion(&other),
        |a| a.status == 200,
    )
    .await;
    let mut refused = 0;
    for digest in reader.blobs.keys() {
        let path = format!("/v1/planes/self/sections/{digest}");
        let blob = f.call("GET", &path, &f.assertion(&other), None).await;
        refused += usize::from(blob.status == 404);
    }
    // Its own sections are equal where both are empty or fleet-wide: keys, connections.
    assert!(refused >= 3, "{refused} of {}", reader.blobs.len());
}

#[tokio::test]
async fn f18_a_deleted_token_is_revoked_in_one_round_trip() {
    let f = Fixture::new("revoke").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    reader.read(&f).await;
    let owner = f.token_of("owner@example.com").await;
    let body = json!({"name": "ci", "role": "ORGANIZATION_OWNER"});
    let made = f
        .call("POST", TOKENS, &owner, Some(body))
        .await
        .expect(201)
        .json();
    let id = made["id"].as_str().unwrap();
    let has = |s: &Snapshot| {
        s.sections()
            .subjects
            .subjects
            .iter()
            .any(|s| s.name == "ci")
    };
    reader.until(&f, has).await;
    reader.fetched = 0;
    let path = format!("{TOKENS}/{id}");
    let revoked = |s: &Snapshot| {
        let lists = s.sections().revocations.values();
        lists.flat_map(|r| &r.status).any(|byte| *byte != 0)
    };
    let waiting = reader.until(&f, revoked);
    let (snapshot, answer) = tokio::join!(waiting, f.call("DELETE", &path, &owner, None));
    let seq = answer.expect(200).json()["seq"].as_u64().unwrap();
    assert!(snapshot.position().seq >= seq);
    assert!(!has(&snapshot));
    assert_eq!(reader.fetched, 0, "it travelled with the manifest");
}

#[tokio::test]
async fn wait_for_planes_names_those_that_have_not_answered() {
    let f = Fixture::new("wait").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    reader.read(&f).await;
    let owner = f.token_of("owner@example.com").await;
    let body = || Some(json!({"name": "ci", "role": "ORGANIZATION_MEMBER"}));
    let path = format!("{TOKENS}?wait=planes");
    let alone = f
        .call("POST", &path, &owner, body())
        .await
        .expect(201)
        .json();
    assert_eq!(alone["planes"]["unconfirmed"][0]["name"], "eu-1");
    let done = tokio_util::sync::CancellationToken::new();
    let polling = async {
        loop {
            tokio::select! {
                () = done.cancelled() => return,
                snapshot = reader.read(&f) => drop(snapshot),
            }
        }
    };
    let asking = async {
        let answer = f
            .call("POST", &path, &owner, body())
            .await
            .expect(201)
            .json();
        done.cancel();
        answer
    };
    let (answer, ()) = tokio::join!(asking, polling);
    assert_eq!(answer["planes"]["applied"][0]["name"], "eu-1", "{answer}");
    f.call("POST", &format!("{TOKENS}?wait=x"), &owner, body())
        .await
        .expect(422);
}

#[tokio::test]
async fn an_ended_session_is_told_to_the_planes_it_was_used_on() {
    let f = Fixture::new("ended").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    reader.read(&f).await;
    let deployment = deployment(&f, &admin).await;
    let cookie = f.login("eve@example.com").await;
    f.gate_sign_in(&reader.gate, &deployment, &cookie)
        .await
        .expect(200);
    let headers = [("cookie", cookie.as_str()), ("origin", crate::fixture::ISS)];
    f.form("/logout", &[], &headers).await.expect(303);
    let ended = |s: &Snapshot| {
        s.sections()
            .revocations
            .values()
            .any(|r| !r.sessions.is_empty())
    };
    reader.until(&f, ended).await;
}

#[tokio::test]
async fn a_poll_without_news_ends_with_a_signed_statement() {
    let f = Fixture::new("quiet").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    reader.read(&f).await;
    // The last of several publications at the start may still be on its way.
    while reader.poll(&f, 1).await.manifest.is_some() {
        reader.read(&f).await;
    }
    f.clock.advance(Duration::from_secs(5));
    let answer = reader.poll(&f, 0).await;
    assert_eq!(answer.manifest, None);
    assert_eq!(answer.root, None);
    let statement = verify_freshness(&reader.root, reader.gate.plane, &answer.freshness).unwrap();
    assert_eq!(statement.at.secs(), f.clock.now().secs());
    assert_eq!(statement.as_of, statement.at);
    assert_eq!(Some(statement.position), reader.position);
}

#[tokio::test]
async fn while_the_publisher_is_behind_nothing_is_called_fresh() {
    let f = Fixture::new("behind").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let (control, stopped) = (f.control.clone(), stop.clone());
    let working = tokio::spawn(async move { Box::pin(control.work(stopped)).await });
    let mut reader = Reader::new(&f, &admin).await;
    reader.read(&f).await;
    while reader.poll(&f, 1).await.manifest.is_some() {
        reader.read(&f).await;
    }
    stop.cancel();
    working.await.unwrap();
    let before = f.clock.now().secs();
    f.clock.advance(Duration::from_secs(600));
    let body = json!({"name": "globex"});
    f.call("POST", "/v1/organizations", &admin, Some(body))
        .await
        .expect(201);
    let answer = reader.poll(&f, 0).await;
    let statement = verify_freshness(&reader.root, reader.gate.plane, &answer.freshness).unwrap();
    assert_eq!(
        (statement.at.secs(), statement.as_of.secs()),
        (f.clock.now().secs(), before),
        "a stuck publisher must make gates old, not blind"
    );
}

#[tokio::test]
async fn a_poll_with_a_wrong_parameter_is_refused() {
    let f = Fixture::new("wrong").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let reader = Reader::new(&f, &admin).await;
    for bad in ["after=x", "after=%2B1.2", "wait=x", "root=-1"] {
        let path = format!("/v1/planes/self/manifest?{bad}");
        f.call("GET", &path, &f.assertion(&reader.gate), None)
            .await
            .expect(422);
    }
}

/// Each poll once held one connection to the database while it waited for another.
#[tokio::test]
async fn f50_many_gates_that_ask_at_once_are_all_answered_at_once() {
    const GATES: usize = 64;
    let f = std::sync::Arc::new(Fixture::new("herd").await);
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    reader
        .until(&f, |s| !s.sections().deployments.deployments.is_empty())
        .await;
    let started = tokio::time::Instant::now();
    let mut polls = tokio::task::JoinSet::new();
    for _ in 0..GATES {
        let (f, bearer) = (std::sync::Arc::clone(&f), f.assertion(&reader.gate));
        polls.spawn(async move {
            let path = "/v1/planes/self/manifest?wait=0&root=1";
            f.call("GET", path, &bearer, None).await.expect(200)
        });
    }
    for answer in polls.join_all().await {
        assert!(answer.of::<ManifestAnswer>().manifest.is_some());
    }
    // The database's own deadline, after which those that waited for each other were refused.
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn f43_a_plane_that_cannot_be_told_has_an_alarm_until_it_can() {
    let f = Fixture::new("failing").await;
    let admin = f.admin().await;
    f.fleet(&admin).await;
    f.work();
    let mut reader = Reader::new(&f, &admin).await;
    reader.read(&f).await;
    let url = config(f.dir.path()).database;
    let store = Store::connect(&url.parse().unwrap()).await.unwrap();
    let put = async |text: &str| {
        let mut write = store.write().await.unwrap();
        write.settings().put("lost-times", text).await.unwrap();
        write.commit().await.unwrap();
    };
    put("no list").await;
    let body = json!({"name": "globex"});
    f.call("POST", "/v1/organizations", &admin, Some(body))
        .await
        .expect(201);
    let failed = |a: &Answer| a.text().contains("the last try to publish failed");
    f.until("/v1/planes/eu-1", || admin.clone(), failed).await;
    put("[]").await;
    let well = |a: &Answer| a.json()["alarm"].is_null();
    f.until("/v1/planes/eu-1", || admin.clone(), well).await;
}
