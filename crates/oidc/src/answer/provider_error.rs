//! Why a provider lets nobody in, in words of ours: its own never reach a page.

/// Why not (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderError {
    /// The person or a rule there said no.
    AccessDenied,
    /// They have to sign in there first.
    LoginRequired,
    /// They have to do something there first.
    InteractionRequired,
    /// They have to agree to something there.
    ConsentRequired,
    /// They have to choose an account there.
    AccountSelectionRequired,
    /// It can't be proved as it was asked for: a second factor, mostly.
    UnmetAuthentication,
    /// The client may not do this.
    UnauthorizedClient,
    /// The flow is not allowed for the client.
    UnsupportedResponseType,
    /// A scope is not known there.
    InvalidScope,
    /// The request is wrong: mostly the redirect URI or a parameter.
    InvalidRequest,
    /// Something broke there.
    ServerError,
    /// It is busy, or being looked after.
    TemporarilyUnavailable,
    /// Something of its own.
    Other,
}

impl ProviderError {
    /// From the value of `error`.
    pub fn parse(text: &str) -> Self {
        match text {
            "access_denied" => Self::AccessDenied,
            "login_required" => Self::LoginRequired,
            "interaction_required" => Self::InteractionRequired,
            "consent_required" => Self::ConsentRequired,
            "account_selection_required" => Self::AccountSelectionRequired,
            "unmet_authentication_requirements" => Self::UnmetAuthentication,
            "unauthorized_client" => Self::UnauthorizedClient,
            "unsupported_response_type" | "unsupported_response_mode" => {
                Self::UnsupportedResponseType
            }
            "invalid_scope" => Self::InvalidScope,
            "invalid_request" => Self::InvalidRequest,
            "server_error" => Self::ServerError,
            "temporarily_unavailable" => Self::TemporarilyUnavailable,
            _ => Self::Other,
        }
    }

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::AccessDenied => "provider_access_denied",
            Self::LoginRequired => "provider_login_required",
            Self::InteractionRequired => "provider_interaction_required",
            Self::ConsentRequired => "provider_consent_required",
            Self::AccountSelectionRequired => "provider_account_selection_required",
            Self::UnmetAuthentication => "provider_unmet_authentication",
            Self::UnauthorizedClient => "provider_unauthorized_client",
            Self::UnsupportedResponseType => "provider_unsupported_response_type",
            Self::InvalidScope => "provider_invalid_scope",
            Self::InvalidRequest => "provider_invalid_request",
            Self::ServerError => "provider_server_error",
            Self::TemporarilyUnavailable => "provider_unavailable",
            Self::Other => "provider_error",
        }
    }

    /// What a person may be told: what happened, and what to do.
    pub const fn text(self) -> &'static str {
        match self {
            Self::AccessDenied => {
                "Your identity provider did not let you in. If you didn't stop it yourself, ask its administrator to give you this application."
            }
            Self::LoginRequired
            | Self::InteractionRequired
            | Self::ConsentRequired
            | Self::AccountSelectionRequired => {
                "Your identity provider needs something from you first. Sign in once more and answer what it asks."
            }
            Self::UnmetAuthentication => {
                "Your identity provider could not ask you for a second factor. Set one up there, then sign in once more."
            }
            Self::UnauthorizedClient
            | Self::UnsupportedResponseType
            | Self::InvalidScope
            | Self::InvalidRequest => {
                "Your identity provider refuses how this application asks. An administrator has to compare its registration there with the connection here."
            }
            Self::ServerError | Self::TemporarilyUnavailable => {
                "Your identity provider has a problem at the moment. Try again in a minute."
            }
            Self::Other => {
                "Your identity provider did not let you in and gave a reason that is not known here. Ask an administrator, who finds it in the log."
            }
        }
    }
}

/// The number that some providers begin or decorate their description with: capitals and digits.
pub(super) fn number(description: &str) -> Option<String> {
    let words = description.split(|c: char| !c.is_ascii_alphanumeric());
    let mut words = words.take(16).filter(|word| {
        let letters = word.bytes().take_while(u8::is_ascii_uppercase).count();
        let digits = word.len() - letters;
        (3..=12).contains(&letters)
            && (2..=12).contains(&digits)
            && word.bytes().skip(letters).all(|b| b.is_ascii_digit())
    });
    words.next().map(str::to_owned)
}
