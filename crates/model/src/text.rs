//! Words of strangers, where somebody reads them.

/// Whether a letter only shows itself: it is no control character, ends no line, doesn't turn the direction of
/// what stands around it, and is none of those that nobody sees and programs read (F59, A18).
pub fn is_shown(letter: char) -> bool {
    !letter.is_control()
        && !matches!(letter,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_any_script_are_shown_and_what_moves_others_is_not() {
        assert!("aÄß日本語 مرحبا 👩\u{200d}💻".chars().all(is_shown));
        for letter in [
            '\n',
            '\u{1b}',
            '\u{9b}',
            '\u{202e}',
            '\u{2028}',
            '\u{2067}',
            '\u{e0041}',
        ] {
            assert!(!is_shown(letter), "{letter:?}");
        }
    }
}
