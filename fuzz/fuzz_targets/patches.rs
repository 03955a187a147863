//! Patches: as they come, and what `diff` makes of any two sections.

#![no_main]

use aeolus_snapshot::patch;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: (&[u8], &[u8])| {
    let (base, change) = bytes;
    if let Ok(patched) = patch::apply(base, change) {
        assert_eq!(patch::canonical(&patched).as_ref(), Ok(&patched));
    }
    if let (Ok(base), Ok(new)) = (patch::canonical(base), patch::canonical(change)) {
        let difference = patch::diff(&base, &new).expect("both are sections");
        assert_eq!(patch::apply(&base, &difference).as_ref(), Ok(&new));
    }
});
