//! Links in messages that open something: a message waits without its link, which is put in when it is sent.
//! Whoever copies the database gets none.

use aeolus_model::InvitationId;

use crate::app::App;
use crate::people;

const BEGIN: &str = "{{invitation:";
const END: &str = "}}";

/// What stands for the link of an invitation.
pub(crate) fn link_of(invitation: InvitationId) -> String {
    format!("{BEGIN}{invitation}{END}")
}

/// A body with its link. The first place alone is ours: what anybody wrote comes after it or has no id.
pub(super) fn with_links(app: &App, body: &str) -> String {
    let Some((before, rest)) = body.split_once(BEGIN) else {
        return body.to_owned();
    };
    let Some((id, after)) = rest.split_once(END) else {
        return body.to_owned();
    };
    match id.parse::<InvitationId>() {
        Ok(id) => format!("{before}{}{after}", people::link_of(app, id)),
        Err(_) => body.to_owned(),
    }
}
