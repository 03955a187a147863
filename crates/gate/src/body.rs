//! The one body type of every answer: ours are small and whole, an application's are streamed.

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};

/// An answer's body.
pub type Body = BoxBody<Bytes, hyper::Error>;

/// A body that is there already.
pub fn whole(content: impl Into<Bytes>) -> Body {
    Full::new(content.into())
        .map_err(|never| match never {})
        .boxed()
}
