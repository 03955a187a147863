//! How one proxy asks and is answered. A codec only parses and renders; it decides nothing.

pub mod nginx;

use std::net::IpAddr;

use http::HeaderMap;
use http::header::HeaderName;

/// The last address that a trusted proxy wrote: what stands before it, anybody may have written.
pub(crate) fn forwarded_for(headers: &HeaderMap, peer: Option<IpAddr>) -> Option<IpAddr> {
    // Checks come over loopback or a Unix socket; from anywhere else the header is a claim.
    if peer.is_some_and(|peer| !peer.is_loopback()) {
        return peer;
    }
    let written = headers.get_all(HeaderName::from_static("x-forwarded-for"));
    let last = written.iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

/// Names and values as the decision wants them.
pub(crate) fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
}
