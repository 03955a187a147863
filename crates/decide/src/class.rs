//! What a path is: read off a profile's table and the deployment's own rules.

use std::net::IpAddr;

use aeolus_model::{
    Cidr, Method, PathRule, Permission, PermissionSet, Profile, Requirement, admits,
};

use crate::path::{Target, segments};

/// What may be done with a path, the least strict first: of two readings the greater counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathClass {
    /// The application authenticates by itself; nothing is added or taken away.
    PassThrough,
    /// Anybody may ask; no identity is added.
    Public,
    /// Airflow's own sign-in address: handed over to ours.
    SignIn,
    /// Airflow's own sign-out address: handed over to ours.
    SignOut,
    /// Needs a permission; only reads.
    PrivateRead,
    /// Needs a permission; may change something.
    PrivateWrite,
    /// Never forwarded.
    Refuse,
}

impl PathClass {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::PassThrough,
        Self::Public,
        Self::SignIn,
        Self::SignOut,
        Self::PrivateRead,
        Self::PrivateWrite,
        Self::Refuse,
    ];

    /// Its name in metrics, logs and explanations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PassThrough => "pass_through",
            Self::Public => "public",
            Self::SignIn => "sign_in",
            Self::SignOut => "sign_out",
            Self::PrivateRead => "read",
            Self::PrivateWrite => "write",
            Self::Refuse => "refused",
        }
    }
}

/// A path's class and the permissions it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classified {
    /// The class.
    pub class: PathClass,
    /// All of these are needed where the class is private.
    pub needs: PermissionSet,
}

impl Classified {
    fn open(class: PathClass) -> Self {
        Self {
            class,
            needs: PermissionSet::EMPTY,
        }
    }

    fn private(method: Method, needs: Permission) -> Self {
        let class = if method.is_safe() {
            PathClass::PrivateRead
        } else {
            PathClass::PrivateWrite
        };
        Self {
            class,
            needs: PermissionSet::EMPTY.with(needs),
        }
    }

    /// The stricter of two readings: the stricter class and what either needs.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        Self {
            class: self.class.max(other.class),
            needs: self.needs.union(other.needs),
        }
    }
}

/// What a line of a profile's table says.
#[derive(Clone, Copy)]
enum Line {
    /// Public for reads.
    Public,
    /// Hand over to our own sign-in.
    SignIn,
    /// Hand over to our own sign-out.
    SignOut,
    /// Where Airflow's workers talk with their own task tokens.
    Task,
}

/// A table: path, whether everything below is meant too, and what it is. No line: private.
type Table = &'static [(&'static str, bool, Line)];

const AIRFLOW3: Table = &[
    ("/static", true, Line::Public),
    ("/api/v2/version", false, Line::Public),
    ("/api/v2/monitor/health", false, Line::Public),
    ("/api/v2/auth/login", false, Line::SignIn),
    ("/api/v2/auth/logout", false, Line::SignOut),
    ("/execution", true, Line::Task),
    ("/edge_worker", true, Line::Task),
];

const AIRFLOW2: Table = &[
    ("/static", true, Line::Public),
    ("/health", false, Line::Public),
    ("/api/v1/health", false, Line::Public),
    ("/api/v1/version", false, Line::Public),
    ("/login", false, Line::SignIn),
    ("/login/", false, Line::SignIn),
    ("/logout", false, Line::SignOut),
    ("/logout/", false, Line::SignOut),
    ("/internal_api", true, Line::Task),
    ("/edge_worker", true, Line::Task),
];

/// Everything that decides a deployment's path classes. Deployments with equal sets share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RuleSet {
    /// The kind of application.
    pub profile: Profile,
    /// The deployment's own rules, in order.
    pub rules: Vec<PathRule>,
    /// From where task tokens pass through.
    pub task_execution: Vec<Cidr>,
    /// From where anybody may ask for what isn't public; empty: from anywhere.
    pub networks: Vec<Cidr>,
}

impl RuleSet {
    /// Whether somebody at an address may ask for what isn't public.
    pub fn reachable_from(&self, peer: Option<IpAddr>) -> bool {
        admits(&self.networks, peer)
    }

    /// The public path at which the application says how it is, where the profile has one.
    pub const fn health_path(&self) -> Option<&'static str> {
        match self.profile {
            Profile::Airflow3 => Some("/api/v2/monitor/health"),
            Profile::Airflow2 => Some("/health"),
            Profile::Custom => None,
        }
    }

    /// The class of a target whose deployment lives below `prefix` (empty for a whole host), both
    /// readings considered. The caller has routed both readings to this prefix.
    pub fn classify(
        &self,
        target: &Target<'_>,
        prefix: &str,
        method: Method,
        peer: Option<IpAddr>,
    ) -> Classified {
        let one = |path: &str| match path.strip_prefix(prefix) {
            Some(below) => self.classify_path(below, method, peer),
            None => Classified::open(PathClass::Refuse),
        };
        let mut verdict = one(target.raw);
        if !target.has_one_reading() {
            verdict = verdict.stricter(one(&target.decoded));
        }
        if target.tainted {
            let third = one(&merge(&target.decoded));
            let floor = Classified::private(method, Permission::DeploymentAirflowGet);
            verdict = verdict.stricter(third).stricter(floor);
        }
        verdict
    }

    pub(crate) fn classify_path(
        &self,
        path: &str,
        method: Method,
        peer: Option<IpAddr>,
    ) -> Classified {
        let private = Classified::private(method, Permission::DeploymentAirflowGet);
        if is_below("/.aeolus", path) {
            return Classified::open(PathClass::Refuse);
        }
        let line = self.line(path);
        if let Some(Line::Task) = line {
            let open = peer.is_some_and(|peer| self.task_execution.iter().any(|c| c.holds(peer)));
            return Classified::open(if open {
                PathClass::PassThrough
            } else {
                PathClass::Refuse
            });
        }
        let fits = |rule: &&PathRule| {
            (rule.methods.is_empty() || rule.methods.contains(&method))
                && rule.path.matches(segments(path))
        };
        if let Some(rule) = self.rules.iter().find(fits) {
            return match rule.require {
                Requirement::Permission(permission) => Classified::private(method, permission),
                Requirement::Public => Classified::open(PathClass::Public),
                Requirement::PassThrough => Classified::open(PathClass::PassThrough),
            };
        }
        match line {
            Some(Line::Public) if method.is_safe() => Classified::open(PathClass::Public),
            Some(Line::SignIn) if method.is_safe() => Classified::open(PathClass::SignIn),
            Some(Line::SignOut) if method.is_safe() => Classified::open(PathClass::SignOut),
            _ => private,
        }
    }

    fn line(&self, path: &str) -> Option<Line> {
        let table = match self.profile {
            Profile::Airflow3 => AIRFLOW3,
            Profile::Airflow2 => AIRFLOW2,
            Profile::Custom => &[],
        };
        table
            .iter()
            .find(|(at, below, _)| path == *at || (*below && is_below(at, path)))
            .map(|(_, _, line)| *line)
    }
}

fn is_below(base: &str, path: &str) -> bool {
    path.strip_prefix(base)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The path as something that merges slashes and takes backslashes for slashes would read it.
fn merge(path: &str) -> String {
    let mut merged = String::with_capacity(path.len());
    for c in path.chars() {
        let c = if c == '\\' { '/' } else { c };
        if !(c == '/' && merged.ends_with('/')) {
            merged.push(c);
        }
    }
    merged
}

#[cfg(test)]
mod tests;
