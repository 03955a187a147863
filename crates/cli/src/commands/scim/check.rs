//! `aeolus scim check`: an identity provider's own tests against the live endpoint (note 035). What a provider sends is
//! data; this goes through it.

mod carrier;
mod credential;
mod judge;
mod line;
mod microsoft;
mod microsoft_groups;
mod okta;
mod okta_groups;
mod reach;
mod run;
mod shown;
mod step;
mod strict;

use std::io::Read as _;

use aeolus_api::connection::Connection;
use aeolus_api::fleet::ConnectionKind;
use aeolus_api::scim as api;
use aeolus_model::{Rng, Secret};

use self::carrier::ByEgress;
use self::credential::Credential;
use self::judge::Values;
use self::line::Outcome;
use self::run::Run;
use self::shown::Shown;
use self::step::Step;
use super::super::Context;
use crate::args::{ScimCheck, ScimProfile};
use crate::commands::connection::connections;
use crate::config::way_of;
use crate::control_client::refused;
use crate::report::{Failure, Report};
use crate::ui;

/// The variable with the credential.
const VARIABLE: &str = "AEOLUS_SCIM_CREDENTIAL";
/// Longest credential that is read.
const MAX_CREDENTIAL: u64 = 64 * 1024;

/// Tries everything, and deletes what it has made.
pub(super) async fn check(args: &ScimCheck, context: &Context) -> Result<(), Failure> {
    let place = place(args, context).await?;
    let text = credential(args, context)?;
    let way = way_of(&context.environment)?;
    let agent = match place.profile {
        ScimProfile::Okta => "Okta SCIM Client 1.0.0",
        ScimProfile::Microsoft | ScimProfile::Strict => "aeolus-scim-check",
    };
    let carrier = ByEgress::new(&way, agent).map_err(|error| {
        Report::new(
            "CLI-0025",
            format!("nothing can be asked from here: {error}"),
        )
        .failed()
    })?;
    let (base, lines) = reach::form(&place.endpoint, place.profile);
    let with = (Credential::new(text, place.profile), place.profile);
    let mut run = Run::new(&carrier, base, with, values(&context.rng));
    run.lines = lines;
    let wrong = run.lines.iter().any(|line| line.result == Outcome::Fail);
    let mut left = Vec::new();
    if !wrong && reached(&mut run, &place).await {
        let stopped = tokio::select! {
            () = run.go(sequence(place.profile)) => false,
            _ = tokio::signal::ctrl_c() => true,
        };
        if stopped {
            ui::note("stopped: deleting what was made");
        }
        left = run.clean().await;
        if stopped {
            run.lines.push(line::Line::fail(
                "STOPPED",
                "try everything",
                ("it was interrupted".to_owned(), "run it again"),
            ));
        }
    }
    let shown = Shown::of(&place, run.lines, left);
    shown.print(context.output)?;
    if shown.is_good() {
        Ok(())
    } else {
        Err(Failure::silent())
    }
}

/// Where is asked, and as whom.
struct Place {
    connection: String,
    endpoint: String,
    /// Control's own, where the provider was told another one.
    direct: Option<String>,
    profile: ScimProfile,
}

/// Control knows where a connection's endpoint is, and whose. Whoever says both needs not be signed in there.
async fn place(args: &ScimCheck, context: &Context) -> Result<Place, Failure> {
    let connection = args.connection.clone();
    if let (Some(endpoint), Some(profile)) = (&args.endpoint, args.profile) {
        return Ok(Place {
            connection,
            endpoint: endpoint.clone(),
            direct: None,
            profile,
        });
    }
    let client = args.target.client(&context.environment).await?;
    let found = connections(&client).await?;
    let mut found = found.into_iter();
    let found = found.find(|each| each.name.as_str() == connection);
    let found = found.ok_or_else(|| {
        Report::new("CLI-0014", format!("there is no connection {connection}"))
            .help("`aeolus connection list` shows those that there are")
            .failed()
    })?;
    let profile = args.profile.unwrap_or_else(|| profile_of(&found));
    let metadata = client.metadata().await.map_err(refused)?;
    let own = format!(
        "{}/v1/scim/v2/{connection}",
        metadata.issuer.trim_end_matches('/')
    );
    let told = args.endpoint.clone().filter(|told| *told != own);
    Ok(Place {
        connection,
        direct: told.is_some().then(|| own.clone()),
        endpoint: told.unwrap_or(own),
        profile,
    })
}

/// What control says of it; one of before says nothing, and takes it from the provider.
fn profile_of(connection: &Connection) -> ScimProfile {
    match (connection.scim_profile, connection.kind) {
        (Some(api::ScimProfile::Okta), _) | (None, ConnectionKind::Okta) => ScimProfile::Okta,
        (Some(api::ScimProfile::Microsoft), _) | (None, ConnectionKind::Microsoft) => {
            ScimProfile::Microsoft
        }
        (Some(api::ScimProfile::Strict) | None, _) => ScimProfile::Strict,
    }
}

/// What the provider was given. It is never an argument: others on this machine would see it.
fn credential(args: &ScimCheck, context: &Context) -> Result<Secret<String>, Failure> {
    let wrong = |what: String| {
        Report::new("CLI-0024", what)
            .why("Without it the endpoint lets nobody do anything.")
            .help(format!(
                "say --credential-file or --credential-stdin, or set {VARIABLE}: a token, or user:password"
            ))
            .usage()
    };
    let text = if let Some(path) = &args.credential_file {
        let read = std::fs::read_to_string(path);
        read.map_err(|error| wrong(format!("{} can't be read: {error}", path.display())))?
    } else if args.credential_stdin {
        let mut text = String::new();
        let mut from = std::io::stdin().lock().take(MAX_CREDENTIAL);
        let read = from.read_to_string(&mut text);
        read.map_err(|error| wrong(format!("standard input can't be read: {error}")))?;
        text
    } else {
        let found = context.environment.get(VARIABLE);
        found.ok_or_else(|| wrong("there is no credential to show".to_owned()))?
    };
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(wrong("the credential is empty".to_owned()));
    }
    Ok(Secret::new(line.to_owned()))
}

/// What this run calls what it makes.
fn values(rng: &dyn Rng) -> Values {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes);
    let hex = |text: String, byte: &u8| format!("{text}{byte:02x}");
    let random = bytes.iter().fold(String::new(), hex);
    let part = |from: usize, to: usize| random.get(from..to).unwrap_or_default();
    let run = part(0, 8);
    let name = format!("aeolus-check-{run}");
    let address = |what: &str| format!("{name}{what}@example.invalid");
    let guid = format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    );
    let pairs = [
        ("run", run.to_owned()),
        ("guid", guid),
        ("login", address("")),
        ("LOGIN", address("").to_ascii_uppercase()),
        ("first login", address("-first")),
        ("renamed", address("-renamed")),
        ("nobody", address("-nobody")),
        ("external", name.clone()),
        ("password", format!("Aa1!{random}")),
        ("group name", name.clone()),
        ("GROUP NAME", name.to_ascii_uppercase()),
        ("group name 2", format!("{name} 2")),
    ];
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Whether the endpoint answers and takes the credential. Why not is said.
async fn reached(run: &mut Run<'_, ByEgress>, place: &Place) -> bool {
    let line = match run.first().await {
        Err(error) => reach::unreached(&error),
        Ok(own) => {
            let direct = match &place.direct {
                Some(direct) if own.status == 401 => run.first_at(direct).await.ok(),
                _ => None,
            };
            reach::reached(&reach::First {
                own: &own,
                direct: direct.as_ref(),
                suspicion: run.credential.suspicion(),
            })
        }
    };
    let good = line.result == Outcome::Pass;
    run.lines.push(line);
    good
}

/// What a provider sends.
fn sequence(profile: ScimProfile) -> impl Iterator<Item = &'static Step> {
    let parts: &[&[Step]] = match profile {
        ScimProfile::Okta => &[okta::STEPS, okta_groups::STEPS, okta::LAST],
        ScimProfile::Microsoft => &[microsoft::STEPS, microsoft_groups::STEPS, microsoft::LAST],
        ScimProfile::Strict => &[strict::STEPS],
    };
    parts.iter().flat_map(|part| part.iter())
}

#[cfg(test)]
mod tests;
