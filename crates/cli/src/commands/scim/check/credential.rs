//! The credential as each provider shows it.

use aeolus_model::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::step::Shows;
use crate::args::ScimProfile;

/// What the provider was given.
pub(super) struct Credential {
    text: Secret<String>,
    profile: ScimProfile,
}

impl Credential {
    pub(super) const fn new(text: Secret<String>, profile: ScimProfile) -> Self {
        Self { text, profile }
    }

    /// The header Authorization, if there is to be one.
    pub(super) fn header(&self, shows: Shows) -> Option<Secret<String>> {
        let text = self.text.expose();
        let header = match (shows, self.profile) {
            (Shows::Nothing, _) => return None,
            // Okta's test shows this.
            (Shows::Wrong, ScimProfile::Okta) => "non-token".to_owned(),
            (Shows::Wrong, _) => "Bearer aeolus-check-no-such-credential".to_owned(),
            // Entra puts the word before whatever it was given.
            (Shows::Own, ScimProfile::Microsoft) => format!("Bearer {text}"),
            (Shows::Own, _) if has_scheme(text) => text.clone(),
            (Shows::Own, _) if text.contains(':') => format!("Basic {}", STANDARD.encode(text)),
            (Shows::Own, _) => format!("Bearer {text}"),
        };
        Some(Secret::new(header))
    }

    /// What looks wrong with it, once it is refused. Nothing of it is said.
    pub(super) fn suspicion(&self) -> Option<&'static str> {
        let text = self.text.expose();
        if text.trim() != text {
            return Some("It begins or ends with a space or a line end.");
        }
        if self.profile == ScimProfile::Microsoft && has_scheme(text) {
            return Some(
                "It begins with the word Bearer or Basic: Entra adds Bearer by itself, so the field takes the token alone.",
            );
        }
        if is_encoded(text) {
            return Some(
                "It looks like base64 of a text: Kubernetes takes one layer away and Basic adds one, both by themselves. \
                 Decode it once.",
            );
        }
        if self.profile == ScimProfile::Microsoft && text.starts_with("eyJ") {
            return Some(
                "It looks like a JWT: the field Secret Token takes what the connection's credential is.",
            );
        }
        (self.profile == ScimProfile::Okta && !text.contains(':') && !has_scheme(text)).then_some(
            "It has no colon, so it is shown as Bearer, as Okta does for HTTP Header; for Basic Auth write user:password.",
        )
    }
}

fn has_scheme(text: &str) -> bool {
    let scheme = text.split_once(' ').map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        ["basic", "bearer"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
    })
}

/// Whether it is base64 of something that somebody could have written: a colon in it, or nothing but letters.
fn is_encoded(text: &str) -> bool {
    let decoded = (text.len() >= 8)
        .then(|| STANDARD.decode(text).ok())
        .flatten();
    decoded.is_some_and(|bytes| bytes.iter().all(u8::is_ascii_graphic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, profile: ScimProfile) -> Credential {
        Credential::new(Secret::new(text.to_owned()), profile)
    }

    fn header(text: &str, profile: ScimProfile) -> String {
        of(text, profile)
            .header(Shows::Own)
            .unwrap()
            .expose()
            .clone()
    }

    #[test]
    fn each_provider_shows_it_in_its_way() {
        use ScimProfile::{Microsoft, Okta, Strict};
        assert_eq!(header("okta:hush", Okta), "Basic b2t0YTpodXNo");
        assert_eq!(header("Bearer hush", Okta), "Bearer hush");
        assert_eq!(header("hush", Okta), "Bearer hush");
        assert_eq!(header("a:b", Microsoft), "Bearer a:b");
        assert_eq!(header("Bearer hush", Microsoft), "Bearer Bearer hush");
        assert_eq!(header("hush", Strict), "Bearer hush");
        assert!(of("hush", Strict).header(Shows::Nothing).is_none());
        for profile in [Okta, Microsoft, Strict] {
            let wrong = of("hush", profile).header(Shows::Wrong).unwrap();
            assert!(!wrong.expose().contains("hush"));
        }
    }

    #[test]
    fn what_people_get_wrong_is_suspected_and_never_said() {
        use ScimProfile::{Microsoft, Okta};
        let said = |text: &str, profile| of(text, profile).suspicion().unwrap_or_default();
        assert!(said("b2t0YTpodXNoaHVzaA==", Okta).contains("base64"));
        assert!(said("aHVzaC1odXNoLWh1c2g=", Microsoft).contains("base64"));
        assert!(said("Bearer hush", Microsoft).contains("word Bearer"));
        assert!(said("hush ", Microsoft).contains("space"));
        assert!(said("hush", Okta).contains("colon"));
        assert!(of("okta:hush", Okta).suspicion().is_none());
        assert!(of("scim_2fJ8yQ-hush", Microsoft).suspicion().is_none());
        let texts = ["b2t0YTpodXNoaHVzaA==", "Bearer hush", "hush "];
        for text in texts {
            assert!(!said(text, Microsoft).contains("hush"));
        }
    }
}
