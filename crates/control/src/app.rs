//! What every request shares.

use std::sync::Arc;
use std::time::Duration;

use aeolus_api::egress::Way;
use aeolus_keys::ProxySecrets;
use aeolus_keys::envelope::MasterKey;
use aeolus_model::{Clock, ConnectionId, Rng, Secret, Time};
use aeolus_store::{Ending, Store, StoreError, Write};
use tokio::sync::{Notify, watch};

use crate::audit::Denials;
use crate::authorization::{Minted, Worlds};
use crate::built_ins::StartedWith;
use crate::config::{AuditConfig, NewKeys, Publishing};
use crate::connections::reload::LocalAccounts;
use crate::email::Mailer;
use crate::federation::Federation;
use crate::keys::Keys;
use crate::ops::Metrics;
use crate::people::SignUp;
use crate::planes::{Acks, Assertions, LastKnown, Looks};
use crate::publish::{Newest, Published};
use crate::quota::Meters;
use crate::registry::Registry;
use crate::scim::ScimParts;
use crate::secured::Secured;
use crate::signin::cookie::CookieStyle;
use crate::signin::pool::HashPool;
use crate::signin::seen::Seen;
use crate::status_lists::Lists;
use crate::tokens::Uses;
use crate::{ParentCookie, SessionLife};

/// Everything a handler may need; cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

/// The parts of an [`App`].
pub(crate) struct Parts {
    /// The issuer: control's public URL without a trailing slash.
    pub(crate) issuer: String,
    /// The issuer's origin, as a browser writes it.
    pub(crate) origin: String,
    pub(crate) cookie: CookieStyle,
    pub(crate) parent: Option<ParentCookie>,
    pub(crate) session: SessionLife,
    /// Whether machines without a browser may ask to be signed in.
    pub(crate) device_flow: bool,
    /// Whether people sign in with a password kept here.
    pub(crate) local_accounts: LocalAccounts,
    pub(crate) trusted_hops: usize,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) keys: Keys,
    /// How often signing keys are replaced by themselves; never if absent.
    pub(crate) rotate_keys: Option<Duration>,
    /// Whether the next upgrade gets new signing keys.
    pub(crate) keys_at_upgrade: NewKeys,
    /// Opens and seals what the database keeps sealed.
    pub(crate) master: MasterKey,
    /// Authenticates control's own session cookies; follows from the master key.
    pub(crate) cookie_key: Secret<[u8; 32]>,
    /// Tells which refresh token follows another; follows from the master key.
    pub(crate) refresh_key: Secret<[u8; 32]>,
    /// Tells requests apart that come under one Idempotency-Key; follows from the master key.
    pub(crate) request_key: Secret<[u8; 32]>,
    /// Makes the values of invitations; follows from the master key.
    pub(crate) invitation_key: Secret<[u8; 32]>,
    /// Who gets an account by coming.
    pub(crate) sign_up: SignUp,
    /// Hides people's identities in snapshots; follows from the master key.
    pub(crate) identity_salt: Secret<[u8; 32]>,
    /// A gate has met a key of an identity provider that it doesn't know.
    pub(crate) provider_keys_wanted: Notify,
    /// What the built-in roles allow here, as far as nothing else counts by now.
    pub(crate) built_ins: StartedWith,
    /// The connection of local accounts.
    pub(crate) local: ConnectionId,
    /// Who may ask at `/v1/authorization`; nobody, if there is no secret for it.
    pub(crate) asking_proxies: Option<ProxySecrets>,
    /// Whose clients get tokens here, if there is a container registry.
    pub(crate) registry: Option<Registry>,
    /// What gates would know.
    pub(crate) worlds: Worlds,
    /// For whom `/v1/authorization` has made a token.
    pub(crate) minted: Minted,
    pub(crate) hashes: HashPool,
    /// When control was last used with a session.
    pub(crate) seen: Seen,
    pub(crate) assertions: Assertions,
    pub(crate) metrics: Metrics,
    /// The newest time that the database spoke of when this process opened it.
    pub(crate) newest_at_start: Time,
    /// The feed's position after the last commit here: wakes the publisher.
    pub(crate) feed: watch::Sender<u64>,
    /// What planes have been told: wakes long polls.
    pub(crate) published: watch::Sender<Published>,
    pub(crate) publishing: Publishing,
    /// When planes last had everything.
    pub(crate) newest: Newest,
    /// What gates are told while the database is away.
    pub(crate) last_known: LastKnown,
    /// What gates are being answered.
    pub(crate) looks: Looks,
    /// Which token values were used, until it is written down.
    pub(crate) uses: Uses,
    /// What planes have been heard to apply.
    pub(crate) acks: Acks,
    /// How long the audit log is kept, and where it is copied to.
    pub(crate) audit: AuditConfig,
    /// The way out to identity providers and to where the audit log is sent.
    pub(crate) egress: Way,
    /// TLS of the listeners, and all certificates.
    pub(crate) tls: Secured,
    /// Sends e-mails, if some server takes them.
    pub(crate) mailer: Option<Mailer>,
    /// Public lists of what was revoked.
    pub(crate) status_lists: Lists,
    /// What organizations have used of what all share.
    pub(crate) meters: Meters,
    /// Sign-ins at identity providers.
    pub(crate) federation: Federation,
    /// What was refused, until it is written down.
    pub(crate) denials: Denials,
    /// Provisioning by identity providers.
    pub(crate) scim: ScimParts,
    /// Rises whenever a plane says what it has applied: wakes `wait=planes`.
    pub(crate) acknowledged: watch::Sender<u64>,
}

impl App {
    /// Whether who forgot a password is sent a link to a new one: where there are e-mails and passwords.
    pub(crate) fn sends_resets(&self) -> bool {
        self.mailer.is_some() && self.local_accounts.offered()
    }

    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Commits and wakes the publisher. Returns the feed's position.
    pub(crate) async fn commit(&self, write: Write) -> Result<u64, StoreError> {
        self.finish(write.end().await?).await
    }

    /// The second half of [`App::commit`].
    pub(crate) async fn finish(&self, end: Ending) -> Result<u64, StoreError> {
        let position = end.commit().await?;
        self.feed.send_if_modified(|seen| {
            let newer = position > *seen;
            *seen = position.max(*seen);
            newer
        });
        Ok(position)
    }
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
