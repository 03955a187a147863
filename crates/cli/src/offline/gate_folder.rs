//! A gate's data folder, made and brought up to date without control.

use std::path::Path;
use std::sync::Arc;

use aeolus_gate::replica::fs::SystemFs;
use aeolus_gate::replica::{Applied, Data, DataError, Parts, Replica, Settings, SystemBootClock};
use aeolus_keys::seal::Keyring;
use aeolus_keys::{Alg, SigningKey};
use aeolus_model::{PlaneId, Rng, Slug, SystemClock};
use aeolus_snapshot::{Published, Root};

use super::ISSUER;
use crate::files;
use crate::report::{Failure, Report};

/// Puts a snapshot into a gate's folder, making the gate if there is none. The gate's own code
/// verifies it first: what it would refuse is not written.
pub(crate) fn install(
    folder: &Path,
    gate: (PlaneId, &Slug),
    root: &Root,
    published: Published,
    rng: &dyn Rng,
) -> Result<(), Failure> {
    let fs = Arc::new(SystemFs);
    let data = match Data::open(folder, Arc::clone(&fs) as _) {
        Err(DataError::NotEnrolled(_)) => {
            create(folder, gate, root, rng)?;
            Data::open(folder, fs)
        }
        opened => opened,
    };
    let data = data.map_err(|error| failed(&error))?;
    if data.settings.plane != gate.0 || data.settings.control_url.is_some() {
        let shown = folder.display();
        return Err(
            Report::new("GATE-0002", format!("{shown} holds a gate of another plane"))
                .why("Its secrets and sessions would be lost.")
                .help("choose another --out folder")
                .failed(),
        );
    }
    let replica: Replica<()> = Replica::open(
        &data,
        Parts {
            wall: Arc::new(SystemClock),
            boot: Arc::new(SystemBootClock),
            build: Box::new(|_| ()),
        },
    );
    let blobs = published
        .blobs
        .into_iter()
        .map(|(digest, bytes)| (digest, bytes.into()))
        .collect();
    match replica.take(&published.manifest, &blobs) {
        Ok(Applied::Swapped(_) | Applied::Unchanged) => {}
        Err(error) => return Err(failed(&error)),
    }
    replica.persist().map_err(|error| failed(&error))
}

fn create(
    folder: &Path,
    (plane, name): (PlaneId, &Slug),
    root: &Root,
    rng: &dyn Rng,
) -> Result<(), Failure> {
    files::folder(folder)?;
    let identity = SigningKey::generate(Alg::EdDsa, rng).map_err(|error| failed(&error))?;
    let identity = identity.to_pkcs8().map_err(|error| failed(&error))?;
    let secret = Keyring::generate(rng).to_json();
    let settings = Settings {
        plane,
        name: name.clone(),
        control_url: None,
        issuer: ISSUER.to_owned(),
    };
    let settings = serde_json::to_vec_pretty(&settings).map_err(|error| failed(&error))?;
    files::write_private(&folder.join("identity.key"), identity.expose())?;
    files::write_private(&folder.join("secret.json"), secret.expose().as_bytes())?;
    files::write_private(&folder.join("root.json"), root.document().as_bytes())?;
    // Last: it makes the folder a gate's.
    files::write_private(&folder.join("gate.json"), &settings)
}

fn failed(error: &dyn std::error::Error) -> Failure {
    Report::new("GATE-0003", format!("the gate's folder can't be used: {error}"))
        .why("The gate that reads it would refuse it as well.")
        .help("if the keys folder is new, the gate's folder must be too")
        .failed()
}
