//! Signing in at identity providers, against one on loopback that says whatever a test wants.

mod abuse;
mod attacks;
mod browser;
mod document;
mod flows;
mod idp;
mod lie;
mod pages;

use aeolus_model::{Clock as _, ConnectionId, Slug, UserId};
use aeolus_store::{Connection, Identity, ManagedBy, Unit as _};
use serde_json::{Value, json};

pub(crate) use self::browser::Browser;
pub(crate) use self::idp::Idp;
use crate::fixture::Fixture;

pub(crate) const EVE: &str = "eve@example.com";
pub(crate) const SESSION: &str = "__Host-aeolus-control";

/// A fleet with a provider on loopback at which Eve is known.
pub(crate) struct Scene {
    pub(crate) f: Fixture,
    pub(crate) idp: Idp,
    pub(crate) eve: UserId,
}

impl Scene {
    /// With a connection called `idp` of these settings.
    pub(crate) async fn new(name: &str, settings: Value) -> Self {
        Self::on(name, settings, None).await
    }

    /// The same on a database.
    pub(crate) async fn on(name: &str, settings: Value, database: Option<String>) -> Self {
        let f = Fixture::configured(name, |config| {
            if let Some(database) = database {
                config.database = database;
            }
        });
        let (f, _, _) = f.await.peopled().await;
        let idp = Idp::start(name).await;
        let store = f.store().await;
        let mut view = store.read().await.unwrap();
        let email = EVE.parse().unwrap();
        let eve = view.users().by_email(&email).await.unwrap().unwrap().id;
        let scene = Self { f, idp, eve };
        scene.connect("idp", &scene.idp.url, settings).await;
        scene
    }

    /// Puts a connection to a provider there, and Eve into it.
    pub(crate) async fn connect(&self, name: &str, url: &str, settings: Value) -> ConnectionId {
        let id = ConnectionId::new(&*self.f.clock, &*self.f.rng);
        let mut config = json!({"clientId": "client", "discoveryUrl": url});
        for (key, value) in settings.as_object().unwrap() {
            config[key] = value.clone();
        }
        let store = self.f.store().await;
        let mut write = store.write().await.unwrap();
        let connection = Connection {
            id,
            name: Slug::parse(name).unwrap(),
            kind: "custom".to_owned(),
            config: config.to_string(),
            managed_by: ManagedBy::Api,
            revision: 0,
        };
        write.connections().insert(&connection).await.unwrap();
        let identity = Identity {
            connection: id,
            issuer: url.to_owned(),
            subject: "eve-1".parse().unwrap(),
            user: self.eve,
            linked_at: self.f.clock.now(),
            managed_by: ManagedBy::Api,
        };
        write.identities().insert(&identity).await.unwrap();
        write.commit().await.unwrap();
        id
    }

    /// Changes what is configured of one.
    pub(crate) async fn reconfigure(&self, name: &str, settings: Value) {
        let store = self.f.store().await;
        let mut write = store.write().await.unwrap();
        let name = Slug::parse(name).unwrap();
        let found = write.connections().by_name(&name).await.unwrap();
        let mut connection = found.unwrap();
        let mut config: Value = serde_json::from_str(&connection.config).unwrap();
        for (key, value) in settings.as_object().unwrap() {
            config[key] = value.clone();
        }
        connection.config = config.to_string();
        write.connections().update(&connection).await.unwrap();
        write.commit().await.unwrap();
    }

    /// A replica where nobody has a password.
    pub(crate) async fn without_local_accounts(&self) -> Fixture {
        self.f.replica(|config| config.sign_in.local = false).await
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser::new(&self.f)
    }

    /// Lines of the audit log about sign-ins: outcome and reason.
    pub(crate) async fn sign_ins(&self) -> Vec<String> {
        let events = self.f.audited(aeolus_model::Action::SignIn).await;
        let about = events.iter().filter(|event| !event.reason.is_empty());
        about.map(|event| event.reason.clone()).collect()
    }
}
