//! Secrets by which a reverse proxy proves itself to whoever decides for it: a gate, or control.

use aeolus_model::Secret;

use crate::digest;

/// The header that carries one.
pub const PROXY_SECRET_HEADER: &str = "x-aeolus-proxy-secret";

/// Fewest bytes of a secret: 128 bits as hexadecimal digits.
const SHORTEST: usize = 32;

/// The secrets of the proxies that may ask: one, or two while it is being replaced.
#[derive(Default)]
pub struct ProxySecrets(Vec<Secret<String>>);

impl ProxySecrets {
    /// These secrets, safe or not.
    pub const fn new(secrets: Vec<Secret<String>>) -> Self {
        Self(secrets)
    }

    /// Whether there is one at all, and none that could be guessed.
    pub fn are_safe(&self) -> bool {
        let long = |secret: &Secret<String>| secret.expose().len() >= SHORTEST;
        !self.0.is_empty() && self.0.iter().all(long)
    }

    /// Whether the header's values are one of them, once. Each secret is compared whole, so the time
    /// says nothing about which.
    pub fn know<'a>(&self, shown: impl IntoIterator<Item = &'a [u8]>) -> bool {
        let mut shown = shown.into_iter();
        let (Some(shown), None) = (shown.next(), shown.next()) else {
            return false;
        };
        let matches = |secret: &Secret<String>| digest::eq(shown, secret.expose().as_bytes());
        let all = self.0.iter();
        all.fold(false, |known, secret| known | matches(secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(all: &[&str]) -> ProxySecrets {
        let all = all.iter().map(|secret| Secret::new((*secret).to_owned()));
        ProxySecrets::new(all.collect())
    }

    #[test]
    fn row_85_only_who_shows_one_secret_once_is_known() {
        let (a, b, c) = (
            "a".repeat(SHORTEST),
            "b".repeat(SHORTEST),
            "c".repeat(SHORTEST),
        );
        let known = secrets(&[&a, &b]);
        let know = |shown: &[&str]| known.know(shown.iter().map(|text| text.as_bytes()));
        assert!(know(&[&a]) && know(&[&b]));
        let (a, b, c) = (a.as_str(), b.as_str(), c.as_str());
        for bad in [&[][..], &[c], &[a, a], &[a, b], &[&a[1..]], &[""]] {
            assert!(!know(bad), "{bad:?}");
        }
        assert!(!ProxySecrets::default().know([&b""[..]]));
    }

    #[test]
    fn row_85_none_and_a_short_one_are_not_safe() {
        let long = "a".repeat(SHORTEST);
        assert!(secrets(&[&long]).are_safe());
        assert!(!secrets(&[]).are_safe());
        assert!(!secrets(&[&long, "short"]).are_safe());
    }
}
