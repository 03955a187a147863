//! How a request came, and what its answer says for those who look for it later.

use std::fmt;
use std::time::Duration;

use aeolus_decide::AWAY;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Ids;
use crate::codec::Dialect;

/// The header lines of a request, whatever they travelled in.
pub trait Lines: Sync {
    /// The value of a line; none if it is not there, or there twice.
    fn line(&self, name: &'static str) -> Option<&[u8]>;
}

impl Lines for HeaderMap {
    fn line(&self, name: &'static str) -> Option<&[u8]> {
        let mut all = self.get_all(name).iter();
        let first = all.next()?;
        all.next().is_none().then(|| first.as_bytes())
    }
}

/// Where there are none to read.
#[derive(Clone, Copy, Debug)]
pub struct NoLines;

impl Lines for NoLines {
    fn line(&self, _: &'static str) -> Option<&[u8]> {
        None
    }
}

/// By which way a question came. The lines are only read when something is written down.
#[derive(Clone, Copy)]
pub struct Via<'a> {
    /// Who asks, in which form.
    pub dialect: Dialect,
    /// Where `X-Request-Id` and `traceparent` would be.
    pub lines: &'a dyn Lines,
}

impl Via<'_> {
    /// The request's id.
    pub(crate) fn request_id(&self, ids: &Ids) -> RequestId {
        RequestId::of(self.lines, ids)
    }
}

/// A request's id: the client's or proxy's own where it is plain, else ours. It only finds a line in
/// a log; nothing is decided by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// The id that a request came with, or a new one.
    pub fn of(lines: &dyn Lines, ids: &Ids) -> Self {
        let own = lines.line("x-request-id").and_then(Self::parse);
        own.unwrap_or_else(|| Self(format!("{:032x}", ids.next()).into()))
    }

    /// 1 to 64 letters, digits and `. _ - : =`: safe in any log and header.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-:=".contains(byte);
        let fits = (1..=64).contains(&value.len()) && value.iter().all(plain);
        let text = str::from_utf8(value).ok().filter(|_| fits)?;
        Some(Self(text.into()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an answer carries for whoever wonders about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// To find the request in the gate's log; on refusals only.
    pub request_id: Option<RequestId>,
    /// How old the gate's knowledge is.
    pub age: Option<Duration>,
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-aeolus-request-id");
const STALENESS: HeaderName = HeaderName::from_static("x-aeolus-staleness");

impl Stamp {
    /// The headers, in any dialect that has them. A fresh gate says nothing about its age.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let id = self.request_id.as_ref();
        let id = id.and_then(|id| HeaderValue::from_str(id.as_str()).ok());
        let old = self.age.filter(|age| *age > AWAY);
        let old = old.map(|age| HeaderValue::from(age.as_secs()));
        let id = id.map(|id| (REQUEST_ID, id));
        id.into_iter().chain(old.map(|old| (STALENESS, old)))
    }

    /// Puts them on an answer.
    pub(crate) fn put(&self, headers: &mut HeaderMap) {
        headers.extend(self.headers());
    }
}

#[cfg(test)]
mod tests {
    use aeolus_testkit::SeededRng;

    use super::*;

    #[test]
    fn f59_only_a_plain_id_is_taken_over() {
        let ids = Ids::new(&SeededRng::new("ids"));
        let of = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.insert("x-request-id", value);
            }
            RequestId::of(&headers, &ids)
        };
        assert_eq!(of(b"abc-1.2_3:4=5").as_str(), "abc-1.2_3:4=5");
        let long = [b'a'; 65];
        for bad in [&b""[..], b"a b", b"a\tb", b"\"}", "ä".as_bytes(), &long] {
            let made = of(bad);
            assert_eq!(made.as_str().len(), 32, "{made}");
        }
        assert_ne!(of(b""), of(b""));
    }

    #[test]
    fn the_age_is_said_when_it_means_something() {
        let said = |secs| {
            let age = Some(Duration::from_secs(secs));
            Stamp {
                request_id: None,
                age,
            }
            .headers()
            .count()
        };
        assert_eq!((said(60), said(61)), (0, 1));
        assert_eq!(Stamp::default().headers().count(), 0);
    }
}
