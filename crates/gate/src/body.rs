//! The one body type of every answer: ours are small and whole, an application's are streamed.

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{Either, Full};

/// An answer's body. A whole one takes no allocation of its own.
pub type Body = Either<Full<Bytes>, BoxBody<Bytes, hyper::Error>>;

/// A body that is there already.
pub fn whole(content: impl Into<Bytes>) -> Body {
    Either::Left(Full::new(content.into()))
}
