//! Clients that a listener asks for certificates (RFC 8446 §4.3.2).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aeolus_api::trust::Authorities;
use aeolus_model::Time;
use aeolus_pki::RevocationList;
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::ClientCertVerifier;
use tokio_rustls::server::TlsStream;

use crate::dated::Dated;
use crate::files::{revocations, vouching};
use crate::kept::{self, Kept, Role};
use crate::renewed::Renewed;
use crate::server::{Protocol, builder};
use crate::watched::Watched;
use crate::{TlsError, TlsFilesError};

/// Who may vouch for clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientsFiles {
    /// The configuration's name for them.
    pub name: &'static str,
    /// Their certificates (PEM).
    pub authorities: PathBuf,
    /// Lists (PEM) of the certificates that they have revoked. Those of an authority without a list there are not
    /// revoked.
    pub revoked: Option<PathBuf>,
}

/// What clients are asked for, by the newest files that could be used. Nobody has to have a certificate: who has
/// to is decided by what they ask for, with [`Clients::prove`].
pub struct Clients {
    files: ClientsFiles,
    certificate: Arc<Renewed>,
    speaks: Protocol,
    current: ArcSwap<Current>,
    authorities: Mutex<Authorities>,
    watched: Watched,
}

/// What a client has shown in its handshake: nothing, or a certificate and what leads to its authority.
#[derive(Clone, Debug, Default)]
pub struct ClientChain(Arc<[CertificateDer<'static>]>);

impl ClientChain {
    /// That of a connection.
    pub fn of<S>(stream: &TlsStream<S>) -> Self {
        let shown = stream.get_ref().1.peer_certificates();
        Self(shown.unwrap_or_default().into())
    }

    /// The client's own certificate, in DER; none if it has shown none.
    pub fn leaf(&self) -> Option<&[u8]> {
        self.0.first().map(AsRef::as_ref)
    }
}

/// What handshakes go by. It is replaced as a whole: a verifier tells clients whom it believes.
struct Current {
    verifier: Arc<dyn ClientCertVerifier>,
    config: Arc<ServerConfig>,
    lists: Lists,
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Clients").field(&self.files).finish()
    }
}

impl Clients {
    pub(crate) fn open(
        files: ClientsFiles,
        certificate: Arc<Renewed>,
        speaks: Protocol,
    ) -> Result<Self, TlsError> {
        let all = [Some(&files.authorities), files.revoked.as_ref()];
        let watched = Watched::read_now(files.name, all.into_iter().flatten().cloned().collect());
        let name = files.name;
        let made = made(&files, &certificate, speaks);
        let (current, authorities) = made.map_err(TlsError::of(name))?;
        Ok(Self {
            files,
            certificate,
            speaks,
            current: ArcSwap::from_pointee(current),
            authorities: Mutex::new(authorities),
            watched,
        })
    }

    /// For the next handshake.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.load().config)
    }

    /// Whether a chain that was shown in a handshake is good now: connections stay open for long, and meanwhile a
    /// certificate expires, the client's own or its authority's, or is revoked.
    pub fn prove(&self, chain: &ClientChain, now: Time) -> bool {
        let Some((leaf, rest)) = chain.0.split_first() else {
            return false;
        };
        let seconds = u64::try_from(now.secs()).unwrap_or(0);
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let current = self.current.load();
        current.verifier.verify_client_cert(leaf, rest, now).is_ok()
    }
}

fn made(
    files: &ClientsFiles,
    certificate: &Arc<Renewed>,
    speaks: Protocol,
) -> Result<(Current, Authorities), TlsFilesError> {
    let authorities = vouching(&files.authorities)?;
    let revoked = files.revoked.as_deref().map(revocations).transpose()?;
    let revoked = revoked.unwrap_or_default();
    let lists = Lists::of(&revoked)?;
    let (builder, provider) = builder()?;
    let verifier = Dated::new(&authorities, &revoked, &provider)?;
    let verifier: Arc<dyn ClientCertVerifier> = Arc::new(verifier);
    let mut config = builder
        .with_client_cert_verifier(Arc::clone(&verifier))
        .with_cert_resolver(Arc::clone(certificate) as _);
    config.alpn_protocols = speaks.names();
    // A resumed session would go on with what was proved when it began.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    let config = Arc::new(config);
    let current = Current {
        verifier,
        config,
        lists,
    };
    Ok((current, authorities))
}

/// Who has signed the lists that are in force, and when: a list that is gone, or older than the one before, would
/// let in again whom that keeps out.
#[derive(Debug, Default)]
struct Lists(Vec<(String, Time)>);

impl Lists {
    fn of(ders: &[CertificateRevocationListDer<'_>]) -> Result<Self, TlsFilesError> {
        let read = ders.iter().map(|der| {
            let list = RevocationList::from_der(der);
            let list = list.ok_or_else(|| TlsFilesError::Clients(UNREADABLE.to_owned()))?;
            Ok((list.issuer, list.this_update))
        });
        read.collect::<Result<_, _>>().map(Self)
    }

    /// Whether these may take the place of those before.
    fn may_follow(&self, before: &Self) -> Result<(), TlsFilesError> {
        let newest = |of: &str| {
            let all = self.0.iter().filter(|(issuer, _)| issuer == of);
            all.map(|(_, at)| *at).max()
        };
        for (issuer, at) in &before.0 {
            let what = match newest(issuer) {
                None => format!("the list of {issuer} is gone"),
                Some(newer) if newer < *at => format!("the list of {issuer} is older than before"),
                Some(_) => continue,
            };
            return Err(TlsFilesError::Clients(format!(
                "{what}, which would let in again whom it keeps out; restart if that is meant"
            )));
        }
        Ok(())
    }
}

const UNREADABLE: &str = "a revocation list can't be read";

impl Kept for Clients {
    fn watched(&self) -> &Watched {
        &self.watched
    }

    fn read(&self) -> Result<(), TlsFilesError> {
        let (current, read) = made(&self.files, &self.certificate, self.speaks)?;
        current.lists.may_follow(&self.current.load().lists)?;
        self.current.store(Arc::new(current));
        let mut authorities = self
            .authorities
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *authorities = read;
        Ok(())
    }

    fn certificates(&self) -> Vec<(Role, Vec<u8>)> {
        let authorities = self.authorities.lock();
        let authorities = authorities.unwrap_or_else(PoisonError::into_inner);
        kept::of(&authorities)
    }
}
