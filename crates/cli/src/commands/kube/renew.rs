//! `aeolus kube renew`: the certificate of a Secret, issued again and brought into service (rows K6 and K8).

use std::time::Duration;

use aeolus_kube::{Client, Dry, Place, SecretObject, Seen};
use aeolus_model::{Clock as _, Time};
use aeolus_pki::check::Subject;
use aeolus_pki::{Certificate, Fingerprint, KeyKind, Profile, Purpose, San, Usage, verify};
use serde::Serialize;
use tokio::time::Instant;

use super::apply_tls::role;
use super::bring_tls::{How, bring, rehearse, seen};
use super::owner;
use super::served::{self, Awaited, Served, Server};
use super::tls::{self, Pair, Wanted, warn, warn_of_annotation};
use crate::args::{KubeRenew, PkiFolder};
use crate::commands::Context;
use crate::commands::pki::folder::Folder;
use crate::commands::pki::issue::{self, Whose, issued};
use crate::commands::pki::{names, new_key};
use crate::moments;
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

/// What became of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    secret: String,
    /// In a dry run: would be.
    renewed: bool,
    dry_run: bool,
    names: Vec<String>,
    key: KeyKind,
    /// Of the certificate that the Secret has now.
    not_after: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256_before: Option<Fingerprint>,
    sha256: Fingerprint,
    served: Vec<Served>,
}

/// The certificate that is there, and what takes its place.
struct Present {
    seen: Seen,
    chain: Vec<Certificate>,
    leaf: Certificate,
    names: Vec<San>,
    profile: Profile,
    key: KeyKind,
}

/// Renews it where that is wanted, and waits until servers show what the Secret has.
pub(in crate::commands) async fn renew(args: &KubeRenew, context: &Context) -> Result<(), Failure> {
    let client = args.target.access.client().await?;
    let place = args.target.place(Some(&client))?;
    let present = Present::read(&client, &place, &names(&args.san)?).await?;
    let servers = present.servers(&args.wait_for)?;
    let mut folder = folder(args, context)?;
    let root = folder.issuer()?.trusted().clone();
    let is_due = present.is_due(args.if_within, context.clock.now());
    let mut shown = present.shown(is_due, args.dry_run);
    if is_due {
        if !args.change_authority {
            present.is_of(&folder)?;
        }
        rehearse(&client, &present.seen, args.target.force_conflicts).await?;
    }
    if args.dry_run {
        return shown.print(context);
    }
    let mut chain = present.chain.clone();
    if is_due {
        let pair = present.issue(&mut folder, args, context)?;
        // Others may use the folder while this waits.
        drop(folder);
        chain.clone_from(&pair.chain);
        present
            .replace((&client, &place), pair, (args, &root, context))
            .await?;
        warn_of_annotation(&present.seen.secret);
    } else {
        drop(folder);
    }
    let leaf = chain.first().unwrap_or(&present.leaf);
    shown.is_now(leaf);
    let between = chain.get(1..).unwrap_or_default();
    let trusted = [root];
    let usage = (Usage::Server, &[][..]);
    // Another authority's may be there that needs no renewal: who believes that isn't known.
    let is_ours = verify(leaf, between, &trusted, context.clock.now(), usage).is_ok();
    let awaited = Awaited {
        leaf,
        trusted: if is_ours { &trusted } else { &[] },
        clock: &context.clock,
    };
    let patience = args.timeout.duration();
    let waited = served::wait(&servers, &awaited, until(patience)).await;
    if let Ok(served) = &waited {
        shown.served.clone_from(served);
    }
    shown.print(context)?;
    waited.map(|_| ())
}

fn until(patience: Duration) -> (Instant, Duration) {
    (Instant::now() + patience, patience)
}

fn folder(args: &KubeRenew, context: &Context) -> Result<Folder, Failure> {
    let args = PkiFolder {
        dir: args.ca.clone(),
        passphrase: args.passphrase.clone(),
    };
    Folder::open(&args, context)
}

impl Present {
    /// Reads it, and refuses what can't be renewed here. `asked` are the names it is to have instead of its own.
    async fn read(client: &Client, place: &Place, asked: &[San]) -> Result<Self, Failure> {
        let seen = seen(client, place).await?.ok_or_else(|| absent(place))?;
        owner::guard(&seen.secret.meta)?;
        is_changeable(&seen.secret)?;
        Self::of(seen, asked)
    }

    fn of(seen: Seen, asked: &[San]) -> Result<Self, Failure> {
        let place = &seen.secret.meta.place;
        let read = tls::read(&seen.secret, tls::CHAIN).map(|read| read.certificates);
        let chain = read.unwrap_or_default();
        let leaf = chain
            .first()
            .cloned()
            .ok_or_else(|| unlike(place, "tls.crt has no certificate"))?;
        if leaf.authority.is_some() {
            return Err(unlike(place, "it has an authority's own certificate"));
        }
        if asked.is_empty() {
            if leaf.names.is_empty() {
                return Err(unlike(
                    place,
                    "its certificate has no subject alternative name",
                ));
            }
            if let Some(other) = leaf.other_names.first() {
                let what = format!("its certificate has a name that isn't issued here: {other}");
                return Err(unlike(place, &what));
            }
        }
        Ok(Self {
            names: if asked.is_empty() {
                leaf.names.clone()
            } else {
                asked.to_vec()
            },
            profile: profile(&leaf),
            key: KeyKind::like(leaf.key.kind()),
            chain,
            leaf,
            seen,
        })
    }

    /// The servers that are to show it, of which none shows a certificate that is for clients alone.
    fn servers(&self, asked: &[String]) -> Result<Vec<Server>, Failure> {
        if !self.profile.serves() && !asked.is_empty() {
            let what = "--wait-for: the certificate is for clients, and no server shows it";
            return Err(Report::new("KUBE-129", what)
                .why("Nothing was issued.")
                .help("leave --wait-for out")
                .usage());
        }
        let servers = asked.iter();
        servers
            .map(|text| Server::parse(text, &self.names))
            .collect()
    }

    /// Whether it is time, or it is for other names than it is to be.
    fn is_due(&self, within: Option<u32>, now: Time) -> bool {
        let same = self.names.iter().all(|name| self.leaf.names.contains(name))
            && self.leaf.names.iter().all(|name| self.names.contains(name));
        let due = |days: u32| {
            let rest = Duration::from_secs(u64::from(days) * 86_400);
            self.leaf.not_after <= now.plus(rest)
        };
        !same || within.is_none_or(due)
    }

    /// Refuses what another authority has issued: whoever trusts that one alone would refuse the next certificate.
    fn is_of(&self, folder: &Folder) -> Result<(), Failure> {
        let issuers = folder.issuers()?;
        let known = issuers
            .iter()
            .flat_map(|one| [one.certificate(), one.trusted()]);
        let issued = |by: &Certificate| {
            self.chain
                .iter()
                .any(|one| one.names_issuer(by) && one.is_signed_by(by))
        };
        if known.into_iter().any(issued) {
            return Ok(());
        }
        let (place, issuer) = (&self.seen.secret.meta.place, &self.leaf.issuer);
        let what =
            format!("another authority has issued the certificate of Secret {place}: {issuer}");
        Err(Report::new("KUBE-133", what)
            .why("Clients that trust that one alone would refuse the next certificate. Nothing was issued.")
            .help("renew it there, or once clients trust this authority (bundle.crt in its folder), say --change-authority")
            .failed())
    }

    fn issue(
        &self,
        folder: &mut Folder,
        args: &KubeRenew,
        context: &Context,
    ) -> Result<Pair, Failure> {
        let wanted = issue::wanted(self.names.clone(), self.profile, args.days)?;
        let key = new_key(self.key)?;
        // It is remembered before it gets out, so that it can be revoked; it lies in no file that `pki renew` could
        // renew.
        let issued = issued(folder, &wanted, Whose::Theirs(key.public()), context)?;
        issued.notes.iter().for_each(issue::say);
        Ok(Pair {
            chain: issued.chain,
            key,
        })
    }

    /// Writes the new pair in place of this one, and of no other.
    async fn replace(
        &self,
        (client, place): (&Client, &Place),
        pair: Pair,
        (args, root, context): (&KubeRenew, &Certificate, &Context),
    ) -> Result<(), Failure> {
        let wanted = Wanted {
            place: place.clone(),
            pair,
            labels: tls::Marks::new(),
            annotations: tls::Marks::new(),
            replaces: Some(self.leaf.fingerprint()),
        };
        let held = Subject {
            role: role(wanted.leaf()?),
            trusted: std::slice::from_ref(root),
            ..Subject::default()
        };
        warn(&wanted.judge(&held, context.clock.now())?);
        let how = How {
            force: args.target.force_conflicts,
            dry: Dry::No,
            recreate: false,
        };
        bring(client, &wanted, how).await.map(|_| ())
    }

    fn shown(&self, renewed: bool, dry_run: bool) -> Shown {
        Shown {
            secret: self.seen.secret.meta.place.to_string(),
            renewed,
            dry_run,
            names: self.names.iter().map(ToString::to_string).collect(),
            key: self.key,
            not_after: moments::written(self.leaf.not_after),
            sha256_before: None,
            sha256: self.leaf.fingerprint(),
            served: Vec::new(),
        }
    }
}

/// As it was used: by what it says it is for, a server's where it doesn't say.
fn profile(leaf: &Certificate) -> Profile {
    let purposes = leaf.purposes.as_deref().unwrap_or_default();
    let serves = purposes.contains(&Purpose::ServerAuth);
    let calls = purposes.contains(&Purpose::ClientAuth);
    match (serves, calls) {
        (true, true) => Profile::Both,
        (false, true) => Profile::Client,
        _ => Profile::Server,
    }
}

impl Shown {
    /// What the Secret has now.
    fn is_now(&mut self, leaf: &Certificate) {
        let now = leaf.fingerprint();
        self.sha256_before = Some(self.sha256).filter(|before| *before != now);
        self.sha256 = now;
        self.not_after = moments::written(leaf.not_after);
    }

    fn print(&self, context: &Context) -> Result<(), Failure> {
        let mut table = Table::new(&[
            "SECRET",
            "RENEWED",
            "GOOD UNTIL",
            "KEY",
            "SHA-256",
            "SERVED BY",
        ]);
        let renewed = match (self.renewed, self.dry_run) {
            (true, true) => "yes (dry run)",
            (true, false) => "yes",
            (false, _) => "not due",
        };
        let served: Vec<&str> = self.served.iter().map(|one| one.server.as_str()).collect();
        table.row([
            self.secret.clone(),
            renewed.to_owned(),
            self.not_after.clone(),
            self.key.to_string(),
            match self.sha256_before {
                Some(before) => format!("{before} -> {}", self.sha256),
                None => self.sha256.to_string(),
            },
            if served.is_empty() {
                "-".to_owned()
            } else {
                served.join(", ")
            },
        ]);
        ui::answer(context.output, self, &table)
    }
}

fn is_changeable(secret: &SecretObject) -> Result<(), Failure> {
    let place = &secret.meta.place;
    if secret.kind != aeolus_kube::TLS {
        let what = format!("it has the type {}", secret.kind);
        return Err(unlike(place, &what));
    }
    if secret.is_immutable {
        return Err(unlike(place, "it is immutable"));
    }
    Ok(())
}

fn absent(place: &Place) -> Failure {
    Report::new("KUBE-006", format!("there is no Secret {place}"))
        .why("Nothing was issued.")
        .help("issue one: aeolus pki issue, then aeolus kube apply-tls; or correct the name and the namespace")
        .failed()
}

fn unlike(place: &Place, why: &str) -> Failure {
    Report::new("KUBE-127", format!("Secret {place} can't be renewed: {why}"))
        .why("Nothing was issued.")
        .help("give its names with --san; where that isn't it, issue another one (aeolus pki issue) and write it: aeolus kube apply-tls --recreate")
        .failed()
}

#[cfg(test)]
mod tests;
