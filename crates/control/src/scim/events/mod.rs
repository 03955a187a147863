//! Telling receivers what happened to users and groups (note 036): noted in the transaction that it tells of, sent
//! afterwards.

mod answer;
mod dropped;
mod send;
mod status;
mod token;

use aeolus_model::{ConnectionId, ScimEventId, TeamId, UserId};
use aeolus_scim::schema::{GROUP, ResourceType, USER};
use aeolus_scim::{Event, Happened, changed_attributes};
use aeolus_store::{ScimEvent, ScimGroup, StoreError, Unit, Write};

pub(crate) use self::dropped::drop_what_is_old;
pub(crate) use self::send::run;
pub(crate) use self::status::status;

use super::caller::Caller;
use super::kept::{Changed, Stored};
use crate::app::App;
use crate::connections::Settings;
use crate::connections::receiver::Receiver;

/// The one attribute that is in no tree.
const MEMBERS: &str = "members";

/// A resource, as receivers know it.
struct Subject<'a> {
    connection: ConnectionId,
    kind: &'static ResourceType,
    id: String,
    external_id: Option<&'a str>,
}

impl<'a> Subject<'a> {
    fn of(caller: &Caller, stored: &'a Stored) -> Self {
        Self {
            connection: caller.connection.id,
            kind: stored.resource.kind(),
            id: stored.id.clone(),
            external_id: stored.resource.external_id(),
        }
    }

    fn tell(self, app: &App, write: &mut Write, happened: Happened) {
        write.tell(ScimEvent {
            id: ScimEventId::new(&*app.clock, &*app.rng),
            connection: self.connection,
            at: app.clock.now(),
            subject: format!("{}/{}", self.kind.endpoint, self.id),
            external_id: self.external_id.map(str::to_owned),
            events: happened.into_json().to_string(),
        });
    }
}

/// A resource was made, perhaps with `members`.
pub(super) fn created(caller: &Caller, write: &mut Write, (made, members): (&Stored, bool)) {
    if !caller.tells {
        return;
    }
    let mut names = changed_attributes(None, &made.resource);
    names.extend(members.then(|| MEMBERS.to_owned()));
    let version = made.version();
    let happened = Happened::default().changed(Event::Create, &names, Some(&version));
    Subject::of(caller, made).tell(&caller.app, write, happened);
}

/// A resource is another by a PUT or a PATCH.
pub(super) fn changed(
    caller: &Caller,
    write: &mut Write,
    event: Event,
    (seen, now): (&Stored, &Changed),
) {
    if !caller.tells {
        return;
    }
    let mut names = changed_attributes(Some(&seen.resource), &now.stored.resource);
    names.extend(now.members.then(|| MEMBERS.to_owned()));
    let version = now.stored.version();
    let mut happened = Happened::default().changed(event, &names, Some(&version));
    if let Some(on) = now.switched {
        happened = happened.and(switch(on));
    }
    Subject::of(caller, &now.stored).tell(&caller.app, write, happened);
}

/// A resource is gone.
pub(super) fn deleted(caller: &Caller, write: &mut Write, gone: &Stored) {
    if caller.tells {
        let happened = Happened::default().and(Event::Delete);
        Subject::of(caller, gone).tell(&caller.app, write, happened);
    }
}

/// Others are in a group because a user is gone.
pub(super) fn moved(caller: &Caller, write: &mut Write, group: &ScimGroup) {
    if caller.tells {
        of_group(&caller.app, write, group, group.version + 1);
    }
}

/// Whether somebody may sign in is another by the word of an administrator.
pub(crate) async fn switched(
    app: &App,
    write: &mut Write,
    (user, on): (UserId, bool),
) -> Result<(), StoreError> {
    let Some(said) = write.scim_users().of_account(user).await? else {
        return Ok(());
    };
    if receiver(write, said.connection).await?.is_some() {
        let subject = Subject {
            connection: said.connection,
            kind: &USER,
            id: said.id.to_string(),
            external_id: said.external_id.as_deref(),
        };
        subject.tell(app, write, Happened::default().and(switch(on)));
    }
    Ok(())
}

/// Somebody was taken out of a team, other than by whoever provisions it.
pub(crate) async fn taken_out(
    app: &App,
    write: &mut Write,
    team: TeamId,
) -> Result<(), StoreError> {
    let Some(group) = write.scim_groups().of_team(team).await? else {
        return Ok(());
    };
    if receiver(write, group.connection).await?.is_some() {
        of_group(app, write, &group, group.version);
    }
    Ok(())
}

fn of_group(app: &App, write: &mut Write, group: &ScimGroup, version: u64) {
    let subject = Subject {
        connection: group.connection,
        kind: &GROUP,
        id: group.team.to_string(),
        external_id: group.external_id.as_deref(),
    };
    let (names, version) = ([MEMBERS.to_owned()], aeolus_scim::Version::new(version));
    let happened = Happened::default().changed(Event::Patch, &names, Some(&version));
    subject.tell(app, write, happened);
}

const fn switch(on: bool) -> Event {
    if on {
        Event::Activate
    } else {
        Event::Deactivate
    }
}

/// Who is told what a connection provisions, if anybody is.
async fn receiver(
    unit: &mut impl Unit,
    connection: ConnectionId,
) -> Result<Option<Receiver>, StoreError> {
    let row = unit.connections().get(connection).await?;
    let settings = row.as_ref().and_then(Settings::of);
    Ok(settings.and_then(|settings| settings.scim_events))
}
