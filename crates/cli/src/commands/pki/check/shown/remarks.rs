//! What is found about places, beside what is found in certificates.

use aeolus_pki::check::{Rule, Severity};

pub(super) const NOTHING: Rule = Rule {
    code: "PKI-151",
    severity: Severity::Error,
    what: "no certificate",
    means: "There is nothing that could be checked.",
    act: "name the file of the certificate, or the namespace of its Secret",
};

pub(super) const NAMELESS: Rule = Rule {
    code: "PKI-152",
    severity: Severity::Error,
    what: "a name that no certificate is issued for",
    means: "Whether the certificate is for it was not checked, and many clients refuse such names.",
    act: "check the server by a name that DNS and certificates can have",
};

pub(super) const WRONG_SIGNATURE: Rule = Rule {
    code: "PKI-153",
    severity: Severity::Error,
    what: "a server without the certificate's key",
    means: "Every client ends the handshake: whoever answers here shows a certificate that is not its own.",
    act: "give the server the key that the certificate was issued for, or issue both again",
};

pub(super) const UNSEEN_SIGNATURE: Rule = Rule {
    code: "PKI-154",
    severity: Severity::Warning,
    what: "whether the server has the certificate's key is not known",
    means: "Anybody can show a certificate; only a signature with its key tells whose it is.",
    act: "issue it again as X.509 v3, and check the server then",
};

pub(super) const UNREAD: Rule = Rule {
    code: "PKI-155",
    severity: Severity::Error,
    what: "Secrets that can't be read",
    means: "Nothing is known about the certificates there: they may have expired.",
    act: "grant `list` on secrets there to whoever checks, or leave the place out",
};
