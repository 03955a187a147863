//! How texts are compared where case doesn't matter.

/// The form of a text under which two that differ in case are equal. Whoever keeps an index of names keeps this
/// form, so that it finds what a filter would.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Letter by letter: the form of a part is a part of the form of the whole.
    text.chars().flat_map(char::to_lowercase).collect()
}
