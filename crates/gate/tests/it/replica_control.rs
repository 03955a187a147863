//! The adapter over real HTTP, against answers written by hand.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aeolus_api::client::Client;
use aeolus_gate::replica::fs::SystemFs;
use aeolus_gate::replica::{ApiControl, Control, ControlError, Data};
use aeolus_keys::claims::PlaneAssertion;
use aeolus_keys::{Kind, jws};
use aeolus_testkit::{ManualClock, SeededRng};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::replica::{NOW, PLANE, at, enrolled};

/// A server that gives each connection the next answer, and remembers what it was asked.
async fn server(answers: Vec<String>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = asked.clone();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).await.unwrap();
                request.extend_from_slice(&buffer[..read]);
            }
            heard
                .lock()
                .unwrap()
                .push(String::from_utf8(request).unwrap());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, asked)
}

fn http(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
}

async fn control(url: &str) -> (tempfile::TempDir, ApiControl) {
    let folder = enrolled().await;
    let data = Data::open(&folder.path().join("gate"), Arc::new(SystemFs)).unwrap();
    let control = ApiControl::new(
        Client::new(url).unwrap(),
        data.settings,
        data.identity,
        Arc::new(ManualClock::new(NOW)),
        Arc::new(SeededRng::new("control")),
    );
    (folder, control)
}

#[tokio::test]
async fn every_call_carries_a_new_assertion_of_sixty_seconds() {
    let body = "{\"freshness\":\"f\"}";
    let (url, asked) = server(vec![http("200 OK", "", body), http("200 OK", "", body)]).await;
    let (folder, control) = control(&url).await;
    let wait = Duration::from_secs(30);
    for _ in 0..2 {
        let answer = control.manifest(Some(at(4)), wait, 1).await.unwrap();
        assert_eq!(answer.freshness, "f");
    }
    let asked = asked.lock().unwrap().clone();
    let data = Data::open(&folder.path().join("gate"), Arc::new(SystemFs)).unwrap();
    let mut seen = Vec::new();
    for request in &asked {
        let line = request.lines().next().unwrap();
        assert!(line.contains("after=1.4") && line.contains("wait=30") && line.contains("root=1"));
        let bearer = request
            .lines()
            .find_map(|line| line.strip_prefix("authorization: Bearer "));
        let token = jws::parse(bearer.unwrap().as_bytes()).unwrap();
        let verified = token
            .verify(Kind::PlaneAssertion, data.identity.public())
            .unwrap();
        let claims: PlaneAssertion = verified.claims().unwrap();
        assert_eq!(claims.plane(), Some(PLANE));
        assert_eq!(
            (claims.aud.as_str(), claims.exp - claims.iat),
            ("http://127.0.0.1:1", 60)
        );
        seen.push(claims.jti);
    }
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test]
async fn f11_a_page_is_no_answer_and_retry_after_is_heard() {
    let (url, _) = server(vec![
        http("200 OK", "content-type: text/html\r\n", "<!doctype html>"),
        http("503 Service Unavailable", "retry-after: 45\r\n", ""),
        http("429 Too Many Requests", "", ""),
        http("410 Gone", "", ""),
        http("500 Internal Server Error", "", ""),
    ])
    .await;
    let (_folder, control) = control(&url).await;
    let ask = || control.manifest(None, Duration::from_secs(1), 1);
    assert!(matches!(ask().await, Err(ControlError::Unavailable(_))));
    let wish = Some(Duration::from_secs(45));
    assert_eq!(ask().await, Err(ControlError::Busy(wish)));
    assert_eq!(ask().await, Err(ControlError::Busy(None)));
    assert!(matches!(
        ask().await,
        Err(ControlError::Refused { status: 410, .. })
    ));
    assert!(matches!(ask().await, Err(ControlError::Unavailable(_))));
}
