//! Certificates that are in no files.

use std::sync::{Mutex, PoisonError};

use crate::TlsFilesError;
use crate::kept::{Kept, Role};
use crate::watched::Watched;

/// Certificates by which others know what this program signs. They come from elsewhere, such as a database: whoever
/// has them tells, so that they are watched for their end with all others.
#[derive(Debug)]
pub struct Told {
    /// No files: nothing is ever read.
    watched: Watched,
    now: Mutex<Vec<Vec<u8>>>,
}

impl Told {
    /// None yet.
    pub fn new(name: &'static str) -> Self {
        Self {
            watched: Watched::read_now(name, Vec::new()),
            now: Mutex::default(),
        }
    }

    /// Those that are in force from now on, in DER.
    pub fn tell(&self, certificates: Vec<Vec<u8>>) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = certificates;
    }
}

impl Kept for Told {
    fn watched(&self) -> &Watched {
        &self.watched
    }

    fn read(&self) -> Result<(), TlsFilesError> {
        Ok(())
    }

    fn certificates(&self) -> Vec<(Role, Vec<u8>)> {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.iter().map(|der| (Role::Signer, der.clone())).collect()
    }
}
