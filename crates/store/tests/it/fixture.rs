//! A database per test, and records to put into it.

use std::time::Duration;

use aeolus_model::{
    Action, Actor, ApiToken, AuditEvent, ConnectionId, DeploymentId, Host, HostPattern,
    OrganizationId, Outcome, PathPrefix, PlaneId, Profile, Session, SessionId, Slug, Staleness,
    Time, TokenId, TokenKind, TokenScope, TokenStage, TokenValue, UserId, WorkspaceId,
};
use aeolus_store::{
    Deployment, ManagedBy, Organization, Plane, PlaneStage, Route, Store, Unit, User, Workspace,
    Write,
};
use aeolus_testkit::{ManualClock, SeededRng};

use crate::cluster;

pub(crate) const NOW: Time = Time::from_secs(1_800_000_000);

/// Runs tests of this module on every engine, with this program's schema and with what the next one may make
/// of it (F66).
macro_rules! on_every_engine {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::fixture::Database::sqlite(stringify!($name)).await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(db) = $crate::fixture::Database::postgres(stringify!($name)).await {
                    super::$name(db).await;
                }
            })*
        }
        mod f66_sqlite_after_a_rollback {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let db = $crate::fixture::Database::sqlite(stringify!($name)).await;
                super::$name(db.newer().await).await;
            })*
        }
        mod f66_postgres_after_a_rollback {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(db) = $crate::fixture::Database::postgres(stringify!($name)).await {
                    super::$name(db.newer().await).await;
                }
            })*
        }
    };
}

/// An empty database of one engine.
pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) url: String,
    pub(crate) clock: ManualClock,
    pub(crate) rng: SeededRng,
    folder: Option<tempfile::TempDir>,
}

impl Database {
    pub(crate) async fn sqlite(name: &str) -> Self {
        // In memory where there is such a place: many writers wait for one another here, and a
        // busy disk must not make them miss their deadline.
        let folder = tempfile::tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let url = format!("sqlite:{}", folder.path().join("a.db").display());
        Self::open(url, name, Some(folder)).await
    }

    pub(crate) async fn postgres(name: &str) -> Option<Self> {
        Some(Self::open(cluster::new_database().await?, name, None).await)
    }

    async fn open(url: String, name: &str, folder: Option<tempfile::TempDir>) -> Self {
        let store = Store::connect(&url.parse().unwrap()).await.unwrap();
        let clock = ManualClock::new(NOW);
        let rng = SeededRng::new(name);
        Self {
            store,
            url,
            clock,
            rng,
            folder,
        }
    }

    /// Whether the engine is the embedded one.
    pub(crate) const fn is_sqlite(&self) -> bool {
        self.folder.is_some()
    }

    /// A second process on the same database.
    pub(crate) async fn again(&self) -> Store {
        Store::connect(&self.url.parse().unwrap()).await.unwrap()
    }

    /// The same after a newer program was there, whose migration this one works with: every table has more
    /// columns, with and without a value, and there is another table.
    pub(crate) async fn newer(mut self) -> Self {
        self.store.close().await;
        for table in self.tables().await {
            let wider = format!(
                "ALTER TABLE {table} ADD COLUMN newer BIGINT NOT NULL DEFAULT 0;
                 ALTER TABLE {table} ADD COLUMN newest TEXT;
                 CREATE INDEX {table}_newer ON {table} (newer);"
            );
            self.raw(&wider).await;
        }
        self.raw("CREATE TABLE newer (user_id BYTEA NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE)")
            .await;
        self.migrated(9000, Some(29)).await;
        self.store = self.again().await;
        self
    }

    /// Notes a migration that this program doesn't have, and the oldest program it says works with it.
    pub(crate) async fn migrated(&self, version: i64, oldest: Option<i64>) {
        let note = format!(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             SELECT {version}, description, success, checksum, execution_time FROM _sqlx_migrations
             WHERE version = 1"
        );
        self.raw(&note).await;
        if let Some(oldest) = oldest {
            let values = format!("({version}, {oldest})");
            let note = format!("INSERT INTO schema_readers (version, oldest) VALUES {values}");
            self.raw(&note).await;
        }
    }

    async fn tables(&self) -> Vec<String> {
        use sqlx::{Connection as _, PgConnection, SqliteConnection};
        let mut names: Vec<String> = if self.is_sqlite() {
            let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
                .fetch_all(&mut connection)
                .await
                .unwrap()
        } else {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar("SELECT tablename::TEXT FROM pg_tables WHERE schemaname = 'public'")
                .fetch_all(&mut connection)
                .await
                .unwrap()
        };
        names.retain(|name| !name.starts_with("_sqlx") && !name.starts_with("sqlite_"));
        assert!(names.len() > 30, "{names:?}");
        names
    }

    /// Runs SQL that the store has no method for.
    pub(crate) async fn raw(&self, sql: &str) {
        use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};
        let sql = AssertSqlSafe(sql.to_owned());
        if self.is_sqlite() {
            let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
            connection.execute(sql).await.unwrap();
            connection.close().await.unwrap();
        } else {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            connection.execute(sql).await.unwrap();
            connection.close().await.unwrap();
        }
    }

    pub(crate) fn organization(&self, name: &str) -> Organization {
        Organization {
            id: OrganizationId::new(&self.clock, &self.rng),
            name: slug(name),
            policy: "{}".to_owned(),
            quota: String::new(),
            managed_by: ManagedBy::Api,
            revision: 1,
        }
    }

    pub(crate) fn plane(&self, name: &str) -> Plane {
        Plane {
            id: PlaneId::new(&self.clock, &self.rng),
            name: slug(name),
            auth_host: Some(Host::parse("auth.example.com").unwrap()),
            stage: PlaneStage::Declared,
            managed_by: ManagedBy::Apply,
            revision: 1,
        }
    }

    pub(crate) fn user(&self, email: &str) -> User {
        User {
            id: UserId::new(&self.clock, &self.rng),
            email: email.parse().unwrap(),
            name: "Ann".to_owned(),
            password_hash: None,
            disabled_at: None,
            created_at: NOW,
            managed_by: ManagedBy::Api,
            revision: 1,
        }
    }

    pub(crate) fn session(&self, user: &User) -> Session {
        Session {
            id: SessionId::new(&self.clock, &self.rng),
            user: user.id,
            connection: ConnectionId::new(&self.clock, &self.rng),
            auth_time: NOW,
            amr: aeolus_model::Amr::password_and_code(),
            absolute_end: NOW.plus(Duration::from_secs(86_400)),
            end: None,
        }
    }

    /// A token with an index of its own, stored.
    pub(crate) async fn token(&self, write: &mut Write, fleet: &Fleet) -> ApiToken {
        let organization = fleet.organization.id;
        let index = write
            .revocations()
            .allocate(organization, &self.rng)
            .await
            .unwrap();
        let id = TokenId::new(&self.clock, &self.rng);
        let token = ApiToken {
            id,
            organization,
            name: "ci".to_owned(),
            description: String::new(),
            scope: TokenScope::Deployment(fleet.deployment.id),
            kind: TokenKind::Standard,
            created_by: fleet.user.id,
            created_at: NOW,
            stage: TokenStage::Active(TokenValue {
                jti: format!("jti-{id}"),
                index,
                issued_at: NOW,
                expires_at: NOW.plus(Duration::from_secs(3600)),
            }),
        };
        write.tokens().insert(&token).await.unwrap();
        token
    }

    /// One of everything, stored.
    pub(crate) async fn fleet(&self) -> Fleet {
        let organization = self.organization("acme");
        let workspace = Workspace {
            id: WorkspaceId::new(&self.clock, &self.rng),
            organization: organization.id,
            name: slug("sales"),
            managed_by: ManagedBy::Apply,
            revision: 1,
        };
        let plane = self.plane("eu-1");
        let deployment = self.deployment(&workspace, &plane, "etl", &[("etl.example.com", "")]);
        let user = self.user("ann@example.com");
        let mut write = self.store.write().await.unwrap();
        write.organizations().insert(&organization).await.unwrap();
        write.workspaces().insert(&workspace).await.unwrap();
        write.planes().insert(&plane).await.unwrap();
        write.deployments().insert(&deployment).await.unwrap();
        write.users().insert(&user).await.unwrap();
        write.commit().await.unwrap();
        Fleet {
            organization,
            workspace,
            plane,
            deployment,
            user,
        }
    }

    pub(crate) fn deployment(
        &self,
        workspace: &Workspace,
        plane: &Plane,
        name: &str,
        routes: &[(&str, &str)],
    ) -> Deployment {
        let route = |(host, prefix): &(&str, &str)| Route {
            host: HostPattern::parse(host).unwrap(),
            path_prefix: (!prefix.is_empty()).then(|| PathPrefix::parse(prefix).unwrap()),
        };
        Deployment {
            id: DeploymentId::new(&self.clock, &self.rng),
            organization: workspace.organization,
            workspace: workspace.id,
            plane: plane.id,
            name: slug(name),
            routes: routes.iter().map(route).collect(),
            upstream: Some("http://127.0.0.1:8080".to_owned()),
            profile: Profile::Airflow3,
            staleness: Staleness::default(),
            rules: serde_json::from_str(
                r#"[{"path":"/plugin/x/**","methods":["GET"],"require":"public"}]"#,
            )
            .unwrap(),
            task_execution_from: vec!["10.0.0.0/8".to_owned()],
            managed_by: ManagedBy::Apply,
            revision: 1,
        }
    }
}

pub(crate) struct Fleet {
    pub(crate) organization: Organization,
    pub(crate) workspace: Workspace,
    pub(crate) plane: Plane,
    pub(crate) deployment: Deployment,
    pub(crate) user: User,
}

pub(crate) fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

pub(crate) fn event(target: &str) -> AuditEvent {
    AuditEvent {
        at: NOW,
        actor: Actor::System,
        action: Action::Apply,
        organization: None,
        target: target.to_owned(),
        outcome: Outcome::Success,
        reason: String::new(),
        source: String::new(),
        request_id: String::new(),
        changes: Vec::new(),
    }
}
