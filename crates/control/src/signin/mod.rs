//! Signing people in: passwords, throttles, control's own session cookie, the pages around them.

mod ask;
pub(crate) mod begin;
pub(crate) mod continuation;
pub(crate) mod cookie;
mod login_get;
pub(crate) mod login_post;
mod logout_get;
mod logout_post;
mod offers;
pub(crate) mod parent;
pub(crate) mod password;
pub(crate) mod pool;
pub(crate) mod same_origin;
pub(crate) mod seen;
pub(crate) mod session;
mod sign_out;
mod source;
pub(crate) mod standing;
pub(crate) mod step;
pub(crate) mod throttle;
pub(crate) mod turn;

pub(crate) use ask::Ask;
pub(crate) use login_get::login_get;
pub(crate) use login_post::login_post;
pub(crate) use logout_get::logout_get;
pub(crate) use logout_post::logout_post;
pub(crate) use offers::Offers;
pub(crate) use sign_out::{clear_cookies, sign_out};
pub(crate) use step::{code_get, code_post};
