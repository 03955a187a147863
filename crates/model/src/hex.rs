//! Bytes in hexadecimal, as serial numbers and fingerprints are written.

use std::fmt::Write as _;

/// As lower-case digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Back. `None` where these are no pairs of digits.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| match *pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        assert_eq!(hex(&[0, 0x9f, 255]), "009fff");
        assert_eq!(unhex("009fFF"), Some(vec![0, 0x9f, 255]));
        for none in ["0", "0g", "+1", "é"] {
            assert_eq!(unhex(none), None, "{none}");
        }
    }
}
