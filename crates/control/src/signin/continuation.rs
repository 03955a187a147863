//! Where a sign-in page may lead: a path on control itself, nothing else.

/// A path and query on control that a person is sent to after signing in or out.
///
/// The only way to make one is [`Continuation::parse`], so a redirect built from it can't leave
/// this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Continuation(String);

/// More than this is no continuation of ours.
const MAX: usize = 4096;

impl Continuation {
    /// The account page.
    pub(crate) fn home() -> Self {
        Self("/".to_owned())
    }

    /// Reads an `rd` value: `/`, or an authorization request to go on with. Everything else,
    /// foreign or odd, is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // Browsers drop tabs and line breaks, and take `\` for `/`: none of them gets this far.
        let plain = text.len() <= MAX && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        let known = text == "/" || text.starts_with("/oauth2/authorize?");
        (plain && known).then(|| Self(text.to_owned()))
    }

    /// The path and query.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_places_are_continued() {
        for good in ["/", "/oauth2/authorize?client_id=x&state=%2F"] {
            assert!(Continuation::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "/%09/evil",
            "/\t/evil",
            "/.\\evil",
            "https://evil.example",
            "/oauth2/authorize",
            "/oauth2/authorize?a=\r\nSet-Cookie: x",
            "/%2f%2fevil",
            "\\/evil",
            "javascript:alert(1)",
            "/login?rd=/",
            "/oauth2/authorize?ä",
        ] {
            assert_eq!(Continuation::parse(bad), None, "{bad:?}");
        }
        let long = format!("/oauth2/authorize?{}", "a".repeat(MAX));
        assert_eq!(Continuation::parse(&long), None);
    }
}
