//! `aeolus pki acme`.

use aeolus_acme::{
    Hook, LETS_ENCRYPT_STAGING, Limits, Outcome, Place as _, Settings, When, respond,
};
use aeolus_model::Secret;
use aeolus_tls::{HandedOver, Listener};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::pair::Pair;
use super::{Context, names};
use crate::args::PkiAcme;
use crate::commands::acme::{Wanted, external, failed};
use crate::commands::gate::unbound;
use crate::commands::process;
use crate::config::{Tls, unbelieved, way_of};
use crate::moments;
use crate::report::Failure;
use crate::ui::{self, Table};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    certificate: String,
    key: String,
    names: Vec<String>,
    renewed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    serial: String,
    not_after: String,
    renew_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
}

/// Brings about that a pair is there and good.
pub(super) async fn acme(args: &PkiAcme, context: &Context) -> Result<(), Failure> {
    let client = wanted(args, context)?.client()?;
    let pair = Pair::of(&args.out);
    if !args.force && pair.exists() {
        let known = client.knows(&pair).await;
        let known = known.map_err(|error| failed(&error))?;
        pair.may_be_written(known)?;
    }
    let stop = CancellationToken::new();
    process::cancel_on_signal(stop.clone())?;
    let responding = CancellationToken::new();
    if let Some(at) = &args.http_01 {
        let listener = Listener::bind("http-01", at, &mut HandedOver::default()).await;
        let listener = listener.map_err(|error| unbound(&error))?;
        tokio::spawn(respond(listener, client.folder.clone(), responding.clone()));
    }
    let when = if args.now { When::Now } else { When::Due };
    let run = client.run(&pair, when, &stop).await;
    responding.cancel();
    for note in &run.notes {
        ui::note(&format!("warning: {note}"));
    }
    let outcome = run.outcome.map_err(|error| failed(&error))?;
    show(&pair, &outcome, context)
}

fn wanted<'a>(args: &'a PkiAcme, context: &Context) -> Result<Wanted<'a>, Failure> {
    let binding = match (&args.eab_kid, &args.eab_key_file) {
        (Some(kid), Some(path)) => {
            let key = Secret::new(crate::yaml::read_text(path)?);
            Some(external(kid, &key)?)
        }
        _ => None,
    };
    let private = Tls::of_environment(&context.environment).read();
    let private = private.map_err(|error| unbelieved(&error))?;
    Ok(Wanted {
        folder: &args.dir,
        directory: if args.staging {
            LETS_ENCRYPT_STAGING
        } else {
            &args.directory
        },
        names: names(&args.san)?,
        hook: args.dns_hook.clone().map(|program| Hook {
            program,
            patience: args.hook_timeout.duration(),
        }),
        settings: Settings {
            contact: args.email.clone(),
            agreed: args.agree_terms,
            external: binding,
        },
        key: args.key,
        trusted: args.ca.as_deref(),
        way: (way_of(&context.environment)?, private),
        directory_ca: args.directory_ca.as_deref(),
        limits: Limits::default(),
    })
}

fn show(pair: &Pair, outcome: &Outcome, context: &Context) -> Result<(), Failure> {
    let (certificate, renew_at, why, before) = match outcome {
        Outcome::NotDue {
            certificate,
            renew_at,
        } => (certificate, renew_at, None, None),
        Outcome::Written {
            why,
            certificate,
            renew_at,
            before,
        } => (certificate, renew_at, Some(why), before.as_ref()),
    };
    let shown = Shown {
        certificate: pair.name(),
        key: pair.key.display().to_string(),
        names: certificate.names.iter().map(ToString::to_string).collect(),
        renewed: why.is_some(),
        why: why.map(ToString::to_string),
        serial: certificate.serial.to_string(),
        not_after: moments::written(certificate.not_after),
        renew_at: moments::written(*renew_at),
        before: before.map(|before| before.display().to_string()),
    };
    let mut table = Table::new(&["CERTIFICATE", "RENEWED", "UNTIL", "NEXT"]);
    let renewed = if shown.renewed { "yes" } else { "not due" };
    table.row([
        pair.certificate.display().to_string().as_str(),
        renewed,
        &shown.not_after,
        &shown.renew_at,
    ]);
    ui::answer(context.output, &shown, &table)
}
