//! Whose addresses a provider may speak for, and who gets an account by coming.

use aeolus_model::{Email, Host, Role, Slug};

use super::parse::{MAX_LIST, Parse};
use super::{Connection, SettingsError};

/// Who gets an account by coming, and where they are put: as a member, and never as more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provision {
    domains: Vec<Host>,
    organization: Slug,
}

impl Provision {
    /// The organization that they come into.
    pub const fn organization(&self) -> &Slug {
        &self.organization
    }

    /// Whether somebody with a proved address is meant.
    pub fn is_for(&self, email: &Email) -> bool {
        self.domains
            .iter()
            .any(|domain| domain.as_str() == email.domain())
    }
}

impl Connection {
    /// The mail domains whose people sign in here: those the provider may speak for, and those whose people get
    /// an account by coming. A page leads an address to its domain's provider by this alone: whether anybody
    /// has the address doesn't matter (A1).
    pub fn mail_domains(&self) -> impl Iterator<Item = &Host> {
        let provided = self.provision().map(|rule| rule.domains.as_slice());
        let provided = provided.unwrap_or_default().iter();
        self.trusted_domains().iter().chain(provided)
    }
}

impl Parse<'_> {
    /// Mail domains. Each stands for itself alone: who has one need not have those below it.
    pub(super) fn domains(&mut self, key: &'static str, written: &[String]) -> Vec<Host> {
        if written.len() > MAX_LIST {
            let what = format!("lists up to {MAX_LIST} domains");
            self.error(SettingsError::Text(key, what));
        }
        let mut domains = Vec::new();
        for text in written {
            match Host::parse(text) {
                Ok(host) => domains.push(host),
                Err(error) => self.error(SettingsError::Text(key, error.to_string())),
            }
        }
        domains
    }

    pub(super) fn provision(&mut self) -> Option<Provision> {
        let written = self.settings.provision.as_ref()?;
        let domains = self.domains("provision", &written.domains);
        if written.domains.is_empty() {
            let why = "domains says whose people get an account by coming: list one or more";
            self.error(SettingsError::Missing("provision", why));
        }
        let role = written.role.as_deref();
        if role.is_some_and(|role| role != Role::OrganizationMember.name()) {
            let what = format!(
                "role can't be {:?}: who comes is an ORGANIZATION_MEMBER, and others give them more",
                role.unwrap_or_default()
            );
            self.error(SettingsError::Text("provision", what));
        }
        match Slug::parse(&written.organization) {
            Ok(organization) => Some(Provision {
                domains,
                organization,
            }),
            Err(error) => {
                let what = format!("organization: {error}");
                self.error(SettingsError::Text("provision", what));
                None
            }
        }
    }
}
