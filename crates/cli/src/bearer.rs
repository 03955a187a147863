//! The token that the environment holds, and what it says of itself.
//!
//! A token's claims are read unverified: whoever holds it may know them, and they decide nothing but the words
//! in which its owner is told why it isn't good.

use aeolus_api::client::{Client, ClientError};
use aeolus_keys::jws::maybe_date;
use aeolus_model::{Clock, Secret, Time, moment};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::config::Environment;
use crate::control_client::refused;
use crate::moments::ahead;
use crate::report::{Failure, Report};

/// The variable that wins over any file.
const OURS: &str = "AEOLUS_TOKEN";
/// The original's. It may hold a token of the original, which is nothing to show to this control plane.
const ORIGINALS: &str = "ASTRO_API_TOKEN";

/// A token, and the variable it is from.
pub(crate) struct Bearer {
    variable: &'static str,
    token: Secret<String>,
    claims: Claims,
}

#[derive(Default, Deserialize)]
struct Claims {
    #[serde(default)]
    iss: Option<String>,
    #[serde(default, deserialize_with = "maybe_date")]
    exp: Option<i64>,
}

impl Bearer {
    /// The token to use at `url`: that of `AEOLUS_TOKEN`; else that of `ASTRO_API_TOKEN`, if the control plane at
    /// this URL issued it (row N16).
    pub(crate) fn of(environment: &Environment, url: Option<&str>) -> Option<Self> {
        if let Some(token) = environment.get(OURS) {
            return Some(Self::new(OURS, token));
        }
        let bearer = Self::new(ORIGINALS, environment.get(ORIGINALS)?);
        let issuer = bearer.claims.iss.as_deref()?.trim_end_matches('/');
        let mine = url?.trim_end_matches('/') == issuer;
        mine.then_some(bearer)
    }

    fn new(variable: &'static str, token: String) -> Self {
        Self {
            variable,
            claims: Claims::of(&token).unwrap_or_default(),
            token: Secret::new(token),
        }
    }

    /// A client that shows it. If its time is over by this machine's clock, control is asked before anything
    /// else: this clock may be wrong, and if it isn't, control says no more than that the token is not good.
    pub(crate) async fn client(
        self,
        client: &Client,
        clock: &dyn Clock,
    ) -> Result<Client, Failure> {
        let over = self.over(clock.now());
        let client = client.with_bearer(self.token);
        let Some(over) = over else {
            return Ok(client);
        };
        match client.me().await {
            Ok(_) => Ok(client),
            Err(ClientError::Refused(problem)) if problem.status == 401 => Err(over),
            Err(error) => Err(refused(error)),
        }
    }

    fn over(&self, now: Time) -> Option<Failure> {
        let end = self.claims.exp.filter(|end| *end <= now.secs())?;
        let variable = self.variable;
        Some(
            Report::new(
                "CLI-0035",
                format!("the token in {variable} expired {}", since(end, now)),
            )
            .help(format!(
                "put another token into {variable}: `aeolus token rotate ID` or `aeolus token create`, as whoever \
                 may;\nor unset it, and `aeolus login`"
            ))
            .failed(),
        )
    }
}

impl Claims {
    /// What a signed token says (RFC 7519 §3), whoever made it; none if it is no such token.
    fn of(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        serde_json::from_slice(&claims).ok()
    }
}

/// How long ago a moment was, and the moment.
pub(crate) fn since(end: i64, now: Time) -> String {
    format!("{} (at {})", ahead(Time::from_secs(end), now), moment(end))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const NOW: Time = Time::from_secs(1_800_000_000);
    const URL: &str = "https://control.example.com";

    fn token(claims: &str) -> String {
        let [header, claims] = ["{}", claims].map(|text| URL_SAFE_NO_PAD.encode(text));
        format!("{header}.{claims}.c2ln")
    }

    fn found(pairs: &[(&str, &str)], url: Option<&str>) -> Option<&'static str> {
        let bearer = Bearer::of(&Environment::of(pairs), url);
        bearer.map(|bearer| bearer.variable)
    }

    #[test]
    fn a_token_says_how_long_ago_it_expired() {
        let over = |text: &str| Bearer::new(OURS, text.to_owned()).over(NOW);
        let ended = over(&token(r#"{"exp":1799999820}"#)).unwrap().render();
        let said = "error[CLI-0035]: the token in AEOLUS_TOKEN expired 3 min ago (at 2027-01-15 07:57 UTC)\n";
        assert!(ended.starts_with(said), "{ended}");
        assert!(ended.contains("aeolus token rotate"), "{ended}");
        let odd = [r#"{"exp":1800000001}"#, r#"{"exp":"1"}"#, "{}", "[]", "x"];
        for claims in odd {
            assert_eq!(over(&token(claims)), None, "{claims}");
        }
        for odd in ["", "a.b", "..", "xat_secret", "a.!.c"] {
            assert_eq!(over(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_originals_variable_counts_where_its_issuer_is_the_one_asked() {
        let ours = token(&format!(r#"{{"iss":"{URL}"}}"#));
        let other = token(r#"{"iss":"https://auth.other.example"}"#);
        assert_eq!(
            found(&[(OURS, "x"), (ORIGINALS, &ours)], Some(URL)),
            Some(OURS)
        );
        assert_eq!(
            found(&[(ORIGINALS, &ours)], Some(&format!("{URL}/"))),
            Some(ORIGINALS)
        );
        assert_eq!(found(&[(ORIGINALS, &ours)], None), None);
        assert_eq!(found(&[(ORIGINALS, &other)], Some(URL)), None);
        assert_eq!(found(&[(ORIGINALS, "opaque")], Some(URL)), None);
        assert_eq!(found(&[], Some(URL)), None);
    }

    struct Now;

    impl Clock for Now {
        fn now(&self) -> Time {
            NOW
        }
    }

    /// Asks for a client with a token that is over by this clock, of a control plane that answers so.
    async fn opened(status: &str, body: &str) -> Result<Client, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let control = Client::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let answer = format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let bearer = Bearer::new(OURS, token(r#"{"exp":1799999820}"#));
        let opened = bearer.client(&control, &Now).await;
        served.await.unwrap();
        opened
    }

    #[tokio::test]
    async fn control_has_the_last_word_on_whether_a_token_is_over() {
        let refused = opened(
            "401 Unauthorized",
            r#"{"status":401,"code":"unauthorized","title":"no"}"#,
        );
        let refused = refused.await.err().unwrap().render();
        assert!(refused.contains("expired 3 min ago"), "{refused}");
        // This machine's clock is ahead.
        let me = r#"{"actor":{"type":"anonymous"},"name":"ci","grants":[]}"#;
        let good = opened("200 OK", me).await;
        assert_eq!(good.err().map(|failure| failure.render()), None);
        let busy = opened("500 Internal Server Error", "{}").await;
        assert!(!busy.err().unwrap().render().contains("expired"));
    }
}
