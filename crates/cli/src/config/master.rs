//! The master key: from its place, or from a program that prints it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use aeolus_model::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::io::AsyncReadExt as _;
use zeroize::Zeroizing;

use super::Environment;
use super::keys::Keys;
use crate::report::{Failure, Report};

/// How long the program may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// What prints more prints no key.
const MAX_OUTPUT: u64 = 4096;

impl Keys {
    /// Reads the master key. A relative path begins at `base`. Not on a runtime's thread: a program is
    /// waited for.
    pub(crate) fn master(
        &self,
        base: &Path,
        environment: &Environment,
    ) -> Result<Secret<[u8; 32]>, Failure> {
        let text = match (&self.master_key, self.master_key_command.as_slice()) {
            (Some(_), [_, ..]) => return Err(both()),
            (None, []) => return Err(neither()),
            (Some(source), []) => source.read("keys.masterKey", base, environment)?,
            (None, [program, arguments @ ..]) => printed(program, arguments)?,
        };
        parse(&text)
    }
}

/// What a program prints. Its standard error is ours, so that it can say why it fails; what it prints is
/// shown nowhere.
fn printed(program: &str, arguments: &[String]) -> Result<Secret<String>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let failed = |what: &str| {
        Report::new(
            "CFG-0010",
            format!("keys.masterKeyCommand: {program} gave no key: {what}"),
        )
        .why("Control's private keys are kept in the database sealed under it.")
        .help("run the command by hand as this user; it has to print the key and nothing else")
        .failed()
    };
    let runtime = runtime.map_err(|error| failed(&error.to_string()))?;
    let work = async {
        let mut child = tokio::process::Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut text = Zeroizing::new(Vec::new());
        if let Some(out) = child.stdout.take() {
            let read = out.take(MAX_OUTPUT).read_to_end(&mut text).await;
            read.map_err(|error| error.to_string())?;
        }
        if text.len() as u64 >= MAX_OUTPUT {
            return Err("it prints too much".to_owned());
        }
        let status = child.wait().await.map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(format!("it ended with {status}"));
        }
        let text = std::str::from_utf8(&text).map_err(|_| "it prints no text".to_owned())?;
        Ok(Secret::new(text.to_owned()))
    };
    let done = runtime.block_on(async { tokio::time::timeout(PATIENCE, work).await });
    match done {
        Ok(printed) => printed.map_err(|what| failed(&what)),
        Err(_) => Err(failed("it did not end within 30 s")),
    }
}

fn both() -> Failure {
    Report::new(
        "CFG-0010",
        "keys.masterKey and keys.masterKeyCommand are both set",
    )
    .why("It is not clear which one is the master key.")
    .help("leave one of them out")
    .usage()
}

fn neither() -> Failure {
    Report::new("CFG-0008", "keys.masterKey is not set")
        .why("Control's private keys are kept in the database sealed under it.")
        .help(
            "make one: head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=' > FILE\n\
             then give --master-key-file FILE, and keep a copy apart from the database",
        )
        .usage()
}

/// 32 bytes from base64url (padded or not) or hex.
fn parse(text: &Secret<String>) -> Result<Secret<[u8; 32]>, Failure> {
    let text = text.expose().trim();
    let hex = || -> Option<Vec<u8>> {
        let digits = (text.len() == 64).then_some(text)?;
        let pair = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        (0..64).step_by(2).map(pair).collect()
    };
    let bytes = hex().or_else(|| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok());
    let bytes: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes.map(Secret::new).ok_or_else(|| {
        Report::new(
            "CFG-0004",
            "keys.masterKey is not 32 bytes as base64url or hex",
        )
        .why("Another key would not open what is in the database.")
        .usage()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn master_keys_are_read_in_both_forms() {
        let bytes = [0xab; 32];
        for text in [
            "ab".repeat(32),
            "AB".repeat(32),
            URL_SAFE_NO_PAD.encode(bytes),
            format!("{}=\n", URL_SAFE_NO_PAD.encode(bytes)),
        ] {
            let key = parse(&Secret::new(text)).unwrap();
            assert_eq!(*key.expose(), bytes);
        }
        for text in ["", "ab", &"zz".repeat(32), &"a".repeat(42)] {
            let failure = parse(&Secret::new(text.to_owned())).unwrap_err();
            assert_eq!(failure.exit.code(), 2);
        }
    }

    fn keys(command: &[&str]) -> Keys {
        Keys {
            master_key_command: command.iter().map(|word| (*word).to_owned()).collect(),
            ..Keys::default()
        }
    }

    fn read(keys: &Keys) -> Result<Secret<[u8; 32]>, Failure> {
        keys.master(Path::new(""), &Environment::default())
    }

    #[test]
    fn a_program_may_print_the_master_key() {
        let hex = "ab".repeat(32);
        let key = read(&keys(&["/bin/echo", &hex])).unwrap();
        assert_eq!(*key.expose(), [0xab; 32]);
        let both = Keys {
            master_key: Some(super::super::SecretSource::Value(hex.clone())),
            ..keys(&["/bin/echo", &hex])
        };
        assert_eq!(read(&both).unwrap_err().exit.code(), 2);
    }

    #[test]
    fn what_a_program_printed_is_never_shown() {
        for script in ["echo hunter2", "echo hunter2; exit 3", "yes hunter2"] {
            let failure = read(&keys(&["/bin/sh", "-c", script])).unwrap_err();
            let text = failure.render().replace(script, "");
            assert!(!text.contains("hunter2"), "{text}");
        }
        assert!(read(&keys(&["/nowhere/kms"])).is_err());
    }
}
