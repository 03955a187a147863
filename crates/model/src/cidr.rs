//! Blocks of network addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A CIDR block (RFC 4632), or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    base: IpAddr,
    bits: u8,
}

/// Bits before the IPv4 address in one that is mapped into IPv6 (RFC 4291 §2.5.5.2).
const MAPPED: u8 = 96;

/// A text that is no CIDR block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a block of addresses such as 10.0.0.0/8 or fd00::/8")]
pub struct CidrError(String);

impl Cidr {
    /// Whether the address lies in the block. An IPv4 address mapped into IPv6 counts as IPv4.
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.bits.min(32));
                u64::from(base.to_bits()) >> shift == u64::from(address.to_bits()) >> shift
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.bits.min(128));
                let cut = |bits: u128| bits.checked_shr(shift).unwrap_or(0);
                cut(base.to_bits()) == cut(address.to_bits())
            }
            _ => false,
        }
    }
}

/// Whether somebody may come from an address: from anywhere where no networks are named; else an address
/// that isn't known lies in none of them.
pub fn admits(networks: &[Cidr], from: Option<IpAddr>) -> bool {
    networks.is_empty() || from.is_some_and(|from| networks.iter().any(|block| block.holds(from)))
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let error = || CidrError(text.to_owned());
        let (base, bits) = match text.split_once('/') {
            Some((base, bits)) => (base, Some(bits)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().map_err(|_| error())?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let bits: u8 = match bits {
            Some(bits) => bits.parse().map_err(|_| error())?,
            None => most,
        };
        if bits > most {
            return Err(error());
        }
        // Addresses are compared as IPv4 where they are mapped, so such a block has to be IPv4 too.
        let (base, bits) = match base.to_canonical() {
            mapped @ IpAddr::V4(_) if base.is_ipv6() => {
                (mapped, bits.checked_sub(MAPPED).ok_or_else(error)?)
            }
            base => (base, bits),
        };
        Ok(Self { base, bits })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

impl From<Cidr> for String {
    fn from(block: Cidr) -> Self {
        block.to_string()
    }
}

impl TryFrom<String> for Cidr {
    type Error = CidrError;

    fn try_from(text: String) -> Result<Self, CidrError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The first bits of an address, one by one, as IPv4 where that is what it is.
    fn bits_of(address: IpAddr) -> String {
        match address.to_canonical() {
            IpAddr::V4(address) => format!("4:{:032b}", address.to_bits()),
            IpAddr::V6(address) => format!("6:{:0128b}", address.to_bits()),
        }
    }

    proptest! {
        #[test]
        fn a_block_holds_what_begins_like_it(base: IpAddr, other: IpAddr, share in 0..=128_u8, bits in 0..=128_u8) {
            // An address that shares some bits with the base: random ones hardly ever do.
            let other = match (base, other) {
                (IpAddr::V4(base), IpAddr::V4(other)) => {
                    let mask = u32::MAX.checked_shr(share.into()).unwrap_or(0);
                    IpAddr::V4(((base.to_bits() & !mask) | (other.to_bits() & mask)).into())
                }
                (IpAddr::V6(base), IpAddr::V6(other)) => {
                    let mask = u128::MAX.checked_shr(share.into()).unwrap_or(0);
                    IpAddr::V6(((base.to_bits() & !mask) | (other.to_bits() & mask)).into())
                }
                _ => other,
            };
            let most = if base.is_ipv4() { 32 } else { 128 };
            let bits = bits.min(most);
            let before = if base.is_ipv6() && base.to_canonical().is_ipv4() { MAPPED } else { 0 };
            let block = format!("{base}/{bits}").parse::<Cidr>();
            prop_assert_eq!(block.is_ok(), before <= bits);
            let Ok(block) = block else { return Ok(()) };
            let length = 2 + usize::from(bits - before);
            prop_assert_eq!(block.to_string().parse::<Cidr>(), Ok(block));
            prop_assert!(block.holds(base));
            prop_assert_eq!(block.holds(other), bits_of(other).get(..length) == bits_of(base).get(..length));
        }

        #[test]
        fn no_text_is_a_panic(text in ".*") {
            let _ = text.parse::<Cidr>();
        }
    }

    #[test]
    fn blocks_hold_what_they_say() {
        let holds = |block: &str, address: &str| {
            block
                .parse::<Cidr>()
                .unwrap()
                .holds(address.parse().unwrap())
        };
        assert!(holds("10.0.0.0/8", "10.255.0.1"));
        assert!(holds("10.0.0.0/8", "::ffff:10.0.0.1"));
        assert!(!holds("10.0.0.0/8", "11.0.0.1"));
        assert!(!holds("10.0.0.0/8", "fd00::1"));
        assert!(holds("0.0.0.0/0", "1.2.3.4"));
        assert!(holds("::/0", "fd00::1"));
        assert!(holds("127.0.0.1", "127.0.0.1"));
        assert!(!holds("127.0.0.1", "127.0.0.2"));
        assert!(holds("::ffff:10.0.0.0/104", "10.9.0.1"));
        assert!(holds("::ffff:10.0.0.1", "::ffff:10.0.0.1"));
        assert!(!holds("::ffff:10.0.0.0/104", "11.0.0.1"));
        for bad in [
            "",
            "10.0.0.0/33",
            "::/129",
            "a/8",
            "10.0.0.0/x",
            "::ffff:10.0.0.0/8",
        ] {
            assert!(bad.parse::<Cidr>().is_err(), "{bad}");
        }
    }
}
