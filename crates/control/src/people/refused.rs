//! Why somebody whom a provider has proved does not come in.

/// Why somebody does not come in. What they read tells nothing about accounts that are not theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Nobody here is known by the identity, and nothing lets them in.
    Unknown,
    /// The account may not sign in.
    Disabled,
}

impl Refused {
    /// What they read is found under.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "not-known-here",
            Self::Disabled => "account-disabled",
        }
    }

    /// The cause, for the audit log alone.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Disabled => "disabled",
        }
    }

    /// The heading of the page.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Unknown => "You are not known here yet",
            Self::Disabled => "Your account is disabled",
        }
    }

    /// What happened, and what to do.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Unknown => {
                "Nobody here is known by the account that you signed in with. If you have come here another \
                 way before, sign in that way and add this one on your account page. Otherwise ask an owner \
                 of your organization for an invitation."
            }
            Self::Disabled => {
                "It was disabled by an administrator of this installation. Ask them to enable it."
            }
        }
    }
}
