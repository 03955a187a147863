//! `aeolus session`.

use aeolus_api::PlaneAcks;
use aeolus_api::client::{SessionsOf, Wait};
use aeolus_api::session::Session;
use aeolus_model::{Clock as _, Time};

use super::Context;
use crate::args::{SessionEnd, SessionList};
use crate::control_client::{all, refused};
use crate::moments::ahead;
use crate::report::Failure;
use crate::ui::{self, Table};

/// Lists sessions.
pub(super) async fn list(args: &SessionList, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let of = SessionsOf {
        user: args.user.clone(),
        organization: args.organization.clone(),
    };
    let sessions = all(|cursor| {
        let (client, of) = (client.clone(), of.clone());
        async move { client.sessions(&of, cursor.as_deref()).await }
    })
    .await?;
    let shown = table(&sessions, context.clock.now());
    ui::answer(context.output, &sessions, &shown)
}

/// Ends sessions.
pub(super) async fn end(args: &SessionEnd, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let wait = if args.no_wait { Wait::No } else { Wait::Planes };
    let ended = if let Some(id) = args.id {
        let organization = args.organization.as_deref();
        client.end_session(id, organization, wait).await
    } else {
        let of = SessionsOf {
            user: args.user.clone(),
            organization: args.organization.clone(),
        };
        client.end_sessions(&of, args.others, wait).await
    };
    let ended = ended.map_err(refused)?;
    let mut table = Table::new(&["ENDED"]);
    for id in &ended.ended {
        table.row([id.to_string()]);
    }
    ui::answer(context.output, &ended, &table)?;
    say_unconfirmed(ended.planes.as_ref());
    Ok(())
}

/// Names the planes that may go on for a while.
pub(super) fn say_unconfirmed(planes: Option<&PlaneAcks>) {
    for plane in planes.iter().flat_map(|planes| &planes.unconfirmed) {
        ui::note(&format!(
            "warning: plane {} has not said that its gates refuse them; it goes by its staleness policy",
            plane.name
        ));
    }
}

/// One line each.
fn table(sessions: &[Session], now: Time) -> Table {
    let mut table = Table::new(&[
        "ID",
        "WHO",
        "SIGNED IN",
        "LAST SEEN",
        "ENDS",
        "THROUGH",
        "FROM",
        "USED IN",
        "BROWSER",
    ]);
    let moment = |secs| ahead(Time::from_secs(secs), now);
    for session in sessions {
        let mut id = session.id.to_string();
        if session.current {
            id.push_str(" (this one)");
        }
        let places = session
            .organizations
            .iter()
            .map(|place| place.name.as_str());
        table.row([
            id,
            session.email.to_string(),
            moment(session.auth_time),
            session.last_seen_at.map_or_else(|| "-".to_owned(), moment),
            moment(session.absolute_end),
            session.connection.clone(),
            or_dash(&session.source),
            or_dash(&places.collect::<Vec<_>>().join(" ")),
            or_dash(&session.user_agent),
        ]);
    }
    table
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-" } else { text }.to_owned()
}
