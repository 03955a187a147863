use std::collections::BTreeMap;
use std::time::Duration;

use aeolus_model::Secret;
use aeolus_testkit::SeededRng;
use proptest::prelude::*;

use super::*;
use crate::sync::keys::{self, NAME, ON_CONFLICT, ON_DELETE, SYNC};

const NOW: Time = Time::from_secs(1_800_000_000);

fn settings() -> Settings {
    Settings {
        rules: Rules {
            release: Some("astro".to_owned()),
            ..Rules::default()
        },
        budget: Budget::Force,
        key: DigestKey::generate(&SeededRng::new("digest")),
        believe_marks: false,
    }
}

fn secret(place: (&str, &str), value: &str, annotations: &[(&str, &str)]) -> SecretObject {
    let pairs = annotations.iter();
    SecretObject {
        meta: Meta {
            place: Place::new(place.0, place.1),
            uid: format!("uid of {}", place.1),
            version: "1".to_owned(),
            annotations: pairs
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            ..Meta::default()
        },
        kind: "Opaque".to_owned(),
        data: [("a".to_owned(), Secret::new(value.as_bytes().to_vec()))].into(),
        is_immutable: false,
    }
}

fn namespace(name: &str, release: &str) -> Namespace {
    Namespace {
        name: name.to_owned(),
        uid: format!("uid of {name}"),
        labels: [("platform-release".to_owned(), release.to_owned())].into(),
        is_ending: false,
    }
}

/// A cluster in memory: everything is known, and what a plan says is done.
#[derive(Clone, Default)]
struct Cluster {
    namespaces: Vec<Namespace>,
    sources: Vec<SecretObject>,
    others: BTreeMap<Place, SecretObject>,
    writes: u64,
}

impl Cluster {
    fn observed(&self) -> Observed {
        let mut lying = BTreeMap::new();
        for namespace in &self.namespaces {
            for name in ["s", "t", "u"] {
                lying.insert(Place::new(&namespace.name, name), Lying::Nothing);
            }
        }
        for (place, secret) in &self.others {
            lying.insert(place.clone(), Lying::Whole(secret.clone()));
        }
        Observed {
            namespaces: self.namespaces.clone(),
            secrets: self.sources.clone(),
            lying,
        }
    }

    fn plan(&self, settings: &Settings, now: Time) -> Plan {
        plan(&self.observed(), settings, now)
    }

    fn store(&mut self, mut secret: SecretObject) {
        self.writes += 1;
        secret.meta.version = self.writes.to_string();
        if secret.meta.uid.is_empty() {
            secret.meta.uid = format!("made {}", self.writes);
        }
        self.others.insert(secret.meta.place.clone(), secret);
    }

    /// Does the first `count` writes of a plan; a recreation is two.
    fn apply(&mut self, plan: &Plan, mut count: usize) {
        for entry in plan.writes() {
            if count == 0 {
                return;
            }
            count -= 1;
            match &entry.step {
                Step::Create(secret) | Step::Update { to: secret, .. } => {
                    self.store(secret.clone());
                }
                Step::Recreate { seen, to, .. } => {
                    self.others.remove(&seen.place);
                    if count > 0 {
                        count -= 1;
                        self.store(to.clone());
                    }
                }
                Step::Delete(meta) => drop(self.others.remove(&meta.place)),
                _ => {}
            }
        }
    }
}

fn words(plan: &Plan) -> Vec<String> {
    let entries = plan.entries.iter();
    entries
        .map(|entry| {
            let step = match &entry.step {
                Step::Current => "current",
                Step::Look => "look",
                Step::Create(_) => "create",
                Step::Update { adopted: true, .. } => "adopt",
                Step::Update { .. } => "update",
                Step::Recreate { .. } => "recreate",
                Step::Conflict { .. } => "conflict",
                Step::Delete(_) => "delete",
                Step::Orphan { .. } => "orphan",
                Step::Skip { .. } => "skip",
            };
            format!("{} {step}", entry.target)
        })
        .collect()
}

fn cluster(annotations: &[(&str, &str)]) -> Cluster {
    Cluster {
        namespaces: vec![
            namespace("a", "astro"),
            namespace("b", "other"),
            namespace("c", "astro"),
        ],
        sources: vec![secret(("astronomer", "s"), "1", annotations)],
        ..Cluster::default()
    }
}

fn synced(annotations: &[(&str, &str)]) -> Cluster {
    let mut cluster = cluster(annotations);
    let plan = cluster.plan(&settings(), NOW);
    cluster.apply(&plan, usize::MAX);
    cluster
}

#[test]
fn copies_are_made_where_they_are_asked_for_and_then_left_alone() {
    let mut cluster = cluster(&[(SYNC, "")]);
    let first = cluster.plan(&settings(), NOW);
    assert_eq!(words(&first), ["a/s create", "c/s create"]);
    cluster.apply(&first, usize::MAX);
    let later = NOW.plus(Duration::from_secs(1));
    assert_eq!(
        words(&cluster.plan(&settings(), later)),
        ["a/s current", "c/s current"]
    );
    // A clock that was set back changes nothing.
    assert_eq!(cluster.plan(&settings(), Time::EPOCH).writes().count(), 0);
}

#[test]
fn an_edited_copy_is_repaired_and_says_which_keys() {
    let mut cluster = synced(&[(SYNC, "")]);
    let copy = cluster
        .others
        .get_mut(&Place::new("a", "s"))
        .expect("a copy");
    copy.data = [("b".to_owned(), Secret::new(b"x".to_vec()))].into();
    // Its marks are right still: only its values say it.
    let marked = Settings {
        believe_marks: true,
        ..settings()
    };
    let plan = cluster.plan(&marked, NOW);
    assert_eq!(words(&plan), ["a/s update", "c/s current"]);
    let Step::Update { to, keys, .. } = &plan.entries[0].step else {
        panic!("an update")
    };
    assert_eq!(
        (keys.added.as_slice(), keys.removed.as_slice()),
        (&["a".to_owned()][..], &["b".to_owned()][..])
    );
    assert_eq!(to.meta.version, "1", "it replaces what was seen");
}

#[test]
fn marks_are_believed_only_where_they_are_right() {
    let mut cluster = synced(&[(SYNC, "")]);
    let marks = |cluster: &Cluster| {
        let mut observed = cluster.observed();
        for lying in observed.lying.values_mut() {
            if let Lying::Whole(secret) = lying {
                *lying = Lying::Marked(secret.meta.clone());
            }
        }
        observed
    };
    let believing = Settings {
        believe_marks: true,
        ..settings()
    };
    let current = plan(&marks(&cluster), &believing, NOW);
    assert_eq!(words(&current), ["a/s current", "c/s current"]);
    assert_eq!(
        words(&plan(&marks(&cluster), &settings(), NOW)),
        ["a/s look", "c/s look"]
    );
    cluster.sources[0].data = [("a".to_owned(), Secret::new(b"2".to_vec()))].into();
    let changed = plan(&marks(&cluster), &believing, NOW);
    assert_eq!(changed.looks().count(), 2);
}

#[test]
fn what_is_not_ours_stays() {
    let foreign = secret(("a", "s"), "theirs", &[]);
    for (on_conflict, word) in [
        ("skip", "conflict"),
        ("fail", "conflict"),
        ("adopt", "adopt"),
    ] {
        let mut cluster = cluster(&[(SYNC, ""), (ON_CONFLICT, on_conflict)]);
        cluster
            .others
            .insert(foreign.meta.place.clone(), foreign.clone());
        let plan = cluster.plan(&settings(), NOW);
        assert_eq!(
            words(&plan),
            [format!("a/s {word}"), "c/s create".to_owned()]
        );
        if let Step::Conflict { fails, .. } = plan.entries[0].step {
            assert_eq!(fails, on_conflict == "fail");
        }
        cluster.apply(&plan, usize::MAX);
        assert_eq!(cluster.plan(&settings(), NOW).writes().count(), 0);
    }
    let mut other = foreign;
    other.kind = "kubernetes.io/dockerconfigjson".to_owned();
    let mut cluster = cluster(&[(SYNC, ""), (ON_CONFLICT, "adopt")]);
    cluster.others.insert(other.meta.place.clone(), other);
    assert_eq!(words(&cluster.plan(&settings(), NOW))[0], "a/s conflict");
}

#[test]
fn marks_that_do_not_agree_make_no_copy_of_ours() {
    let mut cluster = synced(&[(SYNC, "")]);
    for (label, value) in [
        (keys::MANAGED, "false"),
        (keys::SOURCE_NAMESPACE, "x"),
        (keys::SOURCE_HASH, "00"),
    ] {
        let mut forged = cluster.clone();
        let copy = forged
            .others
            .get_mut(&Place::new("a", "s"))
            .expect("a copy");
        copy.meta.labels.insert(label.to_owned(), value.to_owned());
        forged.sources.clear();
        assert_eq!(
            words(&forged.plan(&settings(), NOW)),
            ["c/s delete"],
            "{label}"
        );
    }
    cluster.sources.clear();
    assert_eq!(
        words(&cluster.plan(&settings(), NOW)),
        ["a/s delete", "c/s delete"]
    );
}

#[test]
fn a_namespace_that_lost_its_label_loses_its_copy() {
    let mut cluster = synced(&[(SYNC, "")]);
    cluster.namespaces[0].labels.clear();
    assert_eq!(
        words(&cluster.plan(&settings(), NOW)),
        ["a/s delete", "c/s current"]
    );
    let mut kept = synced(&[(SYNC, ""), (ON_DELETE, "retain")]);
    kept.namespaces[0].labels.clear();
    assert_eq!(
        words(&kept.plan(&settings(), NOW)),
        ["a/s orphan", "c/s current"]
    );
    kept.sources.clear();
    assert_eq!(
        words(&kept.plan(&settings(), NOW)),
        ["a/s orphan", "c/s orphan"]
    );
}

#[test]
fn a_source_that_is_refused_keeps_its_copies() {
    let mut cluster = synced(&[(SYNC, "")]);
    cluster.sources[0]
        .meta
        .annotations
        .insert(SYNC.to_owned(), "a=b=c".to_owned());
    assert_eq!(
        words(&cluster.plan(&settings(), NOW)),
        ["a/s orphan", "c/s orphan"]
    );
}

#[test]
fn another_type_makes_it_again() {
    let mut cluster = synced(&[(SYNC, "")]);
    cluster.sources[0].kind = "example.com/other".to_owned();
    let plan = cluster.plan(&settings(), NOW);
    assert_eq!(words(&plan), ["a/s recreate", "c/s recreate"]);
    let Step::Recreate { to, seen, why } = &plan.entries[0].step else {
        panic!("a recreation")
    };
    assert_eq!(
        (to.meta.uid.as_str(), to.meta.version.as_str(), *why),
        ("", "", Rewrite::Kind)
    );
    assert_eq!(seen.version, "1");
    cluster.apply(&plan, usize::MAX);
    for copy in cluster.others.values_mut() {
        copy.is_immutable = true;
    }
    cluster.sources[0].data.clear();
    assert_eq!(
        words(&cluster.plan(&settings(), NOW)),
        ["a/s recreate", "c/s recreate"]
    );
}

#[test]
fn a_namespace_that_ends_is_left_alone() {
    let mut cluster = synced(&[(SYNC, "")]);
    cluster.namespaces[0].is_ending = true;
    cluster.sources[0].data.clear();
    assert_eq!(
        words(&cluster.plan(&settings(), NOW)),
        ["a/s skip", "c/s update"]
    );
    cluster.sources.clear();
    assert_eq!(
        words(&cluster.plan(&settings(), NOW)),
        ["a/s skip", "c/s delete"]
    );
}

#[test]
fn of_two_sources_for_one_place_the_first_has_it() {
    let mut cluster = cluster(&[(SYNC, "")]);
    cluster
        .sources
        .push(secret(("astronomer", "t"), "2", &[(SYNC, ""), (NAME, "s")]));
    let first = cluster.plan(&settings(), NOW);
    assert_eq!(
        words(&first),
        ["a/s create", "a/s conflict", "c/s create", "c/s conflict"]
    );
    cluster.apply(&first, usize::MAX);
    assert_eq!(cluster.plan(&settings(), NOW).writes().count(), 0);
}

#[test]
fn much_is_not_deleted_at_once() {
    let mut cluster = cluster(&[(SYNC, "*")]);
    cluster.namespaces = (0..30)
        .map(|index| namespace(&format!("n{index}"), "astro"))
        .collect();
    let plan = cluster.plan(&settings(), NOW);
    cluster.apply(&plan, usize::MAX);
    cluster.sources.clear();
    let careful = Settings {
        budget: Budget::Careful,
        ..settings()
    };
    let held = cluster.plan(&careful, NOW);
    assert_eq!(
        held.held_back,
        Some(HeldBack {
            wanted: 30,
            owned: 30
        })
    );
    assert_eq!(held.writes().count(), 0);
    assert_eq!(cluster.plan(&settings(), NOW).writes().count(), 30);
}

#[test]
fn labels_go_along_only_where_they_are_allowed_and_go_with_the_source() {
    let mut settings = settings();
    settings.rules.labels = ["team".to_owned()].into();
    let mut cluster = cluster(&[(SYNC, "")]);
    cluster.sources[0].meta.labels = [("team", "data"), ("argocd.argoproj.io/instance", "x")]
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .into();
    cluster.sources[0]
        .meta
        .annotations
        .insert(keys::LAST_APPLIED.to_owned(), "values".to_owned());
    let plan = cluster.plan(&settings, NOW);
    cluster.apply(&plan, usize::MAX);
    let copy = cluster.others[&Place::new("a", "s")].clone();
    assert_eq!(
        copy.meta.labels.get("team").map(String::as_str),
        Some("data")
    );
    assert!(
        copy.meta
            .labels
            .keys()
            .all(|key| !key.starts_with("argocd"))
    );
    assert!(!copy.meta.annotations.contains_key(keys::LAST_APPLIED));
    cluster.sources[0].meta.labels.clear();
    let plan = cluster.plan(&settings, NOW);
    cluster.apply(&plan, usize::MAX);
    assert!(
        !cluster.others[&Place::new("a", "s")]
            .meta
            .labels
            .contains_key("team")
    );
    assert_eq!(cluster.plan(&settings, NOW).writes().count(), 0);
}

/// What can happen between two passes.
fn event() -> impl Strategy<Value = (u8, usize, u8)> {
    (0..10_u8, 0..4_usize, any::<u8>())
}

fn happen(cluster: &mut Cluster, (what, which, value): (u8, usize, u8)) {
    let namespace_count = cluster.namespaces.len();
    let place = Place::new(&cluster.namespaces[which % namespace_count].name, "s");
    match what {
        0 => cluster.sources.push(secret(
            ("astronomer", ["s", "t", "u", "s"][which]),
            "x",
            &[(SYNC, "*"), (NAME, "s")],
        )),
        1 => drop(cluster.sources.pop()),
        2 => cluster.sources.iter_mut().for_each(|source| {
            source
                .data
                .insert(format!("k{which}"), Secret::new(vec![value]));
        }),
        3 => cluster.namespaces[which % namespace_count].labels.clear(),
        4 => cluster.namespaces[which % namespace_count] = namespace(&place.namespace, "astro"),
        5 => drop(cluster.others.remove(&place)),
        6 => cluster.others.values_mut().for_each(|copy| {
            copy.data
                .insert("edited".to_owned(), Secret::new(vec![value]));
        }),
        7 => {
            cluster
                .others
                .entry(place.clone())
                .or_insert_with(|| secret((&place.namespace, "s"), "foreign", &[]));
        }
        8 => cluster
            .sources
            .iter_mut()
            .for_each(|source| source.kind = format!("example.com/{which}")),
        _ => {
            if let Some(copy) = cluster.others.get_mut(&place) {
                copy.meta.annotations.clear();
            }
        }
    }
    cluster
        .sources
        .sort_by(|one, other| one.meta.place.cmp(&other.meta.place));
    cluster
        .sources
        .dedup_by(|one, other| one.meta.place == other.meta.place);
}

proptest! {
    /// Whatever happened, and wherever a pass was killed: another one ends it, a third has nothing to do, and what isn't
    /// ours is as it was.
    #[test]
    fn a_plan_that_is_done_leaves_nothing_to_do(
        events in proptest::collection::vec((event(), 0..6_usize), 1..20),
    ) {
        let settings = settings();
        let mut cluster = cluster(&[(SYNC, "")]);
        for (event, killed_after) in events {
            happen(&mut cluster, event);
            let foreign: Vec<SecretObject> = cluster
                .others
                .values()
                .filter(|secret| Owned::of(&secret.meta).is_none())
                .cloned()
                .collect();
            let plan = cluster.plan(&settings, NOW);
            cluster.apply(&plan, killed_after);
            let rest = cluster.plan(&settings, NOW);
            cluster.apply(&rest, usize::MAX);
            prop_assert_eq!(words(&cluster.plan(&settings, NOW)).iter().filter(|word| ["create", "update", "adopt", "recreate", "delete", "look"].iter().any(|step| word.ends_with(step))).count(), 0);
            for secret in foreign {
                let now = &cluster.others[&secret.meta.place];
                prop_assert_eq!(&now.meta, &secret.meta);
                prop_assert_eq!(format!("{:?}", now.data.keys()), format!("{:?}", secret.data.keys()));
            }
        }
    }
}
