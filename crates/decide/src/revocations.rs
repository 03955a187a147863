//! What of one organization is no longer good.

use aeolus_model::{DeploymentId, SessionId, Subject, Time, TokenId, UserId};
use aeolus_snapshot::section;

use crate::by_id::{ById, Ids};
use crate::{Reason, World};

/// One organization's revocations, indexed.
#[derive(Debug, Default)]
pub(crate) struct Revoked {
    status: Vec<u8>,
    ends: ById<u32, i64>,
    not_before: i64,
    marks: ById<Subject, i64>,
    sessions: Ids<SessionId>,
    lost: Vec<section::Lost>,
}

impl World {
    /// Whether the snapshot says that a session has ended, as far as a deployment is concerned. One
    /// that is served no more has no sessions.
    pub fn has_ended(&self, session: SessionId, at: DeploymentId) -> bool {
        let revoked = self
            .deployment(at)
            .and_then(|deployment| self.revoked(deployment.organization));
        revoked.is_none_or(|revoked| revoked.check_session(session).is_err())
    }
}

impl Revoked {
    /// Reads the section. None if a record in it makes no sense: then nothing is known, and the
    /// organization is denied.
    pub(crate) fn load(section: &section::Revocations) -> Option<Self> {
        let mark = |mark: &section::Mark| {
            let subject = match mark.subject_kind() {
                section::SubjectKind::User => {
                    Subject::User(UserId::from_slice(&mark.subject).ok()?)
                }
                section::SubjectKind::Token => {
                    Subject::Token(TokenId::from_slice(&mark.subject).ok()?)
                }
                section::SubjectKind::Unspecified | section::SubjectKind::Team => return None,
            };
            Some((subject, mark.not_before))
        };
        let session = |ended: &section::EndedSession| SessionId::from_slice(&ended.id).ok();
        Some(Self {
            status: section.status.clone(),
            ends: section
                .ends
                .iter()
                .map(|e| (e.index, e.not_after))
                .collect(),
            not_before: section.not_before,
            marks: section.marks.iter().map(mark).collect::<Option<_>>()?,
            sessions: section
                .sessions
                .iter()
                .map(session)
                .collect::<Option<_>>()?,
            lost: section.lost.clone(),
        })
    }

    /// Whether the value at an index may be used. Past the end of the bits is not "not revoked":
    /// lists are allocated ahead, so it is a value nobody issued.
    pub(crate) fn check_index(&self, index: u32, now: Time) -> Result<(), Reason> {
        let byte = usize::try_from(index / 8).ok();
        let byte = byte.and_then(|at| self.status.get(at));
        let byte = byte.ok_or(Reason::TokenIndexUnknown)?;
        if byte >> (index % 8) & 1 == 1 {
            return Err(Reason::TokenRevoked);
        }
        match self.ends.get(&index) {
            Some(not_after) if now.secs() >= *not_after => Err(Reason::TokenEnded),
            _ => Ok(()),
        }
    }

    /// Whether something issued to a subject at a time (seconds) is before a mark, or from a time
    /// that control has lost the memory of.
    pub(crate) fn check_marks(&self, subject: Subject, issued: i64) -> Result<(), Reason> {
        let mut lost = self.lost.iter();
        if issued < self.not_before || lost.any(|lost| (lost.from..lost.until).contains(&issued)) {
            return Err(Reason::OrganizationMark);
        }
        match self.marks.get(&subject) {
            Some(not_before) if issued < *not_before => Err(Reason::SubjectMark),
            _ => Ok(()),
        }
    }

    /// The second of the first mark that something issued to a subject before it is refused by.
    pub(crate) fn mark_after(&self, subject: Subject, issued: i64) -> Option<i64> {
        let own = self.marks.get(&subject).copied();
        let marks = own.into_iter().chain([self.not_before]);
        marks.filter(|mark| issued < *mark).min()
    }

    /// Whether a session has been ended.
    pub(crate) fn check_session(&self, session: SessionId) -> Result<(), Reason> {
        if self.sessions.contains(&session) {
            return Err(Reason::SessionEnded);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bits_are_read_least_significant_first_and_never_past_the_end() {
        let revoked = Revoked {
            status: vec![0b0000_0101],
            ends: ById::from_iter([(1, 100)]),
            ..Revoked::default()
        };
        let at = |index, secs| revoked.check_index(index, Time::from_secs(secs));
        assert_eq!(at(0, 0), Err(Reason::TokenRevoked));
        assert_eq!(at(2, 0), Err(Reason::TokenRevoked));
        assert_eq!(at(1, 99), Ok(()));
        assert_eq!(at(1, 100), Err(Reason::TokenEnded));
        assert_eq!(at(3, 1_000), Ok(()));
        assert_eq!(at(8, 0), Err(Reason::TokenIndexUnknown));
        assert_eq!(at(u32::MAX, 0), Err(Reason::TokenIndexUnknown));
    }

    #[test]
    fn f25_what_was_issued_in_a_lost_time_is_refused_and_nothing_else() {
        let lost = vec![section::Lost {
            from: 100,
            until: 200,
        }];
        let revoked = Revoked {
            lost,
            ..Revoked::default()
        };
        let subject = Subject::User(UserId::from_bytes([1; 16]));
        for (issued, good) in [(99, true), (100, false), (199, false), (200, true)] {
            assert_eq!(
                revoked.check_marks(subject, issued).is_ok(),
                good,
                "{issued}"
            );
        }
    }

    #[test]
    fn a_record_that_makes_no_sense_spoils_the_section() {
        let section = section::Revocations {
            sessions: vec![section::EndedSession {
                id: vec![1; 3],
                absolute_end: 0,
            }],
            ..section::Revocations::default()
        };
        assert!(Revoked::load(&section).is_none());
        let section = section::Revocations {
            marks: vec![section::Mark {
                subject_kind: 9,
                subject: vec![1; 16],
                not_before: 0,
            }],
            ..section::Revocations::default()
        };
        assert!(Revoked::load(&section).is_none());
    }

    proptest! {
        #[test]
        fn setting_a_bit_always_revokes(mut status in proptest::collection::vec(any::<u8>(), 1..16), bit in 0_u32..128) {
            let index = bit % u32::try_from(status.len() * 8).unwrap();
            let at = usize::try_from(index / 8).unwrap();
            status[at] |= 1 << (index % 8);
            let revoked = Revoked { status, ..Revoked::default() };
            prop_assert_eq!(revoked.check_index(index, Time::EPOCH), Err(Reason::TokenRevoked));
        }
    }
}
