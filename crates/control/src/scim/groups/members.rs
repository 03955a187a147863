//! Who is in a group. The list itself is never read to change it.

use std::collections::BTreeSet;

use aeolus_model::{Action, AuditEvent, Change, OrganizationId, TeamId, UserId};
use aeolus_scim::{Error, Member, MemberChanges, MemberKind, Reason};
use aeolus_store::{StoreError, Team, Unit as _, Write};

use super::super::answer::ScimFailure;
use super::super::caller::Caller;
use super::super::events;
use super::user_of;

/// So many people are named in one line of the audit log.
const AT_ONCE: usize = 500;

/// Who is in from now on, and who no more.
#[derive(Default)]
pub(super) struct Moved {
    pub(super) into: Vec<UserId>,
    pub(super) out: Vec<UserId>,
}

impl Moved {
    pub(super) fn is_empty(&self) -> bool {
        self.into.is_empty() && self.out.is_empty()
    }

    /// Says so in the audit log.
    pub(super) fn say(&self, caller: &Caller, write: &mut Write, team: &Team) {
        let into = self
            .into
            .iter()
            .map(|user| Change::to("member", user.to_string()));
        let out = self
            .out
            .iter()
            .map(|user| Change::from("member", user.to_string()));
        let changes: Vec<Change> = out.chain(into).collect();
        for part in changes.chunks(AT_ONCE) {
            write.audit(AuditEvent {
                organization: Some(team.organization),
                changes: part.to_vec(),
                ..caller.event(Action::TeamMembers, team.id)
            });
        }
    }
}

/// Makes changes to the members of a Team that is held. Of what changes nothing, nothing is told.
pub(super) async fn apply(
    caller: &Caller,
    write: &mut Write,
    team: &Team,
    changes: &MemberChanges,
) -> Result<Moved, ScimFailure> {
    if changes.is_empty() {
        return Ok(Moved::default());
    }
    let wanted = named(changes.added())?;
    let connection = caller.connection.id;
    let mut groups = write.scim_groups();
    if let Some(unknown) = groups.first_unknown(connection, &wanted).await? {
        return Err(nobody(&unknown.to_string()).into());
    }
    let out = if changes.replaces() {
        groups.keep_only(team.id, &wanted).await?
    } else {
        // Whoever is no user here is in no group.
        let mut gone: Vec<UserId> = changes.removed().filter_map(user_of).collect();
        gone.sort_unstable();
        groups.take_out(team.id, &gone).await?
    };
    let into = groups.put_in(team.id, &wanted).await;
    let into = into.map_err(|error| match error {
        // They were deleted since they were looked for: all is done again.
        StoreError::Reference => StoreError::Conflict,
        other => other,
    })?;
    Ok(Moved { into, out })
}

/// Refuses to go on, so that all is done again, where one of those who came in is a user of the connection no more. Asked
/// last, as [`require_left`] is: of who puts somebody in and who deletes them, the later one sees what the other did.
pub(super) async fn require_there(
    caller: &Caller,
    write: &mut Write,
    moved: &Moved,
) -> Result<(), ScimFailure> {
    if moved.into.is_empty() {
        return Ok(());
    }
    write.go_last().await?;
    let connection = caller.connection.id;
    let mut groups = write.scim_groups();
    match groups.first_unknown(connection, &moved.into).await? {
        Some(_) => Err(StoreError::Conflict.into()),
        None => Ok(()),
    }
}

/// The same where somebody who is a user of the connection no more is in one of its groups.
pub(in super::super) async fn require_left(
    caller: &Caller,
    write: &mut Write,
    user: UserId,
) -> Result<(), ScimFailure> {
    write.go_last().await?;
    let mut groups = write.scim_groups();
    let left = groups.of_users(caller.connection.id, &[user]).await?;
    if left.is_empty() {
        return Ok(());
    }
    Err(StoreError::Conflict.into())
}

/// Takes somebody who is about to be a user of the connection no more out of its groups, and says in which organizations
/// these are. Whoever takes several groups takes the lowest id first.
pub(in super::super) async fn leave(
    caller: &Caller,
    write: &mut Write,
    user: UserId,
) -> Result<BTreeSet<OrganizationId>, ScimFailure> {
    let connection = caller.connection.id;
    let groups = write.scim_groups().of_users(connection, &[user]).await?;
    let teams: BTreeSet<TeamId> = groups.into_iter().map(|group| group.team).collect();
    let mut places = BTreeSet::new();
    for id in teams {
        let mut groups = write.scim_groups();
        let Some(group) = groups.hold(connection, id).await? else {
            continue;
        };
        let out = groups.take_out(id, &[user]).await?;
        if !out.is_empty() {
            groups.touch(id, caller.app.clock.now()).await?;
            events::moved(caller, write, &group);
        }
        let moved = Moved {
            out,
            ..Moved::default()
        };
        if let Some(team) = write.teams().get(id).await? {
            moved.say(caller, write, &team);
            places.insert(team.organization);
        }
    }
    Ok(places)
}

/// The people that a request names, by id.
fn named<'m>(members: impl Iterator<Item = &'m Member>) -> Result<Vec<UserId>, Error> {
    let mut named = Vec::new();
    for member in members {
        if member.kind == Some(MemberKind::Group) {
            let why = "A group's members are users here: groups in groups are not kept.";
            return Err(Error::new(Reason::InvalidValue, why));
        }
        named.push(user_of(&member.value).ok_or_else(|| nobody(&member.value))?);
    }
    named.sort_unstable();
    Ok(named)
}

fn nobody(id: &str) -> Error {
    let shown: String = id.chars().filter(|c| !c.is_control()).take(64).collect();
    Error::new(
        Reason::InvalidValue,
        format!("There is no user with the id {shown:?} here who could be a member."),
    )
}
