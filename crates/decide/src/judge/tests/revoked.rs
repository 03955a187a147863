//! Whatever the credential, the request and the age: what is revoked opens nothing.

use std::time::Duration;

use aeolus_keys::Kind;
use aeolus_snapshot::section::{self, SubjectKind};
use proptest::prelude::*;

use super::allowed;
use crate::fixture::{ANN, BOT, Fleet, NOW, SESSION};

/// What is shown.
#[derive(Clone, Copy, Debug)]
enum Shown {
    Api,
    Direct,
    Access,
    Cookie,
}

/// How it was revoked.
#[derive(Clone, Copy, Debug)]
enum Revoked {
    /// By its bit.
    Bit,
    /// By an early end.
    End,
    /// By a mark of the organization.
    Organization,
    /// By a mark of its subject.
    Subject,
    /// By the end of its session, as control tells.
    Session,
    /// The same, as the gate remembers.
    SignedOut,
    /// Issued in a time that control has lost.
    Lost,
}

const EVERYTHING: [(Shown, &[Revoked]); 4] = [
    (
        Shown::Api,
        &[
            Revoked::Bit,
            Revoked::End,
            Revoked::Organization,
            Revoked::Subject,
            Revoked::Lost,
        ],
    ),
    (
        Shown::Direct,
        &[
            Revoked::Bit,
            Revoked::End,
            Revoked::Organization,
            Revoked::Lost,
        ],
    ),
    (
        Shown::Access,
        &[
            Revoked::Organization,
            Revoked::Subject,
            Revoked::Session,
            Revoked::SignedOut,
            Revoked::Lost,
        ],
    ),
    (
        Shown::Cookie,
        &[
            Revoked::Organization,
            Revoked::Subject,
            Revoked::Session,
            Revoked::SignedOut,
            Revoked::Lost,
        ],
    ),
];

impl Shown {
    fn header(self, fleet: &Fleet) -> (&'static str, String) {
        match self {
            Self::Api => (
                "authorization",
                fleet.bearer(Kind::Api, &fleet.api_claims()),
            ),
            Self::Direct => (
                "authorization",
                fleet.bearer(Kind::Direct, &fleet.direct_claims()),
            ),
            Self::Access => (
                "authorization",
                fleet.bearer(Kind::Access, &fleet.access_claims()),
            ),
            Self::Cookie => ("cookie", fleet.seal("etl.test", fleet.cookie_claims())),
        }
    }
}

impl Revoked {
    fn happens(self, fleet: &mut Fleet) {
        let lists = fleet.revocations();
        match self {
            Self::Bit => lists.status = vec![0b0110_0000; 8],
            Self::End => {
                let end = |index| section::End {
                    index,
                    not_after: NOW.secs() - 120,
                };
                lists.ends = vec![end(5), end(6)];
            }
            Self::Organization => lists.not_before = NOW.secs() + 1,
            Self::Subject => {
                let mark = |kind: SubjectKind, id: &[u8]| section::Mark {
                    subject_kind: kind.into(),
                    subject: id.to_vec(),
                    not_before: NOW.secs() + 1,
                };
                lists.marks = vec![
                    mark(SubjectKind::User, ANN.as_bytes()),
                    mark(SubjectKind::Token, BOT.as_bytes()),
                ];
            }
            Self::Session => {
                lists.sessions = vec![section::EndedSession {
                    id: SESSION.as_bytes().to_vec(),
                    absolute_end: NOW.secs() + 86_400,
                }];
            }
            Self::SignedOut => {
                fleet.ended.insert(SESSION);
            }
            Self::Lost => {
                lists.lost = vec![section::Lost {
                    from: NOW.secs() - 1_000,
                    until: NOW.secs() + 1,
                }];
            }
        }
    }
}

#[test]
fn each_credential_is_good_until_each_way_of_revoking_it() {
    for (shown, ways) in EVERYTHING {
        let mut fleet = Fleet::new();
        let (name, value) = shown.header(&fleet);
        let ask =
            |fleet: &Fleet| allowed(&fleet.ask("GET /api/v2/dags", "etl.test", &[(name, &value)]));
        assert!(ask(&fleet), "{shown:?}");
        for way in ways {
            fleet = Fleet::new();
            fleet.seal("etl.test", fleet.cookie_claims());
            way.happens(&mut fleet);
            assert!(!ask(&fleet), "{shown:?} {way:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_revocation_always_wins(
        (shown, ways) in prop::sample::select(EVERYTHING.to_vec()),
        way in any::<prop::sample::Index>(),
        others in any::<[bool; 7]>(),
        age in prop::option::of(0_u64..90 * 86_400),
        policy in 0_i32..6,
        line in prop::sample::select(vec![
            "GET /api/v2/dags", "POST /api/v2/dags/x/dagRuns", "GET /", "DELETE /api/v2/x", "GET /ui/auth/me",
        ]),
    ) {
        let mut fleet = Fleet::new();
        let (name, value) = shown.header(&fleet);
        way.get(ways).happens(&mut fleet);
        // What else was revoked changes nothing of it.
        for (_, other) in others.iter().zip(EVERYTHING[2].1).filter(|(chosen, _)| **chosen) {
            other.happens(&mut fleet);
        }
        fleet.sections.deployments.deployments[0].stale_then = policy;
        fleet.age = age.map(Duration::from_secs);
        prop_assert!(!allowed(&fleet.ask(line, "etl.test", &[(name, &value)])));
    }
}
