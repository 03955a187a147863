//! The body of a request, copied while it is read by whoever answers. What nobody reads isn't copied.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use super::mask;

/// With more bytes a body is only counted.
const MOST: usize = 64 * 1024;

/// What was read so far.
#[derive(Clone, Default)]
pub(super) struct Copied(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    bytes: Vec<u8>,
    read: usize,
}

impl Copied {
    /// Has the body of a request copied.
    pub(super) fn of(request: Request) -> (Request, Self) {
        let copied = Self::default();
        let to = copied.clone();
        let request = request.map(|inner| Body::new(Copying { inner, to }));
        (request, copied)
    }

    fn note(&self, data: &[u8]) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.read = held.read.saturating_add(data.len());
        if held.read <= MOST {
            held.bytes.extend_from_slice(data);
        } else {
            held.bytes = Vec::new();
        }
    }

    /// With its values masked.
    pub(super) fn masked(&self) -> String {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.read > MOST {
            return format!("({} bytes, more than is kept)", held.read);
        }
        mask::body(&held.bytes)
    }
}

struct Copying {
    inner: Body,
    to: Copied,
}

impl hyper::body::Body for Copying {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.to.note(data);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
