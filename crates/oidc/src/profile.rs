//! What providers do differently, as data.

mod table;

use crate::{Kind, ResponseType};

/// One provider's ways.
#[derive(Debug)]
pub struct Profile {
    /// Which provider.
    pub kind: Kind,
    /// What the sign-in page calls it unless told otherwise.
    pub display_name: &'static str,
    /// Where its discovery document is, for a provider that is one for everybody.
    pub discovery_url: Option<&'static str>,
    /// What it speaks.
    pub protocol: Protocol,
    /// What is asked for.
    pub scopes: &'static [&'static str],
    /// What names a person for good.
    pub subject: SubjectClaim,
    /// The claim with the address.
    pub email: &'static str,
    /// The claim with the name.
    pub name: &'static str,
    /// The claim with the groups.
    pub groups: &'static str,
    /// What a token without that claim says.
    pub absent_groups: AbsentGroups,
    /// When an address counts as proved.
    pub email_verified: EmailVerified,
    /// How its `iss` is judged.
    pub issuer: IssuerRule,
    /// Whether userinfo is asked, unless told otherwise.
    pub fetch_user_info: bool,
    /// What an implicit sign-in asks for, unless told otherwise.
    pub implicit: Option<ResponseType>,
    /// Parameters of the authorization URL that it needs.
    pub auth_url_params: &'static [(&'static str, &'static str)],
    /// How a second factor is asked for and proved; none: it never says.
    pub mfa: Option<MfaProof>,
    /// Whether it says when somebody signed in there, where it is asked for a fresh sign-in.
    pub says_auth_time: bool,
    /// How the session there is ended.
    pub sign_out: SignOut,
    /// Whether its clients always have a secret, also with PKCE.
    pub needs_secret: bool,
    /// What the original has as defaults where they differ from the above.
    pub original: Original,
}

impl Kind {
    /// Its row of the table.
    pub fn profile(self) -> &'static Profile {
        table::of(self)
    }
}

/// What a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `OpenID` Connect: a discovery document and an `id_token`.
    OpenId,
    /// `OAuth2` with GitHub's own API: no discovery, no `id_token`, no nonce.
    GitHub,
}

/// What names a person for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectClaim {
    /// `sub`.
    Sub,
    /// Entra: `tid` and `oid`, because its `sub` differs from application to application.
    TidOid,
    /// GitHub: the numeric `id`, because a login can be renamed and taken by somebody else.
    Id,
}

/// What a token without the claim of groups says of somebody's groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbsentGroups {
    /// Nothing: the claim has to be set up first.
    Nothing,
    /// That they are in none: the claim is in everybody else's.
    None,
}

/// When an address counts as proved. Everything else is not (O21).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailVerified {
    /// `email_verified` is the boolean `true`.
    Literal,
    /// The same, or the text `"true"`, which Cognito writes.
    LiteralOrText,
    /// Entra: `xms_edov`, that the domain's owner vouches for the `email` claim. Its e-mail claims are
    /// otherwise anything a tenant's administrator cares to write (O22).
    DomainOwner,
}

/// How `iss` is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerRule {
    /// Byte by byte what the discovery document says.
    Exact,
    /// Google: also without `https://`.
    SchemeOptional,
    /// Entra: `{tenantid}` in the document stands for the token's `tid`.
    TenantTemplate,
}

/// How a second factor is asked for and proved.
#[derive(Debug, PartialEq, Eq)]
pub struct MfaProof {
    /// `acr_values` of the request; one of them in `acr` is a proof.
    pub acr_values: &'static [&'static str],
    /// One of these in `amr` is a proof (RFC 8176 §2).
    pub amr: &'static [&'static str],
}

/// How the session at the provider is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOut {
    /// RP-Initiated Logout 1.0, where the discovery document names an endpoint.
    EndSession,
    /// `/logout?client_id&logout_uri` on the hosted domain.
    Cognito,
    /// The announced endpoint, else `/v2/logout?client_id&returnTo`.
    Auth0,
    /// It has none.
    None,
}

/// What the original has as defaults where they differ.
#[derive(Debug, PartialEq, Eq)]
pub struct Original {
    /// The name on the button; none: the same.
    pub display_name: Option<&'static str>,
    /// Parameters that it sends unless told otherwise.
    pub auth_url_params: &'static [(&'static str, &'static str)],
}
