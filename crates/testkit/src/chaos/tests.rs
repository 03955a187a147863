//! Over real sockets: an echoing server behind the proxy.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::*;

const SOON: Duration = Duration::from_secs(10);
const A_WHILE: Duration = Duration::from_millis(300);

/// The proxy in front of a server that sends back what it gets.
async fn echoing() -> Chaos {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
                let _ = to.shutdown().await;
            });
        }
    });
    Chaos::start(address).await.unwrap()
}

async fn connect(proxy: &Chaos) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

fn ask(proxy: &Chaos, line: &str) {
    proxy.run(line.parse().unwrap());
}

/// Sends and takes back, within `limit`.
async fn echo(stream: &mut TcpStream, bytes: &[u8], limit: Duration) -> io::Result<Vec<u8>> {
    stream.write_all(bytes).await?;
    let mut back = vec![0; bytes.len()];
    match timeout(limit, stream.read_exact(&mut back)).await {
        Ok(read) => read.map(|_| back),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn fails(stream: &mut TcpStream) -> io::ErrorKind {
    echo(stream, b"hello", A_WHILE).await.unwrap_err().kind()
}

#[tokio::test]
async fn everything_passes_with_its_end() {
    let proxy = echoing().await;
    let mut stream = connect(&proxy).await;
    let much: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let (mut from, mut to) = stream.split();
    let mut back = Vec::new();
    let (sent, read) = tokio::join!(
        async {
            to.write_all(&much).await.unwrap();
            to.shutdown().await
        },
        timeout(SOON, from.read_to_end(&mut back))
    );
    sent.unwrap();
    read.unwrap().unwrap();
    assert_eq!(back, much);
    assert_eq!(proxy.accepted(), 1);
}

#[tokio::test]
async fn a_delay_is_a_longer_line_and_a_rate_a_thinner_one() {
    let proxy = echoing().await;
    let mut stream = connect(&proxy).await;
    ask(&proxy, "up-delay=200 down-delay=100");
    let started = Instant::now();
    echo(&mut stream, &vec![1; 64_000], SOON).await.unwrap();
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(300), "{took:?}");
    assert!(
        took < Duration::from_secs(3),
        "the chunks waited in turn: {took:?}"
    );
    ask(&proxy, "down-rate=20000");
    let started = Instant::now();
    echo(&mut stream, &[1; 16_000], SOON).await.unwrap();
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(500), "{took:?}");
}

#[tokio::test]
async fn what_hangs_goes_on_where_it_was() {
    let proxy = echoing().await;
    ask(&proxy, "hang");
    let mut stream = connect(&proxy).await;
    assert_eq!(fails(&mut stream).await, io::ErrorKind::TimedOut);
    ask(&proxy, "pass");
    let mut back = [0; 5];
    timeout(SOON, stream.read_exact(&mut back))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&back, b"hello");
}

#[tokio::test]
async fn one_direction_is_lost_in_silence() {
    for lost in ["up-drop", "down-drop"] {
        let proxy = echoing().await;
        let mut stream = connect(&proxy).await;
        echo(&mut stream, b"before", SOON).await.unwrap();
        ask(&proxy, lost);
        assert_eq!(fails(&mut stream).await, io::ErrorKind::TimedOut, "{lost}");
        stream.shutdown().await.unwrap();
        let end = timeout(A_WHILE, stream.read(&mut [0; 8])).await;
        assert!(end.is_err(), "{lost}: the end came through");
    }
}

#[tokio::test]
async fn a_half_open_connection_stays_so_and_new_ones_are_whole() {
    let proxy = echoing().await;
    let mut old = connect(&proxy).await;
    echo(&mut old, b"before", SOON).await.unwrap();
    ask(&proxy, "half-open");
    assert_eq!(fails(&mut old).await, io::ErrorKind::TimedOut);
    let mut new = connect(&proxy).await;
    echo(&mut new, b"after", SOON).await.unwrap();
    ask(&proxy, "pass");
    assert_eq!(fails(&mut old).await, io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_cut_is_a_reset_and_refusing_is_no_listener() {
    let proxy = echoing().await;
    let mut stream = connect(&proxy).await;
    echo(&mut stream, b"before", SOON).await.unwrap();
    ask(&proxy, "cut");
    let read = timeout(SOON, stream.read(&mut [0; 8])).await.unwrap();
    assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    ask(&proxy, "refuse");
    let deadline = Instant::now() + SOON;
    while TcpStream::connect(proxy.address()).await.is_ok() {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    ask(&proxy, "pass");
    while TcpStream::connect(proxy.address()).await.is_err() {
        assert!(Instant::now() < deadline);
        tokio::task::yield_now().await;
    }
    echo(&mut connect(&proxy).await, b"after", SOON)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_answer_ends_in_the_middle() {
    let proxy = echoing().await;
    ask(&proxy, "answer-limit=10");
    let mut stream = connect(&proxy).await;
    stream.write_all(&[7; 64]).await.unwrap();
    let mut back = Vec::new();
    let read = timeout(SOON, stream.read_to_end(&mut back)).await.unwrap();
    assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert!(back.len() <= 10, "{}", back.len());
}

#[test]
fn unknown_words_are_refused() {
    for line in [
        "up-fly",
        "down-delay",
        "down-rate=x",
        "hang=1",
        "rate=3",
        "cut now",
    ] {
        assert!(line.parse::<Command>().is_err(), "{line}");
    }
    let Ok(Command::Weather(weather)) = "pass up-drop down-rate=0".parse() else {
        panic!()
    };
    assert!(weather.up.drop && !weather.down.drop);
    assert_eq!(weather.down.rate, Some(1));
}
