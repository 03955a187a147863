//! Configurations of proxies and answers of running ones: never a panic, whatever the bytes.

#![no_main]

use aeolus_doctor::probe::{PROBES, Read, read};
use aeolus_doctor::{Kind, detect, examine};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    assert_ne!(read(bytes, true), Read::More);
    if let Read::Enough(answer) = read(bytes, false) {
        for probe in PROBES {
            let _ = probe.holds(&answer);
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let _ = detect(text);
    for kind in Kind::ALL {
        // A file that includes itself must end as well.
        let _ = examine(kind, text, &|_: &str| Some(text.to_owned()));
    }
});
