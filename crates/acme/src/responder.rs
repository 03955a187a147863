//! The listener of http-01: shows the answers that lie in the folder, whichever process gave them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use aeolus_tls::{Listener, Pause};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use crate::folder::Folder;
use crate::solver::Token;

/// RFC 8555 §8.3.
const PATH: &str = "/.well-known/acme-challenge/";
/// Authorities look from a handful of places; the rest of the internet asks for nothing here. An answer takes
/// milliseconds, so who has been here longest is the one to go for who comes next.
const CONNECTIONS: usize = 64;
const OF_ONE_SOURCE: usize = 8;
const HEAD: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(15);
/// A token and a thumbprint have some hundred letters.
const MAX_ANSWER: u64 = 4096;

/// Answers until it is told to stop. Whoever asks for anything but an answer gets 404.
pub async fn respond(listener: Listener, folder: Folder, stop: CancellationToken) {
    let mut guests = Guests::default();
    let mut pause = Pause::default();
    loop {
        let connection = tokio::select! {
            connection = pause.accept(&listener) => connection,
            () = stop.cancelled() => return,
        };
        let folder = folder.clone();
        let serving = tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, folder.clone()));
            let serving = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .max_buf_size(16 * 1024)
                .keep_alive(false)
                .serve_connection(TokioIo::new(connection.stream), service);
            // A client that speaks no HTTP, or goes away, is its own affair.
            let _ = tokio::time::timeout(WHOLE, serving).await;
        });
        guests.add(connection.peer, serving.abort_handle());
    }
}

/// Who is being answered, the longest first.
#[derive(Default)]
struct Guests(VecDeque<(Option<IpAddr>, AbortHandle)>);

impl Guests {
    /// Makes room: at the cost of the same source where that has its share, else of whoever has been here longest.
    fn add(&mut self, source: Option<IpAddr>, guest: AbortHandle) {
        self.0.retain(|(_, guest)| !guest.is_finished());
        let same = |(other, _): &(Option<IpAddr>, AbortHandle)| *other == source;
        let goes = if self.0.iter().filter(|&guest| same(guest)).count() >= OF_ONE_SOURCE {
            self.0.iter().position(same)
        } else {
            (self.0.len() >= CONNECTIONS).then_some(0)
        };
        if let Some((_, longest)) = goes.and_then(|at| self.0.remove(at)) {
            longest.abort();
        }
        self.0.push_back((source, guest));
    }
}

async fn answer(
    request: Request<Incoming>,
    folder: Folder,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let token = token_of(request.uri().path()).filter(|_| is_read);
    let content = match token {
        Some(token) => shown(&folder, &token).await,
        None => None,
    };
    let found = content.is_some();
    let mut response = Response::new(Full::from(content.unwrap_or_default()));
    if found {
        let kind = HeaderValue::from_static("application/octet-stream");
        response.headers_mut().insert(CONTENT_TYPE, kind);
    } else {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    Ok(response)
}

/// The token that a path asks for.
fn token_of(path: &str) -> Option<Token> {
    Token::parse(path.strip_prefix(PATH)?).ok()
}

async fn shown(folder: &Folder, token: &Token) -> Option<Vec<u8>> {
    let path = folder.answer(token);
    let found = tokio::fs::metadata(&path).await.ok()?;
    if !found.is_file() || found.len() > MAX_ANSWER {
        return None;
    }
    tokio::fs::read(&path).await.ok()
}

#[cfg(test)]
mod tests {
    use aeolus_tls::HandedOver;
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    async fn asked(address: &str, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let text = format!("{request} HTTP/1.1\r\nHost: a.b\r\n\r\n");
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
        said
    }

    #[tokio::test]
    async fn it_shows_answers_and_nothing_else() {
        let above = tempfile::tempdir().unwrap();
        let folder = Folder::open(above.path()).unwrap();
        let token = Token::parse("abc-_1").unwrap();
        std::fs::write(folder.answer(&token), "abc-_1.thumb").unwrap();
        std::fs::write(above.path().join("state.json"), "{}").unwrap();
        let at = "127.0.0.1:0".parse().unwrap();
        let listener = Listener::bind("acme", &at, &mut HandedOver::default()).await;
        let listener = listener.unwrap();
        let address = listener.bound().address();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(respond(listener, folder, stop.clone()));
        let good = asked(&address, &format!("GET {PATH}abc-_1")).await;
        assert!(
            good.starts_with("HTTP/1.1 200") && good.ends_with("\r\n\r\nabc-_1.thumb"),
            "{good}"
        );
        for request in [
            format!("GET {PATH}other"),
            format!("POST {PATH}abc-_1"),
            format!("GET {PATH}../state.json"),
            format!("GET {PATH}%2e%2e%2fstate.json"),
            format!("GET {PATH}"),
            "GET /".to_owned(),
        ] {
            let said = asked(&address, &request).await;
            assert!(said.starts_with("HTTP/1.1 404"), "{request}: {said}");
        }
        stop.cancel();
        serving.await.unwrap();
    }

    #[tokio::test]
    async fn whoever_holds_connections_open_keeps_nobody_else_out() {
        let above = tempfile::tempdir().unwrap();
        let folder = Folder::open(above.path()).unwrap();
        let token = Token::parse("abc-_1").unwrap();
        std::fs::write(folder.answer(&token), "abc-_1.thumb").unwrap();
        let at = "127.0.0.1:0".parse().unwrap();
        let listener = Listener::bind("acme", &at, &mut HandedOver::default()).await;
        let listener = listener.unwrap();
        let address = listener.bound().address();
        tokio::spawn(respond(listener, folder, CancellationToken::new()));
        let mut held = Vec::new();
        for _ in 0..2 * CONNECTIONS {
            let mut stream = TcpStream::connect(&address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
            held.push(stream);
        }
        let request = format!("GET {PATH}abc-_1");
        let asking = asked(&address, &request);
        let said = tokio::time::timeout(HEAD / 2, asking).await.unwrap();
        assert!(said.ends_with("abc-_1.thumb"), "{said}");
    }

    #[tokio::test]
    async fn one_source_makes_room_for_itself_and_all_of_them_for_others() {
        let mut guests = Guests::default();
        let waits = || tokio::spawn(std::future::pending::<()>());
        let from = |last: usize| Some(IpAddr::from([10, 0, 0, u8::try_from(last).unwrap()]));
        let mut all = Vec::new();
        for guest in 0..CONNECTIONS {
            let waiting = waits();
            guests.add(from(guest / OF_ONE_SOURCE), waiting.abort_handle());
            all.push(waiting);
        }
        // The last source has its share, and gives one of its own; a new one takes the oldest place.
        guests.add(from(7), waits().abort_handle());
        assert!(all.remove(56).await.unwrap_err().is_cancelled());
        guests.add(from(99), waits().abort_handle());
        assert!(all.remove(0).await.unwrap_err().is_cancelled());
        assert!(all.iter().all(|guest| !guest.is_finished()));
        assert_eq!(guests.0.len(), CONNECTIONS);
    }

    proptest! {
        #[test]
        fn a_path_leads_to_one_file_of_the_folder_or_nowhere(path in ".{0,80}") {
            for path in [path.clone(), format!("{PATH}{path}")] {
                if let Some(token) = token_of(&path) {
                    prop_assert_eq!(format!("{}{}", PATH, token.as_str()), path);
                    prop_assert!(!token.as_str().contains(['/', '.', '%']));
                }
            }
        }
    }
}
