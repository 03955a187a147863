//! Revocations carried over a restore only grow.

use aeolus_snapshot::section::{End, EndedSession, Lost, Revocations};
use aeolus_snapshot::{Carried, Snapshot, Trust, covers, publish};
use proptest::prelude::*;

use crate::build::{NOW, blobs, edition, key, organization, plane, root, sections};
use crate::patches::revocations;

fn carried(newer: &Revocations, earlier: &Revocations) -> Revocations {
    let mut sections = sections();
    sections.revocations.insert(organization(1), newer.clone());
    let published = publish(&edition(1), &sections, &key("snapshot")).unwrap();
    let (blobs, root) = (blobs(&published), root());
    let trust = Trust {
        root: &root,
        plane: plane(1),
        floor: None,
    };
    let find = |digest: &_| blobs.get(digest).cloned();
    let mut snapshot = Snapshot::verify(&trust, &published.manifest, &find, NOW).unwrap();
    let mut carried = Carried::default();
    carried.add(organization(1), earlier);
    snapshot.carry(&carried);
    assert!(carried.is_part_of(&snapshot.sections().revocations, NOW));
    snapshot.sections().revocations[&organization(1)].clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn f25_nothing_that_either_revokes_is_lost(newer in revocations(), earlier in revocations()) {
        let both = carried(&newer, &earlier);
        prop_assert!(covers(&both, &newer) && covers(&both, &earlier));
        for section in [&newer, &earlier] {
            for mark in &section.marks {
                let held = both.marks.iter().find(|m| {
                    (m.subject_kind, &m.subject) == (mark.subject_kind, &mark.subject)
                });
                prop_assert!(held.is_some_and(|held| held.not_before >= mark.not_before));
            }
            for session in &section.sessions {
                prop_assert!(both.sessions.iter().any(|s| s.id == session.id));
            }
        }
        let marks = both.marks.iter().all(|mark| {
            newer.marks.contains(mark) || earlier.marks.contains(mark)
        });
        prop_assert!(marks, "nothing is made up");
    }
}

#[test]
fn a_bit_or_a_mark_that_goes_back_is_not_covered() {
    let of = |status: &[u8], not_before| Revocations {
        status: status.to_vec(),
        not_before,
        ..Revocations::default()
    };
    assert!(covers(&of(&[0b11], 5), &of(&[0b01], 5)));
    assert!(covers(&of(&[0b01], 5), &of(&[0b01, 0], 5)));
    assert!(!covers(&of(&[0b10], 5), &of(&[0b01], 5)));
    assert!(!covers(&of(&[0b01], 5), &of(&[0b01, 1], 5)));
    assert!(!covers(&of(&[0b01], 4), &of(&[0b01], 5)));
}

#[test]
fn lost_times_add_up() {
    let lost = |from| Revocations {
        lost: vec![Lost {
            from,
            until: from + 1,
        }],
        ..Revocations::default()
    };
    assert_eq!(carried(&lost(1), &lost(5)).lost.len(), 2);
    assert_eq!(carried(&lost(1), &lost(1)).lost.len(), 1);
}

/// Control lists a session until its end, and a value that has ended becomes a status bit.
#[test]
fn f25_what_no_longer_matters_is_not_carried_for_ever() {
    let now = NOW.secs();
    let ended = |absolute_end| Revocations {
        sessions: vec![EndedSession {
            id: vec![7; 16],
            absolute_end,
        }],
        ..Revocations::default()
    };
    let ends = |not_after| Revocations {
        ends: vec![End {
            index: 9,
            not_after,
        }],
        ..Revocations::default()
    };
    let bits = |status: &[u8]| Revocations {
        status: status.to_vec(),
        ..Revocations::default()
    };
    let known = |own: &Revocations, earlier: &Revocations| {
        let mut carried = Carried::default();
        carried.add(organization(1), earlier);
        let mut sections = sections();
        sections.revocations.insert(organization(1), own.clone());
        carried.is_part_of(&sections.revocations, NOW)
    };
    assert!(!known(&bits(&[0]), &ended(now + 1)));
    assert!(known(&ended(now + 1), &ended(now + 1)));
    assert!(known(&bits(&[0]), &ended(now)));
    assert!(!known(&bits(&[0xff, 0b01]), &ends(now - 5)));
    assert!(known(&bits(&[0, 0b10]), &ends(now - 5)));
    assert!(known(&ends(now - 6), &ends(now - 5)));
    assert!(!known(&ends(now - 5), &ends(now - 6)), "it ended earlier");
}
