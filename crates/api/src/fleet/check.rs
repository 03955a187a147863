//! What can be written but doesn't fit together.

mod providers;
mod roles;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aeolus_model::{Cidr, Requirement, Scope, Slug, domain_above};
use serde::{Deserialize, Serialize};

use super::{Deployment, Fleet, Organization, VERSION};
use crate::policy::Policy;

/// Something to know about a document, at a place in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Whether it stops the document.
    pub severity: Severity,
    /// Where: `organizations[0].workspaces[1].deployments[0].plane`.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Whether a finding stops a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does.
    Error,
    /// It is good to know.
    Warning,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl Fleet {
    /// Everything that doesn't fit together, in the document's order. A document without findings
    /// of [`Severity::Error`] can be applied as far as the document alone can tell.
    pub fn check(&self) -> Vec<Finding> {
        let mut check = Check::default();
        if self.version != VERSION {
            let version = self.version;
            check.error(
                "version",
                format!("this release reads version {VERSION}, not {version}"),
            );
        }
        check.unique("planes", self.planes.iter().map(|p| &p.name));
        check.unique("connections", self.connections.iter().map(|c| &c.name));
        check.unique("organizations", self.organizations.iter().map(|o| &o.name));
        check.unique("rollouts", self.rollouts.iter().map(|r| &r.name));
        check.providers(self);
        check.planes = self.planes.iter().map(|plane| plane.name.clone()).collect();
        for (index, organization) in self.organizations.iter().enumerate() {
            check.organization(&format!("organizations[{index}]"), organization);
        }
        for (index, rollout) in self.rollouts.iter().enumerate() {
            for (at, why) in rollout.faults() {
                check.error(&format!("rollouts[{index}].{at}"), why);
            }
        }
        check.findings
    }
}

/// A place on a host that a deployment has taken.
struct Taken {
    organization: Slug,
    workspace: Slug,
    prefix: Option<String>,
}

/// The hosts one label below a domain and the wildcard over them, each with whose it is.
type Domain = (BTreeSet<(String, Slug)>, BTreeSet<(String, Slug)>);

#[derive(Default)]
struct Check {
    findings: Vec<Finding>,
    planes: BTreeSet<Slug>,
    hosts: BTreeMap<String, Vec<Taken>>,
    domains: BTreeMap<String, Domain>,
}

impl Check {
    fn add(&mut self, severity: Severity, path: &str, message: impl Into<String>) {
        self.findings.push(Finding {
            severity,
            path: path.to_owned(),
            message: message.into(),
        });
    }

    fn error(&mut self, path: &str, message: impl Into<String>) {
        self.add(Severity::Error, path, message);
    }

    fn unique<'a, T: Ord + fmt::Display + 'a>(
        &mut self,
        list: &str,
        names: impl Iterator<Item = &'a T>,
    ) {
        let mut seen = BTreeSet::new();
        for (index, name) in names.enumerate() {
            if !seen.insert(name) {
                self.error(&format!("{list}[{index}]"), format!("{name} is here twice"));
            }
        }
    }

    fn organization(&mut self, at: &str, organization: &Organization) {
        self.unique(
            &format!("{at}.users"),
            organization.users.iter().map(|u| &u.email),
        );
        self.unique(
            &format!("{at}.teams"),
            organization.teams.iter().map(|t| &t.name),
        );
        let workspaces = organization.workspaces.iter();
        self.unique(&format!("{at}.workspaces"), workspaces.map(|w| &w.name));
        self.policy(at, organization);
        self.roles(at, organization);
        for (index, team) in organization.teams.iter().enumerate() {
            let members = format!("{at}.teams[{index}].members");
            self.unique(&members, team.members.iter());
            for (member, email) in team.members.iter().enumerate() {
                let path = format!("{members}[{member}]");
                self.person(&path, organization, email);
            }
        }
        for (index, workspace) in organization.workspaces.iter().enumerate() {
            let at = format!("{at}.workspaces[{index}]");
            self.grants(&at, organization, (&workspace.grants, Scope::Workspace));
            let names = workspace.deployments.iter().map(|d| &d.name);
            self.unique(&format!("{at}.deployments"), names);
            for (index, deployment) in workspace.deployments.iter().enumerate() {
                let at = format!("{at}.deployments[{index}]");
                self.deployment(&at, deployment);
                self.routes(&at, (&organization.name, &workspace.name), deployment);
                self.grants(&at, organization, (&deployment.grants, Scope::Deployment));
            }
        }
    }

    fn policy(&mut self, at: &str, organization: &Organization) {
        let policy = organization.policy.iter();
        for error in policy.flat_map(Policy::check) {
            self.error(&format!("{at}.policy.{}", error.at), error.message);
        }
    }

    fn person(&mut self, path: &str, organization: &Organization, email: &aeolus_model::Email) {
        if !organization.users.iter().any(|user| &user.email == email) {
            let name = &organization.name;
            self.add(
                Severity::Warning,
                path,
                format!(
                    "{email} is not among the users of {name}: they become an ORGANIZATION_MEMBER"
                ),
            );
        }
    }

    fn deployment(&mut self, at: &str, deployment: &Deployment) {
        if !self.planes.contains(&deployment.plane) {
            let known: Vec<_> = self.planes.iter().map(Slug::as_str).collect();
            let known = known.join(", ");
            let message = format!(
                "there is no plane {}; the planes are: {known}",
                deployment.plane
            );
            self.error(&format!("{at}.plane"), message);
        }
        if let Err(error) = deployment.staleness() {
            self.error(&format!("{at}.staleness"), error.to_string());
        }
        if let Some(upstream) = &deployment.upstream
            && !is_upstream(upstream)
        {
            self.error(
                &format!("{at}.upstream"),
                "use http://host:port, without a path",
            );
        }
        for (index, rule) in deployment.rules.iter().enumerate() {
            if rule.require == Requirement::PassThrough {
                self.add(
                    Severity::Warning,
                    &format!("{at}.rules[{index}]"),
                    "whoever asks for these paths reaches the application unchecked",
                );
            }
        }
        let networks = deployment.task_execution.iter().flat_map(|t| &t.allow_from);
        for (index, network) in networks.enumerate() {
            if network.parse::<Cidr>().is_err() {
                self.error(
                    &format!("{at}.taskExecution.allowFrom[{index}]"),
                    "use a network such as 10.0.0.0/8",
                );
            }
        }
    }

    fn routes(&mut self, at: &str, owner: (&Slug, &Slug), deployment: &Deployment) {
        let (organization, workspace) = owner;
        match (&deployment.host, &deployment.path_prefix) {
            (None, Some(_)) => self.error(
                &format!("{at}.pathPrefix"),
                "a prefix needs `host` beside it, the host it is on",
            ),
            (None, None) if deployment.hosts.is_empty() => {
                self.error(at, "needs `hosts`, or `host` with `pathPrefix`");
            }
            _ => {}
        }
        for route in deployment.routes() {
            let taken = self.hosts.entry(route.host.clone()).or_default();
            let foreign = taken.iter().any(|t| &t.organization != organization);
            let same = taken.iter().any(|t| t.prefix == route.path_prefix);
            let shared = taken.iter().any(|t| &t.workspace != workspace);
            taken.push(Taken {
                organization: organization.clone(),
                workspace: workspace.clone(),
                prefix: route.path_prefix.clone(),
            });
            let host = &route.host;
            if foreign {
                self.error(
                    at,
                    format!(
                        "{host} belongs to another organization: two can't share a host, because they would share its cookies"
                    ),
                );
            } else if same {
                let place = format!("{host}{}", route.path_prefix.unwrap_or_default());
                self.error(at, format!("{place} already leads to another deployment"));
            } else if shared {
                self.add(
                    Severity::Warning,
                    at,
                    format!(
                        "{host} is shared by several workspaces: a page of one can act in the others as whoever opens it"
                    ),
                );
            }
            self.below_a_wildcard(at, organization, host);
        }
    }

    /// A host below another organization's wildcard is legitimate, and good to know of.
    fn below_a_wildcard(&mut self, at: &str, organization: &Slug, host: &str) {
        let (domain, own) = match host.strip_prefix("*.") {
            Some(domain) => (domain.to_owned(), true),
            None => match domain_above(host) {
                Some(domain) => (domain.to_owned(), false),
                None => return,
            },
        };
        let near = self.domains.entry(domain).or_default();
        let (named, wildcards) = (&near.0, &near.1);
        let others = if own { named } else { wildcards };
        let foreign = others.iter().filter(|(_, other)| other != organization);
        let overlaps: Vec<_> = foreign.map(|(other, _)| other.clone()).collect();
        let list = if own { &mut near.1 } else { &mut near.0 };
        list.insert((host.to_owned(), organization.clone()));
        for other in overlaps {
            let (name, wildcard) = if own {
                (&*other, host)
            } else {
                (host, &*other)
            };
            let message = format!(
                "{name} lies below {wildcard} of another organization: if {name} is ever given up, whoever goes there reaches that one"
            );
            self.add(Severity::Warning, at, message);
        }
    }
}

fn is_upstream(text: &str) -> bool {
    let authority = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    authority.is_some_and(|authority| {
        let (host, port) = authority
            .rsplit_once(':')
            .map_or((authority, None), |(host, port)| (host, Some(port)));
        aeolus_model::Host::parse(host).is_ok()
            && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0))
    })
}

#[cfg(test)]
mod tests;
