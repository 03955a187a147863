//! The account at an authority: made once, kept in the folder, its key its owner's alone.

use std::path::Path;

use aeolus_model::{Email, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use instant_acme::{Account, AccountCredentials, Error, ExternalAccountKey, NewAccount};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::error::AcmeError;
use crate::folder::{Locked, damaged, failed, put, read};
use crate::order::patient;
use crate::transport::Transport;

/// What an account is made with.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where the authority writes to when something is wrong; it may be nowhere.
    pub contact: Vec<Email>,
    /// Whether its terms of service were agreed to.
    pub agreed: bool,
    /// The account at the authority's site that it is bound to (RFC 8555 §7.3.4).
    pub external: Option<External>,
}

/// An account at the authority's site.
#[derive(Clone, Debug)]
pub struct External {
    kid: String,
    key: Secret<Vec<u8>>,
}

/// Why it binds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExternalError {
    /// No name.
    #[error("the name of the external account's key is empty")]
    NoName,
    /// Not as authorities write it.
    #[error("the external account's key is not base64url, as authorities show it")]
    Key,
}

impl External {
    /// From the key's name and its value in base64url, as authorities show them.
    pub fn parse(kid: &str, key: &Secret<String>) -> Result<Self, ExternalError> {
        if kid.trim().is_empty() {
            return Err(ExternalError::NoName);
        }
        let text = key.expose().trim().trim_end_matches('=');
        match URL_SAFE_NO_PAD.decode(text) {
            Ok(key) if !key.is_empty() => Ok(Self {
                kid: kid.trim().to_owned(),
                key: Secret::new(key),
            }),
            _ => Err(ExternalError::Key),
        }
    }

    fn key(&self) -> ExternalAccountKey {
        ExternalAccountKey::new(self.kid.clone(), self.key.expose())
    }
}

/// As it lies in the folder.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    contact: Vec<String>,
    credentials: Box<RawValue>,
}

impl Settings {
    fn contact(&self) -> Vec<String> {
        let mailto = |email: &Email| format!("mailto:{}", email.as_str());
        self.contact.iter().map(mailto).collect()
    }

    /// The account that is there, with the contact as it is configured now; else a new one.
    pub(crate) async fn account(
        &self,
        directory: &str,
        (locked, transport): (&Locked, &Transport),
    ) -> Result<Account, AcmeError> {
        let path = locked.account(directory);
        let Some((account, stored)) = known(&path, transport).await? else {
            return self.create(directory, (&path, transport)).await;
        };
        let contact = self.contact();
        if stored.contact != contact {
            let urls: Vec<&str> = contact.iter().map(String::as_str).collect();
            let updated = patient(async || account.update_contacts(&urls).await).await;
            match updated {
                Ok(()) => store(&path, &Stored { contact, ..stored })?,
                // The order says that the account is gone, and what comes then.
                Err(Error::Api(_)) => {}
                Err(error) => return Err(transport.error(error)),
            }
        }
        Ok(account)
    }

    async fn create(
        &self,
        directory: &str,
        (path, transport): (&Path, &Transport),
    ) -> Result<Account, AcmeError> {
        if !self.agreed {
            return Err(AcmeError::NotAgreed);
        }
        let contact = self.contact();
        let urls: Vec<&str> = contact.iter().map(String::as_str).collect();
        let external = self.external.as_ref().map(External::key);
        let wanted = NewAccount {
            contact: &urls,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let created = patient(async || {
            Account::builder_with_http(Box::new(transport.clone()))
                .create(&wanted, directory.to_owned(), external.as_ref())
                .await
        })
        .await;
        let (account, credentials) = created.map_err(|error| transport.error(error))?;
        let credentials = serde_json::value::to_raw_value(&credentials);
        let credentials = credentials.map_err(|error| AcmeError::NotMade(error.to_string()))?;
        store(
            path,
            &Stored {
                contact,
                credentials,
            },
        )?;
        Ok(account)
    }
}

/// The account that is there, without making one.
pub(crate) async fn existing(
    directory: &str,
    (locked, transport): (&Locked, &Transport),
) -> Result<Option<Account>, AcmeError> {
    let known = known(&locked.account(directory), transport).await?;
    Ok(known.map(|(account, _)| account))
}

/// Moves an account that the authority doesn't know out of the way.
pub(crate) fn set_aside(directory: &str, locked: &Locked) -> Result<(), AcmeError> {
    let path = locked.account(directory);
    let aside = path.with_extension("unknown");
    std::fs::rename(&path, aside).map_err(|source| failed(&path, source))
}

async fn known(path: &Path, transport: &Transport) -> Result<Option<(Account, Stored)>, AcmeError> {
    let Some(json) = read(path)?.map(Zeroizing::new) else {
        return Ok(None);
    };
    let stored: Stored = serde_json::from_slice(&json).map_err(|error| damaged(path, &error))?;
    let credentials: AccountCredentials =
        serde_json::from_str(stored.credentials.get()).map_err(|error| damaged(path, &error))?;
    let account = Account::builder_with_http(Box::new(transport.clone()))
        .from_credentials(credentials)
        .await
        .map_err(|error| transport.error(error))?;
    Ok(Some((account, stored)))
}

fn store(path: &Path, stored: &Stored) -> Result<(), AcmeError> {
    let json = serde_json::to_vec(stored).map(Zeroizing::new);
    let json = json.map_err(|error| AcmeError::NotMade(error.to_string()))?;
    put(path, &json, 0o600).map_err(|source| failed(path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_key_is_what_authorities_show() {
        let parse = |kid: &str, key: &str| External::parse(kid, &Secret::new(key.to_owned())).err();
        assert_eq!(parse("kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajV\n"), None);
        assert_eq!(parse("kid-1", "zWNDZA=="), None);
        assert_eq!(parse(" ", "zWND"), Some(ExternalError::NoName));
        assert_eq!(parse("kid-1", ""), Some(ExternalError::Key));
        assert_eq!(parse("kid-1", "no base64"), Some(ExternalError::Key));
    }
}
