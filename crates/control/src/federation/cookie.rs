//! The cookies of sign-ins on their way: one for each, named by what its answer has to repeat.

use aeolus_keys::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use super::attempts::LIFE;

/// What of the state's hash is in the name.
const NAME: usize = 16;

/// How the cookies are called and marked, as those of sessions: on plain-http loopback browsers refuse
/// `__Host-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    secure: bool,
}

/// A cookie's name, without what all have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name(String);

impl Style {
    /// For the public URL.
    pub(super) fn of(public_url: &str) -> Self {
        Self {
            secure: !public_url.starts_with("http://"),
        }
    }

    const fn prefix(self) -> &'static str {
        if self.secure {
            "__Host-aeolus-attempt-"
        } else {
            "aeolus-attempt-"
        }
    }

    /// Every cookie of ours in a request. One that is there twice is none: somebody has planted one of them
    /// (O27), and nobody can say which.
    pub(super) fn read(self, headers: &HeaderMap) -> Vec<(Name, Vec<u8>)> {
        let mut found: Vec<(Name, Vec<u8>)> = Vec::new();
        let mut twice = Vec::new();
        let pairs = headers.get_all(COOKIE).into_iter();
        let pairs = pairs.flat_map(|header| header.as_bytes().split(|b| *b == b';'));
        for pair in pairs {
            let pair = pair.strip_prefix(b" ").unwrap_or(pair);
            let Some((name, value)) = self.ours(pair) else {
                continue;
            };
            if found.iter().any(|(held, _)| *held == name) {
                twice.push(name);
            } else {
                found.push((name, value.to_vec()));
            }
        }
        found.retain(|(name, _)| !twice.contains(name));
        found
    }

    fn ours(self, pair: &[u8]) -> Option<(Name, &[u8])> {
        let rest = pair.strip_prefix(self.prefix().as_bytes())?;
        let (name, value) = rest.split_at_checked(NAME)?;
        let url_safe = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'_';
        let value = value.strip_prefix(b"=")?;
        let name = std::str::from_utf8(name).ok()?;
        let fits = name.as_bytes().iter().all(url_safe) && value.iter().all(url_safe);
        fits.then(|| (Name(name.to_owned()), value))
    }

    /// A `Set-Cookie`. A form that the provider posts comes from another site: its cookie has to say that
    /// it may be sent then, and browsers want such a one to be `Secure` everywhere.
    pub(super) fn set(self, name: &Name, value: &str, cross_site: bool) -> Option<HeaderValue> {
        let marks = match (cross_site, self.secure) {
            (true, _) => "SameSite=None; Secure",
            (false, true) => "SameSite=Lax; Secure",
            (false, false) => "SameSite=Lax",
        };
        let (prefix, name, life) = (self.prefix(), &name.0, LIFE.as_secs());
        let text = format!("{prefix}{name}={value}; Path=/; HttpOnly; Max-Age={life}; {marks}");
        let mut header = HeaderValue::try_from(text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// A `Set-Cookie` that removes one.
    pub(super) fn clear(self, name: &Name) -> Option<HeaderValue> {
        let marks = if self.secure {
            "SameSite=Lax; Secure"
        } else {
            "SameSite=Lax"
        };
        let (prefix, name) = (self.prefix(), &name.0);
        let text = format!("{prefix}{name}=; Path=/; HttpOnly; Max-Age=0; {marks}");
        HeaderValue::try_from(text).ok()
    }
}

impl Name {
    /// That of the attempt with this state.
    pub(super) fn of(state: &str) -> Self {
        let mut name = URL_SAFE_NO_PAD.encode(digest::sha256(state.as_bytes()));
        name.truncate(NAME);
        Self(name)
    }

    /// What the cookie is sealed for.
    pub(super) fn purpose(&self) -> String {
        format!("sign-in attempt {}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(style: Style, cookies: &[&str]) -> Vec<(Name, Vec<u8>)> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_str(cookie).unwrap());
        }
        style.read(&headers)
    }

    #[test]
    fn o27_a_cookie_that_is_there_twice_is_none_and_odd_ones_are_none() {
        let style = Style::of("https://a.test");
        let (one, two) = (Name::of("one"), Name::of("two"));
        let set = |name: &Name, value| {
            let header = style.set(name, value, false).unwrap();
            let text = header.to_str().unwrap().to_owned();
            text.split(';').next().unwrap().to_owned()
        };
        let (first, second) = (set(&one, "a"), set(&two, "b"));
        let both = read(style, &[&format!("x=1; {first}; {second}")]);
        assert_eq!(
            both,
            [(one.clone(), b"a".to_vec()), (two.clone(), b"b".to_vec())]
        );
        let tossed = read(style, &[&first, &second, &set(&one, "c")]);
        assert_eq!(tossed, [(two, b"b".to_vec())]);
        let short = "__Host-aeolus-attempt-AA=a";
        let plain = first.replace("__Host-", "");
        let strange = format!("{first}.x");
        for odd in [short, &plain, &strange, &format!("\t{first}")] {
            assert_eq!(read(style, &[odd]), [], "{odd}");
        }
        assert_eq!(read(Style::of("http://127.0.0.1:1"), &[&plain]).len(), 1);
    }

    #[test]
    fn only_a_form_of_the_provider_gets_a_cookie_that_comes_from_elsewhere() {
        let marks = |url, cross| {
            let header = Style::of(url).set(&Name::of("s"), "v", cross).unwrap();
            header.to_str().unwrap().to_owned()
        };
        let lax = marks("https://a.test", false);
        assert!(lax.starts_with("__Host-aeolus-attempt-"), "{lax}");
        assert!(lax.ends_with("=v; Path=/; HttpOnly; Max-Age=600; SameSite=Lax; Secure"));
        assert!(marks("http://127.0.0.1:1", false).ends_with("SameSite=Lax"));
        for url in ["https://a.test", "http://127.0.0.1:1"] {
            assert!(marks(url, true).ends_with("SameSite=None; Secure"));
        }
    }
}
