use std::collections::{BTreeMap, HashSet};

use aeolus_snapshot::section::{Gone, ResourceKind};

use super::*;
use crate::fixture::Fleet;

#[test]
fn a_fingerprint_is_another_when_anything_is() {
    let teams = |names: &[&str]| names.iter().map(|&name| name.into()).collect::<Vec<_>>();
    let all = [
        fingerprint("a@x", "bc", &[]),
        fingerprint("a@xb", "c", &[]),
        fingerprint("a@x", "bc", &teams(&["d"])),
        fingerprint("a@x", "bc", &teams(&["d", "e"])),
        fingerprint("a@x", "bc", &teams(&["de"])),
        fingerprint("a@x", "bcd", &[]),
    ];
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
}

const TOKEN: [u8; 16] = [77; 16];

fn token(name: &str) -> section::Subject {
    section::Subject {
        id: TOKEN.to_vec(),
        kind: SubjectKind::Token.into(),
        name: name.to_owned(),
        ..section::Subject::default()
    }
}

fn names(people: &People) -> BTreeMap<Subject, String> {
    let people = people.iter();
    people
        .map(|(subject, person)| (subject, person.name.to_string()))
        .collect()
}

#[test]
fn f18_changes_say_who_somebody_is_and_share_everybody_else() {
    let fleet = Fleet::new();
    let before = fleet.world();
    let all = names(&before.people);
    let (who, _) = all.first_key_value().unwrap();
    let Subject::User(user) = *who else {
        panic!("{who:?}")
    };
    let mut renamed = fleet.sections.subjects.subjects.clone();
    renamed.retain(|record| record.id == user.as_bytes());
    renamed[0].name = "Somebody Else".to_owned();
    let changes = Changes {
        subjects: [renamed, vec![token("new")]].concat(),
        grants: vec![Grant {
            subject_kind: SubjectKind::Token.into(),
            subject: TOKEN.to_vec(),
            resource_kind: ResourceKind::System.into(),
            resource: Vec::new(),
            permissions: vec![0xff],
        }],
        gone: Vec::new(),
    };
    let after = before.with(&fleet.sections.revocations, &changes);
    assert!(after.people.shares(&before.people));
    let person = after.person(*who).unwrap();
    assert_eq!(&*person.name, "Somebody Else");
    assert_eq!(
        person.grants,
        Grants::default(),
        "what they hold is what the changes say"
    );
    let subject = Subject::Token(aeolus_model::TokenId::from_bytes(TOKEN));
    assert!(before.person(subject).is_none());
    let held = after.person(subject).unwrap();
    assert_eq!(held.grants.iter().count(), 1);
    assert_eq!(names(&after.people).len(), all.len() + 1);
    // As a whole snapshot with the same changes says it.
    let mut sections = fleet.sections.clone();
    sections.changes = changes;
    let whole = crate::World::from_sections(&sections, &std::collections::BTreeSet::new());
    assert_eq!(names(&whole.people), names(&after.people));
}

#[test]
fn who_is_gone_has_nothing_and_is_back_with_other_changes() {
    let fleet = Fleet::new();
    let before = fleet.world();
    let all = names(&before.people);
    let (who, _) = all.first_key_value().unwrap();
    let Subject::User(user) = *who else {
        panic!("{who:?}")
    };
    let changes = Changes {
        gone: vec![Gone {
            kind: SubjectKind::User.into(),
            id: user.as_bytes().to_vec(),
        }],
        ..Changes::default()
    };
    let after = before.with(&fleet.sections.revocations, &changes);
    assert!(after.person(*who).is_none());
    assert_eq!(names(&after.people).len(), all.len() - 1);
    let back = after.with(&fleet.sections.revocations, &Changes::default());
    assert_eq!(names(&back.people), all);
}

/// Somebody in a team has what the team has, also when they changed.
#[test]
fn teams_count_for_those_who_changed() {
    let team = [9; 16];
    let subjects = Subjects {
        teams: vec![section::Team {
            id: team.to_vec(),
            name: "ops".to_owned(),
        }],
        ..Subjects::default()
    };
    let grant = Grant {
        subject_kind: SubjectKind::Team.into(),
        subject: team.to_vec(),
        resource_kind: ResourceKind::System.into(),
        resource: Vec::new(),
        permissions: vec![1],
    };
    let people = People::load(
        &subjects,
        &GrantList {
            grants: vec![grant],
        },
        false,
    );
    let member = section::Subject {
        id: vec![3; 16],
        kind: SubjectKind::User.into(),
        teams: vec![team.to_vec(), vec![8; 16]],
        ..section::Subject::default()
    };
    let people = people.with(&Changes {
        subjects: vec![member],
        ..Changes::default()
    });
    let member = Subject::User(UserId::from_bytes([3; 16]));
    let member = people.get(&member).unwrap();
    assert_eq!(member.teams.len(), 1);
    assert_eq!(member.grants.iter().count(), 1);
}

/// An identity that somebody else has below is nobody's, as within one section (O22).
#[test]
fn o22_an_identity_of_two_is_nobodys_across_both_layers() {
    let identity = vec![5; 32];
    let linked = |id: u8| section::Subject {
        id: vec![id; 16],
        kind: SubjectKind::User.into(),
        identities: vec![identity.clone()],
        ..section::Subject::default()
    };
    let subjects = Subjects {
        subjects: vec![linked(1)],
        ..Subjects::default()
    };
    let people = People::load(&subjects, &GrantList::default(), true);
    let key = Identity::try_from(identity.as_slice()).unwrap();
    let user = |id: u8| UserId::from_bytes([id; 16]);
    assert_eq!(people.linked(&key), Some(user(1)));
    let changed = |record| Changes {
        subjects: vec![record],
        ..Changes::default()
    };
    assert_eq!(people.with(&changed(linked(1))).linked(&key), Some(user(1)));
    let both = people.with(&changed(linked(2)));
    assert_eq!(both.linked(&key), None);
    assert!(!both.is_linked(user(2)));
}
