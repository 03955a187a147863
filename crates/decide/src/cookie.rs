//! Cookies: a strict reader for request headers, and what our session cookie holds.

use aeolus_model::{ConnectionId, SessionId, Time, UserId};

use crate::Reason;

/// The one value of a cookie in all `Cookie` lines, byte for byte.
///
/// Nothing is trimmed, unquoted or merged beyond RFC 6265 §4.2.1: a name that appears twice is an
/// attack (a sibling host set a twin) and is refused rather than guessed at.
pub fn find<'a>(lines: &[&'a [u8]], name: &str) -> Result<Option<&'a [u8]>, Reason> {
    let mut found = None;
    for pair in lines.iter().flat_map(|line| line.split(|b| *b == b';')) {
        let pair = pair.strip_prefix(b" ").unwrap_or(pair);
        let value = pair
            .strip_prefix(name.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"="));
        if let Some(value) = value
            && found.replace(value).is_some()
        {
            return Err(Reason::CookieAmbiguous);
        }
    }
    Ok(found)
}

/// What the session cookie says once it is opened: who, since when and how long. No roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCookie {
    /// The session.
    pub session: SessionId,
    /// Who.
    pub user: UserId,
    /// Through which identity provider.
    pub connection: ConnectionId,
    /// When the person proved who they are.
    pub auth_time: Time,
    /// When this access was given; with its end it says when three quarters are over.
    pub access_start: Time,
    /// Until when the session is good without a renewal.
    pub access_end: Time,
    /// After this nothing extends it.
    pub absolute_end: Time,
    /// Where it began.
    pub begun: Begun,
}

/// Where a session began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// At control, which lets nothing into an organization that its rules don't allow.
    AtControl,
    /// At the plane, by itself: control may not have been told yet.
    Here {
        /// Whether the identity provider said that there was a second factor.
        second_factor: bool,
    },
}

impl Begun {
    /// Whether it was at the plane.
    pub const fn is_here(self) -> bool {
        matches!(self, Self::Here { .. })
    }

    /// Whether nobody has seen to a second factor, and there was none.
    pub(crate) const fn lacks_second_factor(self) -> bool {
        matches!(
            self,
            Self::Here {
                second_factor: false
            }
        )
    }

    /// The first byte of the compact form.
    const fn byte(self) -> u8 {
        match self {
            Self::AtControl => 1,
            Self::Here {
                second_factor: false,
            } => 2,
            Self::Here {
                second_factor: true,
            } => 3,
        }
    }

    const fn of(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::AtControl),
            2 => Some(Self::Here {
                second_factor: false,
            }),
            3 => Some(Self::Here {
                second_factor: true,
            }),
            _ => None,
        }
    }
}

const LENGTH: usize = 1 + 3 * 16 + 4 * 8;

impl SessionCookie {
    /// Until when the access lasts, if control has renewed it until `renewed` since it was given.
    pub fn access_end(&self, renewed: Option<Time>) -> Time {
        renewed.map_or(self.access_end, |renewed| renewed.max(self.access_end))
    }

    /// The compact form that is sealed: 81 bytes, so that the cookie stays below 512.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(self.begun.byte());
        bytes.extend_from_slice(self.session.as_bytes());
        bytes.extend_from_slice(self.user.as_bytes());
        bytes.extend_from_slice(self.connection.as_bytes());
        for time in [
            self.auth_time,
            self.access_start,
            self.access_end,
            self.absolute_end,
        ] {
            bytes.extend_from_slice(&time.secs().to_be_bytes());
        }
        bytes
    }

    /// Reads the compact form; another version or length is no session.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first()?;
        let begun = Begun::of(*first)?;
        let (ids, times) = rest.split_at_checked(3 * 16)?;
        let ([session, user, connection], []) = ids.as_chunks::<16>() else {
            return None;
        };
        let ([auth, start, end, absolute], []) = times.as_chunks::<8>() else {
            return None;
        };
        // A second that no clock can show was not written by us.
        let time = |bytes: &[u8; 8]| {
            let secs = i64::from_be_bytes(*bytes);
            Some(Time::from_secs(secs)).filter(|time| time.secs() == secs)
        };
        Some(Self {
            session: SessionId::from_bytes(*session),
            user: UserId::from_bytes(*user),
            connection: ConnectionId::from_bytes(*connection),
            auth_time: time(auth)?,
            access_start: time(start)?,
            access_end: time(end)?,
            absolute_end: time(absolute)?,
            begun,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(line: &str) -> Result<Option<&[u8]>, Reason> {
        // The slice of lines lives only here; the value borrows from the text.
        find(&[line.as_bytes()], "__Host-aeolus")
    }

    #[test]
    fn o27_the_reader_is_strict_and_twins_are_refused() {
        assert_eq!(one("a=1; __Host-aeolus=x; b=2"), Ok(Some(&b"x"[..])));
        assert_eq!(one("__Host-aeolus=x;__Host-other=y"), Ok(Some(&b"x"[..])));
        let twin = "__Host-aeolus=x; __Host-aeolus=x";
        assert_eq!(one(twin), Err(Reason::CookieAmbiguous));
        let lines: [&[u8]; 2] = [b"__Host-aeolus=x", b"__Host-aeolus=y"];
        assert_eq!(find(&lines, "__Host-aeolus"), Err(Reason::CookieAmbiguous));
        for other in [
            "\u{2000}__Host-aeolus=x",
            "$Version=1; \t__Host-aeolus=x",
            "=__Host-aeolus=x",
            "__host-aeolus=x",
            "__Host-aeolus =x",
            "__Host-aeolus",
            "__Host-aeolusx=1",
            "a=1, __Host-aeolus=x",
        ] {
            assert_eq!(one(other), Ok(None), "{other}");
        }
        let lines: [&[u8]; 1] = [b"x=\xff; __Host-aeolus=x"];
        assert_eq!(find(&lines, "__Host-aeolus"), Ok(Some(&b"x"[..])));
    }

    #[test]
    fn a_time_beyond_all_clocks_is_no_session() {
        let mut bytes = [0; LENGTH];
        bytes[0] = 1;
        assert!(SessionCookie::decode(&bytes).is_some());
        bytes[LENGTH - 8] = 33;
        assert_eq!(SessionCookie::decode(&bytes), None);
    }

    #[test]
    fn cookies_of_sessions_that_control_began_are_as_they_always_were() {
        let mut bytes = vec![0; LENGTH];
        let here = |second_factor| Some(Begun::Here { second_factor });
        for (first, begun) in [
            (0, None),
            (1, Some(Begun::AtControl)),
            (2, here(false)),
            (3, here(true)),
            (4, None),
        ] {
            bytes[0] = first;
            let cookie = SessionCookie::decode(&bytes);
            assert_eq!(cookie.map(|cookie| cookie.begun), begun, "{first}");
        }
    }

    proptest! {
        #[test]
        fn a_session_cookie_survives_its_compact_form(ids in any::<[[u8; 16]; 3]>(), t in any::<[i32; 4]>(), first in 1..=3_u8) {
            let time = |t: i32| Time::from_secs(i64::from(t));
            let cookie = SessionCookie {
                session: SessionId::from_bytes(ids[0]),
                user: UserId::from_bytes(ids[1]),
                connection: ConnectionId::from_bytes(ids[2]),
                auth_time: time(t[0]),
                access_start: time(t[1]),
                access_end: time(t[2]),
                absolute_end: time(t[3]),
                begun: Begun::of(first).unwrap(),
            };
            let bytes = cookie.encode();
            prop_assert_eq!(bytes.len(), LENGTH);
            prop_assert_eq!(SessionCookie::decode(&bytes), Some(cookie));
            prop_assert_eq!(SessionCookie::decode(&bytes[1..]), None);
        }

        #[test]
        fn any_bytes_are_a_session_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Some(cookie) = SessionCookie::decode(&bytes) {
                prop_assert_eq!(cookie.encode(), bytes);
            }
        }
    }
}
