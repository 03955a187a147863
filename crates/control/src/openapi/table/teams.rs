//! Teams of an organization.

use aeolus_api::team::{
    TeamAdd, TeamAdded, TeamCreate, TeamMember, TeamShown, TeamsImport, TeamsImported,
};
use aeolus_api::tenancy::{Created, Team, TeamChanged, TeamSet};
use aeolus_api::{Deleted, Page};

use super::{DRY_RUN, PAGE, WAIT, delete, get, post, put};
use crate::openapi::operation::Operation;

pub(super) fn teams() -> Vec<Operation> {
    let (teams, team, members) = (
        "/v1/organizations/{o}/teams",
        "/v1/organizations/{o}/teams/{id}",
        "/v1/organizations/{o}/teams/{id}/members",
    );
    vec![
        get(teams, "listTeams", "Teams")
            .query(&PAGE)
            .answers::<Page<Team>>(200),
        post(teams, "createTeam", "Makes a team")
            .takes::<TeamCreate>()
            .answers::<Created<Team>>(201),
        post(
            "/v1/organizations/{o}/teams:import",
            "importTeams",
            "Makes teams, puts people in and gives roles, all or nothing",
        )
        .query(&[DRY_RUN])
        .takes::<TeamsImport>()
        .answers::<TeamsImported>(200),
        get(team, "getTeam", "One team, who is in it and what it has").answers::<TeamShown>(200),
        put(team, "setTeam", "Gives it another name or description")
            .takes::<TeamSet>()
            .answers::<TeamChanged>(200),
        delete(team, "deleteTeam", "Removes a team with its roles")
            .query(&[WAIT])
            .answers::<Deleted>(200),
        get(members, "listTeamMembers", "Who is in a team")
            .query(&PAGE)
            .answers::<Page<TeamMember>>(200),
        post(members, "addTeamMembers", "Puts people into a team")
            .query(&[WAIT])
            .takes::<TeamAdd>()
            .answers::<TeamAdded>(200),
        delete(
            "/v1/organizations/{o}/teams/{id}/members/{user}",
            "removeTeamMember",
            "Takes somebody out of a team",
        )
        .query(&[WAIT])
        .answers::<Deleted>(200),
    ]
}
