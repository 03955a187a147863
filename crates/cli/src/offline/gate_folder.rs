//! A gate's data folder, made and brought up to date without control.

use std::collections::HashMap;
use std::path::Path;

use aeolus_gate::replica::{InstallError, Installation, Settings, install as install_at};
use aeolus_model::{Rng, Slug};
use aeolus_snapshot::{Digest, Edition, Published, Root, Snapshot, Trust};

use super::ISSUER;
use crate::report::{Failure, Report};

/// Puts a snapshot into a gate's folder, making the gate if there is none. What a gate would refuse
/// is not written.
pub(crate) fn install(
    folder: &Path,
    name: &Slug,
    edition: &Edition,
    (root, published): (&Root, &Published),
    rng: &dyn Rng,
) -> Result<(), Failure> {
    let blobs: HashMap<&Digest, &Vec<u8>> = published.blobs.iter().map(|(d, b)| (d, b)).collect();
    let trust = Trust {
        root,
        plane: edition.plane,
        floor: None,
    };
    let find = |digest: &Digest| blobs.get(digest).map(|bytes| (*bytes).clone());
    Snapshot::verify(&trust, &published.manifest, &find, edition.issued_at)
        .map_err(|error| failed(&error))?;
    let settings = Settings {
        plane: edition.plane,
        name: name.clone(),
        control_url: None,
        issuer: ISSUER.to_owned(),
    };
    let what = Installation {
        settings: &settings,
        root,
        published,
        position: edition.position,
        issued_at: edition.issued_at,
    };
    install_at(folder, &what, rng).map_err(|error| match error {
        InstallError::Foreign => {
            let shown = folder.display();
            Report::new(
                "GATE-0002",
                format!("{shown} holds a gate of another plane or fleet"),
            )
            .why("Its secrets and sessions would be lost.")
            .help("choose another --out folder")
            .failed()
        }
        error => failed(&error),
    })
}

fn failed(error: &dyn std::error::Error) -> Failure {
    Report::new(
        "GATE-0003",
        format!("the gate's folder can't be used: {error}"),
    )
    .help("check that this user may write it, or choose another")
    .failed()
}
