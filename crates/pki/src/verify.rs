//! Whether a chain proves what it should (RFC 5280 §6, RFC 6125), as rustls would judge,
//! and by the dates and usages of who is trusted, which rustls leaves out.

use std::time::Duration;

use aeolus_model::Time;
use rustls_pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert, aws_lc_rs};

use crate::{Certificate, San};

/// What a chain has to be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// A server.
    Server,
    /// A client.
    Client,
}

/// Why it proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// X.509 v1, or another version than 3.
    #[error("it is X.509 v{0}, and only v3 is verified")]
    Version(u32),
    /// No path leads to one of the trusted authorities.
    #[error("no path leads from it to a trusted authority")]
    UnknownIssuer,
    /// Its life, or that of one above it, is over.
    #[error("it or one above it has expired")]
    Expired,
    /// Its life, or that of one above it, hasn't begun.
    #[error("it or one above it is not valid yet")]
    NotYet,
    /// It is for other names.
    #[error("it is not for {0}")]
    Name(String),
    /// An authority above it may not issue for its names.
    #[error("an authority above it may not issue for its names")]
    Constrained,
    /// It is for something else.
    #[error("it is not for use as a {0}")]
    Purpose(&'static str),
    /// A signature isn't the issuer's.
    #[error("a signature in the chain is not its issuer's")]
    Signature,
    /// It may issue, and clients refuse that in a leaf.
    #[error("it is an authority's own certificate")]
    Authority,
    /// More authorities are below one than it allows.
    #[error("more authorities are in the chain than one of them allows")]
    PathLength,
    /// One that is trusted may not issue.
    #[error("{0} is trusted, and may not issue: it lacks CA:TRUE, or keyCertSign among its usages")]
    NoIssuer(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    aws_lc_rs::ECDSA_P256_SHA256,
    aws_lc_rs::ECDSA_P256_SHA384,
    aws_lc_rs::ECDSA_P384_SHA256,
    aws_lc_rs::ECDSA_P384_SHA384,
    aws_lc_rs::ED25519,
    aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
    aws_lc_rs::RSA_PKCS1_2048_8192_SHA384,
    aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
    aws_lc_rs::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    aws_lc_rs::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    aws_lc_rs::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
];

/// Verifies a leaf up to one of the trusted authorities, and that it is for each of these names.
pub fn verify(
    leaf: &Certificate,
    between: &[Certificate],
    trusted: &[Certificate],
    at: Time,
    (usage, names): (Usage, &[San]),
) -> Result<(), Unproven> {
    if leaf.version != 3 {
        return Err(Unproven::Version(leaf.version));
    }
    let der = CertificateDer::from(leaf.der());
    let parsed = EndEntityCert::try_from(&der).map_err(|error| unproven(&error, usage))?;
    let sound = |one: &&Certificate| one.der() == leaf.der() || fault(one, at).is_none();
    let sent: Vec<&Certificate> = between.iter().filter(|one| one.may_issue()).collect();
    let all: Vec<&Certificate> = trusted.iter().filter(sound).collect();
    if let Err(error) = path(&parsed, &sent, &all, (at, usage)) {
        // One that is faulty itself says more than that nobody is left.
        let faulty = trusted.iter().filter(|one| !sound(one));
        let mut leading = faulty.filter(|one| path(&parsed, &sent, &[one], (at, usage)).is_ok());
        let why = leading.find_map(|one| fault(one, at));
        return Err(why.unwrap_or_else(|| unproven(&error, usage)));
    }
    names
        .iter()
        .try_for_each(|name| is_for(leaf, &parsed, name))
}

/// Why a trusted authority leads to nothing. rustls doesn't look; openssl, Go and browsers do.
fn fault(trusted: &Certificate, at: Time) -> Option<Unproven> {
    if at > trusted.not_after {
        Some(Unproven::Expired)
    } else if at < trusted.not_before {
        Some(Unproven::NotYet)
    } else {
        (!trusted.may_issue()).then(|| Unproven::NoIssuer(trusted.subject.clone()))
    }
}

fn path(
    leaf: &EndEntityCert<'_>,
    between: &[&Certificate],
    trusted: &[&Certificate],
    (at, usage): (Time, Usage),
) -> Result<(), Error> {
    let trusted: Vec<_> = trusted
        .iter()
        .map(|one| CertificateDer::from(one.der()))
        .collect();
    let anchors = trusted.iter().map(anchor_from_trusted_cert);
    let anchors = anchors.collect::<Result<Vec<_>, Error>>()?;
    let between: Vec<_> = between
        .iter()
        .map(|one| CertificateDer::from(one.der()))
        .collect();
    let at = u64::try_from(at.secs()).unwrap_or_default();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(at));
    let purpose = match usage {
        Usage::Server => KeyUsage::server_auth(),
        Usage::Client => KeyUsage::client_auth(),
    };
    leaf.verify_for_usage(ALGORITHMS, &anchors, &between, at, purpose, None, None)
        .map(|_| ())
}

fn is_for(leaf: &Certificate, parsed: &EndEntityCert<'_>, name: &San) -> Result<(), Unproven> {
    let wrong = || Unproven::Name(name.to_string());
    let asked = match name {
        San::Dns(host) => {
            // A wildcard is right if a host below it is.
            let host = host.to_string().replacen('*', "any", 1);
            ServerName::try_from(host).map_err(|_| wrong())?
        }
        San::Ip(address) => ServerName::IpAddress((*address).into()),
        // No TLS client asks by URI: being there is all that counts.
        San::Uri(_) => return leaf.names.contains(name).then_some(()).ok_or_else(wrong),
    };
    let is = parsed.verify_is_valid_for_subject_name(&asked);
    is.map_err(|_| wrong())
}

fn unproven(error: &Error, usage: Usage) -> Unproven {
    match error {
        Error::UnknownIssuer => Unproven::UnknownIssuer,
        Error::CertExpired { .. } => Unproven::Expired,
        Error::CertNotValidYet { .. } => Unproven::NotYet,
        Error::NameConstraintViolation => Unproven::Constrained,
        Error::InvalidSignatureForPublicKey => Unproven::Signature,
        Error::CaUsedAsEndEntity => Unproven::Authority,
        Error::PathLenConstraintViolated => Unproven::PathLength,
        Error::UnsupportedCertVersion => Unproven::Version(1),
        Error::RequiredEkuNotFoundContext(_) => Unproven::Purpose(match usage {
            Usage::Server => "server",
            Usage::Client => "client",
        }),
        other => Unproven::Other(other.to_string()),
    }
}
