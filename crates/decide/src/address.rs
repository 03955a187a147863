//! A client's address as proxies write it.

use std::net::{IpAddr, SocketAddr};

/// The address in an entry of `X-Forwarded-For`: alone, with a port (`192.0.2.1:1234`, as Azure's
/// gateway writes it), or in brackets (`[2001:db8::1]`, `[2001:db8::1]:1234`, as RFC 7239 §6 wants it
/// elsewhere). None of anything else: an entry that can't be read names nobody.
pub fn forwarded_address(entry: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(entry.trim_ascii()).ok()?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Ok(with_port) = text.parse::<SocketAddr>() {
        return Some(with_port.ip());
    }
    let bare = text.strip_prefix('[')?.strip_suffix(']')?;
    bare.parse().ok().map(IpAddr::V6)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_read_with_and_without_what_proxies_put_around_it() {
        for (entry, address) in [
            ("192.0.2.1", "192.0.2.1"),
            (" 192.0.2.1 ", "192.0.2.1"),
            ("192.0.2.1:567", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:567", "2001:db8::1"),
            ("\t[::1]:1", "::1"),
        ] {
            let read = forwarded_address(entry.as_bytes());
            assert_eq!(read, address.parse().ok(), "{entry}");
        }
        for nobody in [
            "",
            "unknown",
            "_hidden",
            "192.0.2.1:",
            "192.0.2.1:99999",
            "[192.0.2.1]",
            "[::1]567",
            "::1]:5",
            "192.0.2.1, 192.0.2.2",
            "fe80::1%eth0",
            "\"[::1]\"",
        ] {
            assert_eq!(forwarded_address(nobody.as_bytes()), None, "{nobody}");
        }
    }

    proptest! {
        #[test]
        fn any_entry_is_an_address_or_none(entry in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = forwarded_address(&entry);
        }

        #[test]
        fn every_address_is_read_back(address in any::<IpAddr>(), port in any::<u16>()) {
            let with_port = SocketAddr::new(address, port).to_string();
            for entry in [address.to_string(), with_port] {
                prop_assert_eq!(forwarded_address(entry.as_bytes()), Some(address));
            }
        }
    }
}
