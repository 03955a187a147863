//! Looks after `secret.json` while the gate runs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aeolus_model::Time;
use tokio_util::sync::CancellationToken;

use super::{Older, PlaneSecret};
use crate::again::again;
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

    /// The secret that it looks after.
    pub(crate) const fn secret(&self) -> &Arc<PlaneSecret> {
        &self.secret
    }

    /// Looks again and again until told to stop. `moment` says gate time and the first generation that
    /// the snapshot allows.
    pub(crate) async fn run(
        self: Arc<Self>,
        moment: impl Fn() -> (Time, u32) + Send + Sync + 'static,
        stop: CancellationToken,
    ) {
        let work = move || {
            let (now, min) = moment();
            self.look(now, min);
        };
        again(LOOK, "the plane secret", work, stop).await;
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

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::io;
    use std::path::Path;
    use std::sync::mpsc;

    use aeolus_keys::seal::Keyring;
    use aeolus_model::PlaneId;
    use aeolus_testkit::SeededRng;

    use super::*;
    use crate::replica::fs::{Entry, Fs};

    /// A disk that is there and answers no read before it is let go.
    struct Hangs {
        reads: tokio::sync::mpsc::UnboundedSender<()>,
        let_go: Mutex<mpsc::Receiver<()>>,
    }

    impl Fs for Hangs {
        fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
            let _ = self.reads.send(());
            let _ = lock(&self.let_go).recv();
            Err(io::ErrorKind::TimedOut.into())
        }

        fn inspect(&self, _: &Path) -> io::Result<Entry> {
            Ok(Entry {
                special: false,
                mode: 0o600,
            })
        }

        fn write(&self, _: &Path, _: &[u8]) -> io::Result<()> {
            Ok(())
        }

        fn sync(&self, _: &Path) -> io::Result<()> {
            Ok(())
        }

        fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
            Ok(())
        }

        fn remove(&self, _: &Path) -> io::Result<()> {
            Ok(())
        }

        fn create_dir(&self, _: &Path) -> io::Result<()> {
            Ok(())
        }

        fn list(&self, _: &Path) -> io::Result<Vec<OsString>> {
            Ok(Vec::new())
        }
    }

    #[tokio::test]
    async fn a_stop_does_not_wait_for_a_disk_that_hangs() {
        let (reads, mut begun) = tokio::sync::mpsc::unbounded_channel();
        let (let_go, held) = mpsc::channel();
        let fs = Arc::new(Hangs {
            reads,
            let_go: Mutex::new(held),
        });
        let now = Time::from_secs(1_800_000_000);
        let keyring = Keyring::generate(&SeededRng::new("plane"));
        let secret = PlaneSecret::new(PlaneId::from_bytes([9; 16]), keyring, now, 0);
        let file = SecretFile::of(Path::new("gate"), fs).unwrap();
        let watch = Arc::new(Watch::new(Arc::new(secret), file, [0; 32]));
        let stop = CancellationToken::new();
        let running = tokio::spawn(watch.run(move || (now, 0), stop.clone()));
        begun.recv().await.expect("a read");
        stop.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(20), running).await;
        ended.expect("it ends").unwrap();
        // The thread is let go, or the test itself would not end.
        let_go.send(()).unwrap();
    }
}
