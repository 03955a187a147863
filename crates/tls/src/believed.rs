//! Authorities that are read again when their files are others.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use aeolus_api::trust::{Authorities, Believing, Trust};

use crate::files::authorities;
use crate::kept::{self, Kept, Role};
use crate::watched::Watched;
use crate::{TlsError, TlsFilesError};

/// Files of authorities: of a company's own, or those that alone may vouch for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityFiles {
    /// The configuration's name for them.
    pub name: &'static str,
    /// PEM files, each of at least one certificate.
    pub files: Vec<PathBuf>,
    /// Whether the system's authorities count beside them.
    pub beside_system: bool,
}

/// Whom clients believe, as files say it.
#[derive(Debug)]
pub struct Believed {
    files: AuthorityFiles,
    trust: Arc<Trust>,
    authorities: Mutex<Authorities>,
    watched: Watched,
}

impl AuthorityFiles {
    /// The system's authorities and those of these files.
    pub const fn beside_system(name: &'static str, files: Vec<PathBuf>) -> Self {
        Self {
            name,
            files,
            beside_system: true,
        }
    }

    /// Reads them once.
    pub fn read(&self) -> Result<Authorities, TlsError> {
        let read = || {
            let each = self.files.iter().map(|file| authorities(file));
            each.reduce(|all, more| Ok(all?.and(more?)))
                .unwrap_or_else(|| Ok(Authorities::default()))
        };
        let name = self.name;
        read().map_err(TlsError::of(name))
    }

    fn believing(&self, authorities: Authorities) -> Believing {
        if self.beside_system {
            Believing::Beside(authorities)
        } else {
            Believing::Alone(authorities)
        }
    }
}

impl Believed {
    /// Reads the files; one that can't be used is an error.
    pub fn open(files: AuthorityFiles) -> Result<Arc<Self>, TlsError> {
        let name = files.name;
        let watched = Watched::read_now(name, files.files.clone());
        let authorities = files.read()?;
        let trust = Trust::new(&files.believing(authorities.clone()));
        let trust = trust.map_err(|error| TlsError::of(name)(TlsFilesError::System(error)))?;
        Ok(Arc::new(Self {
            files,
            trust,
            authorities: Mutex::new(authorities),
            watched,
        }))
    }

    /// What connections go by.
    pub const fn trust(&self) -> &Arc<Trust> {
        &self.trust
    }

    /// What was read last, for what makes its own root stores.
    pub fn authorities(&self) -> Authorities {
        let authorities = self.authorities.lock();
        authorities.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Kept for Believed {
    fn watched(&self) -> &Watched {
        &self.watched
    }

    fn read(&self) -> Result<(), TlsFilesError> {
        let read = self.files.read().map_err(|error| *error.source)?;
        let believing = self.files.believing(read.clone());
        self.trust
            .believe(&believing)
            .map_err(TlsFilesError::System)?;
        *self
            .authorities
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    fn look(&self) {
        // Without files only the system's count, whose changes count after a restart.
        if !self.files.files.is_empty() {
            self.watched.look(|| self.read());
        }
    }

    fn certificates(&self) -> Vec<(Role, Vec<u8>)> {
        kept::of(&self.authorities())
    }
}
