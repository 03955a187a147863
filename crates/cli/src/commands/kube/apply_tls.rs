//! `aeolus kube apply-tls`: a pair from files into a Secret (row K2; by hand row K6).

use std::io::IsTerminal as _;
use std::path::Path;

use aeolus_kube::{Client, Dry, Place};
use aeolus_model::{Clock as _, Secret};
use aeolus_pki::check::{Role, Rule, Subject};
use aeolus_pki::{Certificate, Purpose};

use super::bring_tls::{Done, How, bring, seen};
use super::tls::{Pair, Wanted, marks, warn, warn_of_annotation};
use crate::args::{KubeApplyTls, KubeDryRun};
use crate::commands::Context;
use crate::commands::pki::{input, names};
use crate::report::{Failure, Report};
use crate::ui::{self, Output};

/// Judges the pair and writes the Secret.
pub(in crate::commands) async fn apply_tls(
    args: &KubeApplyTls,
    context: &Context,
) -> Result<(), Failure> {
    let passphrase = args.passphrase.read(context)?;
    let pair = pair(args, passphrase.as_ref())?;
    let is_client = args.dry_run == Some(KubeDryRun::Client);
    let client = if is_client && args.target.is_placed() {
        None
    } else {
        Some(args.target.access.client().await?)
    };
    let wanted = Wanted {
        place: args.target.place(client.as_ref())?,
        pair,
        labels: marks(&args.label),
        annotations: marks(&args.annotate),
        replaces: None,
    };
    judged(&wanted, args, context)?;
    match client {
        Some(client) if !is_client => write(&client, &wanted, args, context).await,
        _ => print(&wanted, args.show_key, context.output),
    }
}

fn pair(args: &KubeApplyTls, passphrase: Option<&Secret<String>>) -> Result<Pair, Failure> {
    let none = |path: &Path, what: &str| {
        Report::new(
            "PKI-003",
            format!("{}: there is no {what} in it", path.display()),
        )
        .why("Nothing was changed.")
        .help("give the file that has it")
        .usage()
    };
    let chain = input(&args.cert, passphrase)?.certificates;
    let keys = input(&args.key, passphrase)?.keys;
    let leaf = chain
        .first()
        .ok_or_else(|| none(&args.cert, "certificate"))?;
    let (own, mut others) = keys
        .into_iter()
        .partition::<Vec<_>, _>(|key| *key.public() == leaf.key);
    others.splice(..0, own);
    let key = others.into_iter().next();
    let key = key.ok_or_else(|| none(&args.key, "private key"))?;
    Ok(Pair { chain, key })
}

/// Refuses what would not serve, and says what will go wrong.
fn judged(wanted: &Wanted, args: &KubeApplyTls, context: &Context) -> Result<(), Failure> {
    let mut trusted = Vec::new();
    for path in &args.ca {
        trusted.extend(input(path, None)?.certificates);
    }
    let leaf = wanted.leaf()?;
    let held = Subject {
        role: role(leaf),
        hosts: &names(&args.host)?,
        trusted: &trusted,
        rsa_only: args.rsa_only,
        ..Subject::default()
    };
    let warnings = wanted.judge(&held, context.clock.now())?;
    let said = |rule: &Rule| warnings.iter().any(|found| found.rule.code == rule.code);
    if !leaf.key.kind().is_rsa() && !said(&Rule::NOT_RSA_PLATFORM) {
        ui::note(&format!(
            "note: its key is {}. The original's registry and API take RSA only: --rsa-only makes sure where they use it.",
            leaf.key.kind()
        ));
    }
    warn(&warnings);
    if trusted.is_empty() && !leaf.is_self_issued() {
        ui::note(
            "note: whether the chain leads to an authority wasn't proved: say with --ca whom clients trust.",
        );
    }
    Ok(())
}

/// Secrets are a server's, but for those of certificates for clients alone.
pub(super) fn role(leaf: &Certificate) -> Role {
    let serves = |purposes: &Vec<Purpose>| {
        let mut purposes = purposes.iter();
        purposes.any(|one| matches!(one, Purpose::ServerAuth | Purpose::Any))
    };
    if leaf.purposes.as_ref().is_none_or(serves) {
        Role::Served
    } else {
        Role::Own
    }
}

async fn write(
    client: &Client,
    wanted: &Wanted,
    args: &KubeApplyTls,
    context: &Context,
) -> Result<(), Failure> {
    let how = How {
        force: args.target.force_conflicts,
        dry: match args.dry_run {
            Some(_) => Dry::Run,
            None => Dry::No,
        },
        recreate: args.recreate,
    };
    let brought = bring(client, wanted, how).await?;
    brought.print(context.output)?;
    if brought.done != Done::Created
        && let Some(now) = seen(client, &wanted.place).await?
    {
        warn_of_annotation(&now.secret);
        for (marks, there, what) in [
            (&wanted.labels, &now.secret.meta.labels, "label"),
            (
                &wanted.annotations,
                &now.secret.meta.annotations,
                "annotation",
            ),
        ] {
            let gone = marks.iter().filter(|(_, value)| value.is_none());
            for (key, _) in gone.filter(|(key, _)| there.contains_key(*key) && how.dry == Dry::No) {
                ui::note(&format!(
                    "note: the {what} {key} stays: another program has written it as well."
                ));
            }
        }
    }
    Ok(())
}

/// The manifest, as `kubectl create secret tls --dry-run=client -o yaml` prints it. A terminal's memory and its
/// screen are no place for a key.
fn print(wanted: &Wanted, show_key: bool, output: Output) -> Result<(), Failure> {
    if std::io::stdout().is_terminal() && !show_key {
        return Err(shown_to_all(&wanted.place));
    }
    ui::note("note: the manifest has the private key; base64 hides nothing.");
    ui::document(output, &wanted.manifest())
}

fn shown_to_all(place: &Place) -> Failure {
    Report::new("KUBE-125", format!("the manifest of {place} has the private key, and would be shown on the terminal"))
        .why("The pair is good. Nothing was printed.")
        .help("send it to a file or a program (umask 077; … > secret.yaml), or say --show-key; --dry-run=server shows what would change without it")
        .usage()
}
