//! The protocol between control and gates, checked exhaustively: two publishers, two gates, one
//! partition, one restore of control's database from a backup, and somebody who records one answer
//! at any time and sends it, or parts of it, to anybody at any other.
//!
//! What is signed, verified, applied and carried over a restore is done by the crate itself
//! ([`bytes`]); the model adds who does what in which order ([`protocol`]). Each property has a
//! variant of the model with one rule left out, which must be found out.

mod bytes;
mod protocol;

use stateright::{Checker, HasDiscoveries, Model as _};

use protocol::{FORGOTTEN, HELD_BACK, Mistake, OLDER, Protocol, REPLAYED, STEPS_BACK, YOUNGER};

/// Twelve steps are enough for a backup, a revocation that two gates may know, the restore, the
/// recovery, and both gates in the new epoch; two more for a gate that finds the restore out and proves
/// it, or anything else between.
const STEPS: usize = 14;

/// Looks at every order of so many steps, and says how many states that were.
fn every_order(protocol: Protocol, steps: usize) -> impl Checker<Protocol> {
    let checker = protocol.checker().threads(2);
    let checker = checker.target_max_depth(steps).spawn_bfs().join();
    println!(
        "{} states, {} of them different: every order of {} steps",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth()
    );
    checker
}

#[test]
fn the_protocol_holds_in_every_order_of_events() {
    let checker = every_order(Protocol::new(None), STEPS);
    checker.assert_properties();
    assert!(checker.unique_state_count() > 100_000);
}

/// Enough for a change and a revocation that are published in either order, a gate that hears of both,
/// and a recording that is replayed.
const LANE_STEPS: usize = 10;

#[test]
fn both_lanes_hold_in_every_order_of_events() {
    let checker = every_order(Protocol::with_lanes(None), LANE_STEPS);
    for property in ALWAYS {
        checker.assert_no_discovery(property);
    }
    assert!(checker.unique_state_count() > 100_000);
}

/// Enough for statements of three times, each of which comes late, and again.
const CLOCK_STEPS: usize = 13;

#[test]
fn f22_time_is_not_held_back_in_any_order_of_statements() {
    let checker = every_order(Protocol::with_clocks(None), CLOCK_STEPS);
    for property in ALWAYS {
        checker.assert_no_discovery(property);
    }
    assert!(checker.unique_state_count() > 10_000);
}

const ALWAYS: [&str; 6] = [STEPS_BACK, OLDER, FORGOTTEN, YOUNGER, REPLAYED, HELD_BACK];

/// A protocol with a mistake breaks the property.
fn broken_by(mistake: Mistake, property: &'static str) {
    broken(Protocol::new(Some(mistake)), mistake, property);
}

fn broken(protocol: Protocol, mistake: Mistake, property: &'static str) {
    let failures = HasDiscoveries::AnyOf([property].into());
    let checker = protocol.checker();
    let checker = checker.threads(2).finish_when(failures).spawn_bfs().join();
    let found = checker.discovery(property);
    assert!(
        found.is_some(),
        "{mistake:?} went unnoticed in {} states",
        checker.unique_state_count()
    );
    println!("{mistake:?}: {:?}", found.unwrap().into_actions());
}

#[test]
fn f22_a_gate_without_a_floor_would_step_back() {
    broken_by(Mistake::NoFloor, STEPS_BACK);
}

#[test]
fn f23_publishers_without_compare_and_set_would_step_back() {
    broken_by(Mistake::NoCompareAndSet, OLDER);
}

#[test]
fn f25_a_gate_that_believes_a_restored_control_would_forget_a_revocation() {
    broken_by(Mistake::Forgetful, FORGOTTEN);
}

#[test]
fn f25_a_statement_that_names_no_manifest_would_make_a_fork_look_fresh() {
    broken_by(Mistake::AnyManifest, YOUNGER);
}

#[test]
fn f4_a_control_that_calls_a_stuck_publisher_fresh_would_lie() {
    broken_by(Mistake::AlwaysFresh, YOUNGER);
}

#[test]
fn f20_a_gate_that_compares_no_hash_would_apply_a_mixed_answer() {
    broken_by(Mistake::NoHash, REPLAYED);
}

#[test]
fn f22_a_gate_that_minds_no_end_would_apply_an_old_recording() {
    broken_by(Mistake::NoEnd, REPLAYED);
}

#[test]
fn f4_a_control_that_calls_lagging_records_fresh_would_lie() {
    let mistake = Mistake::LagIsFresh;
    broken(Protocol::with_lanes(Some(mistake)), mistake, YOUNGER);
}

#[test]
fn f23_newer_revocations_could_bring_older_records_back() {
    let mistake = Mistake::AnyRecords;
    broken(Protocol::with_lanes(Some(mistake)), mistake, OLDER);
}

fn held_back_by(mistake: Mistake) {
    broken(Protocol::with_clocks(Some(mistake)), mistake, HELD_BACK);
}

#[test]
fn f22_a_gate_that_takes_the_same_word_again_would_stand_still() {
    held_back_by(Mistake::SaidAgain);
}

#[test]
fn f22_a_word_of_what_is_not_in_force_could_be_said_for_ever() {
    held_back_by(Mistake::OwnAlone);
}

#[test]
fn f22_a_recording_that_is_played_slowly_would_slow_time_down() {
    held_back_by(Mistake::EachStep);
}
