//! Control's own session cookie: the session's id and a 256-bit code that only control can make,
//! so that neither a guess nor a copy of the database opens a session. Beside it the cookie of a
//! sign-in whose code is awaited: 256 random bits.

use aeolus_keys::digest;
use aeolus_model::{Secret, SessionId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

/// Length of a session's value: 16 and 32 bytes as base64url.
const VALUE: usize = 64;
/// Length of a step's value: 32 bytes as base64url.
const STEP_VALUE: usize = 43;
const LABEL: &[u8] = b"control session cookie";

/// How the cookie is called and marked. On plain-http loopback browsers refuse `__Host-` and
/// `Secure`, so both are dropped there and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CookieStyle {
    secure: bool,
    of: Of,
}

/// What a cookie is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Session,
    /// A sign-in that waits for its code.
    Step,
}

/// More than one cookie of our name: one of them may be planted by another site of the domain
/// (cookie tossing), and nobody can say which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ambiguous session cookie")]
pub(crate) struct AmbiguousCookie;

impl CookieStyle {
    /// For the public URL.
    pub(crate) fn of(public_url: &str) -> Self {
        Self {
            secure: !public_url.starts_with("http://"),
            of: Of::Session,
        }
    }

    /// The cookie of a sign-in that waits for its code.
    pub(crate) const fn of_step(self) -> Self {
        Self {
            of: Of::Step,
            ..self
        }
    }

    const fn name(self) -> &'static str {
        match (self.of, self.secure) {
            (Of::Session, true) => "__Host-aeolus-control",
            (Of::Session, false) => "aeolus-control",
            (Of::Step, true) => "__Host-aeolus-step",
            (Of::Step, false) => "aeolus-step",
        }
    }

    const fn length(self) -> usize {
        match self.of {
            Of::Session => VALUE,
            Of::Step => STEP_VALUE,
        }
    }

    /// The cookie of a request, if it has the form of one of ours.
    pub(crate) fn read(
        self,
        headers: &HeaderMap,
    ) -> Result<Option<Secret<String>>, AmbiguousCookie> {
        let mut found = None;
        for header in headers.get_all(COOKIE) {
            for pair in header.as_bytes().split(|b| *b == b';') {
                let pair = pair.strip_prefix(b" ").unwrap_or(pair);
                let Some(value) = pair.strip_prefix(self.name().as_bytes()) else {
                    continue;
                };
                let Some(value) = value.strip_prefix(b"=") else {
                    continue;
                };
                if found.replace(value).is_some() {
                    return Err(AmbiguousCookie);
                }
            }
        }
        let url_safe = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'_';
        let value =
            found.filter(|value| value.len() == self.length() && value.iter().all(url_safe));
        let text = value.and_then(|value| std::str::from_utf8(value).ok());
        Ok(text.map(|text| Secret::new(text.to_owned())))
    }

    /// A `Set-Cookie` for a browser session (no `Max-Age`: the server knows when it ends).
    pub(crate) fn set(self, value: &Secret<String>) -> Option<HeaderValue> {
        let text = format!("{}={}; {}", self.name(), value.expose(), self.attributes());
        let mut header = HeaderValue::try_from(text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// A `Set-Cookie` that removes it.
    pub(crate) fn clear(self) -> Option<HeaderValue> {
        let text = format!("{}=; Max-Age=0; {}", self.name(), self.attributes());
        HeaderValue::try_from(text).ok()
    }

    const fn attributes(self) -> &'static str {
        if self.secure {
            "Path=/; HttpOnly; SameSite=Lax; Secure"
        } else {
            "Path=/; HttpOnly; SameSite=Lax"
        }
    }
}

/// The key that authenticates cookies, from the master key.
pub(crate) fn key_from(master: &Secret<[u8; 32]>) -> Secret<[u8; 32]> {
    Secret::new(digest::hmac(master.expose(), &[LABEL, b"key"]))
}

/// The cookie value of a session.
pub(crate) fn value_of(key: &Secret<[u8; 32]>, session: SessionId) -> Secret<String> {
    let code = digest::hmac(key.expose(), &[LABEL, session.as_bytes()]);
    let bytes = [session.as_bytes().as_slice(), &code].concat();
    Secret::new(URL_SAFE_NO_PAD.encode(bytes))
}

/// The session of a cookie value, if control made it.
pub(crate) fn session_of(key: &Secret<[u8; 32]>, value: &Secret<String>) -> Option<SessionId> {
    let bytes = URL_SAFE_NO_PAD.decode(value.expose()).ok()?;
    let (id, code) = bytes.split_at_checked(16)?;
    let expected = digest::hmac(key.expose(), &[LABEL, id]);
    digest::eq(code, &expected).then(|| SessionId::from_slice(id).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cookies: &[&str]) -> Result<Option<String>, AmbiguousCookie> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_str(cookie).unwrap());
        }
        let found = CookieStyle::of("https://a.example").read(&headers)?;
        Ok(found.map(|secret| secret.expose().clone()))
    }

    #[test]
    fn o27_tossed_cookies_are_ambiguous_and_odd_ones_are_none() {
        let value = "a".repeat(64);
        let ours = format!("__Host-aeolus-control={value}");
        assert_eq!(read(&[&format!("x=1; {ours}")]), Ok(Some(value.clone())));
        assert_eq!(read(&[&ours, &ours]), Err(AmbiguousCookie));
        assert_eq!(read(&[&format!("{ours}; {ours}")]), Err(AmbiguousCookie));
        assert_eq!(read(&[&format!("={ours}")]), Ok(None));
        assert_eq!(read(&[&format!("\t{ours}")]), Ok(None));
        assert_eq!(
            read(&[&format!("$Version=1; aeolus-control={value}")]),
            Ok(None)
        );
        assert_eq!(read(&["__Host-aeolus-control=short"]), Ok(None));
    }

    #[test]
    fn a_step_is_no_session_and_a_session_no_step() {
        let both = format!(
            "__Host-aeolus-control={}; __Host-aeolus-step={}",
            "a".repeat(VALUE),
            "b".repeat(STEP_VALUE)
        );
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_str(&both).unwrap());
        let style = CookieStyle::of("https://a.example");
        let session = style.read(&headers).unwrap().unwrap();
        let step = style.of_step().read(&headers).unwrap().unwrap();
        assert_eq!(session.expose(), &"a".repeat(VALUE));
        assert_eq!(step.expose(), &"b".repeat(STEP_VALUE));
    }

    #[test]
    fn the_prefix_goes_with_https() {
        let value = Secret::new("v".to_owned());
        let https = CookieStyle::of("https://a").set(&value).unwrap();
        assert_eq!(
            https,
            "__Host-aeolus-control=v; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        let http = CookieStyle::of("http://127.0.0.1:1").set(&value).unwrap();
        assert_eq!(http, "aeolus-control=v; Path=/; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn o28_a_changed_or_foreign_cookie_opens_nothing() {
        let key = key_from(&Secret::new([1; 32]));
        let session = SessionId::from_bytes([7; 16]);
        let value = value_of(&key, session);
        assert_eq!(value.expose().len(), VALUE);
        assert_eq!(session_of(&key, &value), Some(session));
        let other = key_from(&Secret::new([2; 32]));
        assert_eq!(session_of(&other, &value), None);
        let swapped = value_of(&key, SessionId::from_bytes([8; 16]));
        let mixed = format!("{}{}", &value.expose()[..22], &swapped.expose()[22..]);
        assert_eq!(session_of(&key, &Secret::new(mixed)), None);
        assert_eq!(session_of(&key, &Secret::new("A".repeat(VALUE))), None);
        assert_eq!(
            session_of(&key, &Secret::new(value.expose()[..22].to_owned())),
            None
        );
    }
}
