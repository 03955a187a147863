//! What a start does before the first request: open the database, open or make the keys, make the
//! first administrator.

use std::sync::Arc;

use aeolus_keys::ProxySecrets;
use aeolus_keys::envelope::{EnvelopeError, MasterKey};
use aeolus_model::{
    Action, AuditEvent, Clock, ConnectionId, Grant, GrantId, Resource, Rng, Role, Slug, Subject,
    UserId, is_loopback,
};
use aeolus_store::{
    Connection, DatabaseUrl, DatabaseUrlError, GrantRecord, ManagedBy, Page, Store, StoreError,
    Unit as _, User,
};
use aeolus_tls::{BindError, TlsError};
use tokio::sync::{Notify, watch};

use crate::app::{App, Parts};
use crate::audit::{self, Denials, SinkConfigError};
use crate::authorization::{Minted, Worlds};
use crate::built_ins::StartedWith;
use crate::config::{ControlConfig, FirstAdmin};
use crate::connections;
use crate::connections::configured::{self, ConfigureError, With};
use crate::connections::reload::{self, LocalAccounts};
use crate::email::{EmailConfigError, Mailer, SmtpTrust};
use crate::federation::Federation;
use crate::keys::{self, ImportError, Keys, KeysError};
use crate::once;
use crate::ops::Metrics;
use crate::people;
use crate::planes::{Acks, Assertions, LastKnown, Looks};
use crate::provider::refresh;
use crate::quota::Meters;
use crate::registry::{Registry, RegistryConfigError};
use crate::root::{self, RootSetupError};
use crate::scim::ScimParts;
use crate::secured::Secured;
use crate::signin::cookie::{self, CookieStyle};
use crate::signin::parent::ParentCookie;
use crate::signin::password::{HashError, PasswordError, check_new};
use crate::signin::pool::{HashPool, PoolError};
use crate::signin::same_origin;
use crate::signin::seen::Seen;
use crate::status_lists::Lists;
use crate::tokens::Uses;

/// Why control doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The database's address.
    #[error(transparent)]
    DatabaseUrl(#[from] DatabaseUrlError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys in the database.
    #[error("CONTROL-KEYS: {0}")]
    Keys(#[from] KeysError),
    /// The master key.
    #[error("CONTROL-KEYS: {0}")]
    Master(#[from] EnvelopeError),
    /// The root folder.
    #[error(transparent)]
    Root(#[from] RootSetupError),
    /// The first administrator's password.
    #[error("CONTROL-ADMIN: the first administrator's password can't be used: {0}")]
    Password(#[from] PasswordError),
    /// Hashing.
    #[error("CONTROL-ADMIN: {0}")]
    Hash(#[from] HashError),
    /// Hashing, in the pool.
    #[error("CONTROL-ADMIN: {0}")]
    Pool(#[from] PoolError),
    /// An address to listen on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// Certificates.
    #[error("CONTROL-TLS: {0}")]
    Tls(#[from] TlsError),
    /// A place that the audit log can't be copied to.
    #[error("CONTROL-AUDIT: {0}")]
    Audit(#[from] SinkConfigError),
    /// A server that e-mails can't be handed to.
    #[error("CONTROL-EMAIL: {0}")]
    Email(#[from] EmailConfigError),
    /// The connections of the configuration.
    #[error("CONTROL-AUTH: {0}")]
    SignIn(#[from] ConfigureError),
    /// The public URL.
    #[error(
        "CONTROL-URL: {0:?} can't be the public URL: use https://HOST without a path, or http for a loopback address"
    )]
    PublicUrl(String),
    /// No public URL where one is needed.
    #[error(
        "CONTROL-URL: set control.publicUrl: people and gates can't be told to come to an address that is not loopback without it"
    )]
    NoPublicUrl,
    /// A secret of proxies that could be guessed.
    #[error(
        "CONTROL-PROXY: compat.authorization.proxySecret must have 32 characters or more: whoever knows it gets tokens that open an Airflow"
    )]
    ProxySecret,
    /// A key that can't be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A container registry that can't be served so.
    #[error("CONTROL-REGISTRY: compat.registry: {0}")]
    Registry(#[from] RegistryConfigError),
    /// The parent domain's cookie could not be set from here.
    #[error(
        "CONTROL-URL: compat.parentCookie.domain is {domain}, but {issuer} is not below it, so browsers would drop the cookie: give control.publicUrl a host below the domain"
    )]
    ParentDomain {
        /// The domain.
        domain: String,
        /// The public URL.
        issuer: String,
    },
}

/// The public URL: an origin, https unless loopback.
pub(crate) fn issuer(
    configured: Option<&str>,
    (bound, encrypted): (&aeolus_tls::Bound, bool),
) -> Result<String, ControlError> {
    let Some(text) = configured else {
        let scheme = if encrypted { "https" } else { "http" };
        return match bound {
            aeolus_tls::Bound::Tcp(at) if at.ip().is_loopback() => Ok(format!("{scheme}://{at}")),
            _ => Err(ControlError::NoPublicUrl),
        };
    };
    let wrong = || ControlError::PublicUrl(text.to_owned());
    let issuer = text.strip_suffix('/').unwrap_or(text);
    let url = url::Url::parse(issuer).map_err(|_| wrong())?;
    let host = url.host_str().unwrap_or("");
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(host));
    if scheme && same_origin::origin_of(issuer).as_deref() == Some(issuer) {
        Ok(issuer.to_owned())
    } else {
        Err(wrong())
    }
}

/// The parent domain's cookie, if control may set it.
fn parent(config: &ControlConfig, issuer: &str) -> Result<Option<ParentCookie>, ControlError> {
    let Some(parent) = &config.parent_cookie else {
        return Ok(None);
    };
    let url = url::Url::parse(issuer).ok();
    let host = url.as_ref().and_then(url::Url::host_str);
    if host.is_some_and(|host| parent.covers(host)) {
        return Ok(Some(parent.clone()));
    }
    Err(ControlError::ParentDomain {
        domain: parent.domain.to_string(),
        issuer: issuer.to_owned(),
    })
}

/// What sends e-mails, if some server takes them. It is not asked yet.
fn mailer(config: &ControlConfig, issuer: &str) -> Result<Option<Mailer>, ControlError> {
    let Some(email) = &config.email else {
        return Ok(None);
    };
    if email.trust == SmtpTrust::Anybody {
        tracing::warn!(
            "email.smtp.tls.rejectUnauthorized is false: whoever is on the way to the server can read its password and every e-mail; name its authority in caFile instead"
        );
    }
    let url = url::Url::parse(issuer).ok();
    let host = url.as_ref().and_then(url::Url::host_str);
    let mailer = Mailer::new(email, host.unwrap_or("localhost"), &config.authorities)?;
    Ok(Some(mailer))
}

/// What proxies that ask have to know; none where nobody may ask.
fn proxy_secrets(config: &ControlConfig) -> Result<Option<ProxySecrets>, ControlError> {
    if config.proxy_secrets.is_empty() {
        return Ok(None);
    }
    let secrets = ProxySecrets::new(config.proxy_secrets.clone());
    if !secrets.are_safe() {
        return Err(ControlError::ProxySecret);
    }
    Ok(Some(secrets))
}

/// Opens everything that requests need.
pub(crate) async fn open(
    config: &ControlConfig,
    issuer: String,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
) -> Result<App, ControlError> {
    audit::check(&config.audit)?;
    let tls = Secured::open(config)?;
    let mailer = mailer(config, &issuer)?;
    let url: DatabaseUrl = config.database.parse()?;
    let url = url.trusting(config.authorities.pem());
    let store = Store::connect(&url).await?;
    let newest = store.read().await?.settings().newest_time().await?;
    let newest_at_start = newest.unwrap_or_else(|| clock.now());
    let master = MasterKey::new(&config.master_key)?;
    if let Some(dir) = &config.root_dir
        && let Some(key) = root::offered_snapshot_key(dir)?
    {
        keys::import_snapshot_key(&store, &master, &key, (&*clock, &*rng)).await?;
    }
    let asking_proxies = proxy_secrets(config)?;
    if let Some(registry) = &config.registry {
        registry.check(&issuer)?;
    }
    let legacy = asking_proxies.is_some() || config.registry.is_some();
    keys::note_version(&store, &master, &config.upgrades, (&*clock, &*rng)).await?;
    let keys = Keys::open(&store, &master, (&*clock, &*rng), legacy).await?;
    if let Some(dir) = &config.root_dir {
        let snapshot = keys.snapshot().map_err(KeysError::from)?;
        root::set_up(&store, dir, &snapshot, &*clock).await?;
    }
    let hashes = HashPool::new(config.hash_permits.unwrap_or_else(keys::cores), &*rng)?;
    let local = local_connection(&store, &*clock, &*rng).await?;
    let scim = ScimParts::new(config);
    let with = With::new(&master, &scim.key, (&*clock, &*rng));
    configured::store(&store, with, &config.sign_in).await?;
    reload::say_if_nobody(&config.sign_in);
    if let Some(admin) = &config.first_admin {
        first_admin(&store, &hashes, admin, (&clock, &rng)).await?;
    } else if let Some(code) = people::code::keep(&store, &*clock, &*rng).await? {
        // The one secret that is meant to be read in the log: only who runs the installation reads it.
        tracing::warn!(
            "nobody administers this installation yet: open {issuer}/setup and type the code {}",
            code.expose()
        );
    }
    let built_ins = StartedWith::new(&config.built_ins)?;
    let feed = store.read().await?.settings().feed().await?.position;
    Ok(App::new(Parts {
        origin: same_origin::origin_of(&issuer).unwrap_or_else(|| issuer.clone()),
        cookie: CookieStyle::of(&issuer),
        parent: parent(config, &issuer)?,
        issuer,
        session: config.session,
        device_flow: config.device_flow,
        local_accounts: LocalAccounts::new(config.sign_in.local),
        trusted_hops: config.trusted_hops,
        store,
        clock,
        rng,
        keys,
        rotate_keys: config.rotate_keys,
        keys_at_upgrade: config.upgrades.keys,
        master,
        cookie_key: cookie::key_from(&config.master_key),
        refresh_key: refresh::key_from(&config.master_key),
        request_key: once::key_from(&config.master_key),
        invitation_key: people::invitation_key_from(&config.master_key),
        sign_up: config.sign_up.clone(),
        identity_salt: connections::salt_from(&config.master_key),
        provider_keys_wanted: Notify::new(),
        built_ins,
        local,
        asking_proxies,
        registry: config.registry.clone().map(Registry::new),
        worlds: Worlds::default(),
        minted: Minted::default(),
        hashes,
        seen: Seen::default(),
        assertions: Assertions::default(),
        metrics: Metrics::new(),
        newest_at_start,
        feed: watch::Sender::new(feed),
        published: crate::publish::channel(),
        publishing: config.publishing,
        newest: crate::publish::Newest::default(),
        last_known: LastKnown::default(),
        looks: Looks::default(),
        uses: Uses::default(),
        acks: Acks::default(),
        audit: config.audit.clone(),
        egress: config.egress.clone(),
        tls,
        mailer,
        status_lists: Lists::default(),
        meters: Meters::new(config.quota),
        federation: Federation::default(),
        denials: Denials::default(),
        scim,
        acknowledged: watch::Sender::new(0),
    }))
}

/// The connection that people with a password here come through.
async fn local_connection(
    store: &Store,
    clock: &dyn Clock,
    rng: &dyn Rng,
) -> Result<ConnectionId, ControlError> {
    let name = Slug::parse("local").map_err(|_| StoreError::Reference)?;
    if let Some(found) = store.read().await?.connections().by_name(&name).await? {
        return Ok(found.id);
    }
    let connection = Connection {
        id: ConnectionId::new(clock, rng),
        name: name.clone(),
        kind: "local".to_owned(),
        config: String::new(),
        managed_by: ManagedBy::Api,
        revision: 0,
    };
    let mut write = store.write().await?;
    match write.connections().insert(&connection).await {
        Ok(()) => {
            write.commit().await?;
            Ok(connection.id)
        }
        Err(StoreError::Taken(_)) => {
            let found = store.read().await?.connections().by_name(&name).await?;
            Ok(found.ok_or(StoreError::Conflict)?.id)
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes the first administrator if there is nobody yet.
async fn first_admin(
    store: &Store,
    hashes: &HashPool,
    admin: &FirstAdmin,
    (clock, rng): (&Arc<dyn Clock>, &Arc<dyn Rng>),
) -> Result<(), ControlError> {
    let anybody = store.read().await?.users().list(Page::first(1)).await?;
    if !anybody.items.is_empty() {
        return Ok(());
    }
    check_new(&admin.password, admin.email.as_str())?;
    let hash = hashes.hash(admin.password.clone(), Arc::clone(rng)).await?;
    let now = clock.now();
    let user = User {
        id: UserId::random(&**rng),
        email: admin.email.clone(),
        name: admin.email.to_string(),
        password_hash: Some(hash.into()),
        disabled_at: None,
        created_at: now,
        managed_by: ManagedBy::Api,
        revision: 0,
    };
    let grant = GrantRecord {
        grant: Grant {
            id: GrantId::new(&**clock, &**rng),
            subject: Subject::User(user.id),
            role: Role::SystemAdmin.into(),
            resource: Resource::System,
        },
        organization: None,
        managed_by: ManagedBy::Api,
    };
    let mut write = store.write().await?;
    match write.users().insert(&user).await {
        // Another replica of control was faster.
        Err(StoreError::Taken(_)) => return Ok(()),
        other => other?,
    }
    write.grants().insert(&grant).await?;
    write.audit(AuditEvent {
        target: user.id.to_string(),
        request_id: "first-start".to_owned(),
        ..AuditEvent::of_system(now, Action::UserCreate)
    });
    write.commit().await?;
    Ok(())
}
