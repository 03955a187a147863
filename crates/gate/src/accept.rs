//! Accepting: what is beyond a cap is refused at once instead of left waiting.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use aeolus_tls::{Connection, Listener, Pause};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::gate::Gate;
use crate::limits::{Connections, Source};

/// How long open requests may take after the stop was asked for.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);

/// What a connection of HTTP beyond the cap is told.
pub(crate) const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Length: 21\r\nConnection: close\r\n\r\n\
    Too many connections\n";

/// Connections that are told so at one time; more are closed without a word.
const TOLD: usize = 256;

/// How long telling may take.
const TELL: Duration = Duration::from_secs(1);

/// Accepts until told to stop, then lets open requests finish. `refusal` is what a connection beyond
/// a cap is told; nothing where there is no word for it.
pub(crate) async fn accept_each<F>(
    listener: Listener,
    gate: Arc<Gate>,
    (refusal, shutdown): (&'static [u8], CancellationToken),
    serve: impl Fn(Connection, CancellationToken) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let connections = Arc::new(Connections::default());
    let told = Arc::new(Semaphore::new(TOLD));
    let tracker = TaskTracker::new();
    let begin = |connection: Connection| {
        let settings = gate.settings.now();
        let caps = settings.caps;
        let one = connection
            .peer
            .filter(|peer| !settings.trusted_proxies.hold(*peer));
        let source = one.map(Source::of);
        if let Some(place) = connections.admit(source, caps) {
            let serving = serve(connection, shutdown.clone());
            tracker.spawn(async move {
                serving.await;
                drop(place);
            });
            return;
        }
        gate.metrics.connection_refused();
        if !refusal.is_empty()
            && let Ok(turn) = Arc::clone(&told).try_acquire_owned()
        {
            tokio::spawn(async move {
                let _ = timeout(TELL, tell(connection, refusal)).await;
                drop(turn);
            });
        }
    };
    let mut pause = Pause::default();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = pause.accept(&listener) => begin(accepted),
        }
    }
    // Whoever is in the system's queue has been told that we listen.
    while let Ok(Ok(connection)) = timeout(Duration::ZERO, listener.accept()).await {
        begin(connection);
    }
    drop(listener);
    tracker.close();
    let _ = timeout(DRAIN, tracker.wait()).await;
}

/// Tells a connection that there is no room for it. The request is read first: closing on unread
/// input would take the answer back.
async fn tell(connection: Connection, refusal: &'static [u8]) -> io::Result<()> {
    let mut stream = connection.stream;
    let mut unread = [0; 2_048];
    if stream.read(&mut unread).await? == 0 {
        return Ok(());
    }
    stream.write_all(refusal).await?;
    stream.shutdown().await?;
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_connection_beyond_the_cap_is_told_is_whole() {
        let text = str::from_utf8(TOO_MANY).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
    }
}
