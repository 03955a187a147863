//! The program as a person meets it: examples that load, mistakes that are explained.

mod examples;
mod mistakes;
mod reference;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a run of the program did.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

/// Runs the program in a clean environment.
fn aeolus(arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aeolus"));
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran {
        code: status.code().unwrap(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

/// The repository's folder.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
