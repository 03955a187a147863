//! From accepted connections to the router.

mod places;

use std::time::Duration;

use aeolus_tls::{ClientChain, Connection, Listener, Pause, ServerTls};
use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::edge::Peer;

pub(crate) use places::Places;

/// A client that is slower with its headers, or with its handshake, is not waited for.
const HEADERS: Duration = Duration::from_secs(10);
/// What is being answered at shutdown gets so long.
const GRACE: Duration = Duration::from_secs(5);

/// Accepts until shutdown, then lets what is being answered finish. Long polls are not waited for:
/// their gates come again.
pub(crate) async fn run(
    (listener, tls): (Listener, Option<ServerTls>),
    places: Places,
    router: Router,
    shutdown: CancellationToken,
) {
    let tracker = TaskTracker::new();
    let mut pause = Pause::default();
    loop {
        let Some(place) = places.next().await else {
            break;
        };
        let connection = tokio::select! {
            () = shutdown.cancelled() => break,
            connection = pause.accept(&listener) => connection,
        };
        let Some(place) = places.take(place, connection.peer) else {
            continue;
        };
        let router = router.clone();
        let tls = tls.clone();
        let shutdown = shutdown.clone();
        tracker.spawn(async move {
            match tls {
                None => {
                    let peer = Peer(connection.peer);
                    speak(connection.stream, (peer, None, router), shutdown).await;
                }
                // On the heap, so that connections without TLS don't take its room.
                Some(tls) => Box::pin(secure(connection, tls, router, shutdown)).await,
            }
            drop(place);
        });
    }
    tracker.close();
    let _ = timeout(GRACE, tracker.wait()).await;
}

/// The handshake, then the same as without it.
async fn secure(
    Connection { stream, peer }: Connection,
    tls: ServerTls,
    router: Router,
    shutdown: CancellationToken,
) {
    let shaken = timeout(HEADERS, tls.accept(stream));
    match shutdown.run_until_cancelled(shaken).await {
        Some(Ok(Ok(stream))) => {
            let shown = Some(ClientChain::of(&stream));
            speak(stream, (Peer(peer), shown, router), shutdown).await;
        }
        Some(Ok(Err(error))) => tracing::debug!(%error, "no TLS with a client"),
        Some(Err(_)) | None => {}
    }
}

async fn speak<S>(
    stream: S,
    (peer, shown, router): (Peer, Option<ClientChain>, Router),
    shutdown: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = router.map_request(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        if let Some(shown) = shown.clone() {
            request.extensions_mut().insert(shown);
        }
        request.map(Body::new)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut served = std::pin::pin!(served);
    let mut asked = false;
    loop {
        tokio::select! {
            done = served.as_mut() => {
                if let Err(error) = done {
                    tracing::debug!(%error, "a connection broke");
                }
                return;
            }
            () = shutdown.cancelled(), if !asked => {
                asked = true;
                served.as_mut().graceful_shutdown();
            }
        }
    }
}
