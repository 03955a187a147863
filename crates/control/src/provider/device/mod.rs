//! The device authorization grant (RFC 8628): a machine without a browser is signed in by one that has one.

mod ask;
mod grant;
mod page;
mod user_code;

pub(crate) use ask::device_authorization;
pub(super) use grant::redeem;
pub(crate) use page::{device_decide, device_get, device_post};
