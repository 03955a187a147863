//! What the request path needs from the rest of the gate. All of it answers from memory, but the
//! token endpoint, which is asked when somebody signs in, and control on the central path.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aeolus_api::oauth::TokenAnswer;
use aeolus_api::plane::{CheckAnswer, CheckRequest, TokenUse};
use aeolus_decide::{Deployment, SessionCookie, World};
use aeolus_model::{
    DeploymentId, OrganizationId, RolloutPath, Secret, SessionId, Slug, Subject, Time,
};
use aeolus_snapshot::Position;

pub use crate::trail::UseAfterRevocation;

/// What is known at this moment.
pub trait Knowledge: Send + Sync {
    /// The snapshot in force; none before the first.
    fn world(&self) -> Option<Arc<World>>;

    /// Gate time minus the latest signed time; none if time can't be trusted.
    fn age(&self) -> Option<Duration>;

    /// Gate time.
    fn now(&self) -> Time;

    /// Where the snapshot in force stands; none before the first.
    fn standing(&self) -> Option<Standing>;
}

/// Where a snapshot stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its position.
    pub position: Position,
    /// It was on disk at the start, and control has not been heard since.
    pub from_disk: bool,
}

/// What this gate has learnt of sessions since their cookies were sealed.
pub trait Sessions: Send + Sync {
    /// Until when control has renewed a session in an organization, if it has.
    fn renewed(&self, session: SessionId, organization: OrganizationId) -> Option<Time>;

    /// Whether it was ended, everywhere or there.
    fn ended(&self, session: SessionId, organization: OrganizationId) -> bool;

    /// Asks control to renew it where the deployment is, some time soon. Of one that began here control is
    /// told before.
    fn renew(&self, session: &SessionCookie, deployment: &Deployment);

    /// Ends it here at once, and tells control. So that the end of one that began here is never heard
    /// before its beginning, which another replica may have yet to tell, both are told.
    fn end(&self, session: &SessionCookie, deployment: DeploymentId, now: Time);
}

/// A refusal, for control's audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// When.
    pub at: Time,
    /// Where, if the route was known.
    pub deployment: Option<DeploymentId>,
    /// The client's address.
    pub source: String,
    /// The stable code.
    pub reason: &'static str,
    /// Who asked, where that is proven.
    pub subject: Option<Subject>,
    /// To find it in this gate's log.
    pub request_id: String,
}

/// A deployment that the gate moved by itself, for control's audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// When.
    pub at: Time,
    /// By the terms of which rollout.
    pub rollout: Slug,
    /// Which deployment.
    pub deployment: DeploymentId,
    /// Where to.
    pub path: RolloutPath,
    /// Whether that is its rollout's path.
    pub back: bool,
    /// Bad requests in the window that caused it.
    pub bad: u32,
    /// Requests in it.
    pub requests: u32,
}

/// Where decisions are told, off the request's path.
pub trait Journal: Send + Sync {
    /// A request was decided.
    fn checked(&self);

    /// A request was refused.
    fn refused(&self, refused: Refused);

    /// A credential was served while control was away and had been revoked there.
    fn used_after_revocation(&self, late: UseAfterRevocation);

    /// Values of API tokens were used.
    fn tokens_used(&self, uses: Vec<TokenUse>);

    /// A deployment was moved between the paths of its rollout.
    fn moved(&self, moved: Moved);

    /// Somebody signed in by the plane's own client.
    fn session_begun(&self, begun: SessionBegun);
}

/// A session that began here while control was away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionBegun {
    /// The session.
    pub session: SessionCookie,
    /// At which deployment.
    pub deployment: DeploymentId,
}

/// An authorization code, ready to be exchanged (RFC 6749 §4.1.3 with PKCE).
pub struct CodeExchange {
    /// The code.
    pub code: Secret<String>,
    /// The redirect that received it, byte for byte.
    pub redirect_uri: String,
    /// The PKCE verifier.
    pub verifier: Secret<String>,
}

/// Why a code was not exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Who gave it can't be reached, or too many are asked for at once.
    #[error("the token endpoint can't be reached")]
    Unavailable,
    /// Who gave it refused it.
    #[error("the token endpoint refused the code")]
    Refused,
    /// Who gave it doesn't take us for the client that we say we are (`invalid_client`).
    #[error("the token endpoint refused the client")]
    ClientRefused,
}

/// What a token endpoint's answer comes in.
pub type Exchanged<'a> = Pin<Box<dyn Future<Output = Result<TokenAnswer, TokenError>> + Send + 'a>>;

/// Control's token endpoint.
pub trait TokenEndpoint: Send + Sync {
    /// Exchanges a code for tokens.
    fn exchange(&self, code: CodeExchange) -> Exchanged<'_>;
}

/// A code of an identity provider, ready to be exchanged by the plane's own client.
pub struct ProviderCode {
    /// The provider's token endpoint.
    pub endpoint: String,
    /// What the operator wrote of the provider: a private address is asked only there.
    pub configured: String,
    /// The plane's client.
    pub client_id: String,
    /// How it shows that it is that client.
    pub credential: ClientCredential,
    /// The code and what proves that it is ours.
    pub code: CodeExchange,
}

/// How a client shows at a token endpoint that it is the one it says it is.
pub enum ClientCredential {
    /// Not at all: it is a public client.
    None,
    /// By a JWT for this one call (RFC 7523 §2.2).
    Assertion(Secret<String>),
}

/// What a provider's `id_token` comes in. It is not verified yet.
pub type Redeemed<'a> =
    Pin<Box<dyn Future<Output = Result<Secret<String>, TokenError>> + Send + 'a>>;

/// The token endpoints of identity providers. Bounded in time, number and size by itself.
pub trait ProviderTokens: Send + Sync {
    /// Exchanges a code for an `id_token`.
    fn redeem(&self, code: ProviderCode) -> Redeemed<'_>;
}

/// Why control said nothing of a check.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unanswered(pub String);

/// What control's word on a check comes in.
pub type Consenting<'a> =
    Pin<Box<dyn Future<Output = Result<CheckAnswer, Unanswered>> + Send + 'a>>;

/// Control, on the central path. It may hang: the caller sets the time limit.
pub trait Central: Send + Sync {
    /// Asks about a request that the gate allows.
    fn check<'a>(&'a self, question: &'a CheckRequest) -> Consenting<'a>;
}
