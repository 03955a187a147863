//! Where lists of revoked certificates are found (RFC 5280 §4.2.1.13).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Certificate;
use aeolus_model::hex;

/// A folder on a web server with one list for each issuer: while an authority changes, there are several, and an
/// address in a certificate leads to one list of its own issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ListAddress(String);

/// A text that is no such address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no address of a folder: give http:// and a host, of at most 512 letters, without ? and #"
)]
pub struct ListAddressError(String);

/// Longer addresses would make every certificate longer.
const MAX: usize = 512;

impl ListAddress {
    /// Where the list of this issuer is.
    pub fn of(&self, issuer: &Certificate) -> String {
        format!("{}/{}", self.0, list_name(issuer))
    }
}

/// The name of an issuer's list in that folder: it follows from its key.
pub fn list_name(issuer: &Certificate) -> String {
    let pin = issuer.key.pin();
    format!("{}.crl", hex(pin.get(..10).unwrap_or_default()))
}

impl FromStr for ListAddress {
    type Err = ListAddressError;

    fn from_str(text: &str) -> Result<Self, ListAddressError> {
        // A list behind TLS would need a certificate to be checked first (RFC 5280 §8).
        let rest = text.strip_prefix("http://");
        let host = rest.and_then(|rest| rest.split('/').next());
        let is_host = host.is_some_and(|host| !host.is_empty() && !host.contains('@'));
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\"<>\\^`{|}".contains(&byte);
        if !is_host || !text.bytes().all(plain) || text.len() > MAX {
            return Err(ListAddressError(text.to_owned()));
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

impl TryFrom<String> for ListAddress {
    type Error = ListAddressError;

    fn try_from(text: String) -> Result<Self, ListAddressError> {
        text.parse()
    }
}

impl From<ListAddress> for String {
    fn from(address: ListAddress) -> Self {
        address.0
    }
}

impl fmt::Display for ListAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_folder_that_is_reached_without_tls() {
        let read = |text: &str| text.parse::<ListAddress>();
        for fine in [
            "http://a",
            "http://a.example.com:8080/crl/",
            "http://[::1]/x",
        ] {
            let address = read(fine).unwrap();
            assert_eq!(address.to_string(), fine.trim_end_matches('/'));
        }
        for none in [
            "",
            "http://",
            "http:///crl",
            "https://a/crl",
            "ftp://a",
            "http://a b",
            "http://u@a/",
            "http://a/?x",
            "http://a/#x",
            "http://\u{e9}",
        ] {
            assert!(read(none).is_err(), "{none}");
        }
        assert!(read(&format!("http://{}", "a".repeat(MAX))).is_err());
    }
}
