//! What a refusal means and what to do about it: for the operator who asks, never for the client.

use crate::Reason;

impl Reason {
    /// What it means, in a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::TargetTooLong => "The request's path and query are longer than 8 KiB.",
            Self::TargetForm => "The request's target is no path, or the check did not carry it.",
            Self::TargetCharacters => "The path has characters that no honest client sends.",
            Self::TargetEscapes => "The path's percent-escapes are malformed or no UTF-8.",
            Self::TargetDots => "The path has dot segments, raw or once decoded.",
            Self::TargetReadingsDiffer => {
                "The raw path and the decoded path lead to different deployments."
            }
            Self::Method => "The method is not one that a gate lets through.",
            Self::MethodOverride => "A header asks for another method than the request's own.",
            Self::HostMissing => "The request names no host.",
            Self::HostMalformed => "The host is no host name.",
            Self::HostsDiffer => "The request names two different hosts.",
            Self::UpgradeNotWebsocket => "The upgrade asked for is no websocket.",
            Self::ConnectionNamesIdentity => {
                "The Connection header names a header with identity, which a proxy would then drop."
            }
            Self::AuthorizationRepeated => "There are two Authorization headers.",
            Self::AuthorizationMalformed => "The Authorization header is malformed.",
            Self::CookieAmbiguous => "The session cookie is there twice.",
            Self::Framing => "Two servers could disagree about where the request ends.",
            Self::ProxyUnknown => "Whoever asked the gate is no proxy that it answers.",
            Self::HostUnknown => "No deployment of this plane answers at this host and path.",
            Self::PinMismatch => "The proxy asks for another deployment than the host's.",
            Self::DeploymentNotUnderstood => {
                "The deployment's record can't be served safely by this version of the gate."
            }
            Self::PathRefused => "The path is one that is never forwarded from here.",
            Self::NoSnapshot => "The gate has never had a snapshot, or none on disk is whole.",
            Self::Stale => {
                "What the gate knows is older than the deployment's staleness policy allows."
            }
            Self::StaleReadOnly => {
                "What the gate knows is old, and the deployment then allows reads only."
            }
            Self::RevocationsMissing => {
                "The organization's revocations can't be read, so nobody of it is let in."
            }
            Self::SignerMissing => "The key that signs for the deployment's Airflow is not usable.",
            Self::CentralUnanswered => {
                "The deployment is on the central path, and control gave no answer within 1 s."
            }
            Self::Overloaded => {
                "The gate has more to do than it takes on, and this would have cost it the most."
            }
            Self::RateLimited => {
                "The client's address had too many credentials refused, or the subject too many \
                 requests allowed, within a minute."
            }
            Self::Internal => "The gate met a fault of its own.",
            Self::CredentialMissing => "The request carries no credential.",
            Self::SchemeUnknown => "The Authorization header's scheme is not Bearer.",
            Self::TokenMalformed => "The token is no compact JWT.",
            Self::TokenTooLong => "The token is longer than any that is issued.",
            Self::TokenKeyUnknown => "No key that this plane trusts for tokens has signed it.",
            Self::TokenSignature => "The token's signature is wrong.",
            Self::TokenIssuer => "The token names another issuer.",
            Self::TokenAudience => "The token was made for another deployment or organization.",
            Self::TokenClaims => "The token lacks claims, or has them in a wrong form.",
            Self::TokenExpired => "The token has expired.",
            Self::TokenNotYetValid => "The token is not valid yet.",
            Self::TokenSurface => "The token may not be used at planes.",
            Self::TokenRevoked => "The token was revoked.",
            Self::TokenEnded => "The token was rotated and its grace has ended.",
            Self::TokenIndexUnknown => "The token's place in the status list was never issued.",
            Self::OrganizationMark => {
                "Everything issued before a moment, or in a time that control's restored database \
                 has lost, was ended for the whole organization."
            }
            Self::SubjectMark => "Everything issued before a moment was ended for this subject.",
            Self::SubjectUnknown => "The token's subject has no permission on this plane.",
            Self::SessionMalformed => {
                "The session cookie can't be opened: another plane's or host's, or sealed with a \
                 secret that is gone."
            }
            Self::SessionExpired => "The session has ended.",
            Self::SessionEnded => "The session was ended by a sign-out or an administrator.",
            Self::ConnectionGone => "The connection that the session came through is gone.",
            Self::IdpIssuerUnknown => "No connection with sessionTokens has the token's issuer.",
            Self::IdpAlgorithm => "The token's algorithm is not one of its connection or its key.",
            Self::IdpKeyUnknown => {
                "The identity provider's key that signed the token is not known."
            }
            Self::IdpSignature => "The token's signature is not its identity provider's.",
            Self::IdpClaims => "The provider's token lacks claims, or has them in a wrong form.",
            Self::IdpNotAccessToken => "What the identity provider signed is no access token.",
            Self::IdpAudience => "The identity provider made the token for another API.",
            Self::IdpSubjectUnknown => "Nobody on this plane is linked to the token's subject.",
            Self::SecondFactor => "A second factor is wanted; the provider speaks of none.",
            Self::CrossSite => {
                "A write with a session cookie did not come from the deployment's own pages."
            }
            Self::Network => {
                "The organization's policy names the networks to ask from, and the client's is none."
            }
            Self::Scope => "The token does not reach this deployment.",
            Self::Forbidden => "The subject lacks a permission that the path takes.",
        }
    }

    /// What to do about it.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::TargetTooLong
            | Self::TargetCharacters
            | Self::TargetEscapes
            | Self::TargetDots
            | Self::Method
            | Self::MethodOverride
            | Self::ConnectionNamesIdentity
            | Self::AuthorizationRepeated
            | Self::AuthorizationMalformed
            | Self::CookieAmbiguous
            | Self::UpgradeNotWebsocket
            | Self::Framing => "Change the client: no setting lets such a request through.",
            Self::TargetForm | Self::HostMissing | Self::HostMalformed | Self::HostsDiffer => {
                "Compare the proxy's configuration with the one in deploy/ for it."
            }
            Self::ProxyUnknown => {
                "Add the proxy's network and secret to the gate's configuration, or stop it asking."
            }
            Self::TargetReadingsDiffer => {
                "Change the client not to escape slashes in front of the deployment's prefix."
            }
            Self::HostUnknown => {
                "Add the host (and prefix) to the deployment, or correct the proxy or the link."
            }
            Self::PinMismatch => "Correct the deployment's id in the proxy's configuration.",
            Self::DeploymentNotUnderstood => {
                "Upgrade the gate; its log says at load what it does not understand."
            }
            Self::PathRefused => {
                "If workers call from here, add their addresses to taskExecution.allowFrom."
            }
            Self::NoSnapshot | Self::RevocationsMissing => {
                "Let the gate reach control once, or copy the folder of a sibling."
            }
            Self::Stale | Self::StaleReadOnly => {
                "Restore the gate's way to control; the policy is the deployment's staleness."
            }
            Self::SignerMissing => "Restore the plane secret in the gate's folder.",
            Self::CentralUnanswered => {
                "Look at control. Until it is well, move the deployment to the plane path: \
                 `aeolus rollout`, or the kill switch on the plane."
            }
            Self::Overloaded => {
                "Look for a client that floods the gate with unknown tokens, or for an application \
                 that does not answer."
            }
            Self::RateLimited => {
                "Look for what sends bad credentials from there; the limits are \
                 limits.failedPerMinute and limits.requestsPerSubjectPerMinute."
            }
            Self::Internal => "Look for a panic in the gate's log and report it.",
            Self::CredentialMissing | Self::SessionExpired | Self::SessionEnded => {
                "Sign in, or send Authorization: Bearer with a token."
            }
            Self::SchemeUnknown => "Send the token as Authorization: Bearer TOKEN.",
            Self::TokenMalformed
            | Self::TokenTooLong
            | Self::TokenSignature
            | Self::TokenClaims
            | Self::TokenIndexUnknown => "Make a new token; this value was never issued as it is.",
            Self::TokenKeyUnknown | Self::TokenIssuer => {
                "Use a token of this fleet's control; after a key rotation, make a new one."
            }
            Self::TokenAudience | Self::Scope => {
                "Use a token that was made for this deployment or something above it."
            }
            Self::TokenExpired | Self::TokenRevoked | Self::TokenEnded => "Make a new token.",
            Self::TokenNotYetValid => "Wait, or set the clocks right.",
            Self::TokenSurface => "Make a token whose surfaces include planes.",
            Self::OrganizationMark | Self::SubjectMark => "Sign in again, or make a new token.",
            Self::SubjectUnknown | Self::Forbidden => {
                "Grant a role that has the permission, on the deployment or above it."
            }
            Self::SessionMalformed | Self::ConnectionGone => "Sign in again.",
            Self::IdpIssuerUnknown => {
                "Compare the token's iss with the connection's; a trailing slash counts."
            }
            Self::IdpAlgorithm => {
                "Add the algorithm to the connection's sessionTokens, or change it there."
            }
            Self::IdpKeyUnknown => {
                "Wait a minute for control to fetch the provider's keys; else look at its log."
            }
            Self::IdpSignature | Self::IdpClaims => "Get a new token from the identity provider.",
            Self::IdpNotAccessToken | Self::IdpAudience => {
                "Ask the provider for an access token with the audience of the connection's sessionTokens."
            }
            Self::IdpSubjectUnknown => {
                "Link the person: identities of a user in the fleet's document."
            }
            Self::Network => {
                "Ask from one of them, or change allowedNetworks in the organization's policy. Behind a \
                 proxy, the gate has to trust it to learn the client's address."
            }
            Self::SecondFactor => "Sign in with one, or name the provider's in secondFactorAcr.",
            Self::CrossSite => {
                "Use a token in programs; in pages, call from the deployment's own origin."
            }
        }
    }
}
