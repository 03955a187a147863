//! Text encoding (RFC 7468).

use aeolus_model::Secret;
use pkcs8::LineEnding;
use pkcs8::der::pem::encode_string;
use x509_parser::pem::Pem;
use zeroize::Zeroizing;

use crate::Certificate;

/// One encapsulated part.
pub(crate) struct Block {
    pub(crate) label: String,
    pub(crate) der: Zeroizing<Vec<u8>>,
}

/// The parts of a text, in order; what is between them is no part of it. `None` where one is damaged.
pub(crate) fn blocks(text: &[u8]) -> Option<Vec<Block>> {
    let mut blocks = Vec::new();
    for pem in Pem::iter_from_buffer(text) {
        let pem = pem.ok()?;
        blocks.push(Block {
            label: pem.label,
            der: Zeroizing::new(pem.contents),
        });
    }
    Some(blocks)
}

/// Whether it looks like text encoding.
pub(crate) fn is_pem(bytes: &[u8]) -> bool {
    bytes.windows(11).any(|window| window == b"-----BEGIN ")
}

/// As text, with lines of 64 characters.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    // It fails for labels that aren't ASCII only; ours are.
    encode_string(label, LineEnding::LF, der).unwrap_or_default()
}

/// The same, of what must stay secret.
pub(crate) fn encode_secret(label: &str, der: &[u8]) -> Secret<String> {
    Secret::new(encode(label, der))
}

/// Certificates one after the other, as servers and trust stores take them.
pub fn certificates_pem<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> String {
    let text = certificates.into_iter();
    text.map(|certificate| encode("CERTIFICATE", certificate.der()))
        .collect()
}
