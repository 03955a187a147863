//! Serial numbers of certificates.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use aeolus_model::{hex, unhex};

/// A serial number (RFC 5280 §4.1.2.2): its bytes, big-endian, written in hexadecimal as `openssl` prints it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Serial(Vec<u8>);

/// A text that is no serial number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no serial number in hexadecimal")]
pub struct SerialError(String);

impl Serial {
    /// Of its bytes.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

/// Its bytes.
impl Deref for Serial {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Serial {
    type Err = SerialError;

    /// Digits of either case, with or without colons between the bytes.
    fn from_str(text: &str) -> Result<Self, SerialError> {
        let bytes = unhex(&text.replace(':', "")).filter(|bytes| !bytes.is_empty());
        bytes.map(Self).ok_or_else(|| SerialError(text.to_owned()))
    }
}

impl TryFrom<String> for Serial {
    type Error = SerialError;

    fn try_from(text: String) -> Result<Self, SerialError> {
        text.parse()
    }
}

impl From<Serial> for String {
    fn from(serial: Serial) -> Self {
        serial.to_string()
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_read_as_it_is_written_and_as_openssl_does() {
        let serial = Serial::new(&[0, 0x9f, 255]);
        assert_eq!(serial.to_string(), "009fff");
        for text in ["009fff", "00:9F:FF"] {
            assert_eq!(text.parse(), Ok(serial.clone()), "{text}");
        }
        for none in ["", ":", "0", "0g", "+1", "tls.crt"] {
            assert!(none.parse::<Serial>().is_err(), "{none}");
        }
    }
}
