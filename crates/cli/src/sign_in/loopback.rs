//! The redirect's end on this machine: one request is answered, then it is gone.

use std::time::Duration;

use aeolus_api::oauth::CLI_CALLBACK_PATH;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::Callback;
use crate::report::{Failure, Report};

/// How long a person has to sign in.
const PATIENCE: Duration = Duration::from_secs(300);
/// A request line and headers of a browser fit many times.
const MAX_REQUEST: usize = 16 * 1024;

const DONE: &str = "You are signed in. You can close this page and go back to the terminal.";
const ELSEWHERE: &str = "There is nothing here.";

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
        let (status, text) = if ours {
            ("200 OK", DONE)
        } else {
            ("404 Not Found", ELSEWHERE)
        };
        let length = text.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: {length}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{text}"
        );
        stream.write_all(answer.as_bytes()).await.ok()?;
        let _ = stream.shutdown().await;
        ours.then(|| Callback::of(&url))
    }
}
