//! The desktop's keychain, asked by the program that comes with it.
//!
//! A program rather than a library: the D-Bus stack would be a sixth of what this command line links, and
//! whoever has a keychain has or gets the program with it.

mod macos;
mod secret_service;
mod tool;

use std::io;
use std::path::Path;

use aeolus_model::Secret;

use self::macos::LoginKeychain;
use self::secret_service::SecretService;
use crate::config::Environment;

/// The keychain of whoever runs the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Keychain {
    /// Of a Linux desktop.
    SecretService(SecretService),
    /// Of macOS.
    Login(LoginKeychain),
}

/// Why the keychain is of no use now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeychainError {
    /// The program isn't installed.
    #[error("there is no `{program}` ({from})")]
    Missing {
        /// Its name.
        program: &'static str,
        /// What brings it.
        from: &'static str,
    },
    /// It can't be run.
    #[error("the keychain's program can't be run: {0}")]
    Broken(io::Error),
    /// Nobody unlocked it.
    #[error("the keychain did not answer for a minute")]
    Silent,
    /// It said no.
    #[error("the keychain refused: {0}")]
    Refused(String),
}

impl Default for Keychain {
    fn default() -> Self {
        if cfg!(target_os = "macos") {
            Self::Login(LoginKeychain::default())
        } else {
            Self::SecretService(SecretService::default())
        }
    }
}

impl Keychain {
    /// The keychain, where the environment is that of a desktop session that may have one.
    pub(crate) fn of_session(environment: &Environment) -> Option<Self> {
        let there = cfg!(target_os = "macos") || secret_service::may_answer(environment);
        there.then(Self::default)
    }

    /// Keeps a secret for the sign-in at this path, in place of the one before.
    pub(crate) async fn keep(
        &self,
        path: &Path,
        secret: &Secret<String>,
    ) -> Result<(), KeychainError> {
        match self {
            Self::SecretService(service) => service.keep(path, secret).await,
            Self::Login(keychain) => keychain.keep(path, secret).await,
        }
    }

    /// What is kept for the sign-in at this path.
    pub(crate) async fn look_up(
        &self,
        path: &Path,
    ) -> Result<Option<Secret<String>>, KeychainError> {
        match self {
            Self::SecretService(service) => service.look_up(path).await,
            Self::Login(keychain) => keychain.look_up(path).await,
        }
    }

    /// Forgets what is kept for the sign-in at this path.
    pub(crate) async fn forget(&self, path: &Path) -> Result<(), KeychainError> {
        match self {
            Self::SecretService(service) => service.forget(path).await,
            Self::Login(keychain) => keychain.forget(path).await,
        }
    }
}
