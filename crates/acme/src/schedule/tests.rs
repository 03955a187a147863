use aeolus_pki::{Authority, KeyKind, Life, PrivateKey, Profile, Wanted};
use aeolus_testkit::SeededRng;
use proptest::prelude::*;

use super::*;
use crate::asked::{Asked, Challenge};

const NOW: Time = Time::from_secs(1_800_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn certificate(names: &[&str], days: u32) -> Certificate {
    let rng = SeededRng::new("schedule");
    let key = || PrivateKey::generate(KeyKind::P256).unwrap();
    let root = Authority::root("CA", key(), Life::INTERMEDIATE, (NOW, &rng)).unwrap();
    let names = names.iter().map(|name| San::parse(name).unwrap());
    let wanted = Wanted::new(names, Profile::Server, Life::days(days).unwrap()).unwrap();
    root.issue(&wanted, key().public(), (NOW, &rng))
        .unwrap()
        .certificate
}

fn asked(names: &[&str]) -> Asked {
    let names = names.iter().map(|name| San::parse(name).unwrap());
    Asked::new("https://ca.example.com/dir", names, Challenge::Http01).unwrap()
}

fn kept(certificate: &Certificate, asked: &Asked) -> Kept {
    let mut kept = Kept::default();
    kept.will_write(&certificate.fingerprint(), asked.recorded());
    kept
}

fn judge<'a>(asked: &Asked, kept: Option<&'a Kept>, lying: &Lying<'a>, now: Time) -> Need<'a> {
    need(
        (&asked.recorded(), asked.names()),
        kept,
        lying,
        (now, false),
    )
}

#[test]
fn a_pair_is_left_alone_until_it_is_due() {
    let asked = asked(&["a.example.com"]);
    let lying = certificate(&["a.example.com"], 90);
    let kept = kept(&lying, &asked);
    let at = |days: u32| {
        judge(
            &asked,
            Some(&kept),
            &Lying::Pair(&lying),
            NOW.plus(DAY * days),
        )
    };
    assert!(matches!(at(0), Need::Nothing { .. }));
    assert!(matches!(at(59), Need::Nothing { .. }));
    assert_eq!(at(61), Need::Order(Why::Due));
    assert_eq!(at(200), Need::Order(Why::Due));
    let anyway = need(
        (&asked.recorded(), asked.names()),
        Some(&kept),
        &Lying::Pair(&lying),
        (NOW, true),
    );
    assert_eq!(anyway, Need::Order(Why::Told));
}

#[test]
fn what_is_missing_or_another_is_ordered() {
    let one = asked(&["a.example.com"]);
    let lying = certificate(&["a.example.com"], 90);
    let other = certificate(&["a.example.com"], 90);
    let known = kept(&lying, &one);
    for (kept, lying, why) in [
        (None, Lying::Nothing, Why::Missing),
        (Some(&known), Lying::Nothing, Why::Missing),
        (Some(&known), Lying::Unusable, Why::Unusable),
        (None, Lying::Pair(&lying), Why::Another),
        (Some(&known), Lying::Pair(&other), Why::Another),
    ] {
        assert_eq!(judge(&one, kept, &lying, NOW), Need::Order(why));
    }
    let more = asked(&["a.example.com", "b.example.com"]);
    let got = judge(&more, Some(&known), &Lying::Pair(&lying), NOW);
    assert_eq!(got, Need::Order(Why::AskedOtherwise));
}

#[test]
fn failures_are_waited_out_for_what_failed_alone() {
    let one = asked(&["a.example.com"]);
    let until = NOW.plus(DAY);
    let failed = Failed {
        asked: one.recorded(),
        times: 3,
        until,
        last: String::new(),
    };
    let kept = Kept {
        failed: Some(failed),
        ..Kept::default()
    };
    assert_eq!(
        judge(&one, Some(&kept), &Lying::Nothing, NOW),
        Need::Wait(kept.failed.as_ref().unwrap())
    );
    assert_eq!(
        judge(&one, Some(&kept), &Lying::Nothing, until),
        Need::Order(Why::Missing)
    );
    let other = asked(&["b.example.com"]);
    assert_eq!(
        judge(&other, Some(&kept), &Lying::Nothing, NOW),
        Need::Order(Why::Missing)
    );
}

#[test]
fn a_suggestion_counts_both_ways_but_never_until_the_end() {
    let asked = asked(&["a.example.com"]);
    let lying = certificate(&["a.example.com"], 90);
    let mut kept = kept(&lying, &asked);
    kept.renew_at = Some(NOW.plus(DAY * 5));
    let is_due = |kept: &Kept, days: u32| {
        let at = NOW.plus(DAY * days);
        let got = judge(&asked, Some(kept), &Lying::Pair(&lying), at);
        assert!(
            matches!(got, Need::Nothing { .. } | Need::Order(Why::Due)),
            "{got:?}"
        );
        got == Need::Order(Why::Due)
    };
    assert!(is_due(&kept, 6));
    kept.renew_at = Some(NOW.plus(DAY * 70));
    assert!(!is_due(&kept, 65));
    kept.renew_at = Some(NOW.plus(DAY * 1000));
    assert!(is_due(&kept, 76), "a sixth is left for trying");
}

#[test]
fn pauses_grow_to_half_a_day_and_no_further() {
    let rng = SeededRng::new("again");
    let minutes = |failures: u32| again(failures, NOW, None, &rng).since(NOW).as_secs() / 60;
    for (failures, least) in [(1, 15), (2, 30), (3, 60), (6, 480), (7, 720), (60, 720)] {
        let got = minutes(failures);
        assert!(
            (least..=least + least / 5).contains(&got),
            "{failures}: {got}"
        );
    }
    let allowed = NOW.plus(DAY / 2);
    assert_eq!(again(1, NOW, Some(allowed), &rng), allowed);
    let century = NOW.plus(DAY * 36_500);
    assert_eq!(
        again(1, NOW, Some(century), &rng),
        NOW.plus(DAY),
        "once a day"
    );
    assert!(again(1, NOW, Some(NOW), &rng) > NOW);
}

proptest! {
    #[test]
    fn a_renewal_is_before_it_is_due_and_after_half_of_a_life_at_the_soonest(life in 60_u32..40_000_000, name in "[a-z]{1,8}") {
        let rng = SeededRng::new(&name);
        let until = NOW.plus(Duration::from_secs(life.into()));
        let at = renewal(NOW, until, &rng);
        prop_assert!(at <= due(NOW, until));
        prop_assert!(at >= NOW.plus(until.since(NOW) * 2 / 5));
    }

    #[test]
    fn a_moment_of_a_window_is_in_it(length in 0_u64..10_000_000, name in "[a-z]{1,8}") {
        let window = (NOW, NOW.plus(Duration::from_secs(length)));
        let at = within(window, &SeededRng::new(&name));
        prop_assert!(window.0 <= at && at <= window.1);
    }
}
