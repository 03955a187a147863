use aeolus_model::TokenId;

use super::*;

#[test]
fn only_plain_http_urls_are_a_base() {
    assert!(Client::new("http://127.0.0.1:8800/").is_ok());
    for bad in [
        "",
        "ftp://a",
        "https://user@a",
        "https://a?x",
        "https://a#x",
        "127.0.0.1:8800",
    ] {
        assert!(Client::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn path_segments_cant_break_out() {
    assert_eq!(escape("a/../b?c"), "a%2F%2E%2E%2Fb%3Fc");
}

struct Counting(std::sync::atomic::AtomicU8);

impl Rng for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    }
}

/// Takes connections one after another, and says what came. The first two break before the answer.
async fn breaking(listener: tokio::net::TcpListener) -> Vec<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut keys = Vec::new();
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"seq",
        OK,
        OK,
    ] {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
        }
        let text = String::from_utf8(bytes).unwrap();
        let key = text
            .lines()
            .find_map(|line| line.strip_prefix("idempotency-key: "));
        keys.push(key.unwrap_or_default().to_owned());
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
    keys
}

const OK: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 9\r\n\r\n{\"seq\":1}";

#[tokio::test]
async fn f46_a_post_whose_answer_is_lost_is_sent_once_more_under_its_key() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(breaking(listener));
    let rng = Arc::new(Counting(std::sync::atomic::AtomicU8::new(1)));
    let client = Client::new(&base).unwrap().with_repeats(rng);
    let end = || client.end_token_grace("acme", TokenId::from_bytes([7; 16]), Wait::No);
    // Both attempts broke: no third one.
    assert!(matches!(end().await, Err(ClientError::Unreachable(_))));
    assert_eq!(end().await.unwrap().seq, 1);
    let plain = Client::new(&base).unwrap();
    let deleted = plain.delete_token("acme", TokenId::from_bytes([7; 16]), Wait::No);
    assert_eq!(deleted.await.unwrap().seq, 1);
    let keys = served.await.unwrap();
    let [first, second] = ["01", "02"].map(|byte| byte.repeat(16));
    assert_eq!(keys, [first.clone(), first, second, String::new()]);
}
