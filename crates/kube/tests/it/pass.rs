//! Passes against the double: what they leave, and what disturbs them.

use std::collections::BTreeSet;
use std::time::Duration;

use aeolus_kube::pass::{Done, Outcome, Syncer};
use aeolus_kube::sync::{Budget, DigestKey, Rules, SYNC, Settings, Step};
use aeolus_kube::{Access, Client};
use aeolus_model::{Clock, Time};
use aeolus_testkit::kube::KubeDouble;
use aeolus_testkit::{ManualClock, SeededRng};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

const HOME: &str = "astronomer";

struct World {
    double: KubeDouble,
    client: Client,
    clock: ManualClock,
    _folder: TempDir,
}

impl World {
    /// A platform with one source, and three namespaces of its release.
    async fn start() -> Self {
        let double = KubeDouble::start().await.expect("a double");
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, double.kubeconfig(None)).expect("a kubeconfig");
        let access = Access {
            kubeconfig: Some(path),
            context: None,
        };
        let client = Client::connect(access).await.expect("a client");
        let clock = ManualClock::new(Time::from_secs(1_800_000_000));
        let world = Self {
            double,
            client,
            clock,
            _folder: folder,
        };
        world.double.state().store.namespace(HOME, &[]);
        for name in ["a", "b", "c"] {
            world.label(name, "astro");
        }
        world.source("s", "AA==");
        world
    }

    fn label(&self, namespace: &str, release: &str) {
        self.double
            .state()
            .store
            .namespace(namespace, &[("platform-release", release)]);
    }

    fn source(&self, name: &str, value: &str) {
        let object = json!({"metadata": {"annotations": {SYNC: ""}}, "type": "Opaque", "data": {"k": value}});
        self.double.state().store.set("secrets", HOME, name, object);
    }

    fn syncer(&self) -> Syncer<'_> {
        Syncer {
            client: &self.client,
            namespace: HOME.to_owned(),
            targets: None,
            settings: Settings {
                rules: Rules {
                    release: Some("astro".to_owned()),
                    ..Rules::default()
                },
                budget: Budget::Careful,
                key: DigestKey::generate(&SeededRng::new("digest")),
                believe_marks: true,
            },
            clock: &self.clock as &dyn Clock,
            deadline: Instant::now() + Duration::from_secs(30),
        }
    }

    async fn pass(&self) -> Outcome {
        self.syncer().run().await.expect("a pass")
    }

    fn value(&self, namespace: &str, name: &str) -> Option<Value> {
        let state = self.double.state();
        let found = state.store.get("secrets", namespace, name);
        found.map(|found| found["data"]["k"].clone())
    }

    fn writes(&self) -> u64 {
        let state = self.double.state();
        let writes = state.requests.iter().filter(|((verb, resource), _)| {
            resource == "secrets"
                && ["create", "update", "patch", "delete"].contains(&verb.as_str())
        });
        writes.map(|(_, count)| count).sum()
    }

    /// Values of every copy, and nothing of when or how often they were written.
    fn copies(&self) -> Vec<(&'static str, Option<Value>, Option<Value>)> {
        let names = ["a", "b", "c"].into_iter();
        names
            .map(|name| (name, self.value(name, "s"), self.value(name, "t")))
            .collect()
    }
}

#[tokio::test]
async fn copies_are_made_and_then_nothing_is_written() {
    let world = World::start().await;
    assert!(world.pass().await.is_whole());
    assert_eq!(world.value("b", "s"), Some(json!("AA==")));
    assert_eq!(world.writes(), 3);
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(300));
        assert!(world.pass().await.is_whole());
    }
    let mut syncer = world.syncer();
    syncer.settings.believe_marks = false;
    assert!(syncer.run().await.expect("a pass").is_whole());
    assert_eq!(world.writes(), 3);
    let reads = world
        .double
        .state()
        .requests
        .get(&("get".to_owned(), "secrets".to_owned()))
        .copied();
    assert_eq!(reads, Some(3), "only the first pass looks at places");
}

#[tokio::test]
async fn a_clock_that_jumps_writes_nothing() {
    let world = World::start().await;
    world.pass().await;
    let before = world.writes();
    world.clock.set(Time::from_secs(1));
    world.pass().await;
    world.clock.set(Time::from_secs(4_000_000_000));
    world.pass().await;
    assert_eq!(world.writes(), before);
}

#[tokio::test]
async fn an_edited_copy_is_found_by_its_values() {
    let world = World::start().await;
    world.pass().await;
    let mut copy = world
        .double
        .state()
        .store
        .get("secrets", "a", "s")
        .cloned()
        .expect("a copy");
    copy["data"] = json!({"k": "AQ==", "more": "AQ=="});
    world.double.state().store.set("secrets", "a", "s", copy);
    let mut syncer = world.syncer();
    syncer.settings.believe_marks = false;
    let outcome = syncer.run().await.expect("a pass");
    assert!(outcome.is_whole());
    let found = world
        .double
        .state()
        .store
        .get("secrets", "a", "s")
        .cloned()
        .expect("a copy");
    assert_eq!(found["data"], json!({"k": "AA=="}));
}

#[tokio::test]
async fn a_namespace_without_its_label_loses_its_copy_and_one_made_again_gets_it() {
    let world = World::start().await;
    world.pass().await;
    world.label("a", "other");
    world.double.state().store.remove_namespace("b");
    world.label("b", "astro");
    assert!(world.pass().await.is_whole());
    let there = world
        .copies()
        .into_iter()
        .map(|(_, s, _)| s.is_some())
        .collect::<Vec<_>>();
    assert_eq!(there, [false, true, true]);
}

#[tokio::test]
async fn a_source_that_comes_and_goes_leaves_what_it_is_last() {
    let world = World::start().await;
    for round in 0..4 {
        world.source("t", if round % 2 == 0 { "AQ==" } else { "Ag==" });
        assert!(world.pass().await.is_whole());
        assert_eq!(
            world.value("a", "t"),
            Some(json!(if round % 2 == 0 { "AQ==" } else { "Ag==" }))
        );
        world.double.state().store.unset("secrets", HOME, "t");
        assert!(world.pass().await.is_whole());
        assert_eq!(world.value("a", "t"), None);
    }
}

/// Killed after each number of writes there is, it ends in the same state when it is run again.
#[tokio::test]
async fn wherever_it_is_killed_the_next_pass_ends_it() {
    let scene = || async {
        let world = World::start().await;
        world.source("t", "AQ==");
        world.pass().await;
        world.label("a", "other");
        world.source("s", "Ag==");
        // Another type: deleted and made again.
        let other = json!({"metadata": {"annotations": {SYNC: ""}}, "type": "example.com/x", "data": {"k": "AQ=="}});
        world.double.state().store.set("secrets", HOME, "t", other);
        world
    };
    let whole = scene().await;
    let before = whole.writes();
    assert!(whole.pass().await.is_whole());
    let writes = whole.writes() - before;
    assert!(writes >= 8, "{writes}");
    for killed in 0..writes {
        let world = scene().await;
        world.double.state().writes_left = Some(killed);
        let outcome = world.pass().await;
        assert!(!outcome.is_whole(), "after {killed} writes");
        world.double.state().writes_left = None;
        assert!(world.pass().await.is_whole(), "after {killed} writes");
        assert_eq!(world.copies(), whole.copies(), "after {killed} writes");
        let settled = world.writes();
        assert!(world.pass().await.is_whole());
        assert_eq!(world.writes(), settled);
    }
}

#[tokio::test]
async fn two_at_once_do_not_fight() {
    let world = World::start().await;
    for index in 0..10 {
        world.source(&format!("x{index}"), "AA==");
    }
    let (one, other) = tokio::join!(world.pass(), world.pass());
    assert!(
        one.is_whole() && other.is_whole(),
        "{:?} {:?}",
        one.done,
        other.done
    );
    let settled = world.writes();
    assert!(world.pass().await.is_whole());
    assert_eq!(world.writes(), settled, "nothing is left to do");
}

#[tokio::test]
async fn what_fails_in_one_namespace_keeps_no_other() {
    let world = World::start().await;
    let entry = ("create".to_owned(), "secrets".to_owned(), "b".to_owned());
    world.double.state().forbidden.insert(entry);
    world.double.state().store.end_namespace("c");
    let outcome = world.pass().await;
    let failed = outcome
        .done
        .iter()
        .filter(|done| matches!(done, Done::Failed(_)))
        .count();
    assert_eq!(failed, 1);
    let skipped = outcome
        .plan
        .entries
        .iter()
        .filter(|entry| matches!(entry.step, Step::Skip { .. }))
        .count();
    assert_eq!(skipped, 1);
    assert!(world.value("a", "s").is_some());
}

#[tokio::test]
async fn a_secret_of_somebody_else_is_never_touched() {
    let world = World::start().await;
    let foreign = json!({"metadata": {}, "type": "Opaque", "data": {"k": "dGhlaXJz"}});
    world.double.state().store.set("secrets", "a", "s", foreign);
    let before = world.double.state().store.get("secrets", "a", "s").cloned();
    world.pass().await;
    world.double.state().store.unset("secrets", HOME, "s");
    world.pass().await;
    assert_eq!(
        world.double.state().store.get("secrets", "a", "s").cloned(),
        before
    );
}

#[tokio::test]
async fn an_error_of_the_list_deletes_nothing() {
    let world = World::start().await;
    world.pass().await;
    for resource in ["secrets", "namespaces"] {
        let entry = ("list".to_owned(), resource.to_owned(), "*".to_owned());
        world.double.state().forbidden.insert(entry.clone());
        assert!(world.syncer().run().await.is_err(), "{resource}");
        world.double.state().forbidden.remove(&entry);
    }
    assert!(world.copies().iter().all(|(_, s, _)| s.is_some()));
}

#[tokio::test]
async fn named_targets_need_no_right_on_the_cluster() {
    let world = World::start().await;
    for (verb, resource) in [("list", "namespaces"), ("list", "secrets")] {
        let entry = (verb.to_owned(), resource.to_owned(), String::new());
        world.double.state().forbidden.insert(entry);
    }
    let mut syncer = world.syncer();
    syncer.targets = Some(BTreeSet::from(["a".to_owned(), "gone".to_owned()]));
    let outcome = syncer.run().await.expect("a pass");
    assert!(outcome.is_whole(), "{:?}", outcome.unread);
    assert!(world.value("a", "s").is_some() && world.value("b", "s").is_none());
}
