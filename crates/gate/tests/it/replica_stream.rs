//! Following control: rows F4, F5, F11, F20–F22, F27, F28, and root documents.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aeolus_api::plane::ManifestAnswer;
use aeolus_gate::replica::fs::SystemFs;
use aeolus_gate::replica::{ControlError, Counters, Outbox, SessionRenewals, Tasks, run};
use aeolus_snapshot::{Root, RootBuilder};
use aeolus_testkit::SeededRng;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::replica::{
    FakeControl, NOW, Next, ORGANIZATION, TestReplica, answer, bits, enrolled, fresh, freshness_by,
    key, open, published, published_by, root_document, seq,
};

pub(crate) struct Fleet {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) replica: Arc<TestReplica>,
    pub(crate) control: Arc<FakeControl>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) renewals: Arc<SessionRenewals>,
    pub(crate) counters: Arc<Counters>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Fleet {
    pub(crate) async fn start(control: FakeControl) -> Self {
        Self::over(enrolled().await, control)
    }

    fn over(folder: tempfile::TempDir, control: FakeControl) -> Self {
        let path = folder.path().join("gate");
        let replica = Arc::new(open(&path));
        let control = Arc::new(control);
        let rng = Arc::new(SeededRng::new("fleet"));
        let outbox = Arc::new(Outbox::open(&path, Arc::new(SystemFs), rng.clone()));
        let renewals = Arc::new(SessionRenewals::default());
        let counters = Arc::new(Counters::default());
        let tasks = Tasks {
            rollouts: Arc::new(Vec::new),
            replica: replica.clone(),
            control: control.clone(),
            outbox: outbox.clone(),
            renewals: renewals.clone(),
            counters: counters.clone(),
            rng,
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(tasks, stop.clone()));
        Self {
            folder,
            replica,
            control,
            outbox,
            renewals,
            counters,
            stop,
            task,
        }
    }

    /// Lets (paused) time pass until something is so.
    pub(crate) async fn until(&self, what: &str, check: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(3600);
        while !check(self) {
            assert!(Instant::now() < deadline, "never: {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn stop(self) -> tempfile::TempDir {
        self.stop.cancel();
        self.task.await.unwrap();
        self.folder
    }
}

pub(crate) fn script(next: impl IntoIterator<Item = Next>) -> FakeControl {
    let control = FakeControl::default();
    next.into_iter().for_each(|next| control.say(next));
    control
}

fn unavailable() -> Next {
    Next::Fail(ControlError::Unavailable("down".to_owned()))
}

#[tokio::test(start_paused = true)]
async fn news_is_in_force_at_once_and_on_disk_at_the_stop() {
    let fleet = Fleet::start(script([Next::Answer(answer(&published(4), 4))])).await;
    fleet
        .until("the snapshot", |f| seq(&f.replica) == Some(4))
        .await;
    fleet
        .until("freshness", |f| f.replica.age().is_some())
        .await;
    let folder = fleet.stop().await;
    assert_eq!(seq(&open(&folder.path().join("gate"))), Some(4));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_inlined_is_fetched_and_only_once() {
    let mut first = answer(&published(4), 4);
    first.blobs.clear();
    let mut second = answer(&published(5), 5);
    second.blobs.clear();
    let control = script([Next::Answer(first), Next::Answer(second)]);
    for seq in [4, 5] {
        control
            .sections
            .lock()
            .unwrap()
            .extend(published(seq).blobs);
    }
    let distinct = control.sections.lock().unwrap().len();
    let fleet = Fleet::start(control).await;
    fleet.until("both", |f| seq(&f.replica) == Some(5)).await;
    assert_eq!(fleet.control.fetched.load(Ordering::SeqCst), distinct);
    fleet.stop().await;
}

#[tokio::test(start_paused = true)]
async fn f4_a_control_that_hangs_is_given_up_on_and_asked_again() {
    let control = script([
        Next::Answer(answer(&published(4), 4)),
        Next::Hang,
        Next::Hang,
        Next::Answer(answer(&published(5), 5)),
    ]);
    let fleet = Fleet::start(control).await;
    let started = Instant::now();
    fleet
        .until("the snapshot", |f| seq(&f.replica) == Some(5))
        .await;
    let waited = started.elapsed();
    assert!(waited >= Duration::from_secs(20), "{waited:?}");
    assert!(waited < Duration::from_secs(25), "{waited:?}");
    let polls = fleet.control.polls.lock().unwrap().clone();
    let between = |n: usize| polls[n + 1].0 - polls[n].0;
    assert!(between(1) >= Duration::from_secs(15), "one poll at a time");
    assert!(between(2) >= Duration::from_secs(5), "one poll at a time");
    fleet.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_first_answer_and_the_first_after_a_failure_are_wanted_at_once() {
    let waits = async |fleet: &Fleet, count: usize| {
        let asked = |f: &Fleet| f.control.waits.lock().unwrap().len() >= count;
        fleet.until("the polls", asked).await;
        let waits = fleet.control.waits.lock().unwrap()[..count].to_vec();
        waits.iter().map(Duration::as_secs).collect::<Vec<_>>()
    };
    let control = script([
        unavailable(),
        Next::Answer(answer(&published(4), 4)),
        unavailable(),
    ]);
    let fleet = Fleet::start(control).await;
    assert_eq!(waits(&fleet, 5).await, [10, 10, 10, 0, 10]);
    let fleet = Fleet::over(fleet.stop().await, FakeControl::default());
    assert_eq!(waits(&fleet, 2).await, [0, 10]);
    fleet.stop().await;
}

#[tokio::test(start_paused = true)]
async fn f5_a_flapping_control_is_asked_at_most_once_a_second() {
    let control = FakeControl::default();
    control.say(Next::Answer(answer(&published(4), 4)));
    for _ in 0..100 {
        control.say(unavailable());
        control.say(Next::Answer(ManifestAnswer {
            freshness: fresh(4),
            ..ManifestAnswer::default()
        }));
    }
    let fleet = Fleet::start(control).await;
    fleet
        .until("the script", |f| {
            f.control.script.lock().unwrap().is_empty()
        })
        .await;
    let polls = fleet.control.polls.lock().unwrap().clone();
    // The first brought news, and so the second came at once.
    for pair in polls[1..].windows(2) {
        assert!(pair[1].0 - pair[0].0 >= Duration::from_secs(1));
    }
    assert_eq!(seq(&fleet.replica), Some(4), "no decision flipped");
    fleet.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_control_that_asks_for_quiet_gets_it() {
    let wish = Some(Duration::from_secs(45));
    let control = script([
        Next::Fail(ControlError::Busy(wish)),
        Next::Answer(answer(&published(4), 4)),
    ]);
    let fleet = Fleet::start(control).await;
    let started = Instant::now();
    fleet
        .until("the snapshot", |f| seq(&f.replica) == Some(4))
        .await;
    assert!(started.elapsed() >= Duration::from_secs(45));
    fleet.stop().await;
}

/// A control that answers well, then this, then nothing new.
async fn refused(bad: ManifestAnswer, code: &str) {
    let fleet = Fleet::start(script([
        Next::Answer(answer(&published(4), 4)),
        Next::Answer(bad),
    ]))
    .await;
    fleet
        .until("the alarm", |f| {
            f.replica.alarms().refused.as_deref() == Some(code)
        })
        .await;
    assert_eq!(seq(&fleet.replica), Some(4));
    fleet
        .until("the alarm's end", |f| f.replica.alarms().refused.is_none())
        .await;
    let folder = fleet.stop().await;
    assert_eq!(
        seq(&open(&folder.path().join("gate"))),
        Some(4),
        "the floor is unchanged"
    );
}

#[tokio::test(start_paused = true)]
async fn f11_an_answer_that_is_not_ours_changes_nothing() {
    let mut page = answer(&published(5), 5);
    page.manifest = Some("<!doctype html>".to_owned());
    refused(page, "signature").await;
    // Where the whole body is a page, the adapter finds no answer in it.
    let fleet = Fleet::start(script([
        Next::Answer(answer(&published(4), 4)),
        Next::Fail(ControlError::Unavailable("makes no sense".to_owned())),
    ]))
    .await;
    fleet
        .until("the second poll", |f| {
            f.control.polls.lock().unwrap().len() > 2
        })
        .await;
    assert_eq!(seq(&fleet.replica), Some(4));
    fleet.stop().await;
}

#[tokio::test(start_paused = true)]
async fn f20_a_lost_blob_is_fetched_and_a_damaged_one_is_not_believed() {
    let mut lossy = answer(&published(5), 5);
    let lost = lossy.blobs.keys().next().unwrap().clone();
    lossy.blobs.remove(&lost);
    for value in lossy.blobs.values_mut() {
        value.0[0] ^= 1;
    }
    let control = script([Next::Answer(answer(&published(4), 4)), Next::Answer(lossy)]);
    control.sections.lock().unwrap().extend(published(5).blobs);
    let fleet = Fleet::start(control).await;
    let started = Instant::now();
    fleet
        .until("the snapshot", |f| seq(&f.replica) == Some(5))
        .await;
    assert!(started.elapsed() <= Duration::from_secs(5));
    assert_eq!(fleet.replica.current().unwrap().world.0, ["at-5"]);
    fleet.stop().await;
}

/// The content that it lacks went away with a newer manifest, which shares the rest.
#[tokio::test(start_paused = true)]
async fn f6_what_was_fetched_for_a_manifest_that_was_overtaken_is_not_fetched_again() {
    let names = |seq| {
        let blobs = published(seq).blobs;
        blobs
            .into_iter()
            .map(|(digest, _)| digest)
            .collect::<BTreeSet<_>>()
    };
    let (first, second) = (names(4), names(5));
    let gone = *first.difference(&second).max().unwrap();
    let fetched: BTreeSet<_> = first.range(..gone).copied().collect();
    assert!(!fetched.is_disjoint(&second), "something to keep");
    let mut answers = [4, 5].map(|seq| answer(&published(seq), seq));
    for answer in &mut answers {
        answer.blobs.clear();
    }
    let control = script(answers.map(Next::Answer));
    for seq in [4, 5] {
        let mut sections = control.sections.lock().unwrap();
        sections.extend(published(seq).blobs);
        sections.remove(&gone);
    }
    let fleet = Fleet::start(control).await;
    fleet
        .until("the second", |f| seq(&f.replica) == Some(5))
        .await;
    let all = fetched.len() + 1 + second.difference(&fetched).count();
    assert_eq!(fleet.control.fetched.load(Ordering::SeqCst), all);
    fleet.stop().await;
}

#[tokio::test(start_paused = true)]
async fn f21_doubled_and_reordered_answers_change_nothing() {
    let order = [4, 4, 6, 5, 6, 4, 7, 7];
    let fleet = Fleet::start(script(
        order.map(|seq| Next::Answer(answer(&published(seq), seq))),
    ))
    .await;
    let mut highest = 0;
    fleet
        .until("the script", |f| {
            f.control.script.lock().unwrap().is_empty()
        })
        .await;
    let deadline = Instant::now() + Duration::from_secs(120);
    while highest < 7 && Instant::now() < deadline {
        let now = seq(&fleet.replica).unwrap_or_default();
        assert!(now >= highest);
        highest = now;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(fleet.replica.current().unwrap().world.0, ["at-7"]);
    fleet.stop().await;
}

#[tokio::test(start_paused = true)]
async fn f22_an_older_recording_is_refused() {
    let mut old = answer(&published(3), 4);
    old.freshness = fresh(4);
    refused(old, "rollback").await;
}

#[tokio::test(start_paused = true)]
async fn f27_a_manifest_of_another_plane_is_refused() {
    let mut edition = published(5);
    let other = aeolus_snapshot::Edition {
        plane: aeolus_model::PlaneId::from_bytes([9; 16]),
        position: crate::replica::at(5),
        issued_at: NOW,
        lag: None,
        min_generation: 1,
    };
    let sections = aeolus_snapshot::Sections::default();
    edition.manifest = aeolus_snapshot::publish(&other, &sections, &key("snapshot"))
        .unwrap()
        .manifest;
    refused(answer(&edition, 4), "other_plane").await;
}

#[tokio::test(start_paused = true)]
async fn f28_a_manifest_signed_in_the_middle_is_refused() {
    let forged = published_by(&key("thief"), 5, NOW);
    refused(answer(&forged, 4), "unknown_key").await;
    let mut lie = answer(&published(5), 5);
    lie.freshness = freshness_by(&key("thief"), 5, NOW);
    lie.manifest = None;
    refused(lie, "unknown_key").await;
}

pub(crate) fn next_root(snapshot_keys: &[&str]) -> String {
    let known = Root::parse(&root_document()).unwrap();
    let mut next = RootBuilder::next(&known, NOW);
    next.snapshot_keys = snapshot_keys
        .iter()
        .map(|k| key(k).public().clone())
        .collect();
    next.sign(&[&key("root")]).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_stolen_key_is_dropped_by_the_next_root_and_what_it_signed_with_it() {
    // The thief published far ahead, so that nothing of control's would ever be newer.
    let stolen = published_by(&key("snapshot"), u64::MAX, NOW);
    let new = key("snapshot 2");
    let mut healed = answer(&published_by(&new, 8, NOW), 8);
    healed.root = Some(next_root(&["snapshot 2"]));
    healed.freshness = freshness_by(&new, 8, NOW);
    let fleet = Fleet::start(script([
        Next::Answer(answer(&stolen, u64::MAX)),
        Next::Answer(healed),
    ]))
    .await;
    fleet
        .until("the new root", |f| seq(&f.replica) == Some(8))
        .await;
    assert_eq!(fleet.replica.root_version(), 2);
    let folder = fleet.stop().await;
    let restarted = open(&folder.path().join("gate"));
    assert_eq!(seq(&restarted), Some(8));
    assert_eq!(restarted.root_version(), 2);
    assert!(crate::replica::take(&restarted, &published(9)).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_root_that_keeps_the_key_takes_effect_at_once() {
    let mut rooted = ManifestAnswer {
        freshness: fresh(4),
        ..ManifestAnswer::default()
    };
    rooted.root = Some(next_root(&["snapshot", "snapshot 2"]));
    let fleet = Fleet::start(script([
        Next::Answer(answer(&published(4), 4)),
        Next::Answer(rooted),
    ]))
    .await;
    fleet
        .until("the new root", |f| f.replica.root_version() == 2)
        .await;
    let folder = fleet.stop().await;
    assert_eq!(open(&folder.path().join("gate")).root_version(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_runs_ahead_is_set_right_a_little_but_not_a_week() {
    let replica = open(&enrolled().await.path().join("gate"));
    let late = NOW.plus(Duration::from_secs(3600));
    replica
        .take_freshness(&freshness_by(&key("snapshot"), 4, late))
        .unwrap();
    let week_ago = late.minus(Duration::from_secs(7 * 86_400));
    let refused = replica.take_freshness(&freshness_by(&key("snapshot"), 4, week_ago));
    assert!(refused.is_err());
}

#[tokio::test(start_paused = true)]
async fn revocations_lost_on_disk_are_fetched_again_under_the_same_position() {
    let folder = enrolled().await;
    let path = folder.path().join("gate");
    let replica = open(&path);
    crate::replica::take(&replica, &published(4)).unwrap();
    replica.persist().unwrap();
    let name = format!("revocations/{ORGANIZATION}");
    let base = replica.current().unwrap().manifest.sections[&name].base;
    std::fs::remove_file(path.join("replica/a/blobs").join(base.to_string())).unwrap();
    let fleet = Fleet::over(folder, script([Next::Answer(answer(&published(4), 4))]));
    let denied = &fleet.replica.current().unwrap().missing_revocations;
    assert!(denied.contains(&ORGANIZATION));
    fleet
        .until("the revocations", |f| {
            let current = f.replica.current().unwrap();
            current.missing_revocations.is_empty()
        })
        .await;
    assert_eq!(fleet.replica.current().unwrap().world.1, [bits(4); 8]);
    assert_eq!(
        fleet.control.polls.lock().unwrap()[0].1,
        None,
        "it asks for the whole"
    );
    fleet.stop().await;
}
