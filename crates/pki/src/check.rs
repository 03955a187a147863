//! What is wrong with certificates, in words: each finding has a stable code, what it means and what to do.

mod rules;

use std::time::Duration;

use aeolus_model::Time;
pub use rules::{Rule, Severity};

use crate::{
    Certificate, KeyType, PrivateKey, PublicKey, RevocationList, San, Stage, Unproven, Usage,
    verify,
};

/// What is examined: what one file or server gave, and what to hold against it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    /// The certificates, in the order they were found.
    pub certificates: &'a [Certificate],
    /// The private key that belongs to the first.
    pub key: Option<&'a PublicKey>,
    /// What the first is held to be.
    pub role: Role,
    /// The names that clients use.
    pub hosts: &'a [San],
    /// Who is trusted. None: whether the chain is proved isn't examined.
    pub trusted: &'a [Certificate],
    /// What was revoked.
    pub lists: &'a [RevocationList],
    /// Warn this long before the end, not only by a part of the life.
    pub warn_before: Option<Duration>,
    /// Its users take RSA only.
    pub rsa_only: bool,
}

/// What the first certificate is held to be, whatever it says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// What it looks like: authorities alone are somebody's bundle.
    #[default]
    Unsaid,
    /// A server's or client's own, which has to be a leaf.
    Own,
    /// A server's own, which it sends.
    Served,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub rule: &'static Rule,
    /// The certificate's subject.
    pub about: String,
    /// What exactly.
    pub detail: String,
}

/// Examines everything at once.
pub fn examine(subject: &Subject<'_>, now: Time) -> Vec<Finding> {
    let mut examination = Examination {
        subject,
        now,
        found: Vec::new(),
    };
    for certificate in subject.certificates {
        examination.alone(certificate);
    }
    let Some((first, rest)) = subject.certificates.split_first() else {
        return examination.found;
    };
    if let Some(key) = subject.key.filter(|key| **key != first.key) {
        let detail = format!(
            "the key is {}, the certificate's is {}",
            key.kind(),
            first.key.kind()
        );
        examination.add(&Rule::OTHER_KEY, first, detail);
    }
    if !examination.is_own(first, rest) {
        return examination.found;
    }
    examination.leaf(first);
    examination.listed(first);
    if is_authority(first) && rest.iter().any(|one| !is_authority(one)) {
        examination.add(&Rule::ORDER, first, "a leaf comes after an authority");
        return examination.found;
    }
    examination.signatures(first, rest);
    examination.chain(first, rest);
    examination.found
}

/// The key that belongs to a certificate, of several.
pub fn key_of<'a>(certificate: &Certificate, keys: &'a [PrivateKey]) -> Option<&'a PublicKey> {
    let own = keys
        .iter()
        .map(PrivateKey::public)
        .find(|key| **key == certificate.key);
    own.or_else(|| keys.first().map(PrivateKey::public))
}

/// A v1 certificate can't say it; one that names itself was made to be trusted.
fn is_authority(certificate: &Certificate) -> bool {
    certificate.authority.is_some() || (certificate.version < 3 && certificate.is_self_issued())
}

struct Examination<'a> {
    subject: &'a Subject<'a>,
    now: Time,
    found: Vec<Finding>,
}

impl Examination<'_> {
    fn add(&mut self, rule: &'static Rule, about: &Certificate, detail: impl Into<String>) {
        let about = if about.subject.is_empty() {
            about
                .names
                .first()
                .map(ToString::to_string)
                .unwrap_or_default()
        } else {
            about.subject.clone()
        };
        self.found.push(Finding {
            rule,
            about,
            detail: detail.into(),
        });
    }

    /// Whether the first is judged as a leaf. Authorities alone (a bundle, an authority beside its key) aren't.
    fn is_own(&self, first: &Certificate, rest: &[Certificate]) -> bool {
        let subject = self.subject;
        let beside_key = subject.key.is_some() && (first.version < 3 || !first.names.is_empty());
        subject.role != Role::Unsaid
            || !subject.hosts.is_empty()
            || beside_key
            || !is_authority(first)
            || rest.iter().any(|one| !is_authority(one))
    }

    fn is_served(&self) -> bool {
        self.subject.role == Role::Served
    }

    /// What needs no other certificate.
    fn alone(&mut self, certificate: &Certificate) {
        let until = aeolus_model::moment(certificate.not_after.secs());
        match Stage::at(self.now, certificate.not_before, certificate.not_after) {
            Stage::NotYet => {
                let from = aeolus_model::moment(certificate.not_before.secs());
                self.add(&Rule::NOT_YET, certificate, format!("it begins at {from}"));
            }
            Stage::Expired => {
                self.add(&Rule::EXPIRED, certificate, format!("it ended at {until}"));
            }
            Stage::Late => self.add(&Rule::LATE, certificate, format!("it ends at {until}")),
            Stage::Due => self.add(&Rule::DUE, certificate, format!("it ends at {until}")),
            Stage::Good => {
                let within = |before| certificate.not_after < self.now.plus(before);
                if self.subject.warn_before.is_some_and(within) {
                    self.add(&Rule::DUE, certificate, format!("it ends at {until}"));
                }
            }
        }
        if certificate.key.kind().is_weak() {
            let detail = format!("its key is {}", certificate.key.kind());
            self.add(&Rule::WEAK_KEY, certificate, detail);
        }
        // Nobody verifies the signature of a root.
        if certificate.signature.has_weak_hash() && !certificate.is_self_issued() {
            let detail = format!("it is signed by {}", certificate.signature);
            self.add(&Rule::WEAK_HASH, certificate, detail);
        }
        if certificate.version < 3 && !certificate.is_self_issued() {
            self.add(
                &Rule::VERSION,
                certificate,
                format!("it is X.509 v{}", certificate.version),
            );
        }
        let of_issuer = |list: &&RevocationList| self.is_of_issuer(list, certificate);
        let lists = self.subject.lists.iter().filter(of_issuer);
        if lists.into_iter().any(|list| list.names(certificate)) {
            let detail = format!("serial number {}", certificate.serial);
            self.add(&Rule::REVOKED, certificate, detail);
        }
    }

    /// Whether the certificate's issuer signed the list.
    fn is_of_issuer(&self, list: &RevocationList, certificate: &Certificate) -> bool {
        let mut everybody = self.subject.certificates.iter().chain(self.subject.trusted);
        everybody.any(|issuer| certificate.names_issuer(issuer) && list.is_signed_by(issuer))
    }

    /// Whether lists that were given say something about the leaf today.
    fn listed(&mut self, leaf: &Certificate) {
        let lists = self.subject.lists;
        let of_issuer = |list: &&RevocationList| self.is_of_issuer(list, leaf);
        let own: Vec<&RevocationList> = lists.iter().filter(of_issuer).collect();
        if own.is_empty() {
            if let Some(list) = lists.first() {
                let detail = format!("it is by {}, the list by {}", leaf.issuer, list.issuer);
                self.add(&Rule::UNLISTED, leaf, detail);
            }
            return;
        }
        let is_fresh = |list: &&RevocationList| list.next_update.is_none_or(|at| self.now < at);
        if own.iter().any(is_fresh) {
            return;
        }
        if let Some(until) = own.iter().filter_map(|list| list.next_update).max() {
            let until = aeolus_model::moment(until.secs());
            let detail = format!("the next one was due at {until}");
            self.add(&Rule::OLD_LIST, leaf, detail);
        }
    }

    /// What a server's or client's own certificate has to be.
    fn leaf(&mut self, leaf: &Certificate) {
        if leaf.names.is_empty() && leaf.other_names.is_empty() {
            let name = leaf.common_name.as_deref().unwrap_or("none");
            self.add(&Rule::NO_NAMES, leaf, format!("its common name is {name}"));
        }
        if leaf.version < 3 && leaf.is_self_issued() {
            let detail = format!("it is X.509 v{}", leaf.version);
            self.add(&Rule::VERSION, leaf, detail);
        }
        for host in self.subject.hosts {
            if !leaf.names.iter().any(|name| name.covers(host)) {
                let names: Vec<String> = leaf.names.iter().map(ToString::to_string).collect();
                let detail = format!("{host} is asked for, it is for: {}", names.join(", "));
                self.add(&Rule::OTHER_NAME, leaf, detail);
            }
        }
        if leaf.authority.is_some() {
            self.add(&Rule::AUTHORITY_SERVES, leaf, "it says CA:TRUE");
        }
        let serves = leaf.serves();
        if !serves && (self.is_served() || !self.subject.hosts.is_empty()) {
            let purposes = leaf.purposes.iter().flatten().map(ToString::to_string);
            let purposes: Vec<String> = purposes.collect();
            let detail = format!("it is for {}", purposes.join(", "));
            self.add(&Rule::NO_SERVER, leaf, detail);
        }
        if self.subject.rsa_only && !leaf.key.kind().is_rsa() {
            self.add(
                &Rule::NOT_RSA,
                leaf,
                format!("its key is {}", leaf.key.kind()),
            );
        }
        if serves && leaf.key.kind() == KeyType::Ed25519 && self.is_served() {
            self.add(&Rule::ED25519, leaf, "its key is Ed25519");
        }
        let days = leaf.not_after.since(leaf.not_before).as_secs() / 86_400;
        if serves && days > 825 {
            self.add(&Rule::LONG, leaf, format!("it lives for {days} days"));
        }
    }

    /// Whether those that name each other in one file did sign, and may.
    fn signatures(&mut self, leaf: &Certificate, rest: &[Certificate]) {
        let from_leaf =
            std::iter::once(leaf).chain(rest.iter().filter(|one| !one.is_self_issued()));
        for below in from_leaf {
            let named = rest
                .iter()
                .chain([leaf])
                .filter(|issuer| below.names_issuer(issuer));
            let named: Vec<&Certificate> = named.collect();
            if named.is_empty() {
                continue;
            }
            if named.iter().all(|issuer| below.contradicts(issuer)) {
                let detail = format!("the key of {} did not sign it", below.issuer);
                self.add(&Rule::SIGNATURE, below, detail);
            }
            // One that is a leaf and its own issuer is trusted itself.
            let others = || named.iter().filter(|issuer| **issuer != below);
            if others().next().is_some() && !others().any(|issuer| issuer.may_issue()) {
                let detail = format!("{} is neither CA:TRUE nor for keyCertSign", below.issuer);
                self.add(&Rule::NO_ISSUER, below, detail);
            }
        }
    }

    /// How the leaf hangs together with what is beside it.
    fn chain(&mut self, leaf: &Certificate, rest: &[Certificate]) {
        let mut below = leaf;
        let mut broken = false;
        for certificate in rest {
            if !below.names_issuer(certificate) {
                let elsewhere = rest.iter().any(|other| below.names_issuer(other));
                if elsewhere {
                    let detail = format!("{} doesn't come right after it", below.issuer);
                    self.add(&Rule::ORDER, below, detail);
                }
                broken = !elsewhere;
                break;
            }
            below = certificate;
        }
        for root in rest.iter().filter(|one| one.is_self_issued()) {
            self.add(&Rule::ROOT_SENT, root, "clients have it or don't trust it");
        }
        let all = || rest.iter().chain(self.subject.trusted);
        let last = if broken {
            below
        } else {
            rest.last().unwrap_or(leaf)
        };
        let issuer_is_there = last.is_self_issued() || all().any(|one| last.names_issuer(one));
        let judged = !self.subject.trusted.is_empty();
        let proof = judged.then(|| self.proof(leaf, rest));
        // What is proved lacks nothing, whatever else is sent for other clients.
        let is_proved = proof == Some(Ok(()));
        if !is_proved && (broken || (!issuer_is_there && judged)) {
            let detail = format!("{} is not there", last.issuer);
            self.add(&Rule::MISSING, last, detail);
        }
        if let Some(Err(why)) = proof {
            self.unproved(leaf, &why);
        }
    }

    fn proof(&self, leaf: &Certificate, rest: &[Certificate]) -> Result<(), Unproven> {
        let usage = if leaf.serves() || self.is_served() {
            Usage::Server
        } else {
            Usage::Client
        };
        verify(leaf, rest, self.subject.trusted, self.now, (usage, &[]))
    }

    /// What was said in better words isn't said again.
    fn unproved(&mut self, leaf: &Certificate, why: &Unproven) {
        let said: &[&Rule] = match why {
            Unproven::Expired => &[&Rule::EXPIRED],
            Unproven::NotYet => &[&Rule::NOT_YET],
            Unproven::Version(_) => &[&Rule::VERSION],
            Unproven::Authority => &[&Rule::AUTHORITY_SERVES],
            Unproven::Purpose(_) => &[&Rule::NO_SERVER],
            Unproven::UnknownIssuer | Unproven::Signature => {
                &[&Rule::MISSING, &Rule::SIGNATURE, &Rule::NO_ISSUER]
            }
            _ => &[],
        };
        let said = self.found.iter().any(|found| said.contains(&found.rule));
        if !said {
            self.add(&Rule::UNPROVED, leaf, why.to_string());
        }
    }
}
