//! A self-signed certificate around an RSA key (RFC 5280), for consumers of the original: they take a
//! public key out of `x5c[0]` and look at nothing else.
//!
//! It is a function of its key, name and times: every replica shows the same bytes.

use aeolus_model::Time;

use crate::public::Numbers;
use crate::{KeyError, SigningKey};

/// `sha256WithRSAEncryption` and its absent parameters (RFC 4055 §5).
const SHA256_WITH_RSA: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00,
];

/// `rsaEncryption` and its absent parameters (RFC 4055 §1.2).
const RSA: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

/// `id-at-commonName` (RFC 5280 appendix A.1).
const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const UTF8_STRING: u8 = 0x0c;
const GENERALIZED_TIME: u8 = 0x18;
const UTC_TIME: u8 = 0x17;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;

impl SigningKey {
    /// A certificate of the key's own, in DER. Only of an RSA key.
    pub fn self_signed(
        &self,
        name: &str,
        (from, until): (Time, Time),
    ) -> Result<Vec<u8>, KeyError> {
        let Numbers::Rsa { n, e } = self.public().numbers() else {
            return Err(KeyError::WrongAlg(self.public().alg()));
        };
        let key = tlv(SEQUENCE, &[integer(n), integer(e)].concat());
        let key = [tlv(SEQUENCE, RSA), bits(&key)].concat();
        let common_name = [COMMON_NAME.to_vec(), tlv(UTF8_STRING, name.as_bytes())].concat();
        let name = tlv(SEQUENCE, &tlv(SET, &tlv(SEQUENCE, &common_name)));
        let algorithm = tlv(SEQUENCE, SHA256_WITH_RSA);
        let kid = self.public().kid();
        // Unique as a serial number has to be, and short enough for one.
        let serial = kid.as_bytes().get(..16).unwrap_or_default();
        let content = [
            tlv(VERSION, &integer(&[2])),
            integer(serial),
            algorithm.clone(),
            name.clone(),
            tlv(SEQUENCE, &[time(from), time(until)].concat()),
            name,
            tlv(SEQUENCE, &key),
        ];
        let content = tlv(SEQUENCE, &content.concat());
        let signature = bits(&self.sign_raw(&content)?);
        Ok(tlv(SEQUENCE, &[content, algorithm, signature].concat()))
    }
}

/// Tag, length and content (X.690 §8.1).
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let mut significant = length.iter().copied().skip_while(|byte| *byte == 0);
    let mut out = vec![tag];
    if content.len() < 128 {
        out.push(significant.next().unwrap_or(0));
    } else {
        let significant: Vec<u8> = significant.collect();
        out.push(0x80 | u8::try_from(significant.len()).unwrap_or(8));
        out.extend(significant);
    }
    out.extend_from_slice(content);
    out
}

/// A number that is not negative.
fn integer(big_endian: &[u8]) -> Vec<u8> {
    let mut digits: Vec<u8> = big_endian.iter().copied().skip_while(|b| *b == 0).collect();
    if digits.first().is_none_or(|first| *first >= 0x80) {
        digits.insert(0, 0);
    }
    tlv(INTEGER, &digits)
}

fn bits(content: &[u8]) -> Vec<u8> {
    // No bit of the last byte is unused.
    tlv(BIT_STRING, &[&[0], content].concat())
}

/// `UTCTime` through 2049, `GeneralizedTime` after it (RFC 5280 §4.1.2.5).
fn time(at: Time) -> Vec<u8> {
    let seconds = at.secs();
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    let rest = format!(
        "{month:02}{day:02}{:02}{:02}{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    );
    if (1950..2050).contains(&year) {
        let text = format!("{:02}{rest}", year % 100);
        tlv(UTC_TIME, text.as_bytes())
    } else {
        tlv(GENERALIZED_TIME, format!("{year:04}{rest}").as_bytes())
    }
}

/// Year, month and day of so many days since 1970-01-01, in the Gregorian calendar. Years begin in
/// March here, so that the leap day is a year's last.
fn date(days: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097;
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / (ERA - 1)) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Alg, PublicKey};
    use aeolus_testkit::SeededRng;

    #[test]
    fn dates_are_the_calendars() {
        for (days, expected) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (20_785, (2026, 11, 28)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(date(days), expected, "{days}");
        }
        assert_eq!(time(Time::EPOCH), tlv(UTC_TIME, b"700101000000Z"));
        let later = Time::from_secs(2_524_608_000);
        assert_eq!(time(later), tlv(GENERALIZED_TIME, b"20500101000000Z"));
    }

    #[test]
    fn lengths_and_numbers_have_their_shortest_form() {
        assert_eq!(tlv(SEQUENCE, &[]), [0x30, 0]);
        assert_eq!(tlv(SEQUENCE, &[7; 127])[..2], [0x30, 127]);
        assert_eq!(tlv(SEQUENCE, &[7; 128])[..3], [0x30, 0x81, 128]);
        assert_eq!(tlv(SEQUENCE, &[7; 256])[..4], [0x30, 0x82, 1, 0]);
        assert_eq!(integer(&[0, 0, 1]), [2, 1, 1]);
        assert_eq!(integer(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[0]), [2, 1, 0]);
    }

    #[test]
    fn a_certificate_is_signed_by_its_own_key_and_always_the_same() {
        let key = SigningKey::generate(Alg::Rs256, &SeededRng::new("x5c")).unwrap();
        let life = (Time::EPOCH, Time::from_secs(315_360_000));
        let der = key.self_signed("aeolus.example.com", life).unwrap();
        assert_eq!(der, key.self_signed("aeolus.example.com", life).unwrap());
        let signature = &der[der.len() - 256..];
        // SEQUENCE with two bytes of length, then the signed part with two of its own.
        let length = usize::from(u16::from_be_bytes([der[6], der[7]]));
        let public: &PublicKey = key.public();
        public.verify(&der[4..8 + length], signature).unwrap();
        let ed = SigningKey::generate(Alg::EdDsa, &SeededRng::new("ed")).unwrap();
        assert!(ed.self_signed("x", life).is_err());
    }
}
