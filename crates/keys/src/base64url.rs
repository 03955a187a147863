//! Base64url without padding (RFC 7515 §2), strict: no padding, no white space, no stray bits, so
//! that a value has exactly one spelling.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn encode_into(bytes: impl AsRef<[u8]>, out: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, out);
}

pub(crate) fn decode(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Appends to `out`, so that several parts can share one allocation.
pub(crate) fn decode_into(text: impl AsRef<[u8]>, out: &mut Vec<u8>) -> Option<()> {
    URL_SAFE_NO_PAD.decode_vec(text, out).ok()
}

/// Decodes into a buffer on the stack and returns the part that was filled.
pub(crate) fn decode_slice(text: impl AsRef<[u8]>, out: &mut [u8]) -> Option<&[u8]> {
    let len = URL_SAFE_NO_PAD.decode_slice(text, out).ok()?;
    out.get(..len)
}

/// Exactly `N` bytes.
pub(crate) fn decode_array<const N: usize>(text: impl AsRef<[u8]>) -> Option<[u8; N]> {
    decode(text)?.try_into().ok()
}
