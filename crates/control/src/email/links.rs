//! Links in messages that open something: a message waits without its link, which is put in when it is sent.
//! Whoever copies the database gets none.

use aeolus_model::{InvitationId, PasswordResetId};

use crate::app::App;
use crate::people;

const BEGIN: &str = "{{invitation:";
const RESET: &str = "{{password-reset:";
const END: &str = "}}";

/// What stands for the link of an invitation.
pub(crate) fn link_of(invitation: InvitationId) -> String {
    format!("{BEGIN}{invitation}{END}")
}

/// What stands for a link that sets a new password.
pub(crate) fn reset_link_of(reset: PasswordResetId) -> String {
    format!("{RESET}{reset}{END}")
}

/// A body with its link. The first place alone is ours: what anybody wrote comes after it or has no id.
pub(super) fn with_links(app: &App, body: &str) -> String {
    let place = |begin| Some((body.find(begin)?, begin));
    let first = [BEGIN, RESET].into_iter().filter_map(place).min();
    let linked = first.and_then(|(at, begin)| {
        let (before, rest) = body.split_at_checked(at)?;
        let (id, after) = rest.strip_prefix(begin)?.split_once(END)?;
        let link = if begin == BEGIN {
            people::mailed_link_of(app, id.parse().ok()?)
        } else {
            people::reset_link(app, id.parse().ok()?)
        };
        Some(format!("{before}{link}{after}"))
    });
    linked.unwrap_or_else(|| body.to_owned())
}
