//! Why somebody whom a provider has proved does not come in.

/// Why somebody does not come in. What they read tells nothing about accounts that are not theirs: whether
/// an address that a provider merely claims has an account here shows in the audit log alone (A1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Nobody here is known by the identity, and nothing lets them in.
    Unknown,
    /// Somebody here has the address, and nothing proves that it is they (O22). Reads as [`Self::Unknown`].
    AddressTaken,
    /// What a provider wrote by SCIM says that they are an administrator, and may not (note 032). Reads as
    /// [`Self::Unknown`].
    Administrator,
    /// The account may not sign in.
    Disabled,
    /// Signing up takes an address that the provider vouches for (O21).
    Unproved,
    /// The provider said no address where one is needed.
    NoAddress,
    /// There is no such invitation, or it was used, has ended or was taken back.
    Over,
    /// It is not the first administrator's code, or there is an administrator.
    Code,
    /// The invitation is for another address (A14).
    OtherAddress,
    /// The identity is somebody else's here.
    LinkedElsewhere,
    /// The account is another subject of the same provider.
    LinkedAlready,
    /// They signed in too long ago to say how else they are known.
    SignInFirst,
    /// It is the only way in that they have.
    LastWayIn,
}

impl Refused {
    /// The status of the page.
    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::Over | Self::Code => 410,
            Self::LinkedElsewhere | Self::LinkedAlready | Self::LastWayIn => 409,
            _ => 403,
        }
    }

    /// What they read is found under.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Unknown | Self::AddressTaken | Self::Administrator => "not-known-here",
            Self::Disabled => "account-disabled",
            Self::Unproved => "address-not-proved",
            Self::NoAddress => "no-address",
            Self::Over => "invitation-over",
            Self::Code => "first-admin-code",
            Self::OtherAddress => "other-address",
            Self::LinkedElsewhere => "linked-elsewhere",
            Self::LinkedAlready => "linked-already",
            Self::SignInFirst => "sign-in-first",
            Self::LastWayIn => "last-way-in",
        }
    }

    /// The cause, for the audit log alone.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::AddressTaken => "address-taken",
            Self::Administrator => "administrator",
            Self::Disabled => "disabled",
            _ => self.code(),
        }
    }

    /// The heading of the page.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Unknown | Self::AddressTaken | Self::Administrator => {
                "You are not known here yet"
            }
            Self::Disabled => "Your account is disabled",
            Self::Unproved => "Your address is not confirmed",
            Self::NoAddress => "Your address is missing",
            Self::Over => "The invitation is over",
            Self::Code => "The code is not good",
            Self::OtherAddress => "The invitation is for another address",
            Self::LinkedElsewhere => "That account belongs to somebody else here",
            Self::LinkedAlready => "You have another account of this provider already",
            Self::SignInFirst => "Sign in again first",
            Self::LastWayIn => "It is your only way in",
        }
    }

    /// What happened, and what to do.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Unknown | Self::AddressTaken | Self::Administrator => {
                "Nobody here is known by the account that you signed in with. If you have come here another \
                 way before, sign in that way and add this one on your account page. Otherwise ask an owner \
                 of your organization for an invitation."
            }
            Self::Disabled => {
                "It was disabled by an administrator of this installation. Ask them to enable it."
            }
            Self::Unproved => {
                "Whoever is new here needs an e-mail address that their identity provider confirms, and yours \
                 does not. Ask whoever runs your provider, or an owner of your organization for an invitation."
            }
            Self::NoAddress => {
                "Your identity provider did not say your e-mail address. Ask whoever runs it to release the \
                 claim with the address."
            }
            Self::Over => {
                "It was used, has ended or was taken back, or this is not all of its link. Ask whoever invited \
                 you for another one. If it was you who used it, sign in."
            }
            Self::Code => {
                "It was used, another one took its place, or somebody administers this installation by now. \
                 `aeolus control first-admin`, run where control runs, makes another one as long as nobody does."
            }
            Self::OtherAddress => {
                "The account that you signed in with does not prove the address that was invited. Sign in with \
                 the account of that address, or ask whoever invited you for an invitation to the other one."
            }
            Self::LinkedElsewhere => {
                "The account at the provider is a way in of another account here. Sign in there and remove it \
                 on the account page, then add it again."
            }
            Self::LinkedAlready => {
                "One account here is one account at each provider. Remove the other one on your account page \
                 first."
            }
            Self::SignInFirst => {
                "Only who has signed in in the last ten minutes says how else they are known. Sign out and in \
                 again, then repeat it."
            }
            Self::LastWayIn => {
                "Without it you could not sign in any more. Add another way first, then remove this one."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Refused;

    #[test]
    fn a1_whether_an_address_is_taken_shows_to_nobody() {
        let shown = |refused: Refused| {
            let (status, code) = (refused.status(), refused.code());
            (status, code, refused.title(), refused.text())
        };
        assert_eq!(shown(Refused::Unknown), shown(Refused::AddressTaken));
        assert_eq!(shown(Refused::Unknown), shown(Refused::Administrator));
        assert_ne!(Refused::Unknown.reason(), Refused::AddressTaken.reason());
    }
}
