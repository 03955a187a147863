//! Why a request was not let through: for the audit log, never for the client.

/// A cause of refusal. The codes are stable: people search and alert on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each one's code says it")]
pub enum Reason {
    // The request itself.
    TargetTooLong,
    TargetForm,
    TargetCharacters,
    TargetEscapes,
    TargetDots,
    TargetReadingsDiffer,
    Method,
    MethodOverride,
    HostMissing,
    HostMalformed,
    HostsDiffer,
    UpgradeNotWebsocket,
    ConnectionNamesIdentity,
    AuthorizationRepeated,
    AuthorizationMalformed,
    CookieAmbiguous,
    Framing,
    ProxyUnknown,
    // Where it goes.
    HostUnknown,
    PinMismatch,
    DeploymentNotUnderstood,
    PathRefused,
    // What the gate knows.
    NoSnapshot,
    Stale,
    StaleReadOnly,
    RevocationsMissing,
    SignerMissing,
    CentralUnanswered,
    Overloaded,
    RateLimited,
    Internal,
    // Who asks.
    CredentialMissing,
    SchemeUnknown,
    TokenMalformed,
    TokenTooLong,
    TokenKeyUnknown,
    TokenSignature,
    TokenIssuer,
    TokenAudience,
    TokenClaims,
    TokenExpired,
    TokenNotYetValid,
    TokenSurface,
    TokenRevoked,
    TokenEnded,
    TokenIndexUnknown,
    OrganizationMark,
    SubjectMark,
    SubjectUnknown,
    SessionMalformed,
    SessionExpired,
    SessionEnded,
    ConnectionGone,
    // Who asks, by a token of an identity provider.
    IdpIssuerUnknown,
    IdpAlgorithm,
    IdpKeyUnknown,
    IdpSignature,
    IdpClaims,
    IdpNotAccessToken,
    IdpAudience,
    IdpSubjectUnknown,
    SecondFactor,
    // Whether they may.
    CrossSite,
    Network,
    Scope,
    Forbidden,
}

impl Reason {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 66] = [
        Self::TargetTooLong,
        Self::TargetForm,
        Self::TargetCharacters,
        Self::TargetEscapes,
        Self::TargetDots,
        Self::TargetReadingsDiffer,
        Self::Method,
        Self::MethodOverride,
        Self::HostMissing,
        Self::HostMalformed,
        Self::HostsDiffer,
        Self::UpgradeNotWebsocket,
        Self::ConnectionNamesIdentity,
        Self::AuthorizationRepeated,
        Self::AuthorizationMalformed,
        Self::CookieAmbiguous,
        Self::Framing,
        Self::ProxyUnknown,
        Self::HostUnknown,
        Self::PinMismatch,
        Self::DeploymentNotUnderstood,
        Self::PathRefused,
        Self::NoSnapshot,
        Self::Stale,
        Self::StaleReadOnly,
        Self::RevocationsMissing,
        Self::SignerMissing,
        Self::CentralUnanswered,
        Self::Overloaded,
        Self::RateLimited,
        Self::Internal,
        Self::CredentialMissing,
        Self::SchemeUnknown,
        Self::TokenMalformed,
        Self::TokenTooLong,
        Self::TokenKeyUnknown,
        Self::TokenSignature,
        Self::TokenIssuer,
        Self::TokenAudience,
        Self::TokenClaims,
        Self::TokenExpired,
        Self::TokenNotYetValid,
        Self::TokenSurface,
        Self::TokenRevoked,
        Self::TokenEnded,
        Self::TokenIndexUnknown,
        Self::OrganizationMark,
        Self::SubjectMark,
        Self::SubjectUnknown,
        Self::SessionMalformed,
        Self::SessionExpired,
        Self::SessionEnded,
        Self::ConnectionGone,
        Self::IdpIssuerUnknown,
        Self::IdpAlgorithm,
        Self::IdpKeyUnknown,
        Self::IdpSignature,
        Self::IdpClaims,
        Self::IdpNotAccessToken,
        Self::IdpAudience,
        Self::IdpSubjectUnknown,
        Self::SecondFactor,
        Self::CrossSite,
        Self::Network,
        Self::Scope,
        Self::Forbidden,
    ];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TargetTooLong => "target_too_long",
            Self::TargetForm => "target_form",
            Self::TargetCharacters => "target_characters",
            Self::TargetEscapes => "target_escapes",
            Self::TargetDots => "target_dots",
            Self::TargetReadingsDiffer => "target_readings_differ",
            Self::Method => "method",
            Self::MethodOverride => "method_override",
            Self::HostMissing => "host_missing",
            Self::HostMalformed => "host_malformed",
            Self::HostsDiffer => "hosts_differ",
            Self::UpgradeNotWebsocket => "upgrade_not_websocket",
            Self::ConnectionNamesIdentity => "connection_names_identity",
            Self::AuthorizationRepeated => "authorization_repeated",
            Self::AuthorizationMalformed => "authorization_malformed",
            Self::CookieAmbiguous => "cookie_ambiguous",
            Self::Framing => "framing",
            Self::ProxyUnknown => "proxy_unknown",
            Self::HostUnknown => "host_unknown",
            Self::PinMismatch => "pin_mismatch",
            Self::DeploymentNotUnderstood => "deployment_not_understood",
            Self::PathRefused => "path_refused",
            Self::NoSnapshot => "no_snapshot",
            Self::Stale => "stale",
            Self::StaleReadOnly => "stale_read_only",
            Self::RevocationsMissing => "revocations_missing",
            Self::SignerMissing => "signer_missing",
            Self::CentralUnanswered => "central_unanswered",
            Self::Overloaded => "overloaded",
            Self::RateLimited => "rate_limited",
            Self::Internal => "internal",
            Self::CredentialMissing => "credential_missing",
            Self::SchemeUnknown => "scheme_unknown",
            Self::TokenMalformed => "token_malformed",
            Self::TokenTooLong => "token_too_long",
            Self::TokenKeyUnknown => "token_key_unknown",
            Self::TokenSignature => "token_signature",
            Self::TokenIssuer => "token_issuer",
            Self::TokenAudience => "token_audience",
            Self::TokenClaims => "token_claims",
            Self::TokenExpired => "token_expired",
            Self::TokenNotYetValid => "token_not_yet_valid",
            Self::TokenSurface => "token_surface",
            Self::TokenRevoked => "token_revoked",
            Self::TokenEnded => "token_ended",
            Self::TokenIndexUnknown => "token_index_unknown",
            Self::OrganizationMark => "organization_mark",
            Self::SubjectMark => "subject_mark",
            Self::SubjectUnknown => "subject_unknown",
            Self::SessionMalformed => "session_malformed",
            Self::SessionExpired => "session_expired",
            Self::SessionEnded => "session_ended",
            Self::ConnectionGone => "connection_gone",
            Self::IdpIssuerUnknown => "idp_issuer_unknown",
            Self::IdpAlgorithm => "idp_algorithm",
            Self::IdpKeyUnknown => "idp_key_unknown",
            Self::IdpSignature => "idp_signature",
            Self::IdpClaims => "idp_claims",
            Self::IdpNotAccessToken => "idp_not_access_token",
            Self::IdpAudience => "idp_audience",
            Self::IdpSubjectUnknown => "idp_subject_unknown",
            Self::SecondFactor => "second_factor",
            Self::CrossSite => "cross_site",
            Self::Network => "network",
            Self::Scope => "scope",
            Self::Forbidden => "forbidden",
        }
    }

    /// The reason of a stable code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// The HTTP status that the client sees: all it learns.
    pub const fn status(self) -> u16 {
        match self {
            Self::TargetTooLong
            | Self::TargetForm
            | Self::TargetCharacters
            | Self::TargetEscapes
            | Self::TargetDots
            | Self::TargetReadingsDiffer
            | Self::MethodOverride
            | Self::HostMissing
            | Self::HostMalformed
            | Self::HostsDiffer
            | Self::UpgradeNotWebsocket
            | Self::ConnectionNamesIdentity
            | Self::AuthorizationRepeated
            | Self::AuthorizationMalformed
            | Self::CookieAmbiguous
            | Self::Framing => 400,
            Self::Method => 405,
            Self::HostUnknown => 404,
            Self::NoSnapshot
            | Self::Stale
            | Self::StaleReadOnly
            | Self::RevocationsMissing
            | Self::SignerMissing
            | Self::CentralUnanswered
            | Self::DeploymentNotUnderstood
            | Self::Overloaded => 503,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::ProxyUnknown
            | Self::PinMismatch
            | Self::PathRefused
            | Self::CrossSite
            | Self::Network
            | Self::Scope
            | Self::Forbidden => 403,
            Self::CredentialMissing
            | Self::SchemeUnknown
            | Self::TokenMalformed
            | Self::TokenTooLong
            | Self::TokenKeyUnknown
            | Self::TokenSignature
            | Self::TokenIssuer
            | Self::TokenAudience
            | Self::TokenClaims
            | Self::TokenExpired
            | Self::TokenNotYetValid
            | Self::TokenSurface
            | Self::TokenRevoked
            | Self::TokenEnded
            | Self::TokenIndexUnknown
            | Self::OrganizationMark
            | Self::SubjectMark
            | Self::SubjectUnknown
            | Self::SessionMalformed
            | Self::SessionExpired
            | Self::SessionEnded
            | Self::ConnectionGone
            | Self::IdpIssuerUnknown
            | Self::IdpAlgorithm
            | Self::IdpKeyUnknown
            | Self::IdpSignature
            | Self::IdpClaims
            | Self::IdpNotAccessToken
            | Self::IdpAudience
            | Self::IdpSubjectUnknown
            | Self::SecondFactor => 401,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_every_reason_at_its_number() {
        let codes = include_str!("reason.rs");
        let codes = codes.lines().filter(|line| line.contains(" => \""));
        assert_eq!(codes.count(), Reason::ALL.len());
        for (number, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, number, "{}", reason.code());
        }
    }
}
