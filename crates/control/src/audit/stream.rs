//! Answers that are written while they are sent, a page at a time.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use hyper::body::Frame;
use tokio::sync::mpsc;

/// Pages that wait for a slow client: no more are made until it has taken one.
const PAGES: usize = 2;

/// Where the pages go.
pub(super) struct Pages(mpsc::Sender<Bytes>);

impl Pages {
    /// Sends a page; `false` where nobody waits for it any more.
    pub(super) async fn send(&self, page: Vec<u8>) -> bool {
        self.0.send(Bytes::from(page)).await.is_ok()
    }
}

/// An answer of NDJSON, and where to put what it says. It ends when that is dropped.
pub(super) fn answer() -> (Pages, Response) {
    let (sender, receiver) = mpsc::channel(PAGES);
    let body = Body::new(Received(receiver));
    let headers = [(CONTENT_TYPE, "application/x-ndjson")];
    (Pages(sender), (headers, body).into_response())
}

struct Received(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Received {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(context)
            .map(|page| page.map(|page| Ok(Frame::data(page))))
    }
}

/// Adds a value as a line.
pub(super) fn push(page: &mut Vec<u8>, value: &impl serde::Serialize) -> Result<(), String> {
    serde_json::to_writer(&mut *page, value).map_err(|error| error.to_string())?;
    page.push(b'\n');
    Ok(())
}
