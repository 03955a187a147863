//! The adapter over real HTTP, against answers written by hand.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aeolus_api::client::Client;
use aeolus_gate::replica::fs::SystemFs;
use aeolus_gate::replica::{ApiControl, Control, ControlError, Data, Held};
use aeolus_keys::claims::PlaneAssertion;
use aeolus_keys::{Kind, jws};
use aeolus_snapshot::Digest;
use aeolus_testkit::chaos::Chaos;
use aeolus_testkit::{ManualClock, SeededRng};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::Instant;

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
        &Client::new(url).unwrap(),
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
        let held = Held {
            position: at(4),
            records: 2,
        };
        let answer = control.manifest(Some(held), wait, 1).await.unwrap();
        assert_eq!(answer.freshness, "f");
    }
    let asked = asked.lock().unwrap().clone();
    let data = Data::open(&folder.path().join("gate"), Arc::new(SystemFs)).unwrap();
    let mut seen = Vec::new();
    for request in &asked {
        let line = request.lines().next().unwrap();
        for part in ["after=1.4", "records=2", "wait=30", "root=1"] {
            assert!(line.contains(part), "{line}");
        }
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

/// A server that answers everything with an empty success, over connections that it keeps.
async fn keeping() -> Chaos {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = Vec::new();
                while stream
                    .read_buf(&mut request)
                    .await
                    .is_ok_and(|read| read > 0)
                {
                    if request.windows(4).any(|end| end == b"\r\n\r\n") {
                        request.clear();
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nblob";
                        stream.write_all(answer).await.unwrap();
                    }
                }
            });
        }
    });
    Chaos::start(address).await.unwrap()
}

/// Seconds that a call took, and whether it brought anything.
async fn asked(control: &ApiControl) -> (f64, bool) {
    let started = Instant::now();
    let answer = control.section(&Digest::of(b""), 100).await;
    (started.elapsed().as_secs_f64(), answer.is_ok())
}

#[tokio::test]
async fn f4_f8_silence_in_either_direction_is_noticed_in_five_seconds() {
    let silence = async |line: &str| {
        let proxy = keeping().await;
        let (_folder, control) = control(&format!("http://{}", proxy.address())).await;
        assert!(asked(&control).await.1, "{line}");
        proxy.run(line.parse().unwrap());
        let (took, answered) = asked(&control).await;
        assert!(!answered && (4.9..6.0).contains(&took), "{line}: {took} s");
        proxy.run("pass".parse().unwrap());
        let (took, answered) = asked(&control).await;
        assert!(answered && took < 1.0, "{line}: {took} s to heal");
    };
    tokio::join!(silence("hang"), silence("up-drop"), silence("down-drop"));
    println!("figure f4: silence is noticed after 5 s");
}

#[tokio::test]
async fn f9_a_half_open_connection_takes_the_idle_ones_beside_it_along() {
    let proxy = keeping().await;
    let (_folder, control) = control(&format!("http://{}", proxy.address())).await;
    // Several at once leave several idle connections.
    tokio::join!(asked(&control), asked(&control), asked(&control));
    let open = proxy.accepted();
    assert!(open > 1);
    proxy.run("half-open".parse().unwrap());
    let (took, answered) = asked(&control).await;
    assert!(!answered && took < 6.0, "{took} s");
    let (took, answered) = asked(&control).await;
    assert!(answered && took < 1.0, "{took} s on another dead one");
    assert_eq!(proxy.accepted(), open + 1);
}

#[tokio::test]
async fn f9_an_answer_that_stops_in_the_middle_is_given_up() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_owned();
    let (url, _) = server_that_waits(half).await;
    let (_folder, control) = control(&url).await;
    let (took, answered) = asked(&control).await;
    assert!(!answered && (4.9..6.0).contains(&took), "{took} s");
}

/// A server that says something and then nothing more.
async fn server_that_waits(answer: String) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // The whole request: an answer to none is no answer.
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            stream.read_buf(&mut request).await.unwrap();
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        std::future::pending::<()>().await;
    });
    (url, serving)
}
