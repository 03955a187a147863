//! Connections: limits, panics, stopping.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aeolus_tls::{Connection, Listener};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer;
use crate::body::Body;
use crate::gate::Gate;
use crate::patience::Patient;

/// Most bytes of a request's head; what proxies allow themselves.
const HEAD_BYTES: usize = 64 * 1024;

/// Most header lines.
const HEADERS: usize = 100;

/// Calls of one HTTP/2 connection at a time.
const STREAMS: u32 = 1_024;

/// Most bytes of a call's own headers: the request asked about is in its body.
const HEADER_LIST: u32 = 16 * 1024;

/// Connections of one listener at a time; each that idles costs a few KiB.
const CONNECTIONS: usize = 16_384;

/// How long open requests may take after the stop was asked for.
const DRAIN: Duration = Duration::from_secs(10);

/// What answers the requests of a listener.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request.
    fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Option<IpAddr>) -> Answering;

    /// The gate it belongs to.
    fn gate(&self) -> &Gate;

    /// What its clients speak.
    fn speaks(&self) -> Speaks {
        Speaks::Http1
    }
}

/// An answer on its way. A decision is there at once and needs no future to wait in.
pub enum Answering {
    /// It is there.
    Now(Response<Body>),
    /// It has to be waited for.
    Later(Pin<Box<dyn Future<Output = Response<Body>> + Send>>),
}

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 with prior knowledge: gRPC.
    Http2,
}

/// Accepts until told to stop, then lets open requests finish.
pub async fn run(listener: Listener, handler: Arc<dyn Handler>, shutdown: CancellationToken) {
    accept_each(listener, shutdown, move |connection, shutdown| {
        serve(connection, Arc::clone(&handler), shutdown)
    })
    .await;
}

/// The same for any protocol.
pub(crate) async fn accept_each<F>(
    listener: Listener,
    shutdown: CancellationToken,
    serve: impl Fn(Connection, CancellationToken) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let tracker = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        if let Some((connection, slot)) = accepted {
            let serving = serve(connection, shutdown.clone());
            tracker.spawn(async move {
                serving.await;
                drop(slot);
            });
        }
    }
    drop(listener);
    tracker.close();
    let _ = tokio::time::timeout(DRAIN, tracker.wait()).await;
}

async fn accept(
    listener: &Listener,
    slots: &Arc<Semaphore>,
) -> Option<(Connection, tokio::sync::OwnedSemaphorePermit)> {
    // Beyond the limit, new connections wait in the system's queue.
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok(connection) => Some((connection, slot)),
        Err(error) => {
            // Out of descriptors, most likely: a short pause lets some come free.
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn serve(connection: Connection, handler: Arc<dyn Handler>, shutdown: CancellationToken) {
    let (peer, speaks) = (connection.peer, handler.speaks());
    let patience = handler.gate().settings.now().patience;
    let service = service_fn(move |request| Guarded::begin(Arc::clone(&handler), request, peer));
    let io = TokioIo::new(Patient::new(connection.stream, patience));
    // A client that speaks no HTTP, or goes away, is its own affair.
    match speaks {
        Speaks::Http1 => {
            let serving = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(patience.head)
                .max_buf_size(HEAD_BYTES)
                .max_headers(HEADERS)
                .serve_connection(io, service)
                .with_upgrades();
            let mut serving = std::pin::pin!(serving);
            tokio::select! {
                biased;
                _ = serving.as_mut() => return,
                () = shutdown.cancelled() => {}
            }
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
        Speaks::Http2 => {
            let serving = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(STREAMS)
                .max_header_list_size(HEADER_LIST)
                .keep_alive_interval(patience.head)
                .serve_connection(io, service);
            let mut serving = std::pin::pin!(serving);
            tokio::select! {
                biased;
                _ = serving.as_mut() => return,
                () = shutdown.cancelled() => {}
            }
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
}

/// An answer whose maker may panic: that one request fails closed, the process lives (F72).
struct Guarded {
    handler: Arc<dyn Handler>,
    answering: Option<Answering>,
}

impl Guarded {
    fn begin(handler: Arc<dyn Handler>, request: Request<Incoming>, peer: Option<IpAddr>) -> Self {
        let begun = || Arc::clone(&handler).answer(request, peer);
        let begun = catch_unwind(AssertUnwindSafe(begun));
        let answering = begun.unwrap_or_else(|_| Answering::Now(failed(&*handler)));
        Self {
            handler,
            answering: Some(answering),
        }
    }
}

impl Future for Guarded {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut later = match self.answering.take() {
            Some(Answering::Later(later)) => later,
            Some(Answering::Now(answer)) => return Poll::Ready(Ok(answer)),
            // It has been given away, and nobody polls for more.
            None => return Poll::Pending,
        };
        match catch_unwind(AssertUnwindSafe(|| later.as_mut().poll(context))) {
            Ok(Poll::Ready(answer)) => Poll::Ready(Ok(answer)),
            Ok(Poll::Pending) => {
                self.answering = Some(Answering::Later(later));
                Poll::Pending
            }
            Err(_) => Poll::Ready(Ok(failed(&*self.handler))),
        }
    }
}

fn failed(handler: &dyn Handler) -> Response<Body> {
    handler.gate().metrics.panicked();
    tracing::error!("a handler panicked; the request was refused");
    answer::text(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong.\n")
}
