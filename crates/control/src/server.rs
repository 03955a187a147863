//! From accepted connections to the router.

use std::time::Duration;

use aeolus_tls::{Connection, Listener, Pause};
use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::edge::Peer;

/// A client that is slower with its headers is not waited for.
const HEADERS: Duration = Duration::from_secs(10);
/// Connections at once; the next ones wait in the system's queue.
const CONNECTIONS: usize = 8192;
/// What is being answered at shutdown gets so long.
const GRACE: Duration = Duration::from_secs(5);

/// Accepts until shutdown, then lets what is being answered finish. Long polls are not waited for:
/// their gates come again.
pub(crate) async fn run(listener: Listener, router: Router, shutdown: CancellationToken) {
    let tracker = TaskTracker::new();
    let places = std::sync::Arc::new(Semaphore::new(CONNECTIONS));
    let mut pause = Pause::default();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            break;
        };
        let connection = tokio::select! {
            () = shutdown.cancelled() => break,
            connection = pause.accept(&listener) => connection,
        };
        let router = router.clone();
        let shutdown = shutdown.clone();
        tracker.spawn(async move {
            serve(connection, router, shutdown).await;
            drop(place);
        });
    }
    tracker.close();
    let _ = tokio::time::timeout(GRACE, tracker.wait()).await;
}

async fn serve(connection: Connection, router: Router, shutdown: CancellationToken) {
    let peer = Peer(connection.peer);
    let service = router.map_request(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        request.map(Body::new)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(64 * 1024)
        .serve_connection(
            TokioIo::new(connection.stream),
            TowerToHyperService::new(service),
        );
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
