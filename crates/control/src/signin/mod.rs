//! Signing people in: passwords, throttles, control's own session cookie, the pages around them.

pub(crate) mod continuation;
pub(crate) mod cookie;
pub(crate) mod password;
pub(crate) mod pool;
pub(crate) mod same_origin;
