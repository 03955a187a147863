//! What is run once something has changed.

use std::io::{self, Write as _};
use std::process::{Command, Stdio};

use crate::report::{Exit, Failure, Report};

/// A program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hook {
    program: String,
    arguments: Vec<String>,
}

/// In the program's environment: the paths that changed, one a line.
const CHANGED: &str = "AEOLUS_PKI_CHANGED";

impl Hook {
    /// Words between blanks; there is no shell, and no way to quote. None of nothing.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace().map(str::to_owned);
        Some(Self {
            program: words.next()?,
            arguments: words.collect(),
        })
    }

    /// Runs it. What it prints goes to standard error, beside the answer and not into it.
    pub(super) fn run(&self, changed: &[String]) -> Result<(), Failure> {
        let failed = |why: String| {
            Report::new("PKI-024", format!("{} {why}", self.program))
                .why("Everything was renewed and written; who serves it may still have what was before.")
                .help("see what it says above, and run aeolus pki renew again: it runs it again")
        };
        let mut program = Command::new(&self.program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| aeolus_acme::is_ours(name)) {
            program.env_remove(name);
        }
        let done = program
            .args(&self.arguments)
            .env(CHANGED, changed.join("\n"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .output();
        let done =
            done.map_err(|error| failed(format!("can't be run: {error}")).exits(Exit::Hook))?;
        let _ = io::stderr().write_all(&done.stdout);
        if done.status.success() {
            return Ok(());
        }
        Err(failed(format!("failed: {}", done.status)).exits(Exit::Hook))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_words_and_nothing_else() {
        let hook = Hook::parse("  systemctl reload  'a b' $HOME ").unwrap();
        assert_eq!(hook.program, "systemctl");
        assert_eq!(hook.arguments, ["reload", "'a", "b'", "$HOME"]);
        assert_eq!(Hook::parse(" "), None);
    }

    #[test]
    fn a_program_that_fails_or_is_not_there_has_an_exit_status_of_its_own() {
        let run = |text: &str| Hook::parse(text).unwrap().run(&["a".to_owned()]);
        assert_eq!(run("true"), Ok(()));
        for (text, says) in [
            ("false", "exit status: 1"),
            ("/nowhere/none", "can't be run"),
        ] {
            let failure = run(text).unwrap_err();
            assert_eq!(failure.exit, Exit::Hook);
            assert!(failure.render().contains(says), "{}", failure.render());
        }
    }
}
