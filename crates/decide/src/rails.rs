//! What a plane allows, whatever control says: its own operator's last word.
//!
//! A snapshot is signed by control, so whoever has control's key could send a deployment's people and
//! their tokens anywhere. A deployment that lies outside is not served; the others are.

use std::collections::BTreeSet;
use std::net::IpAddr;

use aeolus_model::{AirflowRole, Cidr, OrganizationId, PathPattern, Requirement};

use crate::world::Deployment;

/// The bounds of one plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rails {
    /// Whose deployments may be here; all, if there is no list.
    pub organizations: Option<BTreeSet<OrganizationId>>,
    /// Where the built-in proxy may forward to.
    pub upstreams: Vec<Upstreams>,
    /// Paths that no rule of a deployment may open.
    pub never_public: Vec<PathPattern>,
    /// The most that anybody is in an Airflow of this plane.
    pub highest_role: AirflowRole,
}

/// Hosts that may be forwarded to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstreams {
    /// A block of addresses.
    Block(Cidr),
    /// A name, or with a leading dot every name below it.
    Name(String),
}

impl Upstreams {
    /// Reads a block of addresses, a host name, or `.suffix`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(block) = text.parse() {
            return Some(Self::Block(block));
        }
        let name = text.strip_prefix('.').unwrap_or(text);
        aeolus_model::Host::parse(name).ok()?;
        Some(Self::Name(text.to_ascii_lowercase()))
    }

    fn hold(&self, host: &str) -> bool {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        match (self, address.parse::<IpAddr>()) {
            (Self::Block(block), Ok(address)) => block.holds(address),
            (Self::Name(name), Err(_)) if name.starts_with('.') => host.ends_with(name.as_str()),
            (Self::Name(name), Err(_)) => host == name,
            _ => false,
        }
    }
}

impl Default for Rails {
    /// Everybody's deployments, on this machine and in this cluster.
    fn default() -> Self {
        let upstreams = Self::UPSTREAMS.into_iter().filter_map(Upstreams::parse);
        Self {
            organizations: None,
            upstreams: upstreams.collect(),
            never_public: Vec::new(),
            highest_role: AirflowRole::Admin,
        }
    }
}

impl Rails {
    /// This machine and this cluster.
    pub const UPSTREAMS: [&str; 5] = [
        "127.0.0.0/8",
        "::1",
        "localhost",
        ".localhost",
        ".svc.cluster.local",
    ];

    /// Why a deployment may not be served here, if so.
    pub(crate) fn check(&self, deployment: &Deployment) -> Result<(), &'static str> {
        let organizations = self.organizations.as_ref();
        if organizations.is_some_and(|allowed| !allowed.contains(&deployment.organization)) {
            return Err("gate.rails.organizations does not have its organization");
        }
        if let Some(upstream) = &deployment.upstream {
            let host = host_of(upstream)
                .ok_or("its upstream is no http://HOST:PORT or https://HOST:PORT")?;
            if !self.upstreams.iter().any(|allowed| allowed.hold(&host)) {
                return Err("gate.rails.upstreams does not have its upstream");
            }
        }
        let opens = |require| matches!(require, Requirement::Public | Requirement::PassThrough);
        let open = deployment
            .rules
            .rules
            .iter()
            .filter(|rule| opens(rule.require));
        let mut open = open.map(|rule| &rule.path);
        if open.any(|path| self.never_public.iter().any(|closed| closed.overlaps(path))) {
            return Err("a rule of it opens a path of gate.rails.neverPublic");
        }
        Ok(())
    }
}

/// The host of `http://HOST[:PORT]` or `https://HOST[:PORT]`, in lower case. What is written in another way has none.
fn host_of(upstream: &str) -> Option<String> {
    let after = |scheme| upstream.strip_prefix(scheme);
    let authority = after("http://").or_else(|| after("https://"))?;
    let authority = authority.trim_end_matches('/');
    if authority.contains(['/', '@', '?', '#', '\\']) {
        return None;
    }
    let end = if authority.starts_with('[') {
        authority.find(']')? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let host = authority.get(..end).filter(|host| !host.is_empty())?;
    Some(host.trim_end_matches('.').to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::World;
    use crate::fixture::{ETL, Fleet};

    fn why(
        rails: &Rails,
        change: impl Fn(&mut aeolus_snapshot::section::Deployment),
    ) -> Vec<&'static str> {
        let mut fleet = Fleet::new();
        for record in &mut fleet.sections.deployments.deployments {
            if record.id == ETL.as_bytes() {
                change(record);
            }
        }
        let world = World::within(&fleet.sections, &BTreeSet::new(), rails);
        assert_eq!(world.deployment(ETL).is_none(), !world.refused().is_empty());
        world.refused().iter().map(|refused| refused.why).collect()
    }

    #[test]
    fn an_upstream_off_this_machine_and_cluster_is_refused_unless_it_is_listed() {
        let rails = Rails::default();
        for good in [
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "http://localhost:8080",
            "http://etl.airflow.svc.cluster.local:8080",
            "https://127.0.0.1:8443",
            "https://etl.airflow.svc.cluster.local",
        ] {
            assert!(
                why(&rails, |d| d.upstream = good.into()).is_empty(),
                "{good}"
            );
        }
        for bad in [
            "http://10.0.0.7:8080",
            "http://evil.example.com:80",
            "http://svc.cluster.local.evil:80",
            "http://127.0.0.1@evil:80",
            "https://10.0.0.7:8080",
            "https://localhost@evil:80",
            "ftp://127.0.0.1:80",
            "HTTPS://127.0.0.1:80",
            "http://0x7f.1:80",
            "http://:80",
        ] {
            assert_eq!(why(&rails, |d| d.upstream = bad.into()).len(), 1, "{bad}");
        }
        let upstreams = ["10.0.0.0/8", "airflow.internal"]
            .into_iter()
            .filter_map(Upstreams::parse);
        let rails = Rails {
            upstreams: upstreams.collect(),
            ..rails
        };
        for (upstream, refused) in [
            ("http://10.0.0.7:8080", 0),
            ("http://AIRFLOW.internal:80", 0),
            ("http://x.airflow.internal:80", 1),
            ("http://127.0.0.1:8080", 1),
        ] {
            assert_eq!(
                why(&rails, |d| d.upstream = upstream.into()).len(),
                refused,
                "{upstream}"
            );
        }
    }

    #[test]
    fn another_organization_and_an_opened_path_are_refused_alone() {
        let nobody = Rails {
            organizations: Some(BTreeSet::new()),
            ..Rails::default()
        };
        let fleet = Fleet::new();
        let world = World::within(&fleet.sections, &BTreeSet::new(), &nobody);
        assert_eq!(world.deployments().len(), 0);
        let closed = vec![PathPattern::parse("/api/**").unwrap()];
        let rails = Rails {
            never_public: closed,
            ..Rails::default()
        };
        for (path, require, refused) in [
            ("/api/v2/dags", "public", 1),
            ("/*/v2/dags", "pass-through", 1),
            ("/**", "public", 1),
            ("/plugin/**", "public", 0),
            ("/api/v2/dags", "deployment.airflow.get", 0),
        ] {
            let found = why(&rails, |d| {
                d.rules.push(aeolus_snapshot::section::PathRule {
                    path: path.into(),
                    methods: Vec::new(),
                    require: require.into(),
                });
            });
            assert_eq!(found.len(), refused, "{path} {require}");
        }
    }
}
