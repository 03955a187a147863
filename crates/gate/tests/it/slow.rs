//! Clients that do nothing in the middle of something (F52): cut off, while others are served.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fleet::*;

/// Far more than the patience of these gates, far less than anybody would wait.
const LATEST: Duration = Duration::from_secs(30);

async fn begin(address: &str, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// What is answered until the gate closes the connection.
async fn to_the_end(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(LATEST, stream.read_to_end(&mut answer)).await;
    // A reset is an end as well.
    let _ = read.expect("the connection was cut");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn f52_a_slow_head_is_cut_and_others_are_served() {
    let fleet = Fleet::start().await;
    let slow = begin(&fleet.proxy, b"GET / HTTP/1.1\r\nHost: etl.test\r\nX-A: ").await;
    let bearer = format!("Authorization: Bearer {}\r\n", fleet.api_token());
    let answer = fleet.ask("GET /api/v2/dags", &bearer).await;
    assert_eq!(answer.status, 200);
    assert!(!to_the_end(slow).await.contains(" 200 "));
    assert_eq!(fleet.airflow.count(), 1);
}

#[tokio::test]
async fn f52_a_slow_body_is_a_408_and_not_the_applications_fault() {
    let fleet = Fleet::start().await;
    let request = format!(
        "POST /slow HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer {}\r\nContent-Length: 100\r\n\r\nbegun",
        fleet.api_token()
    );
    let slow = begin(&fleet.proxy, request.as_bytes()).await;
    let answer = to_the_end(slow).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn f52_a_client_that_takes_nothing_is_cut() {
    let fleet = Fleet::start().await;
    let request = format!(
        "GET /endless HTTP/1.1\r\nHost: etl.test\r\nAuthorization: Bearer {}\r\n\r\n",
        fleet.api_token()
    );
    let stream = begin(&fleet.proxy, request.as_bytes()).await;
    // Nothing is read until the application's side has ended, which is how a cut shows from there.
    let ended = async {
        while Airflow::streaming() || fleet.airflow.count() == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LATEST, ended).await.expect("the answer was cut");
    drop(stream);
}
