//! Signing in by a browser on another machine: what it ends at is pasted.

use std::io::{BufRead as _, Read as _};

use url::Url;

use super::{Attempt, Callback, refusal};
use crate::report::Failure;
use crate::ui;

/// Nobody listens there, and browsers refuse to go there: the code stays in the address bar.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:1/callback";
/// A link with a code and a state fits many times.
const MAX: u64 = 8 * 1024;

/// Shows the link, and takes the address that the browser ended at from standard input.
pub(crate) fn by_paste(attempt: &Attempt, ways: &str) -> Result<Callback, Failure> {
    let link = attempt.link()?;
    ui::note(&format!(
        "Open this in a browser on any machine{ways}:\n\n  {link}\n\n\
         When you have signed in, it ends at a page that can't be loaded. That is meant."
    ));
    ui::ask("Copy that page's whole address and paste it here: ");
    let mut line = String::new();
    let read = std::io::stdin().lock().take(MAX).read_line(&mut line);
    read.map_err(|error| refusal(&format!("the address can't be read: {error}")))?;
    pasted(&line)
}

fn pasted(line: &str) -> Result<Callback, Failure> {
    let url = Url::parse(line.trim());
    let ours = url.ok().filter(|url| url.as_str().starts_with(NOWHERE));
    let url = ours.ok_or_else(|| {
        refusal("that is not the address: it begins with http://127.0.0.1:1/callback?")
    })?;
    Ok(Callback::of(&url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_address_is_taken() {
        let taken = pasted(" http://127.0.0.1:1/callback?code=c&state=s&iss=i\n").unwrap();
        assert_eq!(taken.code.as_deref(), Some("c"));
        for other in [
            "",
            "c",
            "https://evil.example/callback?code=c",
            "http://127.0.0.1:1/x?code=c",
        ] {
            assert!(pasted(other).is_err(), "{other}");
        }
    }
}
