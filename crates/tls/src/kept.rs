//! The certificates of a program: opened once each, looked at together, and watched for their end.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use aeolus_api::trust::Authorities;
use aeolus_model::Time;
use aeolus_pki::{Certificate, Fingerprint};
use rustls::crypto::aws_lc_rs;

use crate::alarm::{self, Alarm};
use crate::renewed::Renewed;
use crate::watched::Watched;
use crate::{Clients, ClientsFiles, PairFiles, Protocol, ServerTls, TlsError, TlsFilesError};

/// Something that is read from files again and again.
pub trait Kept: Debug + Send + Sync {
    /// Its files, as they were seen last.
    fn watched(&self) -> &Watched;

    /// Puts what its files say now in force, or nothing of it.
    fn read(&self) -> Result<(), TlsFilesError>;

    /// What is in force, in DER.
    fn certificates(&self) -> Vec<(Role, Vec<u8>)>;

    /// The configuration's name for it.
    fn name(&self) -> &'static str {
        self.watched().name()
    }

    /// Reads it, if its files are others since.
    fn look(&self) {
        self.watched().look(|| self.read());
    }

    /// How often its files could not be used.
    fn failures(&self) -> u64 {
        self.watched().failures()
    }
}

/// Authorities as what is in force.
pub(crate) fn of(authorities: &Authorities) -> Vec<(Role, Vec<u8>)> {
    let all = authorities.certificates();
    all.map(|one| (Role::Authority, one.to_vec())).collect()
}

/// What a certificate is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It is shown, as our own.
    Leaf,
    /// It is shown with it.
    Chain,
    /// Others are proved by it.
    Authority,
    /// What we sign is believed because of it.
    Signer,
}

impl Role {
    /// In a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leaf => "leaf",
            Self::Chain => "chain",
            Self::Authority => "authority",
            Self::Signer => "signer",
        }
    }
}

/// A certificate in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The configuration's name for what it belongs to.
    pub name: &'static str,
    /// What it is there for.
    pub role: Role,
    /// Whom it is about.
    pub subject: String,
    /// What it is known by.
    pub fingerprint: Fingerprint,
    /// From when it is good.
    pub from: Time,
    /// Until when.
    pub until: Time,
}

/// All of a program's certificates.
#[derive(Debug, Default)]
pub struct Keeper {
    kept: Vec<Arc<dyn Kept>>,
    pairs: Vec<Arc<Renewed>>,
    said: Mutex<HashMap<(&'static str, Fingerprint), Alarm>>,
}

impl Keeper {
    /// The TLS of a listener; without a certificate there is no listener. Listeners of the same files share
    /// what is read of them.
    pub fn server(&mut self, files: &PairFiles, speaks: Protocol) -> Result<ServerTls, TlsError> {
        ServerTls::new(self.pair(files)?, speaks)
    }

    /// The same, where clients are asked who they are.
    pub fn server_asking(
        &mut self,
        files: &PairFiles,
        speaks: Protocol,
        clients: ClientsFiles,
    ) -> Result<(ServerTls, Arc<Clients>), TlsError> {
        let clients = Arc::new(Clients::open(clients, self.pair(files)?, speaks)?);
        self.keep(Arc::clone(&clients) as _);
        Ok((ServerTls::asking(Arc::clone(&clients)), clients))
    }

    /// Looks after something else as well.
    pub fn keep(&mut self, kept: Arc<dyn Kept>) {
        self.kept.push(kept);
    }

    /// Reads what is new, and says of each certificate that it ends, once at each stage. Returns what was said.
    /// May wait for a disk.
    pub fn look(&self, now: Time) -> Vec<(Member, Alarm)> {
        for kept in &self.kept {
            kept.look();
        }
        let members = self.members();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.retain(|known, _| {
            let mut there = members.iter();
            there.any(|member| (member.name, member.fingerprint) == *known)
        });
        let mut new = Vec::new();
        for member in members {
            let stage = Alarm::at(now, member.from, member.until);
            let known = (member.name, member.fingerprint);
            let Some(stage) = stage.filter(|stage| said.get(&known).is_none_or(|old| old < stage))
            else {
                continue;
            };
            said.insert(known, stage);
            alarm::say(&member, stage, now);
            new.push((member, stage));
        }
        new
    }

    /// Every certificate in force. One that rustls takes and our own reading doesn't is left out.
    pub fn members(&self) -> Vec<Member> {
        let all = self.kept.iter().flat_map(|kept| {
            let certificates = kept.certificates().into_iter();
            certificates.map(|(role, der)| (kept.name(), role, der))
        });
        all.filter_map(|(name, role, der)| {
            let read = Certificate::from_der(&der).ok()?;
            Some(Member {
                name,
                role,
                fingerprint: read.fingerprint(),
                subject: read.subject,
                from: read.not_before,
                until: read.not_after,
            })
        })
        .collect()
    }

    fn pair(&mut self, files: &PairFiles) -> Result<Arc<Renewed>, TlsError> {
        if let Some(pair) = self.pairs.iter().find(|pair| pair.files() == files) {
            return Ok(Arc::clone(pair));
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let pair = Arc::new(Renewed::new(files.clone(), provider));
        pair.try_look()?;
        self.pairs.push(Arc::clone(&pair));
        self.keep(Arc::clone(&pair) as _);
        Ok(pair)
    }

    /// How often files could not be used, by the configuration's name for them.
    pub fn failures(&self) -> Vec<(&'static str, u64)> {
        let all = self.kept.iter();
        all.map(|kept| (kept.name(), kept.failures())).collect()
    }

    /// Whether there is nothing to look after.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}
