//! Who comes in, asked of the one function that says so.

mod arrivals;
mod invitations;
mod links;
mod provisioned;

use std::sync::Arc;
use std::time::Duration;

use aeolus_api::quota::Quota;
use aeolus_model::{
    Amr, BuiltIns, Clock as _, ConnectionId, Email, Grant, GrantId, InvitationId, OrganizationId,
    Resource, Role, RoleName, Secret, Session, SessionId, Slug, Subject, Time, UserId,
};
use aeolus_oidc::{Groups, Identity, Kind};
use aeolus_store::{
    Connection, GrantRecord, InvitationRecord, InvitedRole, ManagedBy, Organization, Unit as _,
    User,
};
use aeolus_testkit::{ManualClock, SeededRng};
use serde_json::{Value, json};

use super::{Arrival, Refused, SignUp, admit, denied, invited};
use crate::app::App;
use crate::config::{AuditConfig, ControlConfig, Publishing, SessionLife, Upgrades};
use crate::ctx::RequestInfo;

/// A control plane with an organization, its owner, and two identity providers.
struct World {
    app: App,
    clock: Arc<ManualClock>,
    okta: Provider,
    entra: Provider,
    organization: OrganizationId,
    owner: UserId,
    _dir: tempfile::TempDir,
}

struct Provider {
    id: ConnectionId,
    connection: aeolus_oidc::Connection,
}

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

pub(crate) fn config(dir: &std::path::Path, sign_up: SignUp) -> ControlConfig {
    ControlConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        metrics: None,
        public_url: None,
        database: format!("sqlite:{}", dir.join("control.db").display()),
        master_key: Secret::new([42; 32]),
        root_dir: None,
        first_admin: None,
        sign_up,
        sign_in: crate::SignInConfig::default(),
        egress: aeolus_api::egress::Way::default(),
        session: SessionLife::default(),
        device_flow: false,
        trusted_hops: 0,
        hash_permits: Some(1),
        parent_cookie: None,
        proxy_secrets: Vec::new(),
        registry: None,
        publishing: Publishing::default(),
        rotate_keys: None,
        upgrades: Upgrades {
            version: semver::Version::new(1, 2, 3),
            keys: crate::NewKeys::None,
        },
        built_ins: BuiltIns::default(),
        audit: AuditConfig::default(),
        scim: crate::ScimConfig::default(),
        email: None,
        quota: Quota::default(),
        tls: crate::ListenerTls::default(),
        authorities: aeolus_api::trust::Authorities::default(),
        kept: Vec::new(),
        handed_over: aeolus_tls::HandedOver::default(),
    }
}

fn connection(name: &str, more: &Value) -> aeolus_oidc::Connection {
    let mut settings = json!({"clientId": "c", "discoveryUrl": format!("https://{name}.test")});
    for (key, value) in more.as_object().unwrap() {
        settings[key] = value.clone();
    }
    let settings = serde_json::from_value(settings).unwrap();
    let secret = Some(Secret::new("s3cret".to_owned()));
    aeolus_oidc::Connection::new(name.parse().unwrap(), Kind::Custom, &settings, secret).unwrap()
}

impl World {
    async fn new(name: &str) -> Self {
        Self::with(name, SignUp::default(), json!({})).await
    }

    /// With more settings of the first provider.
    async fn with(name: &str, sign_up: SignUp, more: Value) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Time::from_secs(1_800_000_000)));
        let rng = Arc::new(SeededRng::new(name));
        let config = config(dir.path(), sign_up);
        let iss = "https://aeolus.test".to_owned();
        let app = crate::bootstrap::open(&config, iss, clock.clone(), rng);
        let app = app.await.unwrap();
        let mut write = app.store.write().await.unwrap();
        let mut providers = Vec::new();
        for (name, more) in [("okta", more), ("entra", json!({}))] {
            let row = Connection {
                id: ConnectionId::new(&*app.clock, &*app.rng),
                name: Slug::parse(name).unwrap(),
                kind: "custom".to_owned(),
                config: String::new(),
                managed_by: ManagedBy::Api,
                revision: 0,
            };
            write.connections().insert(&row).await.unwrap();
            let connection = connection(name, &more);
            providers.push(Provider {
                id: row.id,
                connection,
            });
        }
        let organization = Organization {
            id: OrganizationId::new(&*app.clock, &*app.rng),
            name: Slug::parse("acme").unwrap(),
            policy: "{}".to_owned(),
            quota: String::new(),
            managed_by: ManagedBy::Api,
            revision: 1,
        };
        write.organizations().insert(&organization).await.unwrap();
        write.commit().await.unwrap();
        let [okta, entra] = providers.try_into().ok().unwrap();
        let mut world = Self {
            app,
            clock,
            okta,
            entra,
            organization: organization.id,
            owner: UserId::from_bytes([0; 16]),
            _dir: dir,
        };
        world.owner = world.user("owner@acme.test").await.id;
        world.grant(world.owner, Role::OrganizationOwner).await;
        world
    }

    /// Somebody with a password here.
    async fn user(&self, address: &str) -> User {
        let user = User {
            id: UserId::new(&*self.app.clock, &*self.app.rng),
            email: email(address),
            name: address.to_owned(),
            password_hash: Some(Secret::new("hash".to_owned())),
            disabled_at: None,
            created_at: self.clock.now(),
            managed_by: ManagedBy::Api,
            revision: 1,
        };
        let mut write = self.app.store.write().await.unwrap();
        write.users().insert(&user).await.unwrap();
        write.commit().await.unwrap();
        user
    }

    async fn grant(&self, user: UserId, role: Role) {
        let resource = match role {
            Role::SystemAdmin => Resource::System,
            _ => Resource::Organization(self.organization),
        };
        let record = GrantRecord {
            grant: Grant {
                id: GrantId::new(&*self.app.clock, &*self.app.rng),
                subject: Subject::User(user),
                role: role.into(),
                resource,
            },
            organization: (role != Role::SystemAdmin).then_some(self.organization),
            managed_by: ManagedBy::Api,
        };
        let mut write = self.app.store.write().await.unwrap();
        write.grants().insert(&record).await.unwrap();
        write.commit().await.unwrap();
    }

    /// An invitation by somebody; returns its value.
    async fn invite(&self, by: UserId, address: &str, any_address: bool) -> Secret<String> {
        let now = self.clock.now();
        let invitation = InvitationRecord {
            id: InvitationId::new(&*self.app.clock, &*self.app.rng),
            organization: self.organization,
            email: email(address),
            any_address,
            roles: vec![InvitedRole {
                role: RoleName::BuiltIn(Role::OrganizationMember),
                resource: Resource::Organization(self.organization),
            }],
            note: String::new(),
            invited_by: by,
            created_at: now,
            expires_at: now.plus(Duration::from_secs(3600)),
            used: None,
        };
        let value = invited::value_of(&self.app, invitation.id);
        let digest = invited::digest_of(&value);
        let mut write = self.app.store.write().await.unwrap();
        let mut invitations = write.invitations();
        invitations.insert(&invitation, &digest).await.unwrap();
        write.commit().await.unwrap();
        value
    }

    /// Somebody at a provider, on their way in: commits if they are let in.
    async fn comes(&self, who: &Who<'_>) -> Result<User, Refused> {
        let provider = if who.entra { &self.entra } else { &self.okta };
        let identity = who.identity(&provider.connection);
        let arrival = Arrival {
            connection: provider.id,
            provider: &provider.connection,
            identity: &identity,
            invitation: who.invitation,
            link_to: who.link_to,
        };
        let mut write = self.app.store.write().await.unwrap();
        let info = RequestInfo::default();
        let admitted = admit(&self.app, &info, &mut write, &arrival).await.unwrap();
        match admitted {
            Ok(user) => {
                self.app.commit(write).await.unwrap();
                Ok(user)
            }
            Err(refused) => {
                write.rollback().await.unwrap();
                let mut write = self.app.store.write().await.unwrap();
                write.audit(denied(&self.app, &info, &arrival, refused));
                self.app.commit(write).await.unwrap();
                Err(refused)
            }
        }
    }

    async fn roles(&self, user: UserId) -> Vec<String> {
        let mut view = self.app.store.read().await.unwrap();
        let grants = view.grants().of(Subject::User(user)).await.unwrap();
        grants.iter().map(|g| g.grant.role.to_string()).collect()
    }

    fn session(&self, user: UserId) -> Session {
        let now = self.clock.now();
        Session {
            id: SessionId::new(&*self.app.clock, &*self.app.rng),
            user,
            connection: self.app.local,
            auth_time: now,
            amr: Amr::password(),
            absolute_end: now.plus(Duration::from_secs(3600)),
            end: None,
        }
    }
}

/// What a provider says of somebody.
#[derive(Clone, Copy, Default)]
struct Who<'a> {
    subject: &'a str,
    email: &'a str,
    unproved: bool,
    name: &'a str,
    entra: bool,
    invitation: Option<&'a Secret<String>>,
    link_to: Option<UserId>,
}

impl Who<'_> {
    fn identity(&self, connection: &aeolus_oidc::Connection) -> Identity {
        Identity {
            connection: connection.name().clone(),
            issuer: format!("https://{}.test", connection.name()),
            subject: self.subject.parse().unwrap(),
            email: Email::parse(self.email).ok(),
            email_verified: !self.unproved,
            name: (!self.name.is_empty()).then(|| self.name.to_owned()),
            groups: Groups::Unknown,
            amr: Vec::new(),
            acr: None,
            auth_time: None,
            sid: None,
        }
    }
}
