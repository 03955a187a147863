//! Why somebody is not signed in by what a provider sent.

/// Why not. The text is for the log; [`SignInError::text`] is for the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// There is no token that says who it is.
    #[error("the provider sent no token that says who it is")]
    NoProof,
    /// Not a token of its shape, or without what it has to say.
    #[error("the token is malformed or lacks a claim")]
    Malformed,
    /// Another kind of token.
    #[error("the token is of another kind")]
    Kind,
    /// Not one of the algorithms that the provider announces.
    #[error("the token is signed with an algorithm that the provider does not announce")]
    Algorithm,
    /// Of another issuer.
    #[error("the token is of another issuer")]
    Issuer,
    /// Entra's first version.
    #[error(
        "the token is of Entra's first version: set accessTokenAcceptedVersion to 2 in the app's manifest, or use its v2.0 endpoints"
    )]
    OldVersion,
    /// Of a tenant that is not allowed.
    #[error("the token is of a tenant that is not allowed here")]
    Tenant,
    /// Of a Workspace domain that is not allowed.
    #[error("the token is of a domain that is not allowed here")]
    HostedDomain,
    /// Of no GitHub organization that is allowed.
    #[error("they are a member of no organization that is allowed here, as far as GitHub tells")]
    Organization,
    /// For another client.
    #[error("the token is for another client")]
    Audience,
    /// For another attempt (O8).
    #[error("the token is for another attempt: its nonce differs or is missing")]
    Nonce,
    /// Too old, expired, or from the future.
    #[error("the token is not of this moment: compare the clocks, or raise clockTolerance")]
    Time,
    /// By a key that the provider doesn't publish: fetch its keys once more, then this is final.
    #[error("the token is signed by a key that the provider does not publish")]
    Key,
    /// Not by the key it names.
    #[error("the token's signature is not valid")]
    Signature,
    /// The access token came from somewhere else.
    #[error("the access token does not belong to the id_token: at_hash differs or is missing")]
    AccessToken,
    /// Userinfo is needed and isn't here.
    #[error("userinfo is needed to say who it is, and is not here")]
    NoUserInfo,
    /// Userinfo is of somebody else.
    #[error("userinfo is of another person than the token")]
    UserInfo,
    /// Nothing that names a person for good.
    #[error("the token has nothing that names a person for good")]
    Subject,
    /// A fresh sign-in was asked for, and this is an earlier one.
    #[error("a fresh sign-in was asked for: the token's auth_time is before that, or missing")]
    NotFresh,
    /// The second factor is not proved.
    #[error("nothing in the token's amr or acr proves a second factor")]
    Mfa,
}

impl SignInError {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoProof => "sign_in_no_proof",
            Self::Malformed => "sign_in_malformed",
            Self::Kind => "sign_in_kind",
            Self::Algorithm => "sign_in_algorithm",
            Self::Issuer => "sign_in_issuer",
            Self::OldVersion => "sign_in_old_version",
            Self::Tenant => "sign_in_tenant",
            Self::HostedDomain => "sign_in_hosted_domain",
            Self::Organization => "sign_in_organization",
            Self::Audience => "sign_in_audience",
            Self::Nonce => "sign_in_nonce",
            Self::Time => "sign_in_time",
            Self::Key => "sign_in_key",
            Self::Signature => "sign_in_signature",
            Self::AccessToken => "sign_in_access_token",
            Self::NoUserInfo => "sign_in_no_user_info",
            Self::UserInfo => "sign_in_user_info",
            Self::Subject => "sign_in_subject",
            Self::NotFresh => "sign_in_not_fresh",
            Self::Mfa => "sign_in_mfa",
        }
    }

    /// What a person may be told.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Mfa => {
                "Signing in here needs a second factor, and your identity provider did not ask you for one. Set one up there, then sign in once more."
            }
            Self::NotFresh => {
                "Your identity provider let you through with an earlier sign-in, and a new one was asked for. Sign out there, then sign in once more."
            }
            Self::Tenant | Self::HostedDomain => {
                "This account is of an organization that may not sign in here. Use the account of yours."
            }
            Self::Organization => {
                "Only members of certain organizations on GitHub may sign in here, and yours is none of them, or it does not let this application see that you are a member. An owner of the organization can grant that on GitHub."
            }
            Self::Time | Self::Nonce | Self::Key => {
                "This sign-in took too long or was started twice. Start it once more."
            }
            _ => {
                "What your identity provider sent could not be verified, so you are not signed in. An administrator finds the reason in the log."
            }
        }
    }
}
