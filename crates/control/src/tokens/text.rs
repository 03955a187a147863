//! What people write about a token: one line, so that it is safe in lists and logs.

use crate::error::ApiError;

/// Refuses a name that isn't 1 to 120 characters on one line.
pub(super) fn name(text: &str) -> Result<(), ApiError> {
    let fits = (1..=120).contains(&text.chars().count());
    let what = "use 1 to 120 characters on one line";
    check(fits && text.trim() == text, text, ("name", what))
}

/// Refuses a description that isn't up to 1000 characters on one line.
pub(super) fn description(text: &str) -> Result<(), ApiError> {
    let what = "use up to 1000 characters on one line";
    check(text.chars().count() <= 1000, text, ("description", what))
}

fn check(fits: bool, text: &str, (at, what): (&str, &str)) -> Result<(), ApiError> {
    if fits && !text.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(ApiError::field(at, what))
    }
}
