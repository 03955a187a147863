//! Looks after `secret.json` while the gate runs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aeolus_model::{Clock as _, Time};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Older, PlaneSecret};
use crate::adapters::WorldReplica;
use crate::replica::{DataError, SecretFile, lock};

/// How often. A generation is announced an hour ahead and more, so it could be less often.
const LOOK: Duration = Duration::from_secs(2);

/// The file, and what was read of it.
pub(crate) struct Watch {
    secret: Arc<PlaneSecret>,
    file: SecretFile,
    seen: Mutex<Seen>,
}

struct Seen {
    /// Hash of the content that was taken last.
    content: [u8; 32],
    /// What was wrong with it.
    fault: Option<String>,
}

impl Watch {
    /// Over a file whose `content` is in force already.
    pub(crate) fn new(secret: Arc<PlaneSecret>, file: SecretFile, content: [u8; 32]) -> Self {
        let seen = Seen {
            content,
            fault: None,
        };
        Self {
            secret,
            file,
            seen: Mutex::new(seen),
        }
    }

    /// Looks again and again until told to stop, never on an async thread.
    pub(crate) async fn run(self: Arc<Self>, replica: Arc<WorldReplica>, stop: CancellationToken) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let (watch, replica) = (Arc::clone(&self), Arc::clone(&replica));
            let look = move || watch.look(replica.clock().now(), replica.min_generation());
            if let Err(error) = tokio::task::spawn_blocking(look).await {
                tracing::error!(%error, "looking after the plane secret failed");
            }
        }
    }

    /// Reads the file if it changed, and puts in force what counts at this moment. What can't be
    /// used changes nothing and is said once.
    pub(crate) fn look(&self, now: Time, min: u32) {
        let mut seen = lock(&self.seen);
        let fault = self.reread(&mut seen.content, now, min).err();
        let fault = fault.map(|error| error.to_string());
        if fault != seen.fault {
            let path = self.file.path();
            match &fault {
                Some(why) => tracing::error!(
                    path = %path.display(),
                    why,
                    "the plane secret's file can't be used; what was read before stays in force"
                ),
                None => {
                    tracing::info!(path = %path.display(), "the plane secret's file is good again");
                }
            }
            seen.fault = fault;
        }
        drop(seen);
        self.secret.refresh(now, min);
    }

    fn reread(&self, seen: &mut [u8; 32], now: Time, min: u32) -> Result<(), Unusable> {
        let bytes = self.file.bytes()?;
        if SecretFile::digest(&bytes) == *seen {
            return Ok(());
        }
        let read = self.file.parse(&bytes)?;
        self.secret.take(read.keyring, now, min)?;
        say_if_airflow2_goes_unserved(read.no_rsa.as_ref());
        *seen = read.content;
        Ok(())
    }
}

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    File(#[from] DataError),
    #[error(transparent)]
    Older(#[from] Older),
}

/// A gate without an RSA key serves everything but Airflow 2.
pub(crate) fn say_if_airflow2_goes_unserved(no_rsa: Option<&DataError>) {
    if let Some(error) = no_rsa {
        tracing::warn!(
            %error,
            "deployments of Airflow 2 are answered with 503: `aeolus gate secret rotate` makes the key they need"
        );
    }
}
