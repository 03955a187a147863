//! Deployments and where they answer.

use std::time::Duration;

use aeolus_model::{
    DeploymentId, Host, HostPattern, OrganizationId, PathPrefix, PathRule, PlaneId, Profile, Slug,
    Staleness, StalenessPolicy, WorkspaceId,
};

use super::{ManagedBy, from_json, grants, json, tokens};
use crate::engine::{Fields, Row, bind, words};
use crate::unit::{Unit, Write};
use crate::{Listing, Page, StoreError};

/// The columns of a deployment.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, organization, workspace, plane, name, upstream, profile,
            max_stale, hard_stale, stale_then, rules, task_from, managed_by, revision
            FROM deployments ",
            $rest
        )
    };
}

statements! {
    GET = select!("WHERE id = $1");
    BY_NAME = select!("WHERE workspace = $1 AND name = $2");
    BY_HOST = "SELECT deployment, path_prefix FROM routes WHERE host = $1 ORDER BY path_prefix";
    FOREIGN_OVER = "SELECT host FROM hosts WHERE organization <> $1 AND host = $2";
    FOREIGN_BELOW = "SELECT host FROM hosts WHERE organization <> $1 AND host LIKE $2
        AND host NOT LIKE $3 LIMIT 1";
    LOCK_HOSTS = "INSERT INTO settings (name, value) VALUES ('hosts', 'locked')
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    LIST = select!("WHERE workspace = $1 AND id > $2 ORDER BY id LIMIT $3");
    IN_ORGANIZATION = select!("WHERE organization = $1 AND id > $2 ORDER BY id LIMIT $3");
    ON_PLANE = select!("WHERE plane = $1 ORDER BY id");
    ROUTES = "SELECT deployment, host, path_prefix FROM routes WHERE deployment = $1
        ORDER BY ordinal";
    ROUTES_ON_PLANE = "SELECT deployment, host, path_prefix FROM routes
        WHERE deployment IN (SELECT id FROM deployments WHERE plane = $1)
        ORDER BY deployment, ordinal";
    INSERT = "INSERT INTO deployments (id, organization, workspace, plane, name, upstream, profile,
        max_stale, hard_stale, stale_then, rules, task_from, managed_by, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1)";
    UPDATE = "UPDATE deployments SET plane = $1, name = $2, upstream = $3, profile = $4,
        max_stale = $5, hard_stale = $6, stale_then = $7, rules = $8, task_from = $9,
        managed_by = $10, revision = revision + 1 WHERE id = $11 AND revision = $12";
    DELETE = "DELETE FROM deployments WHERE id = $1";
    CLAIM_HOST = "INSERT INTO hosts (host, organization) VALUES ($1, $2)
        ON CONFLICT (host) DO NOTHING";
    ADD_ROUTE = "INSERT INTO routes (host, path_prefix, deployment, organization, ordinal)
        VALUES ($1, $2, $3, $4, $5)";
    DROP_ROUTES = "DELETE FROM routes WHERE deployment = $1";
    FREE_HOST = "DELETE FROM hosts WHERE host = $1
        AND NOT EXISTS (SELECT 1 FROM routes WHERE routes.host = hosts.host)";
}

words!(Profile { Airflow3 = "airflow3", Airflow2 = "airflow2", Custom = "custom" });
words!(StalenessPolicy {
    Deny = "deny",
    ServeUntilExp = "serve_until_exp",
    ReadOnly = "read_only",
    StaticAllow = "static_allow",
});

/// A place where a deployment answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    /// The host, or the wildcard over it.
    pub host: HostPattern,
    /// The path below which it answers; none means the whole host.
    pub path_prefix: Option<PathPrefix>,
}

/// A deployment: one Airflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// Whose it is; never changes.
    pub organization: OrganizationId,
    /// Its workspace; never changes.
    pub workspace: WorkspaceId,
    /// The plane it lives on.
    pub plane: PlaneId,
    /// Its name, unique in the workspace.
    pub name: Slug,
    /// Where it answers, the first being the one to show. A host belongs to one organization, and
    /// a host with a prefix to one deployment.
    pub routes: Vec<Route>,
    /// Where the built-in proxy forwards to.
    pub upstream: Option<String>,
    /// The kind of application.
    pub profile: Profile,
    /// How long a gate goes on without news.
    pub staleness: Staleness,
    /// Its own path rules, in order.
    pub rules: Vec<PathRule>,
    /// CIDR blocks from which Airflow's task tokens pass through.
    pub task_execution_from: Vec<String>,
    /// Who looks after it.
    pub managed_by: ManagedBy,
    /// Rises with every update; an update must name the one it saw. Ignored by `insert`.
    pub revision: u64,
}

/// Deployments.
#[derive(Debug)]
pub struct Deployments<'u, U>(pub(crate) &'u mut U);

impl<U: Unit> Deployments<'_, U> {
    /// By id.
    pub async fn get(&mut self, id: DeploymentId) -> Result<Option<Deployment>, StoreError> {
        let row = self.0.tx().first(GET, bind![id]).await?;
        self.whole(row).await
    }

    /// By name in a workspace.
    pub async fn by_name(
        &mut self,
        workspace: WorkspaceId,
        name: &Slug,
    ) -> Result<Option<Deployment>, StoreError> {
        let row = self.0.tx().first(BY_NAME, bind![workspace, name]).await?;
        self.whole(row).await
    }

    /// Which deployments answer on a host, and below which prefix each: those that have it by name, or
    /// where nobody does, those of the wildcard over it.
    pub async fn on_host(
        &mut self,
        host: &Host,
    ) -> Result<Vec<(DeploymentId, Option<PathPrefix>)>, StoreError> {
        let mut rows = self.0.tx().fetch(BY_HOST, bind![host]).await?;
        if let (true, Some(wildcard)) = (rows.is_empty(), HostPattern::over(host)) {
            rows = self.0.tx().fetch(BY_HOST, bind![wildcard]).await?;
        }
        rows.iter()
            .map(|row| {
                let mut fields = row.fields();
                Ok((fields.take()?, path_prefix(&mut fields)?))
            })
            .collect()
    }

    /// Those of a workspace, by age.
    pub async fn list(
        &mut self,
        workspace: WorkspaceId,
        page: Page<DeploymentId>,
    ) -> Result<Listing<Deployment, DeploymentId>, StoreError> {
        let after = page.after.unwrap_or(DeploymentId::from_bytes([0; 16]));
        let values = bind![workspace, after, page.fetch()];
        let rows = self.0.tx().fetch(LIST, values).await?;
        self.listing(rows, &page).await
    }

    /// Those of an organization, by age.
    pub async fn in_organization(
        &mut self,
        organization: OrganizationId,
        page: Page<DeploymentId>,
    ) -> Result<Listing<Deployment, DeploymentId>, StoreError> {
        let after = page.after.unwrap_or(DeploymentId::from_bytes([0; 16]));
        let values = bind![organization, after, page.fetch()];
        let rows = self.0.tx().fetch(IN_ORGANIZATION, values).await?;
        self.listing(rows, &page).await
    }

    /// All of a plane, by age, as a snapshot needs them.
    pub async fn on_plane(&mut self, plane: PlaneId) -> Result<Vec<Deployment>, StoreError> {
        let tx = self.0.tx();
        let rows = tx.fetch(ON_PLANE, bind![plane]).await?;
        let routes = tx.fetch(ROUTES_ON_PLANE, bind![plane]).await?;
        let mut all = rows.iter().map(record).collect::<Result<Vec<_>, _>>()?;
        let mut deployments = all.iter_mut();
        let mut current = deployments.next();
        // Both are sorted by deployment, so one pass joins them.
        for row in &routes {
            let (id, route) = route(row)?;
            while current
                .as_ref()
                .is_some_and(|deployment| deployment.id != id)
            {
                current = deployments.next();
            }
            if let Some(deployment) = &mut current {
                deployment.routes.push(route);
            }
        }
        Ok(all)
    }

    async fn listing(
        &mut self,
        rows: Vec<Row>,
        page: &Page<DeploymentId>,
    ) -> Result<Listing<Deployment, DeploymentId>, StoreError> {
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            items.extend(self.whole(Some(row)).await?);
        }
        Ok(Listing::cut(items, page, |record| record.id))
    }

    async fn whole(&mut self, row: Option<Row>) -> Result<Option<Deployment>, StoreError> {
        let Some(mut deployment) = row.as_ref().map(record).transpose()? else {
            return Ok(None);
        };
        let routes = self.0.tx().fetch(ROUTES, bind![deployment.id]).await?;
        for row in &routes {
            deployment.routes.push(route(row)?.1);
        }
        Ok(Some(deployment))
    }
}

impl Deployments<'_, Write> {
    /// Adds one. [`StoreError::ForeignHost`] if a host is another organization's.
    pub async fn insert(&mut self, new: &Deployment) -> Result<(), StoreError> {
        let Deployment {
            id,
            organization,
            workspace,
            plane,
            name,
            upstream,
            ..
        } = new;
        self.lock_hosts().await?;
        let mut values = bind![id, organization, workspace, plane, name, upstream];
        values.extend(settings(new)?);
        taken!(self.0.change(INSERT, values).await, Deployment)?;
        self.add_routes(new).await
    }

    /// Stores a change; [`StoreError::Conflict`] if it isn't the revision that was read.
    pub async fn update(&mut self, changed: &Deployment) -> Result<(), StoreError> {
        let Deployment {
            id,
            plane,
            name,
            upstream,
            revision,
            ..
        } = changed;
        self.lock_hosts().await?;
        let mut values = bind![plane, name, upstream];
        values.extend(settings(changed)?);
        values.extend(bind![id, revision]);
        taken!(self.0.change_one(UPDATE, values).await, Deployment)?;
        let before = self.0.tx().fetch(ROUTES, bind![id]).await?;
        let before = before.iter().map(route).collect::<Result<Vec<_>, _>>()?;
        if before.iter().map(|(_, route)| route).eq(&changed.routes) {
            return Ok(());
        }
        self.0.change(DROP_ROUTES, bind![id]).await?;
        self.free_hosts(&before).await?;
        self.add_routes(changed).await
    }

    /// Removes one with its grants; tokens made for it are deleted and their values revoked.
    pub async fn delete(
        &mut self,
        id: DeploymentId,
        now: aeolus_model::Time,
    ) -> Result<bool, StoreError> {
        let routes = self.0.tx().fetch(ROUTES, bind![id]).await?;
        let routes = routes.iter().map(route).collect::<Result<Vec<_>, _>>()?;
        tokens::delete_in(self.0, "deployment", id.as_bytes(), now).await?;
        grants::delete_on(self.0, "deployment", id.as_bytes()).await?;
        let gone = self.0.change(DELETE, bind![id]).await? > 0;
        self.free_hosts(&routes).await?;
        Ok(gone)
    }

    /// Whether another organization has a wildcard over a host, or a host below a wildcard: who takes
    /// it there takes traffic that is theirs. It stays true until the end of this transaction.
    pub async fn is_beside_foreign(
        &mut self,
        host: &HostPattern,
        organization: OrganizationId,
    ) -> Result<bool, StoreError> {
        self.lock_hosts().await?;
        let found = if let Some(domain) = host.domain() {
            let (below, deeper) = (format!("%.{domain}"), format!("%.%.{domain}"));
            let values = bind![organization, below, deeper];
            self.0.tx().first(FOREIGN_BELOW, values).await?
        } else if let Some(over) = host.wildcard_over() {
            let values = bind![organization, over];
            self.0.tx().first(FOREIGN_OVER, values).await?
        } else {
            None
        };
        Ok(found.is_some())
    }

    /// Who takes or compares hosts does it one after the other: a host and a wildcard over it are two
    /// rows, so no unique key makes one of two transactions wait. It comes before every row that such
    /// a transaction writes of deployments, or two would wait for each other.
    pub async fn lock_hosts(&mut self) -> Result<(), StoreError> {
        self.0.note(LOCK_HOSTS, bind![]).await.map(|_| ())
    }

    async fn add_routes(&mut self, deployment: &Deployment) -> Result<(), StoreError> {
        let Deployment {
            id,
            organization,
            routes,
            ..
        } = deployment;
        for (ordinal, Route { host, path_prefix }) in routes.iter().enumerate() {
            let prefix = path_prefix.as_ref().map_or("", PathPrefix::as_str);
            self.0.change(CLAIM_HOST, bind![host, organization]).await?;
            let values = bind![host, prefix, id, organization, ordinal];
            let added = self.0.change(ADD_ROUTE, values).await;
            taken!(added, Route).map_err(|error| match error {
                // The deployment is there, so it is (host, organization) that doesn't exist.
                StoreError::Reference => StoreError::ForeignHost,
                other => other,
            })?;
        }
        Ok(())
    }

    /// Hosts nobody answers on belong to nobody.
    async fn free_hosts(&mut self, routes: &[(DeploymentId, Route)]) -> Result<(), StoreError> {
        for (_, route) in routes {
            self.0.change(FREE_HOST, bind![route.host]).await?;
        }
        Ok(())
    }
}

/// What both writing statements set in the same order.
fn settings(of: &Deployment) -> Result<Vec<crate::engine::Value>, StoreError> {
    let max = of.staleness.max().as_secs();
    let hard = of.staleness.hard().as_secs();
    let then = of.staleness.then();
    let rules = json(&of.rules)?;
    let task_from = json(&of.task_execution_from)?;
    Ok(bind![
        of.profile,
        max,
        hard,
        then,
        rules,
        task_from,
        of.managed_by
    ])
}

fn record(row: &Row) -> Result<Deployment, StoreError> {
    let mut fields = row.fields();
    Ok(Deployment {
        id: fields.take()?,
        organization: fields.take()?,
        workspace: fields.take()?,
        plane: fields.take()?,
        name: fields.take()?,
        routes: Vec::new(),
        upstream: fields.maybe()?,
        profile: fields.take()?,
        staleness: staleness(&mut fields)?,
        rules: from_json(&fields.take::<String>()?)?,
        task_execution_from: from_json(&fields.take::<String>()?)?,
        managed_by: fields.take()?,
        revision: fields.take()?,
    })
}

fn staleness(fields: &mut Fields<'_>) -> Result<Staleness, StoreError> {
    let max = Duration::from_secs(fields.take()?);
    let hard = Duration::from_secs(fields.take()?);
    Staleness::new(max, hard, fields.take()?)
        .map_err(|error| StoreError::Corrupt(format!("a deployment's staleness: {error}")))
}

fn route(row: &Row) -> Result<(DeploymentId, Route), StoreError> {
    let mut fields = row.fields();
    let deployment = fields.take()?;
    let host = fields.take()?;
    let path_prefix = path_prefix(&mut fields)?;
    Ok((deployment, Route { host, path_prefix }))
}

fn path_prefix(fields: &mut Fields<'_>) -> Result<Option<PathPrefix>, StoreError> {
    let text: String = fields.take()?;
    if text.is_empty() {
        return Ok(None);
    }
    PathPrefix::parse(&text)
        .map(Some)
        .map_err(|_| StoreError::Corrupt("a route's path prefix".to_owned()))
}
