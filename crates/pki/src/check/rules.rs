//! The kinds of findings.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Some clients refuse it now.
    Error,
    /// It will go wrong, or is wrong for some.
    Warning,
}

impl Severity {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its stable code.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub what: &'static str,
    /// What that means.
    pub means: &'static str,
    /// What to do.
    pub act: &'static str,
}

macro_rules! rules {
    ($($name:ident = $code:literal $severity:ident: $what:literal, $means:literal, $act:literal;)*) => {
        impl Rule {
            $(
                #[doc = $what]
                pub const $name: Self = Self {
                    code: $code,
                    severity: Severity::$severity,
                    what: $what,
                    means: $means,
                    act: $act,
                };
            )*

            /// Every kind, by code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

rules! {
    VERSION = "PKI-101" Error:
        "an X.509 v1 certificate",
        "Go, urllib3 and rustls refuse it, although openssl and curl accept it: it works in a first try and fails in Airflow's Python clients and in command line tools.",
        "issue it again with its names (aeolus pki issue --san NAME), or with openssl give `x509 -req` a file of extensions";
    NO_NAMES = "PKI-102" Error:
        "no subject alternative name",
        "Go, urllib3 and rustls refuse it: they don't look at the common name, as browsers haven't since 2017.",
        "issue it again with every name that clients use (aeolus pki issue --san NAME)";
    OTHER_NAME = "PKI-103" Error:
        "not for a name that is asked for",
        "Clients that use this name refuse it. A wildcard covers exactly one label, and not the domain itself.",
        "issue it again with this name among the others, or let clients use another name";
    WEAK_KEY = "PKI-104" Error:
        "a key that is too short or of an unknown kind",
        "Clients refuse it, or its signatures can be forged.",
        "issue it again with a new key (p256, or rsa2048 and longer)";
    WEAK_HASH = "PKI-105" Error:
        "a signature by SHA-1 or MD5",
        "It can be forged, and clients refuse it.",
        "let the authority issue it again with SHA-256";
    EXPIRED = "PKI-106" Error:
        "expired",
        "Every client refuses it.",
        "renew it (aeolus pki renew) and reload who serves it";
    NOT_YET = "PKI-107" Error:
        "not valid yet",
        "Every client refuses it until then, or this machine's clock is behind.",
        "compare the clocks, and wait or issue it again";
    DUE = "PKI-108" Warning:
        "to be renewed",
        "It is good, but the time at which it is renewed has come.",
        "renew it (aeolus pki renew), or see why that didn't happen";
    LATE = "PKI-109" Warning:
        "at most 30 days and a sixth of its life are left",
        "Its renewal has failed, or nobody does it. Every client refuses it once it has expired.",
        "renew it now (aeolus pki renew) and find out why that didn't happen";
    OTHER_KEY = "PKI-110" Error:
        "the private key belongs to another certificate",
        "No server starts with the two, or every handshake fails.",
        "find the key that it was issued for, or issue both again";
    ORDER = "PKI-111" Error:
        "the chain is out of order",
        "Some clients don't sort what they are sent, and refuse it (TLS 1.2 demands the order).",
        "put the leaf first, then each certificate's issuer";
    ROOT_SENT = "PKI-112" Warning:
        "the root is sent",
        "It proves nothing to whoever receives it, and costs bytes in every handshake.",
        "leave the root out of the server's file; give it to clients";
    MISSING = "PKI-113" Error:
        "an intermediate certificate is missing",
        "Clients that haven't met it elsewhere refuse the chain; browsers often have, so it seems to work.",
        "append the issuer's certificate to the server's file";
    UNPROVED = "PKI-114" Error:
        "the chain is not proved",
        "Clients that trust these authorities refuse it.",
        "check that the authorities are those that clients have, and issue it from one of them";
    AUTHORITY_SERVES = "PKI-115" Error:
        "an authority's certificate used by a server",
        "rustls refuses it, and whoever takes the server's key can issue certificates for anybody.",
        "issue a certificate for the server from it, and take the authority's key off the server";
    NO_SERVER = "PKI-116" Error:
        "not for servers",
        "Clients refuse a certificate whose extended key usage lacks serverAuth.",
        "issue it again with --profile server or both";
    NOT_RSA = "PKI-117" Error:
        "not an RSA key, and RSA is needed",
        "Some consumers take RSA only: with the original's platform certificate, its registry and its API fail.",
        "issue it with --key rsa2048 or longer";
    ED25519 = "PKI-118" Warning:
        "an Ed25519 key in a server's certificate",
        "Browsers refuse it.",
        "use p256 for what browsers reach";
    LONG = "PKI-119" Warning:
        "a life of more than 825 days",
        "Apple's systems refuse it, also from a private authority.",
        "issue it for fewer days and renew it";
    REVOKED = "PKI-120" Error:
        "revoked",
        "Whoever checks the revocation list refuses it.",
        "issue another one with a new key";
    SIGNATURE = "PKI-121" Error:
        "a signature that is not its issuer's",
        "Every client refuses it: it was changed, or another authority of the same name issued it.",
        "issue it again, or put the certificate of the authority that did sign it beside it";
    NO_ISSUER = "PKI-122" Error:
        "issued by a certificate that may not issue",
        "openssl, Go and browsers refuse what is signed by a certificate without CA:TRUE, or with usages that lack keyCertSign.",
        "issue it again from an authority";
    OLD_LIST = "PKI-123" Error:
        "an expired revocation list",
        "What was revoked since is not on it, and who checks lists refuses every certificate of this issuer.",
        "write it again (aeolus pki crl), by a timer";
    UNLISTED = "PKI-124" Error:
        "no revocation list of its issuer",
        "Lists were given, and none is signed by an issuer of this certificate that is known here: whether it is revoked is not known.",
        "give the list of its issuer with --crl, and the issuer's certificate with --ca";
    KEY_IN_ANNOTATION = "PKI-125" Error:
        "a private key in an annotation",
        "`kubectl apply` keeps what it was given in last-applied-configuration. Who may read metadata reads the key, and tools that copy Secrets with their annotations spread it.",
        "remove the annotation, write the Secret with `kubectl apply --server-side` from now on, and issue it again with a new key if others may have read it";
    OLD_COPY = "PKI-126" Error:
        "a copy that differs from its source",
        "Whoever reads the copy uses another certificate than the one that is renewed: it may have been replaced because somebody has its key, and it expires unseen.",
        "see why it isn't copied any more, and copy it again";
    NO_CONTENT = "PKI-127" Error:
        "an entry that isn't what its name says",
        "Kubernetes takes any bytes in a Secret; whoever mounts it fails, or goes on with what it read before.",
        "write the Secret again (aeolus pki export STEM --format kubernetes)";
    LOCKED = "PKI-128" Error:
        "an encrypted private key that was not opened",
        "Ingress controllers and proxies take plain keys only, and whether it belongs to the certificate was not checked.",
        "give the passphrase to check it (--passphrase-file), and store a plain key for those that need one";
    NOT_RSA_PLATFORM = "PKI-129" Warning:
        "not an RSA key, in a Secret of the name that the original's platform certificate has",
        "The original's registry and API take RSA only: with another key, deploys fail.",
        "issue it with --key rsa2048 or longer if the original uses it";
}
