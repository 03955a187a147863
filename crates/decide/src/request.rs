//! What is asked, as any codec can say it.

use std::net::IpAddr;

use aeolus_model::DeploymentId;

use crate::Reason;

/// A request whose fate is to be decided. Borrowed from wherever the codec found it.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// The method, as it stands in the request line.
    pub method: &'a [u8],
    /// The `Host` header. None only where the target is absolute (a proxy's check).
    pub host: Option<&'a [u8]>,
    /// The request target, origin form or absolute form.
    pub target: &'a [u8],
    /// The client's address, where a trusted hop says it.
    pub peer: Option<IpAddr>,
    /// The deployment that the proxy's configuration names.
    pub pin: Option<DeploymentId>,
    /// The cookie of a parent domain that counts as well, if the way of asking allows one.
    pub parent_cookie: Option<&'a str>,
    /// The headers that matter.
    pub headers: Headers<'a>,
}

/// A header that may be there once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Once<'a> {
    /// Not there.
    #[default]
    Absent,
    /// There once.
    One(&'a [u8]),
    /// There more than once: whoever reads only one of them disagrees with somebody.
    Many,
}

impl<'a> Once<'a> {
    pub(crate) fn add(&mut self, value: &'a [u8]) {
        *self = match self {
            Self::Absent => Self::One(value),
            Self::One(_) | Self::Many => Self::Many,
        };
    }
}

/// What an `Upgrade` header asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Upgrade {
    /// Nothing.
    #[default]
    None,
    /// A websocket (RFC 6455).
    Websocket,
    /// Anything else, `h2c` above all: a tunnel past every later check.
    Other,
}

/// The headers that matter to a decision.
#[derive(Clone, Debug, Default)]
pub struct Headers<'a> {
    /// `Authorization`.
    pub authorization: Once<'a>,
    /// Every `Cookie` line.
    pub cookies: Vec<&'a [u8]>,
    /// `Origin`.
    pub origin: Once<'a>,
    /// `Sec-Fetch-Site`.
    pub fetch_site: Once<'a>,
    /// `Sec-Fetch-Mode`.
    pub fetch_mode: Once<'a>,
    /// `Accept` names `text/html`.
    pub html: bool,
    /// `X-Requested-With` is there: a script asks.
    pub script: bool,
    /// `Upgrade`.
    pub upgrade: Upgrade,
    /// A header is there that no honest client sends: one that overrides the method, or a
    /// `Connection` that names a header with identity, so that some hop would drop it.
    pub refused: Option<Reason>,
}

impl<'a> Headers<'a> {
    /// Picks what matters out of all headers. Names must be lower case, as the HTTP library has
    /// them; aliases with underscores are nobody's names and are not looked at.
    pub fn collect(all: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut headers = Self::default();
        for (name, value) in all {
            headers.add(name, value);
        }
        headers
    }

    fn add(&mut self, name: &str, value: &'a [u8]) {
        match name {
            "authorization" => self.authorization.add(value),
            "cookie" => self.cookies.push(value),
            "origin" => self.origin.add(value),
            "sec-fetch-site" => self.fetch_site.add(value),
            "sec-fetch-mode" => self.fetch_mode.add(value),
            "accept" => self.html |= contains(value, b"text/html"),
            "x-requested-with" => self.script = true,
            // The second is for a proxy that takes the first out of its check. From a client it only
            // makes the decision stricter.
            "upgrade" | "x-aeolus-upgrade" => {
                let websocket = self.upgrade == Upgrade::None
                    && value.trim_ascii().eq_ignore_ascii_case(b"websocket");
                self.upgrade = if websocket {
                    Upgrade::Websocket
                } else {
                    Upgrade::Other
                };
            }
            "connection" => {
                let mut named = value.split(|b| *b == b',').map(<[u8]>::trim_ascii);
                if named.any(names_identity) {
                    self.refused = Some(Reason::ConnectionNamesIdentity);
                }
            }
            "x-http-method-override" | "x-http-method" | "x-method-override" => {
                self.refused = Some(Reason::MethodOverride);
            }
            _ => {}
        }
    }

    /// Whether a browser is going to a page, so that an answer may be a redirect to sign-in. A
    /// script, a program or a write gets 401 instead: a redirect would lose its body.
    pub fn is_navigation(&self, method_is_safe: bool) -> bool {
        let mode = match self.fetch_mode {
            Once::One(mode) => mode == b"navigate",
            Once::Absent => self.html,
            Once::Many => false,
        };
        mode && method_is_safe
            && !self.script
            && self.upgrade == Upgrade::None
            && self.authorization == Once::Absent
    }
}

fn names_identity(token: &[u8]) -> bool {
    let starts_with_x = token
        .get(..2)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"x-"));
    starts_with_x
        || token.eq_ignore_ascii_case(b"authorization")
        || token.eq_ignore_ascii_case(b"cookie")
        || token.eq_ignore_ascii_case(b"host")
}

fn contains(value: &[u8], part: &[u8]) -> bool {
    value
        .windows(part.len())
        .any(|window| window.eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect<'a>(all: &[(&'a str, &'a str)]) -> Headers<'a> {
        Headers::collect(all.iter().map(|(name, value)| (*name, value.as_bytes())))
    }

    #[test]
    fn only_a_browser_that_goes_to_a_page_is_redirected() {
        let navigation = |all: &[(&'static str, &'static str)]| collect(all).is_navigation(true);
        assert!(navigation(&[("accept", "text/html,*/*;q=0.8")]));
        assert!(navigation(&[("sec-fetch-mode", "navigate")]));
        assert!(!navigation(&[
            ("accept", "text/html"),
            ("sec-fetch-mode", "cors")
        ]));
        assert!(!navigation(&[("accept", "*/*")]));
        assert!(!navigation(&[
            ("accept", "text/html"),
            ("authorization", "Bearer x")
        ]));
        let script = [
            ("accept", "text/html"),
            ("x-requested-with", "XMLHttpRequest"),
        ];
        assert!(!navigation(&script));
        assert!(!collect(&[("accept", "text/html")]).is_navigation(false));
    }

    #[test]
    fn row_52_only_a_websocket_is_an_upgrade() {
        let upgrade = |all: &[(&'static str, &'static str)]| collect(all).upgrade;
        assert_eq!(upgrade(&[("upgrade", "WebSocket")]), Upgrade::Websocket);
        assert_eq!(upgrade(&[("upgrade", "h2c")]), Upgrade::Other);
        assert_eq!(upgrade(&[("upgrade", "websocket, h2c")]), Upgrade::Other);
        let twice = [("upgrade", "websocket"), ("upgrade", "websocket")];
        assert_eq!(upgrade(&twice), Upgrade::Other);
    }

    #[test]
    fn m1_a_connection_header_that_names_identity_is_seen() {
        let names = |value| collect(&[("connection", value)]).refused.is_some();
        assert!(names("close, X-User, Authorization"));
        assert!(names("close,cookie"));
        assert!(!names("keep-alive, Upgrade"));
    }
}
