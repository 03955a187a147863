//! Clients that a listener asks for certificates (RFC 8446 §4.3.2).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aeolus_api::trust::Authorities;
use aeolus_model::Time;
use arc_swap::ArcSwap;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::files::{authorities, revocations};
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
    /// certificate expires or is revoked.
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
    let authorities = authorities(&files.authorities)?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities.certificates().iter().cloned());
    let revoked = files.revoked.as_deref().map(revocations).transpose()?;
    let (builder, provider) = builder()?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .with_crls(revoked.unwrap_or_default())
        .allow_unknown_revocation_status()
        .allow_unauthenticated()
        .build()
        .map_err(|error| TlsFilesError::Clients(error.to_string()))?;
    let mut config = builder
        .with_client_cert_verifier(Arc::clone(&verifier))
        .with_cert_resolver(Arc::clone(certificate) as _);
    config.alpn_protocols = speaks.names();
    // A resumed session would go on with what was proved when it began.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    let config = Arc::new(config);
    Ok((Current { verifier, config }, authorities))
}

impl Kept for Clients {
    fn watched(&self) -> &Watched {
        &self.watched
    }

    fn read(&self) -> Result<(), TlsFilesError> {
        let (current, read) = made(&self.files, &self.certificate, self.speaks)?;
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
