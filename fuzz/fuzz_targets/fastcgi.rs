//! FastCGI records and their variables, and Envoy's gRPC messages: never a panic.

#![no_main]

use aeolus_gate::codec::ext_authz::{self, CheckRequest};
use aeolus_gate::codec::fastcgi::{parse, record};
use libfuzzer_sys::fuzz_target;
use prost::Message as _;

fuzz_target!(|bytes: &[u8]| {
    if let Some(head) = bytes.first_chunk() {
        let _ = record::Head::parse(*head);
    }
    let _ = record::Begin::parse(bytes);
    if let Some(params) = record::params(bytes) {
        let read: usize = params
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        assert!(read <= bytes.len());
        let _ = parse(&params);
    }
    if let Ok(check) = CheckRequest::decode(bytes) {
        let _ = ext_authz::parse(&check);
    }
});
