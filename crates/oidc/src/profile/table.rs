//! The table. `reference` rows: A9, A12, A15, A17, A26, A27.

use super::{
    AbsentGroups, EmailVerified, IssuerRule, MfaProof, Original, Profile, Protocol, SignOut,
    SubjectClaim,
};
use crate::{Kind, ResponseType};

/// A row of the table.
pub(super) fn of(kind: Kind) -> &'static Profile {
    match kind {
        Kind::Google => &GOOGLE,
        Kind::Github => &GITHUB,
        Kind::Microsoft => &MICROSOFT,
        Kind::Okta => &OKTA,
        Kind::Auth0 => &AUTH0,
        Kind::Cognito => &COGNITO,
        Kind::Adfs => &ADFS,
        Kind::Custom => &CUSTOM,
    }
}

const PAPE_MULTI_FACTOR: &str = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";

const SAME: Original = Original {
    display_name: None,
    auth_url_params: &[],
};

const BASE: Profile = Profile {
    kind: Kind::Custom,
    display_name: "Single sign-on",
    discovery_url: None,
    protocol: Protocol::OpenId,
    scopes: &["openid", "profile", "email"],
    subject: SubjectClaim::Sub,
    email: "email",
    name: "name",
    groups: "groups",
    absent_groups: AbsentGroups::Nothing,
    email_verified: EmailVerified::Literal,
    issuer: IssuerRule::Exact,
    fetch_user_info: true,
    implicit: Some(ResponseType::IdTokenToken),
    auth_url_params: &[],
    mfa: Some(MfaProof {
        acr_values: &[PAPE_MULTI_FACTOR],
        amr: &["mfa"],
    }),
    says_auth_time: true,
    sign_out: SignOut::EndSession,
    needs_secret: false,
    original: SAME,
};

static CUSTOM: Profile = BASE;

static GOOGLE: Profile = Profile {
    kind: Kind::Google,
    display_name: "Google",
    discovery_url: Some("https://accounts.google.com"),
    issuer: IssuerRule::SchemeOptional,
    mfa: None,
    says_auth_time: false,
    sign_out: SignOut::None,
    needs_secret: true,
    ..BASE
};

static GITHUB: Profile = Profile {
    kind: Kind::Github,
    display_name: "GitHub",
    protocol: Protocol::GitHub,
    scopes: &["read:user", "user:email", "read:org"],
    subject: SubjectClaim::Id,
    implicit: None,
    mfa: None,
    says_auth_time: false,
    sign_out: SignOut::None,
    needs_secret: true,
    ..BASE
};

static MICROSOFT: Profile = Profile {
    kind: Kind::Microsoft,
    display_name: "Microsoft",
    subject: SubjectClaim::TidOid,
    email: "preferred_username",
    email_verified: EmailVerified::DomainOwner,
    issuer: IssuerRule::TenantTemplate,
    // Everything is in the id_token, and userinfo is Graph's, whose `sub` is the same at least.
    fetch_user_info: false,
    mfa: Some(MfaProof {
        acr_values: &[],
        amr: &["mfa"],
    }),
    // Only where an administrator adds the claim to the app.
    says_auth_time: false,
    original: Original {
        display_name: Some("Azure AD"),
        auth_url_params: &[],
    },
    ..BASE
};

static OKTA: Profile = Profile {
    kind: Kind::Okta,
    display_name: "Okta",
    mfa: Some(MfaProof {
        acr_values: &["urn:okta:loa:2fa:any"],
        amr: &["mfa"],
    }),
    ..BASE
};

static AUTH0: Profile = Profile {
    kind: Kind::Auth0,
    display_name: "Auth0",
    sign_out: SignOut::Auth0,
    original: Original {
        display_name: None,
        auth_url_params: &[("audience", "astronomer-ee")],
    },
    ..BASE
};

static COGNITO: Profile = Profile {
    kind: Kind::Cognito,
    display_name: "Amazon Cognito",
    groups: "cognito:groups",
    absent_groups: AbsentGroups::None,
    email_verified: EmailVerified::LiteralOrText,
    implicit: Some(ResponseType::Token),
    mfa: None,
    sign_out: SignOut::Cognito,
    ..BASE
};

static ADFS: Profile = Profile {
    kind: Kind::Adfs,
    display_name: "AD FS",
    email: "upn",
    name: "upn",
    fetch_user_info: false,
    mfa: Some(MfaProof {
        acr_values: &["http://schemas.microsoft.com/claims/multipleauthn"],
        amr: &["mfa", "http://schemas.microsoft.com/claims/multipleauthn"],
    }),
    ..BASE
};
