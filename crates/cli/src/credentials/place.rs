//! Where a sign-in is kept: in a file, its tokens in the desktop's keychain where there is one.

use std::path::{Path, PathBuf};

use aeolus_model::Secret;
use serde::{Deserialize, Serialize};

use super::{Credentials, Keychain, KeychainError};
use crate::files;
use crate::report::{Failure, Report};
use crate::ui;

/// Where a sign-in is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    file: PathBuf,
    keychain: Option<Keychain>,
}

/// The file: all of the sign-in, or all but its tokens.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored {
    url: String,
    expires_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session_ends_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Whether the tokens are in the keychain.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    keychain: bool,
    /// Whether the token was made elsewhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    given: bool,
}

/// What is in the keychain.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Tokens {
    access_token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

impl Place {
    /// A file alone.
    pub(crate) const fn file(file: PathBuf) -> Self {
        let keychain = None;
        Self { file, keychain }
    }

    /// A file, the tokens of new sign-ins in a keychain.
    pub(crate) const fn with_keychain(file: PathBuf, keychain: Keychain) -> Self {
        let keychain = Some(keychain);
        Self { file, keychain }
    }

    /// The file, whose neighbour is locked.
    pub(crate) fn path(&self) -> &Path {
        &self.file
    }

    /// What is kept here; none if nothing is.
    pub(crate) async fn read(&self) -> Result<Option<Credentials>, Failure> {
        let Some(stored) = self.stored()? else {
            return Ok(None);
        };
        let tokens = if stored.keychain {
            let found = self
                .opened()
                .look_up(&self.file)
                .await
                .map_err(|error| locked(&error))?;
            let Some(found) = found else { return Ok(None) };
            serde_json::from_str(found.expose())
                .map_err(|error| files::damaged(Path::new("the sign-in in the keychain"), &error))?
        } else {
            let missing = || files::damaged(&self.file, &"there is no access token in it");
            Tokens {
                access_token: stored.access_token.ok_or_else(missing)?,
                refresh_token: stored.refresh_token,
            }
        };
        Ok(Some(Credentials {
            url: stored.url,
            access_token: tokens.access_token,
            expires_at: stored.expires_at,
            refresh_token: tokens.refresh_token,
            session_ends_at: stored.session_ends_at,
            given: stored.given,
        }))
    }

    /// At which control plane somebody is signed in here, and until when, in seconds since the epoch. No keychain is
    /// asked.
    pub(crate) fn about(&self) -> Result<Option<(String, i64)>, Failure> {
        let stored = self.stored()?;
        Ok(stored.map(|stored| {
            let until = stored.session_ends_at.unwrap_or(stored.expires_at);
            (stored.url, until)
        }))
    }

    /// Keeps a new sign-in, in the keychain if there is one.
    pub(super) async fn write(&self, credentials: &Credentials) -> Result<(), Failure> {
        let was_in_keychain = self.is_in_keychain();
        let is_in_keychain = self.put(credentials, self.keychain.as_ref()).await?;
        if was_in_keychain && !is_in_keychain {
            // What stays behind there is another sign-in's: this one doesn't need it gone.
            let _ = self.opened().forget(&self.file).await;
        }
        Ok(())
    }

    /// Keeps what follows on the sign-in that is kept here, in the same way.
    pub(super) async fn rewrite(&self, credentials: &Credentials) -> Result<(), Failure> {
        let keychain = self.is_in_keychain().then(|| self.opened());
        let kept = self.put(credentials, keychain.as_ref()).await?;
        if let Some(keychain) = keychain.filter(|_| !kept) {
            let _ = keychain.forget(&self.file).await;
        }
        Ok(())
    }

    /// Whether the tokens are in the keychain then. What it doesn't take goes into the file: a refresh token
    /// that is lost ends the session.
    async fn put(
        &self,
        credentials: &Credentials,
        keychain: Option<&Keychain>,
    ) -> Result<bool, Failure> {
        let keychain = match keychain {
            Some(keychain) => {
                let tokens = Tokens {
                    access_token: credentials.access_token.clone(),
                    refresh_token: credentials.refresh_token.clone(),
                };
                let kept = keychain
                    .keep(&self.file, &Secret::new(self.json(&tokens)?))
                    .await;
                kept.map_err(|error| unkept(&error)).is_ok()
            }
            None => false,
        };
        let tokens = (!keychain).then_some(credentials);
        let stored = Stored {
            url: credentials.url.clone(),
            expires_at: credentials.expires_at,
            session_ends_at: credentials.session_ends_at,
            access_token: tokens.map(|tokens| tokens.access_token.clone()),
            refresh_token: tokens.and_then(|tokens| tokens.refresh_token.clone()),
            keychain,
            given: credentials.given,
        };
        files::write_private(&self.file, self.json(&stored)?.as_bytes())?;
        Ok(keychain)
    }

    fn json(&self, of: &impl Serialize) -> Result<String, Failure> {
        serde_json::to_string(of).map_err(|error| files::damaged(&self.file, &error))
    }

    /// Removes what is kept here.
    pub(super) async fn remove(&self) -> Result<(), Failure> {
        if self.is_in_keychain() {
            self.opened()
                .forget(&self.file)
                .await
                .map_err(|error| locked(&error))?;
        }
        match std::fs::remove_file(&self.file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Report::new(
                "RUN-0002",
                format!("{} can't be removed: {error}", self.file.display()),
            )
            .why("The sign-in is still there.")
            .failed()),
            _ => Ok(()),
        }
    }

    /// Where the tokens are now, for people.
    pub(crate) fn described(&self) -> String {
        let file = self.file.display();
        if self.is_in_keychain() {
            format!("the keychain and {file}")
        } else {
            file.to_string()
        }
    }

    fn is_in_keychain(&self) -> bool {
        self.stored()
            .is_ok_and(|stored| stored.is_some_and(|stored| stored.keychain))
    }

    fn stored(&self) -> Result<Option<Stored>, Failure> {
        let Some(bytes) = files::read(&self.file)? else {
            return Ok(None);
        };
        let parsed = serde_json::from_slice(&bytes);
        parsed
            .map(Some)
            .map_err(|error| files::damaged(&self.file, &error))
    }

    /// The keychain that something is in already, wherever new sign-ins would go.
    fn opened(&self) -> Keychain {
        self.keychain.clone().unwrap_or_default()
    }
}

fn unkept(error: &KeychainError) {
    if !matches!(error, KeychainError::Missing { .. }) {
        ui::note(&format!(
            "{error}; the sign-in is kept in a file that only you can read."
        ));
    }
}

fn locked(error: &KeychainError) -> Failure {
    Report::new(
        "CLI-0032",
        "the sign-in is in the keychain, which can't be read",
    )
    .why(format!("{error}."))
    .help("unlock the keychain and try again, or sign in anew: `aeolus login --keep file`")
    .failed()
}
