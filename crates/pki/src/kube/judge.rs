//! What is wrong with Secrets, each by itself and as copies of each other.

use aeolus_model::Time;

use super::origin::Origin;
use super::{StoredSecret, Unread};
use crate::check::{Finding, Role, Rule, Subject, examine, key_of};

impl StoredSecret {
    /// What is wrong with it. `held` has what it is held against; certificates and key are its own.
    pub fn examine(&self, others: &[Self], held: &Subject<'_>, now: Time) -> Vec<Finding> {
        let mut found = Vec::new();
        let own = self.chain.first().and_then(|leaf| key_of(leaf, &self.keys));
        let subject = Subject {
            certificates: &self.chain,
            key: held.key.or(own),
            ..*held
        };
        found.extend(examine(&subject, now));
        // Those that are trusted have no name or key that could be asked for.
        let bundle = Subject {
            certificates: &self.bundle,
            key: None,
            role: Role::Unsaid,
            hosts: &[],
            trusted: &[],
            lists: &[],
            ..*held
        };
        found.extend(examine(&bundle, now));
        self.alone(held, &mut found);
        self.copied(others, &mut found);
        found
    }

    fn alone(&self, held: &Subject<'_>, found: &mut Vec<Finding>) {
        for (name, why) in &self.unread {
            let rule = match why {
                Unread::Input(why) if why.is_locked() => &Rule::LOCKED,
                _ => &Rule::NO_CONTENT,
            };
            found.push(self.finding(rule, format!("{name}: {why}")));
        }
        if self.key_in_annotation {
            let (name, space) = (&self.name, self.namespace.as_deref());
            let space = space.map_or_else(String::new, |space| format!(" --namespace {space}"));
            let detail = format!(
                "kubectl annotate secret {name}{space} kubectl.kubernetes.io/last-applied-configuration- removes it"
            );
            found.push(self.finding(&Rule::KEY_IN_ANNOTATION, detail));
        }
        let leaf = self.chain.first();
        let other_kind = leaf.filter(|leaf| !leaf.key.kind().is_rsa() && !held.rsa_only);
        if let Some(leaf) = other_kind.filter(|_| PLATFORM.contains(&self.name.as_str())) {
            let detail = format!("its key is {}", leaf.key.kind());
            found.push(self.finding(&Rule::NOT_RSA_PLATFORM, detail));
        }
    }

    /// Of what both have, everything has to be the same: a copy may leave something out.
    fn copied(&self, others: &[Self], found: &mut Vec<Finding>) {
        let Some(source) = self.source(others) else {
            return;
        };
        let differs =
            |(name, digest): &(&String, &[u8; 32])| source.entries.get(*name) != Some(*digest);
        let other = self.entries.iter().filter(differs);
        let other: Vec<&str> = other.map(|(name, _)| name.as_str()).collect();
        if !other.is_empty() {
            let detail = format!("{} of {} differ", other.join(", "), source.place());
            found.push(self.finding(&Rule::OLD_COPY, detail));
        }
    }

    /// The one that it says it is a copy of, else the oldest of its name that others are copied from.
    fn source<'a>(&self, others: &'a [Self]) -> Option<&'a Self> {
        let is_other = |other: &&'a Self| other.place() != self.place();
        let mut others = others.iter().filter(is_other);
        if let Origin::Copy { namespace, name } = &self.origin {
            return others.find(|other| {
                other.namespace.as_deref() == Some(namespace) && other.name == *name
            });
        }
        let sources = others.filter(|other| {
            other.origin == Origin::Source
                && other.name == self.name
                && other.namespace.is_some()
                && self.namespace.is_some()
        });
        let oldest = sources.min_by_key(|other| &other.created)?;
        // A syncer that copies annotations makes sources of its copies.
        let is_itself = self.origin == Origin::Source && self.created <= oldest.created;
        (!is_itself).then_some(oldest)
    }

    fn finding(&self, rule: &'static Rule, detail: String) -> Finding {
        Finding {
            rule,
            about: self.place(),
            detail,
        }
    }
}

/// Where the original's platform certificate lies.
const PLATFORM: [&str; 2] = ["astronomer-tls", "platform-tls"];
