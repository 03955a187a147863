//! Exports of the audit log: reading never panics, and what verifies verifies only as it is.

#![no_main]

use aeolus_keys::chain::{Export, Link};
use libfuzzer_sys::fuzz_target;

fn verify(file: &[u8]) -> Option<Link> {
    let mut export = Export::default();
    for line in file.split(|byte| *byte == b'\n') {
        export.line(line).ok()?;
    }
    Some(export.end().ok()?.footer.end)
}

fuzz_target!(|file: &[u8]| {
    let Some(end) = verify(file) else {
        return;
    };
    // The last line can't be taken out.
    let lines: Vec<_> = file.split(|byte| *byte == b'\n').collect();
    if let [rest @ .., _, footer] = lines.as_slice()
        && !rest.is_empty()
        && end.line > 0
    {
        let mut shorter = rest.to_vec();
        shorter.push(footer);
        assert!(verify(&shorter.join(&b'\n')).is_none());
    }
});
