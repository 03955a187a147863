//! The figures at an address, as Prometheus asks for them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::routing::get;
use futures::future::{BoxFuture, FutureExt as _, pending};
use http::header::CONTENT_TYPE;

use crate::report::{Failure, Report};

/// What is shown.
pub(super) type Text = Arc<Mutex<String>>;

/// Listens, where that is asked for. What it gives back answers as long as it is polled, and ends only if that fails.
pub(super) async fn serve(
    address: Option<SocketAddr>,
    text: Text,
) -> Result<BoxFuture<'static, ()>, Failure> {
    let Some(address) = address else {
        return Ok(pending().boxed());
    };
    let listener = tokio::net::TcpListener::bind(address).await;
    let listener = listener.map_err(|error| {
        Report::new("NET-0001", format!("--metrics-listen {address}: {error}"))
            .help("name an address of this machine with a port that nobody else has")
            .failed()
    })?;
    let figures = move || async move {
        let text = text.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text)
    };
    let routes = Router::new().route("/metrics", get(figures));
    Ok(async move {
        let _ = axum::serve(listener, routes).await;
    }
    .boxed())
}
