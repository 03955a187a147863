//! Connections of HTTP: limits, panics, stopping.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aeolus_tls::{Connection, Listener, ServerTls, TlsStream};
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::accept::{TOO_MANY, accept_each};
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

/// How long a connection without a request is kept once the stop was asked for: who uses it may not
/// know yet.
const ON_THE_WAY: Duration = Duration::from_millis(250);

/// How long a handshake may take once the stop was asked for.
const LAST_HANDSHAKES: Duration = Duration::from_secs(1);

/// What answers the requests of a listener.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request.
    fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Option<IpAddr>) -> Answering;

    /// The gate it belongs to.
    fn gate(&self) -> &Arc<Gate>;

    /// What its clients speak.
    fn speaks(&self) -> Speaks {
        Speaks::Http1
    }

    /// What they are shown, where TLS ends here.
    fn tls(&self) -> Option<&ServerTls> {
        None
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
    let refusal = match handler.speaks() {
        Speaks::Http1 if handler.tls().is_none() => TOO_MANY,
        Speaks::Http1 | Speaks::Http2 => &[],
    };
    let gate = Arc::clone(handler.gate());
    accept_each(
        listener,
        gate,
        (refusal, shutdown),
        move |connection, shutdown| serve(connection, Arc::clone(&handler), shutdown),
    )
    .await;
}

async fn serve(connection: Connection, handler: Arc<dyn Handler>, shutdown: CancellationToken) {
    let Connection { stream, peer } = connection;
    let patience = handler.gate().settings.now().patience;
    if handler.tls().is_none() {
        return speak(Patient::new(stream, patience), (peer, handler), shutdown).await;
    }
    // On the heap, so that connections without TLS don't take its room.
    Box::pin(async move {
        if let Some(stream) = shaken(stream, &*handler, &shutdown).await {
            speak(Patient::new(stream, patience), (peer, handler), shutdown).await;
        }
    })
    .await;
}

/// A handshake takes no longer than a request's head may, and less once the stop was asked for.
async fn shaken<S>(
    stream: S,
    handler: &dyn Handler,
    shutdown: &CancellationToken,
) -> Option<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let patience = handler.gate().settings.now().patience;
    let over = async {
        shutdown.cancelled().await;
        sleep(LAST_HANDSHAKES).await;
    };
    tokio::select! {
        shaken = timeout(patience.head, handler.tls()?.accept(stream)) => shaken.ok()?.ok(),
        () = over => None,
    }
}

async fn speak<S>(
    stream: S,
    (peer, handler): (Option<IpAddr>, Arc<dyn Handler>),
    shutdown: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let speaks = handler.speaks();
    let patience = handler.gate().settings.now().patience;
    let service = service_fn(move |request| Guarded::begin(Arc::clone(&handler), request, peer));
    let io = TokioIo::new(stream);
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
                () = stopped(&shutdown) => {}
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
                () = stopped(&shutdown) => {}
            }
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
}

/// The stop, and a moment for requests that are on their way already.
pub(crate) async fn stopped(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    sleep(ON_THE_WAY).await;
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

    /// Of a gate that is about to stop, the answer is its connection's last: the next request goes to
    /// whoever stays.
    fn last(&self, mut answer: Response<Body>) -> Response<Body> {
        let draining = self.handler.gate().is_draining();
        if draining
            && self.handler.speaks() == Speaks::Http1
            && answer.status() != StatusCode::SWITCHING_PROTOCOLS
        {
            let close = HeaderValue::from_static("close");
            answer.headers_mut().insert(CONNECTION, close);
        }
        answer
    }
}

impl Future for Guarded {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut later = match self.answering.take() {
            Some(Answering::Later(later)) => later,
            Some(Answering::Now(answer)) => return Poll::Ready(Ok(self.last(answer))),
            // It has been given away, and nobody polls for more.
            None => return Poll::Pending,
        };
        match catch_unwind(AssertUnwindSafe(|| later.as_mut().poll(context))) {
            Ok(Poll::Ready(answer)) => Poll::Ready(Ok(self.last(answer))),
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
