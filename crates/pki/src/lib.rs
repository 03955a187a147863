//! An authority for certificates (RFC 5280): issuing by policy, renewing, revoking, rotating, and saying what
//! is wrong with a certificate from elsewhere.
//!
//! Pure: bytes, a time and random bytes come in, certificates and findings go out. Key generation and ECDSA
//! signatures alone draw from the library's own generator, which can't be injected, and PKCS#12's salts from
//! the machine's.
//!
//! What is asked becomes types ([`San`], [`KeyKind`], [`Life`], [`Profile`]); there is no way to ask for
//! anything else. What an [`Authority`] issues was verified as rustls would before it is given out.

mod address;
mod archive;
mod ask;
mod authority;
mod certificate;
pub mod check;
mod constraints;
mod crl;
mod fingerprint;
mod input;
mod key;
pub mod kube;
mod life;
mod name;
mod pem;
mod policy;
mod public;
mod renewal;
mod request;
mod serial;
mod signer;
pub mod state;
mod verify;

pub use address::{ListAddress, ListAddressError, list_name};
pub use archive::{ArchiveError, pkcs12};
pub use ask::{AskError, certificate_request};
pub use authority::{Authority, IssueError, Issued, LoadError, Note};
pub use certificate::{Certificate, CertificateError, KeyUsage, Purpose, Signature};
pub use constraints::{Constraints, SubtreeError, Subtrees};
pub use crl::{Reason, RevocationList, Revoked, UnknownReason};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use input::{Input, InputError, MAX_INPUT, read};
pub use key::{KeyError, KeyKind, PrivateKey, UnknownKeyKind};
pub use life::{Life, LifeError};
pub use name::{NameError, San};
pub use pem::certificates_pem;
pub use policy::{Profile, Wanted, WantedError};
pub use public::{KeyType, PublicKey};
pub use renewal::{Stage, due, late};
pub use request::{Request, RequestError};
pub use serial::{Serial, SerialError};
pub use signer::signer_certificate;
pub use verify::{Unproven, Usage, verify};
