//! What writing a Secret needs of a cluster.

use aeolus_kube::{Applied, Client, Dry, KubeError, Place, SecretObject};
use aeolus_model::Time;
use aeolus_snapshot::Position;
use serde::Serialize;

use super::signing::{Step, Wanted};
use crate::report::{Failure, Report};

/// Who is said to have written what is written.
pub(super) const MANAGER: &str = "aeolus-certificates";

/// Two calls.
pub(super) trait Cluster {
    /// A Secret, if it is there.
    async fn secret(&self, place: &Place) -> Result<Option<SecretObject>, KubeError>;

    /// Server-side apply.
    async fn apply(&self, secret: &SecretObject, how: (bool, Dry)) -> Result<Applied, KubeError>;
}

impl Cluster for Client {
    async fn secret(&self, place: &Place) -> Result<Option<SecretObject>, KubeError> {
        Self::secret(self, place).await
    }

    async fn apply(&self, secret: &SecretObject, how: (bool, Dry)) -> Result<Applied, KubeError> {
        self.apply_secret(secret, MANAGER, how).await
    }
}

/// How to write.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    /// Over what others have written.
    pub(super) force: bool,
    /// Whether it is written at all.
    pub(super) dry: Dry,
}

/// What became of the Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Done {
    /// It was made.
    Created,
    /// It is another one now.
    Changed,
    /// It is as it was.
    Unchanged,
    /// It has a certificate of a later position, which stays.
    Newer,
}

impl Done {
    /// In a word.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Newer => "newer there",
        }
    }
}

/// Brings it about, if it isn't so. With the position that the certificate was of when it was written, where that is known.
pub(super) async fn bring(
    cluster: &impl Cluster,
    wanted: &Wanted,
    how: How,
    now: Time,
) -> Result<(Done, Option<Position>), Failure> {
    let place = wanted.target().place();
    let found = cluster.secret(place).await.map_err(refused(place))?;
    match wanted.step(found.as_ref(), now) {
        Step::Keep(written) => Ok((Done::Unchanged, written)),
        Step::Newer(there) => Ok((Done::Newer, Some(there))),
        Step::Write(secret) => {
            let applied = cluster.apply(&secret, (how.force, how.dry)).await;
            applied.map_err(refused(place))?;
            let done = match found {
                None => Done::Created,
                Some(_) => Done::Changed,
            };
            Ok((done, wanted.position()))
        }
    }
}

/// Why the cluster did not do it.
fn refused(place: &Place) -> impl Fn(KubeError) -> Failure {
    let place = place.to_string();
    move |error| {
        let help = match error {
            KubeError::Conflict(_) => {
                "somebody else, such as the original's job, has written it: --force takes it over"
            }
            _ => error.help(),
        };
        Report::new(error.code(), format!("Secret {place}: {error}"))
            .why("The cluster keeps the certificate that it has.")
            .help(help)
            .failed()
    }
}
