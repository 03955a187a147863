//! How somebody proved who they are: authentication method references (RFC 8176), and the assurance
//! level that follows.

/// The methods, in the words of who asked for the proof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amr(Vec<String>);

/// So many are kept of what somebody else says, each so long.
const MOST: usize = 16;
const LONGEST: usize = 32;
/// More than one factor (RFC 8176 §2).
const MFA: &str = "mfa";

impl Amr {
    /// A password alone.
    pub fn password() -> Self {
        Self(vec!["pwd".to_owned()])
    }

    /// A password and the code of an authenticator app.
    pub fn password_and_code() -> Self {
        Self(["pwd", "otp", MFA].map(str::to_owned).to_vec())
    }

    /// A password and a recovery code: two factors, but no one-time password of a device.
    pub fn password_and_recovery_code() -> Self {
        Self(["pwd", MFA].map(str::to_owned).to_vec())
    }

    /// What somebody else says, as far as it is words: text of printable ASCII without spaces. The rest
    /// is left out, which proves less.
    pub fn said<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> Self {
        let word = |word: &str| {
            (1..=LONGEST).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_graphic())
        };
        let words = words.into_iter();
        let known = words.filter(|said| word(said.as_ref()));
        Self(
            known
                .map(|said| said.as_ref().to_owned())
                .take(MOST)
                .collect(),
        )
    }

    /// The same where whoever said it proved a second factor in words of their own.
    #[must_use]
    pub fn and_second_factor(mut self) -> Self {
        if !self.has_second_factor() {
            self.0.truncate(MOST - 1);
            self.0.push(MFA.to_owned());
        }
        self
    }

    /// Whether a second factor was part of it.
    pub fn has_second_factor(&self) -> bool {
        self.0.iter().any(|word| word == MFA)
    }

    /// The authentication context class: the assurance level of NIST SP 800-63B that the methods reach.
    pub fn acr(&self) -> &'static str {
        if self.has_second_factor() {
            "aal2"
        } else {
            "aal1"
        }
    }

    /// The words.
    pub fn words(&self) -> &[String] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mfa_says_that_there_was_a_second_factor() {
        assert!(!Amr::password().has_second_factor());
        assert!(Amr::password_and_code().has_second_factor());
        assert!(Amr::password_and_recovery_code().has_second_factor());
        for (said, second) in [
            (&["pwd", "mfa"][..], true),
            (&["otp"], false),
            (&["MFA"], false),
            (&["mfa "], false),
            (&[], false),
        ] {
            let amr = Amr::said(said);
            assert_eq!(amr.has_second_factor(), second, "{said:?}");
            assert_eq!(amr.acr() == "aal2", second);
        }
    }

    #[test]
    fn what_is_no_word_is_left_out() {
        let long = "x".repeat(33);
        let amr = Amr::said(["pwd", "a b", "", "ä", long.as_str(), "hwk"]);
        assert_eq!(amr.words(), ["pwd", "hwk"]);
        assert_eq!(Amr::said(vec!["a"; 40]).words().len(), 16);
    }
}
