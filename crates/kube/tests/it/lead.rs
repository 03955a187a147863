//! Who syncs, of several: by the Lease, on a clock of the test.

use std::time::Duration;

use aeolus_kube::pass::{Lead, Leader};
use aeolus_kube::{Access, Client, Place};
use aeolus_model::Time;
use aeolus_testkit::ManualClock;
use aeolus_testkit::kube::KubeDouble;
use tempfile::TempDir;

const LEASE: Duration = Duration::from_secs(15);

struct World {
    _double: KubeDouble,
    client: Client,
    clock: ManualClock,
    _folder: TempDir,
}

impl World {
    async fn start() -> Self {
        let double = KubeDouble::start().await.expect("a double");
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, double.kubeconfig(None)).expect("a kubeconfig");
        let access = Access {
            kubeconfig: Some(path),
            context: None,
        };
        Self {
            client: Client::connect(access).await.expect("a client"),
            clock: ManualClock::new(Time::from_secs(1_800_000_000)),
            _double: double,
            _folder: folder,
        }
    }

    fn leader(&self, me: &str) -> Leader<'_> {
        Leader {
            client: &self.client,
            place: Place::new("default", "aeolus-kube-sync"),
            me: me.to_owned(),
            duration: LEASE,
            clock: &self.clock,
        }
    }

    async fn takes(&self, me: &str) -> bool {
        let taken = self.leader(me).take().await.expect("an answer");
        matches!(taken, Lead::Mine(_))
    }
}

#[tokio::test]
async fn one_leads_until_it_says_nothing_for_long_enough() {
    let world = World::start().await;
    assert!(world.takes("a").await);
    assert!(!world.takes("b").await);
    world.clock.advance(LEASE / 2);
    assert!(world.takes("a").await, "it says that it lives");
    world.clock.advance(Duration::from_secs(14));
    assert!(!world.takes("b").await);
    world.clock.advance(Duration::from_secs(1));
    assert!(world.takes("b").await);
    assert!(!world.takes("a").await, "who was away too long has lost it");
}

#[tokio::test]
async fn what_is_let_go_is_free_at_once_and_notes_stay() {
    let world = World::start().await;
    assert!(world.takes("a").await);
    let notes = || [("aeolus/last-pass".to_owned(), "now".to_owned())].into();
    world.leader("b").release(notes()).await.expect("nothing");
    assert!(!world.takes("b").await, "nobody lets another's go");
    world.leader("a").release(notes()).await.expect("released");
    let Lead::Mine(lease) = world.leader("b").take().await.expect("an answer") else {
        panic!("it was free");
    };
    assert_eq!(lease.annotations["aeolus/last-pass"], "now");
    assert_eq!(lease.transitions, 1);
}

#[tokio::test]
async fn a_clock_that_was_wrong_keeps_nobody_out_for_ever() {
    let world = World::start().await;
    world.clock.advance(Duration::from_secs(86_400));
    assert!(world.takes("a").await);
    world.clock.set(Time::from_secs(1_800_000_000));
    assert!(world.takes("b").await, "renewed a day from now");
}

#[tokio::test]
async fn a_lone_pass_waits_for_a_dead_ones_lease_and_not_for_a_living_ones() {
    let world = World::start().await;
    let brief = |me: &str| Leader {
        duration: Duration::from_secs(2),
        ..world.leader(me)
    };
    assert!(matches!(brief("dead").take().await, Ok(Lead::Mine(_))));
    let lone = brief("lone");
    let dies = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        world.clock.advance(LEASE);
    };
    let (taken, ()) = tokio::join!(lone.take_from_the_dead(), dies);
    assert!(matches!(taken, Ok(Lead::Mine(_))));
    let other = brief("other");
    let lives = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        world.clock.advance(Duration::from_secs(1));
        assert!(matches!(lone.take().await, Ok(Lead::Mine(_))));
    };
    let (taken, ()) = tokio::join!(other.take_from_the_dead(), lives);
    let Ok(Lead::Theirs(lease)) = taken else {
        panic!("it lives");
    };
    assert_eq!(lease.holder.as_deref(), Some("lone"));
}
