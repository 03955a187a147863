//! Why a request is decided as it is, stage by stage.
//!
//! Nothing here decides: each step asks the very function that [`Judge::decide`] asks, and writes
//! down what it found. A decision itself pays nothing for it.

use aeolus_model::{Grants, Permission, Resource, StalenessPolicy, Subject};

use super::{Judge, Routed, bearer};
use crate::Reason;
use crate::class::{Classified, PathClass};
use crate::decision::{Decision, Identity};
use crate::request::Request;
use crate::token::Signer;
use crate::world::Deployment;

/// A decision with its reasons.
#[derive(Debug)]
pub struct Explanation {
    /// What was looked at, in order, up to what stopped it.
    pub steps: Vec<Step>,
    /// What [`Judge::decide`] says.
    pub decision: Decision,
}

/// One stage of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which: `request`, `route`, `path`, `knowledge`, `credential` or `permission`.
    pub stage: &'static str,
    /// What was found.
    pub found: String,
    /// Why it went no further.
    pub stopped: Option<Reason>,
}

/// Explains what the judge decides about a request.
pub fn explain(judge: &Judge<'_>, request: &Request<'_>) -> Explanation {
    let mut steps = Steps(Vec::with_capacity(6));
    // A stop is the last step; there is nothing more to say about it.
    let _ = judge.walk(request, &mut steps);
    Explanation {
        steps: steps.0,
        decision: judge.decide(request),
    }
}

struct Steps(Vec<Step>);

/// Something stopped the walk; the last step says what.
struct Stopped;

impl Steps {
    fn passed(&mut self, stage: &'static str, found: String) {
        self.0.push(Step {
            stage,
            found,
            stopped: None,
        });
    }

    fn stopped(&mut self, stage: &'static str, found: String, reason: Reason) -> Stopped {
        self.0.push(Step {
            stage,
            found,
            stopped: Some(reason),
        });
        Stopped
    }
}

impl Judge<'_> {
    fn walk(&self, request: &Request<'_>, steps: &mut Steps) -> Result<(), Stopped> {
        let routed = match self.route(request) {
            Ok(routed) => routed,
            Err(reason) => return Err(unrouted(request, reason, steps)),
        };
        steps.passed("request", shape(&routed));
        steps.passed("route", place(request, &routed));
        self.path(request, &routed, steps)?;
        self.knowledge(request, &routed, steps)?;
        match routed.class.class {
            PathClass::Public => steps.passed("credential", "none needed: public".to_owned()),
            PathClass::PassThrough => steps.passed(
                "credential",
                "left to the application: passed through".to_owned(),
            ),
            PathClass::SignIn | PathClass::SignOut => {
                let found = "none needed: handed over to the gate's own pages";
                steps.passed("credential", found.to_owned());
            }
            PathClass::PrivateRead | PathClass::PrivateWrite | PathClass::Refuse => {
                self.credential(request, &routed, steps)?;
            }
        }
        Ok(())
    }

    fn path(
        &self,
        request: &Request<'_>,
        routed: &Routed<'_>,
        steps: &mut Steps,
    ) -> Result<(), Stopped> {
        let (target, rules) = (&routed.target, &routed.deployment.rules);
        let place = self.world.route(routed.authority.host(), target);
        let prefix = place.map_or("", |(_, place)| &place.prefix);
        let reading = |path: &str| {
            let below = path.strip_prefix(prefix).unwrap_or_default();
            classified(rules.classify_path(below, routed.method, request.peer))
        };
        let found = format!(
            "raw {:?}: {}; decoded {:?}: {}; judged as {}",
            target.raw,
            reading(target.raw),
            target.decoded,
            reading(&target.decoded),
            classified(routed.class),
        );
        if routed.class.class == PathClass::Refuse {
            return Err(steps.stopped("path", found, Reason::PathRefused));
        }
        steps.passed("path", found);
        Ok(())
    }

    fn knowledge(
        &self,
        request: &Request<'_>,
        routed: &Routed<'_>,
        steps: &mut Steps,
    ) -> Result<(), Stopped> {
        let deployment = routed.deployment;
        if self.world.revoked(deployment.organization).is_none() {
            let found = format!("no revocations of organization {}", deployment.organization);
            return Err(steps.stopped("knowledge", found, Reason::RevocationsMissing));
        }
        let rule = deployment.staleness;
        let age = self.freshness.age.map_or_else(
            || "of unknown age".to_owned(),
            |age| format!("{} s old", age.as_secs()),
        );
        let found = match rule.at(self.freshness.under(rule)) {
            None => format!("{age}, within maxStale {} s", rule.max().as_secs()),
            Some(policy) => format!(
                "{age}, past maxStale {} s: {}",
                rule.max().as_secs(),
                policy_name(policy)
            ),
        };
        match self.check_staleness(deployment, super::writes(request, routed.method)) {
            Ok(()) => {
                steps.passed("knowledge", found);
                Ok(())
            }
            Err(reason) => Err(steps.stopped("knowledge", found, reason)),
        }
    }

    fn credential(
        &self,
        request: &Request<'_>,
        routed: &Routed<'_>,
        steps: &mut Steps,
    ) -> Result<(), Stopped> {
        let deployment = &**routed.deployment;
        if !deployment.rules.reachable_from(request.peer) {
            let from = request.peer.map(|peer| peer.to_string());
            let from = from.as_deref().unwrap_or("an unknown address");
            let found = format!("not looked at: {from} is in no allowed network");
            return Err(steps.stopped("credential", found, Reason::Network));
        }
        let token = match bearer(request.headers.authorization) {
            Ok(token) => token,
            Err(reason) => {
                let found = "an Authorization header that is not used".to_owned();
                return Err(steps.stopped("credential", found, reason));
            }
        };
        let (kind, found) = match token {
            Some(token) => (self.kind_of(token), self.by_token(token, deployment)),
            None => (
                "session cookie".to_owned(),
                self.by_cookie(request, routed).map(|found| (found, None)),
            ),
        };
        let (identity, held) = match found {
            Ok(found) => found,
            Err(refusal) => {
                let who = refusal.subject.map_or_else(String::new, |subject| {
                    format!(" of {}", self.subject_text(subject))
                });
                return Err(steps.stopped("credential", kind + &who, refusal.reason));
            }
        };
        steps.passed("credential", self.credential_text(&kind, &identity));
        let held = held.as_deref().unwrap_or(&identity.person.grants);
        let found = permissions(held, routed.class, deployment);
        match self.authorize(request, routed) {
            Ok(identity) => {
                let role = identity
                    .role
                    .map_or("none", aeolus_model::AirflowRole::name);
                steps.passed("permission", format!("{found}; role in Airflow: {role}"));
                Ok(())
            }
            Err(refusal) => Err(steps.stopped("permission", found, refusal.reason)),
        }
    }

    fn kind_of(&self, token: &[u8]) -> String {
        match self.memory.verified(token, self.world, self.now) {
            Ok(verified) => match &verified.signer {
                Signer::Own { kind, .. } => format!("{} token", kind.name()),
                Signer::Provider(provided) => {
                    format!(
                        "identity provider's token by connection {}",
                        provided.connection
                    )
                }
            },
            Err(_) => "bearer token".to_owned(),
        }
    }

    fn credential_text(&self, kind: &str, identity: &Identity) -> String {
        let left = identity.expires.since(self.now).as_secs();
        let who = self.subject_text(identity.subject);
        format!("{kind} of {who}, good for {left} s")
    }

    fn subject_text(&self, subject: Subject) -> String {
        let (kind, id) = match subject {
            Subject::User(id) => ("user", id.to_string()),
            Subject::Token(id) => ("token", id.to_string()),
            Subject::Team(id) => ("team", id.to_string()),
        };
        match self.world.person(subject) {
            Some(person) if !person.email.is_empty() => format!("{kind} {} ({id})", person.email),
            Some(person) if !person.name.is_empty() => format!("{kind} {:?} ({id})", person.name),
            Some(_) => format!("{kind} {id}"),
            None => format!("{kind} {id}, who has no permission on this plane"),
        }
    }
}

fn unrouted(request: &Request<'_>, reason: Reason, steps: &mut Steps) -> Stopped {
    let host = request.host.map(String::from_utf8_lossy);
    let asked = format!(
        "{:?} {:?} at host {:?}",
        String::from_utf8_lossy(request.method),
        String::from_utf8_lossy(request.target),
        host.unwrap_or_default(),
    );
    let routing = matches!(
        reason,
        Reason::HostUnknown
            | Reason::PinMismatch
            | Reason::DeploymentNotUnderstood
            | Reason::TargetReadingsDiffer
    );
    if !routing {
        return steps.stopped("request", asked, reason);
    }
    steps.passed("request", asked);
    let found = match request.pin {
        Some(pin) => format!("the proxy asks for deployment {pin}"),
        None => "no deployment".to_owned(),
    };
    steps.stopped("route", found, reason)
}

fn shape(routed: &Routed<'_>) -> String {
    let kind = if routed.method.is_safe() {
        "a read"
    } else {
        "a write"
    };
    let more = if routed.target.tainted {
        ", whose path could be read in a third way: never public"
    } else {
        ""
    };
    format!("{} is {kind}{more}", routed.method.name())
}

fn place(request: &Request<'_>, routed: &Routed<'_>) -> String {
    let (name, id) = (&routed.deployment.name, routed.deployment.id);
    let pinned = if request.pin.is_some() {
        ", as the proxy says"
    } else {
        ""
    };
    format!("{} is {name} ({id}){pinned}", routed.authority.host())
}

fn classified(found: Classified) -> String {
    let needs: Vec<_> = found.needs.iter().map(Permission::name).collect();
    match needs.as_slice() {
        [] => found.class.name().to_owned(),
        needs => format!("{}, needs {}", found.class.name(), needs.join(" and ")),
    }
}

fn policy_name(policy: StalenessPolicy) -> &'static str {
    match policy {
        StalenessPolicy::Deny => "deny",
        StalenessPolicy::ServeUntilExp => "serve_until_exp",
        StalenessPolicy::ReadOnly => "read_only",
        StalenessPolicy::StaticAllow => "static_allow",
    }
}

/// Where each permission that is needed comes from.
fn permissions(held: &Grants, class: Classified, deployment: &Deployment) -> String {
    let reaching = deployment.resources();
    let from = |permission: Permission| {
        let places: Vec<_> = held
            .iter()
            .filter(|(resource, set)| {
                set.contains(permission)
                    && (*resource == Resource::System || reaching.contains(resource))
            })
            .map(|(resource, _)| resource_text(resource, deployment))
            .collect();
        match places.as_slice() {
            [] => format!("{}: not granted", permission.name()),
            places => format!("{}: from {}", permission.name(), places.join(", ")),
        }
    };
    let needs: Vec<_> = class.needs.iter().map(from).collect();
    needs.join("; ")
}

fn resource_text(resource: Resource, deployment: &Deployment) -> String {
    let mut names = deployment.name.rsplitn(3, '/');
    let (_, workspace, organization) = (names.next(), names.next(), names.next());
    match resource {
        Resource::System => "the whole installation".to_owned(),
        Resource::Organization(id) => match organization {
            Some(name) => format!("organization {name}"),
            None => format!("organization {id}"),
        },
        Resource::Workspace(id) => match workspace {
            Some(name) => format!("workspace {name}"),
            None => format!("workspace {id}"),
        },
        Resource::Deployment(_) => format!("deployment {}", deployment.name),
    }
}

#[cfg(test)]
mod tests;
