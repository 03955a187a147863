use super::*;

const PLANE: PlaneId = PlaneId::from_bytes([1; 16]);

const fn feed(content: u64, records: u64) -> Feed {
    Feed {
        epoch: 1,
        position: content,
        content,
        records,
        whole: records,
    }
}

const fn told(seq: u64, records: u64) -> Told {
    Told {
        plane: PLANE,
        epoch: 1,
        seq,
        records,
        base: records,
        known: records,
    }
}

const fn lanes(news: bool, whole: bool) -> Need {
    Need::Lanes { news, whole }
}

const fn has(by: Means, left: Left) -> Urgent {
    Urgent::Has { by, left }
}

/// What a plane is due that was told a position and its records, when the feed is at those.
fn due(all: &mut Lanes, (seq, records): (u64, u64), at: (u64, u64)) -> Need {
    all.need(PLANE, Some(told(seq, records)), feed(at.0, at.1), true)
}

fn large() -> Lanes {
    let mut all = Lanes::new(Publishing::default());
    for _ in 0..2 {
        all.whole(PLANE, Duration::from_secs(2));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn a_small_plane_is_told_everything_at_once() {
    let mut all = Lanes::new(Publishing::default());
    assert_eq!(all.need(PLANE, None, feed(5, 5), true), lanes(false, true));
    for took in [20, 900, 30, 40] {
        all.whole(PLANE, Duration::from_millis(took));
        assert_eq!(due(&mut all, (5, 5), (6, 5)), Need::Whole);
        assert_eq!(due(&mut all, (5, 5), (6, 6)), Need::Whole);
        assert_eq!(due(&mut all, (6, 5), (6, 6)), Need::Whole);
        assert_eq!(due(&mut all, (6, 6), (6, 6)), Need::Nothing);
    }
}

#[tokio::test(start_paused = true)]
async fn f18_a_large_plane_is_told_revocations_at_once_and_the_rest_in_its_turn() {
    let mut all = large();
    assert_eq!(due(&mut all, (5, 5), (6, 5)), lanes(true, false));
    assert_eq!(due(&mut all, (5, 5), (6, 6)), lanes(true, false));
    tokio::time::advance(Duration::from_secs(8)).await;
    assert_eq!(due(&mut all, (6, 5), (6, 6)), lanes(false, true));
    all.begin(PLANE);
    assert_eq!(due(&mut all, (6, 5), (7, 7)), lanes(true, false));
    all.told(PLANE, feed(7, 7), has(Means::Earlier, Left::Usual));
    assert_eq!(due(&mut all, (6, 5), (7, 7)), lanes(false, false));
    assert_eq!(due(&mut all, (6, 5), (8, 7)), lanes(true, false));
    all.whole(PLANE, Duration::from_secs(2));
    assert_eq!(due(&mut all, (8, 8), (8, 7)), Need::Nothing);
    assert_eq!(due(&mut all, (8, 8), (9, 9)), lanes(true, false));
}

/// No round waits for a plane of which nobody knows how large it is.
#[tokio::test(start_paused = true)]
async fn f18_after_a_start_a_plane_may_be_a_large_one() {
    let mut all = Lanes::new(Publishing::default());
    assert_eq!(due(&mut all, (5, 5), (6, 5)), lanes(true, false));
    assert_eq!(due(&mut all, (5, 5), (6, 6)), lanes(false, true));
    all.begin(PLANE);
    assert_eq!(due(&mut all, (5, 5), (6, 6)), lanes(true, false));
    assert_eq!(due(&mut all, (6, 5), (7, 6)), lanes(true, false));
    all.whole(PLANE, Duration::from_millis(20));
    assert_eq!(due(&mut all, (7, 7), (8, 8)), Need::Whole);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_built_on_is_made_anew_without_a_rest_and_beside() {
    let mut all = large();
    all.told(PLANE, feed(5, 5), Urgent::Amiss);
    assert_eq!(due(&mut all, (5, 5), (6, 5)), lanes(false, true));
    all.begin(PLANE);
    assert_eq!(due(&mut all, (5, 5), (7, 6)), lanes(false, false));
    all.whole(PLANE, Duration::from_secs(2));
    assert_eq!(due(&mut all, (7, 7), (8, 8)), lanes(true, false));
}

/// What an overtaken replica tells a plane.
fn left(all: &mut Lanes, (seq, records): (u64, u64), at: (u64, u64)) -> Need {
    all.overtaken(Some(told(seq, records)), (PLANE, feed(at.0, at.1)), false)
}

#[tokio::test(start_paused = true)]
async fn an_overtaken_replica_stands_in_where_no_other_publishes_records() {
    let mut all = Lanes::new(Publishing::default());
    all.whole(PLANE, Duration::ZERO);
    assert_eq!(left(&mut all, (5, 5), (5, 5)), Need::Nothing);
    assert_eq!(left(&mut all, (5, 5), (6, 6)), lanes(true, false));
    let second = Duration::from_secs(1);
    tokio::time::advance(5 * second).await;
    // Its own revocations are no sign of the others; records are.
    assert_eq!(left(&mut all, (6, 5), (7, 6)), lanes(true, false));
    tokio::time::advance(second).await;
    assert_eq!(left(&mut all, (7, 5), (7, 6)), Need::Whole);
    assert_eq!(left(&mut all, (8, 8), (9, 9)), lanes(true, false));
    tokio::time::advance(5 * second).await;
    assert_eq!(left(&mut all, (9, 9), (9, 9)), Need::Nothing);
    assert_eq!(left(&mut all, (9, 9), (10, 10)), lanes(true, false));
    tokio::time::advance(5 * second).await;
    assert_eq!(left(&mut all, (9, 9), (10, 10)), lanes(true, false));
    let at = (PLANE, feed(10, 10));
    assert_eq!(all.overtaken(Some(told(9, 9)), at, true), Need::Whole);
}

/// A large plane's snapshot takes others as long as it took here.
#[tokio::test(start_paused = true)]
async fn an_overtaken_replica_waits_for_what_a_large_plane_takes() {
    let mut all = large();
    assert_eq!(left(&mut all, (5, 5), (6, 6)), lanes(true, false));
    tokio::time::advance(Duration::from_secs(16)).await;
    assert_eq!(left(&mut all, (6, 5), (6, 6)), lanes(false, false));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(left(&mut all, (6, 5), (6, 6)), lanes(false, true));
}

/// Nothing could be told of what is revoked meanwhile.
#[tokio::test(start_paused = true)]
async fn an_overtaken_replica_makes_anew_at_once_what_cannot_be_built_on() {
    let mut all = Lanes::new(Publishing::default());
    all.whole(PLANE, Duration::ZERO);
    assert_eq!(left(&mut all, (5, 5), (6, 5)), lanes(true, false));
    all.told(PLANE, feed(5, 5), Urgent::Amiss);
    assert_eq!(left(&mut all, (5, 5), (6, 5)), lanes(false, false));
    tokio::time::advance(LOST).await;
    assert_eq!(left(&mut all, (5, 5), (6, 5)), Need::Whole);
    all.whole(PLANE, Duration::ZERO);
    assert_eq!(left(&mut all, (6, 6), (6, 6)), Need::Nothing);
    all.told(PLANE, feed(5, 5), Urgent::Amiss);
    assert_eq!(left(&mut all, (6, 6), (7, 6)), lanes(false, false));
    // Another replica was faster.
    assert_eq!(left(&mut all, (7, 7), (8, 7)), lanes(true, false));
    let next = Feed {
        epoch: 2,
        ..feed(9, 9)
    };
    let mut restored = || all.overtaken(Some(told(8, 8)), (PLANE, next), false);
    assert_eq!(restored(), lanes(false, false));
    tokio::time::advance(LOST).await;
    assert!(matches!(restored(), Need::Whole));
}

#[tokio::test(start_paused = true)]
async fn a_making_that_was_cut_off_is_tried_again_after_a_rest() {
    let mut all = large();
    all.begin(PLANE);
    all.cut_off(PLANE);
    assert_eq!(due(&mut all, (5, 5), (6, 6)), lanes(true, false));
    tokio::time::advance(Duration::from_secs(8)).await;
    assert_eq!(due(&mut all, (6, 5), (6, 6)), lanes(false, true));
}

#[tokio::test(start_paused = true)]
async fn rest_is_bounded_both_ways() {
    let mut all = large();
    for _ in 0..2 {
        all.whole(PLANE, Duration::from_secs(60));
    }
    tokio::time::advance(Duration::from_secs(29)).await;
    assert_eq!(due(&mut all, (6, 5), (6, 6)), lanes(false, false));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(due(&mut all, (6, 5), (6, 6)), lanes(false, true));
    for _ in 0..2 {
        all.whole(PLANE, Duration::from_millis(101));
    }
    assert_eq!(due(&mut all, (6, 5), (6, 6)), lanes(false, false));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(due(&mut all, (6, 5), (6, 6)), lanes(false, true));
}

/// Nothing told in another epoch can be built on, and its plane waits for no turn.
#[tokio::test(start_paused = true)]
async fn f25_after_a_restore_a_large_plane_is_told_everything() {
    let mut all = large();
    let next = Feed {
        epoch: 2,
        ..feed(7, 7)
    };
    assert_eq!(
        all.need(PLANE, Some(told(9, 9)), next, true),
        lanes(false, true)
    );
    let ahead = due(&mut all, (9, 9), (7, 7));
    assert!(matches!(ahead, Need::Alarm(_)), "{ahead:?}");
}

/// Single people and programs that changed need no whole snapshot, until there are many.
#[tokio::test(start_paused = true)]
async fn f18_a_large_plane_is_told_who_changed_without_reading_everybody() {
    let mut all = large();
    tokio::time::advance(Duration::from_secs(30)).await;
    let at = |content, whole| Feed {
        whole,
        ..feed(content, content)
    };
    let held = |seq, base| Told {
        base,
        ..told(seq, seq)
    };
    let mut due = |told, feed, changes| all.need(PLANE, Some(told), feed, changes);
    assert_eq!(due(held(5, 5), at(6, 4), true), lanes(true, false));
    assert_eq!(due(held(6, 5), at(6, 4), true), Need::Nothing);
    assert_eq!(due(held(6, 5), at(7, 7), true), lanes(true, true));
    // Gates that can't read it are told everything, also in place of what others were told.
    assert_eq!(due(held(5, 5), at(6, 4), false), lanes(true, true));
    assert_eq!(due(held(6, 5), at(6, 4), false), lanes(false, true));
    assert_eq!(due(held(6, 6), at(6, 4), false), Need::Nothing);
    all.told(PLANE, at(6, 4), has(Means::Edition, Left::Everything));
    let due = all.need(PLANE, Some(held(6, 5)), at(7, 4), true);
    assert_eq!(due, lanes(true, true));
}

/// What was nothing new to what a plane had before may be to what it has now.
#[tokio::test(start_paused = true)]
async fn f18_after_a_whole_snapshot_who_changed_while_it_was_made_is_looked_at_again() {
    let mut all = large();
    let at = |content, whole| Feed {
        whole,
        ..feed(content, content)
    };
    all.begin(PLANE);
    all.told(PLANE, at(7, 6), has(Means::Earlier, Left::Usual));
    let mut due = |told| all.need(PLANE, Some(told), at(7, 6), true);
    assert_eq!(due(told(5, 5)), lanes(false, false));
    all.whole(PLANE, Duration::from_secs(2));
    let mut due = |told| all.need(PLANE, Some(told), at(7, 6), true);
    assert_eq!(due(told(6, 6)), lanes(true, false));
    // Told with revocations of now and people of before, it is due everything.
    tokio::time::advance(Duration::from_secs(8)).await;
    let mut due = |told| all.need(PLANE, Some(told), at(7, 6), true);
    assert_eq!(due(told(7, 6)), lanes(false, true));
}
