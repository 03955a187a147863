use aeolus_model::Time;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

const NOW: i64 = 1_800_000_000;

struct Now;

impl Clock for Now {
    fn now(&self) -> Time {
        Time::from_secs(NOW)
    }
}

fn stored(url: &str, good_for: i64) -> Credentials {
    Credentials {
        url: url.to_owned(),
        access_token: "a1".to_owned(),
        expires_at: NOW + good_for,
        refresh_token: Some("xar_1".to_owned()),
        session_ends_at: Some(NOW + 86_400),
        given: false,
    }
}

/// A token endpoint that gives each caller the same answer, and counts them.
async fn endpoint(
    status: &'static str,
    body: &'static str,
) -> (String, tokio::task::JoinHandle<u32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let mut calls = 0;
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            loop {
                let mut chunk = [0; 4096];
                let count = stream.read(&mut chunk).await.unwrap();
                request.extend_from_slice(&chunk[..count]);
                let text = String::from_utf8_lossy(&request).into_owned();
                if count == 0 || text.ends_with("cli") {
                    break;
                }
            }
            if request.starts_with(b"GET /end") {
                return calls;
            }
            calls += 1;
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, served)
}

/// How often the endpoint was called.
async fn calls(url: &str, served: tokio::task::JoinHandle<u32>) -> u32 {
    let mut end = tokio::net::TcpStream::connect(&url[7..]).await.unwrap();
    end.write_all(b"GET /end cli").await.unwrap();
    served.await.unwrap()
}

const FRESH: &str =
    r#"{"access_token":"a2","token_type":"Bearer","expires_in":28800,"refresh_token":"xar_2"}"#;

#[tokio::test]
async fn an_access_token_about_to_end_is_refreshed_and_stored_whole() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::file(folder.path().join("credentials.json"));
    let (url, served) = endpoint("200 OK", FRESH).await;
    stored(&url, 61).store(&place).await.unwrap();
    let before = place.read().await.unwrap().unwrap();
    let same = before
        .clone()
        .fresh(&place, (&Now, &Environment::default()))
        .await
        .unwrap();
    assert_eq!(same, before);
    stored(&url, 60).store(&place).await.unwrap();
    let fresh = stored(&url, 60)
        .fresh(&place, (&Now, &Environment::default()))
        .await
        .unwrap();
    assert_eq!(fresh.access_token, "a2");
    assert_eq!(fresh.refresh_token.as_deref(), Some("xar_2"));
    assert_eq!(fresh.expires_at, NOW + 28_800);
    assert_eq!(place.read().await.unwrap(), Some(fresh));
    assert_eq!(calls(&url, served).await, 1);
}

#[tokio::test]
async fn f48_of_ten_commands_at_once_one_refreshes() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::file(folder.path().join("credentials.json"));
    let (url, served) = endpoint("200 OK", FRESH).await;
    stored(&url, -5).store(&place).await.unwrap();
    let mut commands = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (place, mine) = (place.clone(), stored(&url, -5));
        commands.spawn(async move {
            mine.fresh(&place, (&Now, &Environment::default()))
                .await
                .unwrap()
                .access_token
        });
    }
    assert_eq!(commands.join_all().await, ["a2"; 10]);
    assert_eq!(calls(&url, served).await, 1);
}

#[tokio::test]
async fn a_session_that_is_over_says_when_and_leaves_the_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::file(folder.path().join("credentials.json"));
    let refused = r#"{"error":"invalid_grant"}"#;
    let (url, _served) = endpoint("400 Bad Request", refused).await;
    let mine = stored(&url, -5);
    mine.store(&place).await.unwrap();
    let failure = mine
        .clone()
        .fresh(&place, (&Now, &Environment::default()))
        .await
        .unwrap_err()
        .render();
    assert!(failure.contains("CLI-0004"), "{failure}");
    assert!(failure.contains("until 2027-01-16 08:00 UTC"), "{failure}");
    assert!(failure.contains("aeolus login"), "{failure}");
    assert_eq!(place.read().await.unwrap(), Some(mine.clone()));
    let over = Credentials {
        session_ends_at: Some(NOW - 60),
        ..mine
    };
    over.store(&place).await.unwrap();
    let failure = over
        .fresh(&place, (&Now, &Environment::default()))
        .await
        .unwrap_err()
        .render();
    assert!(
        failure.contains("expired 1 min ago (at 2027-01-15 07:59 UTC)"),
        "{failure}"
    );
}

#[tokio::test]
async fn while_control_is_away_a_token_that_is_still_good_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::file(folder.path().join("credentials.json"));
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let mine = stored(&url, 30);
    mine.store(&place).await.unwrap();
    assert_eq!(
        mine.clone()
            .fresh(&place, (&Now, &Environment::default()))
            .await
            .unwrap(),
        mine
    );
    let mine = stored(&url, 0);
    mine.store(&place).await.unwrap();
    let failure = mine
        .clone()
        .fresh(&place, (&Now, &Environment::default()))
        .await
        .unwrap_err()
        .render();
    assert!(failure.contains("NET-0010"), "{failure}");
    assert_eq!(place.read().await.unwrap(), Some(mine));
}

#[tokio::test]
async fn a_sign_in_without_a_refresh_token_ends_with_its_access_token() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::file(folder.path().join("credentials.json"));
    let old = r#"{"url":"https://a.example","accessToken":"a","expiresAt":1799999940}"#;
    std::fs::write(place.path(), old).unwrap();
    let mine = place.read().await.unwrap().unwrap();
    let failure = mine
        .fresh(&place, (&Now, &Environment::default()))
        .await
        .unwrap_err()
        .render();
    assert!(
        failure.contains(
            "the sign-in at https://a.example expired 1 min ago (at 2027-01-15 07:59 UTC)"
        ),
        "{failure}"
    );
}

#[tokio::test]
async fn credentials_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let place = Place::file(folder.path().join("deep/credentials.json"));
    stored("https://a.example", 0).store(&place).await.unwrap();
    for name in ["deep/credentials.json", "deep/credentials.lock"] {
        let mode = std::fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let taken = Credentials::take(&place).await.unwrap();
    assert_eq!(taken, Some(stored("https://a.example", 0)));
    assert_eq!(Credentials::take(&place).await.unwrap(), None);
}
