//! `aeolus gate secret`: the generations of a plane's secret, without any control plane.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use aeolus_api::Period;
use aeolus_api::fleet::TokenEndpointAuthMethod;
use aeolus_gate::replica::fs::SystemFs;
use aeolus_gate::replica::{Data, Parts, Replica, SecretFile, SystemBootClock};
use aeolus_keys::seal::{GenerationError, GenerationState, Keyring, OPENS_FOR};
use aeolus_keys::{Alg, SigningKey};
use aeolus_model::{Clock as _, PlaneId, SystemClock, Time};
use aeolus_snapshot::section::{Connection, Connections};
use serde::Serialize;

use super::super::Context;
use super::moment::{Drift, Moment};
use super::unusable;
use crate::args::{SecretList, SecretRotate};
use crate::moments::ahead;
use crate::report::{Failure, Report};
use crate::ui::{self, Table};

const PRIVATE_KEY_JWT: &str = TokenEndpointAuthMethod::PrivateKeyJwt.name();

/// How long an Airflow that reads the keys by its own `trusted_jwks_url` may keep them.
const KEPT_BY_AIRFLOW: Period = Period::from_secs(3_600);

/// A generation, without what is secret of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    generation: u32,
    state: &'static str,
    /// When it takes or took over, in seconds; absent: it was the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    active_from: Option<i64>,
    /// Until when it opens what it sealed, in seconds; absent: no other has taken over.
    #[serde(skip_serializing_if = "Option::is_none")]
    opens_until: Option<i64>,
    /// Whether it has a key for Airflow 2.
    airflow2: bool,
    /// The same on all replicas that have the same file.
    fingerprint: String,
}

/// Adds a generation.
pub(crate) fn rotate(args: &SecretRotate, context: &Context) -> Result<(), Failure> {
    let file = file(&args.data)?;
    let mut keyring = file.read().map_err(|error| unusable(&error))?.keyring;
    owned(&file.path(), "gate secret rotate")?;
    let known = Known::of(&args.data)?;
    let Moment { now, drift } = Moment::of(context.clock.now(), known.time);
    if let Some(drift) = drift.filter(|_| !args.compromised && !args.trust_clock) {
        return Err(off(drift));
    }
    let rsa = SigningKey::generate(Alg::Rs256, &context.rng);
    let rsa = rsa.map_err(|error| {
        Report::new("GATE-0008", format!("no key could be made: {error}")).failed()
    })?;
    let rsa = Some(Arc::new(rsa));
    let made = if args.compromised {
        keyring.replace(known.min_generation, rsa, &context.rng)
    } else {
        let begins = now.plus(args.activate_in.duration());
        keyring.announce((now, begins), rsa, &context.rng)
    };
    let made = made.map_err(|error| refused(error, now))?;
    file.write(&keyring).map_err(|error| unusable(&error))?;
    show(&keyring, now, context)?;
    say(made, args, &file.path());
    say_to_providers(&known, args.compromised);
    Ok(())
}

/// Shows what there is.
pub(crate) fn list(args: &SecretList, context: &Context) -> Result<(), Failure> {
    let read = file(&args.data)?.read();
    let keyring = read.map_err(|error| unusable(&error))?.keyring;
    let known = Known::of(&args.data)?;
    let Moment { now, drift } = Moment::of(context.clock.now(), known.time);
    if let Some(drift) = drift {
        ui::note(&format!("warning: {drift}; the states may be others"));
    }
    show(&keyring, now, context)
}

pub(super) fn file(folder: &Path) -> Result<SecretFile, Failure> {
    SecretFile::of(folder, Arc::new(SystemFs)).map_err(|error| unusable(&error))
}

/// The file is replaced by one of this user: the gate must still be able to read it.
pub(crate) fn owned(file: &Path, verb: &str) -> Result<(), Failure> {
    let us = rustix::process::geteuid().as_raw();
    let owner = std::fs::metadata(file).map_or(us, |metadata| metadata.uid());
    if owner == us {
        return Ok(());
    }
    let what = format!("{} is another user's (uid {owner})", file.display());
    Err(Report::new("GATE-0009", what)
        .why("The gate could not read what this user writes.")
        .help(format!(
            "run it as the gate's user: sudo -u '#{owner}' aeolus {verb} …"
        ))
        .failed())
}

/// What the gate in a folder knows.
pub(super) struct Known {
    /// Its plane.
    pub(super) plane: PlaneId,
    /// The first generation that its snapshot allows; without a snapshot, every one.
    pub(super) min_generation: u32,
    /// The connections of its snapshot; none without one.
    pub(super) connections: Option<Connections>,
    /// The last time that it wrote down or that control signed.
    pub(super) time: Option<Time>,
}

impl Known {
    pub(super) fn of(folder: &Path) -> Result<Self, Failure> {
        let data = Data::open(folder, Arc::new(SystemFs)).map_err(|error| unusable(&error))?;
        let parts = Parts {
            wall: Arc::new(SystemClock),
            boot: Arc::new(SystemBootClock),
            revise: None,
            build: Box::new(|snapshot| {
                let connections = snapshot.sections().connections.clone();
                (snapshot.manifest().min_generation, connections)
            }),
        };
        let replica = Replica::open(&data, parts);
        let current = replica.current();
        let (min, connections) = current.map(|loaded| loaded.world.clone()).unzip();
        Ok(Self {
            plane: data.settings.plane,
            min_generation: min.unwrap_or_default(),
            connections,
            time: replica.clock().floor(),
        })
    }

    /// Where the plane's client signs with a key that follows from the secret.
    fn signs_at(&self) -> Vec<&str> {
        let all = self.connections.iter().flat_map(|all| &all.connections);
        let signs = |connection: &&Connection| {
            let registration = connection.plane_registration.as_ref();
            registration.is_some_and(|one| one.token_endpoint_auth_method == PRIVATE_KEY_JWT)
        };
        all.filter(signs).map(|one| one.name.as_str()).collect()
    }
}

fn off(drift: Drift) -> Failure {
    let why = "When the new generation takes over is a moment of the gate's time, which control signs: reckoned by a \
               wrong clock it takes over too early for the other replicas, or drops generations that are still needed.";
    let help = match drift {
        Drift::Behind(_) => "set this machine's clock right, and run it again",
        Drift::Ahead(_) => {
            "set this machine's clock right, or, if it is right and the gate has not run since, add --trust-clock"
        }
    };
    Report::new("GATE-0011", drift.to_string())
        .why(why)
        .help(help)
        .failed()
}

fn refused(error: GenerationError, now: Time) -> Failure {
    let report = Report::new("GATE-0008", error.to_string());
    match error {
        GenerationError::Announced { begins, .. } => report
            .why(format!("It takes over {}.", ahead(begins, now)))
            .help("wait for that; if the secret is in foreign hands: --compromised"),
        GenerationError::Exhausted | GenerationError::Malformed => report,
    }
    .failed()
}

fn show(keyring: &Keyring, now: Time, context: &Context) -> Result<(), Failure> {
    let mut table = Table::new(&[
        "GENERATION",
        "STATE",
        "TAKES OVER",
        "OPENS UNTIL",
        "FINGERPRINT",
    ]);
    let mut all = Vec::new();
    for (generation, state) in keyring.at(now) {
        let (name, until) = match state {
            GenerationState::Announced => ("announced", None),
            GenerationState::Active => ("active", None),
            GenerationState::Retired { since } => ("retired", Some(since.plus(OPENS_FOR))),
        };
        let from = (generation.begins > Time::EPOCH).then_some(generation.begins);
        let fingerprint = generation.fingerprint();
        table.row([
            generation.id.to_string(),
            name.to_owned(),
            from.map_or_else(String::new, |from| ahead(from, now)),
            until.map_or_else(String::new, |until| ahead(until, now)),
            fingerprint.clone(),
        ]);
        all.push(Shown {
            generation: generation.id,
            state: name,
            active_from: from.map(Time::secs),
            opens_until: until.map(Time::secs),
            airflow2: generation.rsa.is_some(),
            fingerprint,
        });
    }
    ui::answer(context.output, &all, &table)
}

fn say(made: u32, args: &SecretRotate, path: &Path) {
    let path = path.display();
    if args.compromised {
        ui::note(&format!(
            "Generation {made} is active, and nothing that another one made is believed here: everybody has to sign \
             in again.\n\
             - Copy {path} to every other replica of the plane now. Until then they believe the old secret.\n\
             - An Airflow with aeolus-airflow fetches the new keys at the first token it does not know.\n\
             - An Airflow that reads the keys by [api_auth] trusted_jwks_url does not: it believes the old keys, and \
             refuses the new ones, for up to {KEPT_BY_AIRFLOW}. Restart its API servers."
        ));
        return;
    }
    ui::note(&format!(
        "Generation {made} takes over in {}. Copy {path} to every other replica of the plane now; running gates \
         notice it by themselves.",
        args.activate_in
    ));
    if args.activate_in < KEPT_BY_AIRFLOW {
        ui::note(&format!(
            "warning: that is less than the {KEPT_BY_AIRFLOW} for which an Airflow that reads the keys by [api_auth] \
             trusted_jwks_url keeps them; it will refuse what the new generation signs until it looks again"
        ));
    }
}

/// Providers that hold the clients' keys themselves have to be told.
fn say_to_providers(known: &Known, compromised: bool) {
    let at = known.signs_at();
    if at.is_empty() {
        return;
    }
    let at = at.join(", ");
    let what = if compromised {
        "what the plane's client signs at these connections is refused from now on. Give these providers the new \
         keys, and take the old ones away there"
    } else {
        "the plane's client signs at these connections with a key that changes with the generation. Give these \
         providers the new keys before it takes over"
    };
    ui::note(&format!(
        "{at}: {what} (`aeolus gate client-keys`), unless they fetch them from https://AUTHHOST/.aeolus/jwks/NAME."
    ));
}
