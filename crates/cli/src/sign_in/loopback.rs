//! The redirect's end on this machine: one request is answered, then it is gone.

use std::time::Duration;

use aeolus_api::oauth::CLI_CALLBACK_PATH;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::Callback;
use crate::report::{Failure, Report};

/// How long a person has to sign in.
const PATIENCE: Duration = Duration::from_secs(300);
/// A request line and headers of a browser fit many times.
const MAX_REQUEST: usize = 16 * 1024;

/// What the redirect ends at. The terminal says how it went: what the code is worth isn't known here yet.
const DONE: (&str, &str) = (
    "Back to the terminal",
    "The command line goes on there. You can close this page.",
);
const ELSEWHERE: (&str, &str) = (
    "There is nothing here",
    "This page is of a command that signs in, and you came to another address of it. Go back to the terminal.",
);
/// As the pages of control and gates look, in a page without anything from elsewhere.
const STYLE: &str = include_str!("loopback.css");

/// A page as an HTTP answer. It holds what is written here and nothing of the request.
fn page(status: &str, (title, text): (&str, &str)) -> String {
    let hash = STANDARD.encode(aeolus_keys::digest::sha256(STYLE.as_bytes()));
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title} · Aeolus</title>\
         <style>{STYLE}</style></head>\n<body>\n<header>Aeolus</header>\n<main>\n<h1>{title}</h1>\n\
         <p>{text}</p>\n</main></body>\n</html>\n"
    );
    let length = html.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'; \
         base-uri 'none'; form-action 'none'\r\nX-Content-Type-Options: nosniff\r\n\
         Referrer-Policy: no-referrer\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{html}"
    )
}

/// A listener on a free port of the loopback address.
pub(crate) struct Loopback {
    listener: TcpListener,
    port: u16,
}

impl Loopback {
    /// Listens.
    pub(crate) async fn bind() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Report::new(
                "NET-0011",
                format!("no port of 127.0.0.1 can be used: {error}"),
            )
            .failed()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        Ok(Self { listener, port })
    }

    /// The redirect URI: a loopback IP literal (RFC 8252 §7.3).
    pub(crate) fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}{CLI_CALLBACK_PATH}", self.port)
    }

    /// Waits for the redirect.
    pub(crate) async fn callback(self) -> Result<Callback, Failure> {
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                let Ok((stream, _)) = self.listener.accept().await else {
                    continue;
                };
                let answered = tokio::time::timeout(Duration::from_secs(5), self.answer(stream));
                if let Ok(Some(callback)) = answered.await {
                    return callback;
                }
            }
        });
        waited.await.map_err(|_| {
            Report::new("CLI-0009", "nobody signed in within five minutes")
                .help("run `aeolus login` again")
                .failed()
        })
    }

    async fn answer(&self, mut stream: TcpStream) -> Option<Callback> {
        let mut request = Vec::new();
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut chunk = [0; 2048];
            let count = stream.read(&mut chunk).await.ok()?;
            if count == 0 || request.len() > MAX_REQUEST {
                return None;
            }
            request.extend_from_slice(chunk.get(..count)?);
        }
        let head = std::str::from_utf8(&request).ok()?;
        let mut line = head.lines().next()?.split(' ');
        let (Some("GET"), Some(target)) = (line.next(), line.next()) else {
            return None;
        };
        let url = Url::parse(&format!("http://127.0.0.1:{}", self.port)).ok()?;
        let url = url.join(target).ok()?;
        let ours = url.path() == CLI_CALLBACK_PATH;
        let answer = if ours {
            page("200 OK", DONE)
        } else {
            page("404 Not Found", ELSEWHERE)
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
        let _ = stream.shutdown().await;
        ours.then(|| Callback::of(&url))
    }
}
