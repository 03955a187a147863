//! What the whole installation has.

use aeolus_api::email::{EmailTest, EmailTested};
use aeolus_api::fleet::Rollout as RolloutSettings;
use aeolus_api::key::{KeyList, KeyRemoved, KeyRotate, KeyRotated};
use aeolus_api::oauth::OAuthError;
use aeolus_api::person::{PasswordResetCreated, UserAbled};
use aeolus_api::plane::{Plane, PlaneChanged, PlaneCreate, PlaneCreated};
use aeolus_api::rollout::{Changed, Rollout};
use aeolus_api::session::{SecondFactorReset, Session, SessionsEnded};
use aeolus_api::tenancy::Me;
use aeolus_api::{Deleted, Page, audit, connection};

use super::{
    CHECKPOINT, DRY_RUN, EVENTS, LINES, MOMENTS, PAGE, WAIT, WHOSE, delete, get, parameter, post,
    put,
};
use crate::openapi::content::{Content, Form};
use crate::openapi::operation::{Operation, Who};

const REGISTERED: &str = "/v1/connections/{connection}/planes/{plane}";

pub(super) fn public() -> Vec<Operation> {
    vec![
        get("/v1/openapi.json", "getDescription", "This document")
            .by(Who::Anybody)
            .answers_other(200, Some("application/json")),
        get("/v1/healthz", "getHealth", "Whether control can serve")
            .by(Who::Anybody)
            .answers_other(200, Some("text/plain"))
            .refuses_in(503, Content::Other("text/plain")),
        get("/readyz", "getReadiness", "The same")
            .by(Who::Anybody)
            .answers_other(200, Some("text/plain"))
            .refuses_in(503, Content::Other("text/plain")),
        get("/livez", "getLiveness", "Whether control runs")
            .by(Who::Anybody)
            .answers_other(200, Some("text/plain")),
        get(
            "/v1/.well-known/jwks.json",
            "getLegacyKey",
            "The key of what `/v1/authorization` and the container registry's tokens are signed by, if one is on",
        )
        .by(Who::Anybody)
        .answers_other(200, Some("application/json"))
        .refuses(&[404]),
        get(
            "/v1/authorization",
            "authorize",
            "Decides for a proxy of the older generation, if that is on",
        )
        .by(Who::Anybody)
        .answers_other(200, None)
        .refuses(&[401, 403, 404]),
        get(
            "/v1/status-lists/{organization}/{n}",
            "getStatusList",
            "Which of an organization's token values are no longer good (Token Status List)",
        )
        .by(Who::Anybody)
        .answers_other(200, Some("application/statuslist+jwt"))
        .cached(),
        post(
            "/v1/oauth/backchannel-logout/{connection}",
            "backchannelLogout",
            "Ends the sessions that an identity provider's logout token names",
        )
        .by(Who::Anybody)
        .takes_other("application/x-www-form-urlencoded")
        .answers_other(200, None)
        .refuses_in(400, Content::json::<OAuthError>())
        .refuses_in(500, Content::json::<OAuthError>())
        .refuses_in(503, Content::json::<OAuthError>()),
    ]
}

pub(super) fn own() -> Vec<Operation> {
    vec![
        get("/v1/me", "getMe", "Who you are and what you hold").answers::<Me>(200),
        get(
            "/v1/sessions",
            "listSessions",
            "Sessions of a person or in an organization",
        )
        .query(&PAGE)
        .query(&WHOSE)
        .answers::<Page<Session>>(200)
        .refuses(&[404]),
        delete("/v1/sessions", "endSessions", "Ends all of them")
            .query(&WHOSE)
            .query(&[
                WAIT,
                parameter("others", "All of your own but this one.", Form::Flag),
            ])
            .answers::<SessionsEnded>(200)
            .refuses(&[404]),
        delete("/v1/sessions/{id}", "endSession", "Ends one session")
            .query(&[WAIT, WHOSE[1]])
            .answers::<SessionsEnded>(200),
        delete(
            "/v1/users/{id}/second-factor",
            "resetSecondFactor",
            "Removes somebody's second factor, and ends their sessions",
        )
        .answers::<SecondFactorReset>(200)
        .refuses(&[409]),
        post(
            "/v1/users/{id}/disable",
            "disableUser",
            "Keeps somebody from signing in, and ends what they had signed in to",
        )
        .query(&[WAIT])
        .answers::<UserAbled>(200)
        .refuses(&[409]),
        post(
            "/v1/users/{id}/enable",
            "enableUser",
            "Lets them sign in again",
        )
        .answers::<UserAbled>(200),
        post(
            "/v1/users/{id}/password-reset",
            "resetPassword",
            "Makes a link by which somebody sets a new password",
        )
        .answers::<PasswordResetCreated>(201)
        .refuses(&[409]),
    ]
}

pub(super) fn audit_log() -> Vec<Operation> {
    vec![
        get(
            "/v1/organizations/{o}/audit",
            "listAudit",
            "What happened in an organization",
        )
        .query(&PAGE)
        .query(&EVENTS)
        .query(&MOMENTS)
        .answers::<Page<audit::AuditLine>>(200),
        get(
            "/v1/organizations/{o}/audit:export",
            "exportAudit",
            "Its log as a file",
        )
        .query(&MOMENTS)
        .answers_other(200, Some(LINES)),
        get(
            "/v1/organizations/{o}/audit:verify",
            "verifyAudit",
            "Follows its chain",
        )
        .query(&[CHECKPOINT])
        .answers_other(200, Some(LINES))
        .refuses(&[409]),
        get(
            "/v1/organizations/{o}/audit:checkpoint",
            "checkpointAudit",
            "A signed word of where its chain stands",
        )
        .answers::<audit::AuditCheckpoint>(200)
        .refuses(&[409]),
        get("/v1/audit", "listAllAudit", "What happened anywhere")
            .query(&PAGE)
            .query(&EVENTS)
            .query(&MOMENTS)
            .answers::<Page<audit::AuditLine>>(200),
        get(
            "/v1/audit:export",
            "exportAllAudit",
            "The whole log as a file",
        )
        .query(&MOMENTS)
        .answers_other(200, Some(LINES)),
        get(
            "/v1/audit:verify",
            "verifyAllAudit",
            "Follows the chain of everything",
        )
        .query(&[CHECKPOINT])
        .answers_other(200, Some(LINES))
        .refuses(&[409]),
        get(
            "/v1/audit:checkpoint",
            "checkpointAllAudit",
            "A signed word of where it stands",
        )
        .answers::<audit::AuditCheckpoint>(200)
        .refuses(&[409]),
    ]
}

pub(super) fn system() -> Vec<Operation> {
    vec![
        get(
            "/v1/connections",
            "listConnections",
            "Connections to identity providers",
        )
        .answers::<Page<connection::Connection>>(200),
        get(
            "/v1/connections/{connection}/planes",
            "listRegisteredPlanes",
            "Planes with a client of their own at its provider",
        )
        .answers::<Page<connection::RegisteredPlane>>(200),
        get(REGISTERED, "getRegisteredPlane", "One plane's client there")
            .answers::<connection::RegisteredPlane>(200)
            .conditional(),
        put(
            REGISTERED,
            "registerPlane",
            "Gives a plane a client there, or another one",
        )
        .query(&[WAIT])
        .takes::<connection::PlaneRegister>()
        .answers::<connection::PlaneRegistered>(200)
        .refuses(&[409])
        .conditional(),
        delete(REGISTERED, "unregisterPlane", "Takes its client there away")
            .query(&[WAIT])
            .answers::<Deleted>(200)
            .refuses(&[409])
            .conditional(),
        post(
            "/v1/email:test",
            "testEmail",
            "Sends a message to try out what is configured",
        )
        .takes::<EmailTest>()
        .answers::<EmailTested>(200)
        .refuses(&[502]),
        get("/v1/keys", "listKeys", "Control's signing keys").answers::<KeyList>(200),
        delete(
            "/v1/keys/{id}",
            "deleteKey",
            "Removes a key that doesn't sign",
        )
        .query(&[
            WAIT,
            DRY_RUN,
            parameter("compromised", "Somebody else has it.", Form::Flag),
        ])
        .answers::<KeyRemoved>(200),
        post(
            "/v1/keys/{id}/rotate",
            "rotateKey",
            "The next key of a purpose",
        )
        .query(&[WAIT])
        .may_take::<KeyRotate>()
        .answers::<KeyRotated>(200),
        get("/v1/planes", "listPlanes", "Planes").answers::<Page<Plane>>(200),
        post(
            "/v1/planes",
            "createPlane",
            "Adds a plane; its join token is in this answer alone",
        )
        .takes::<PlaneCreate>()
        .answers::<PlaneCreated>(201),
        get("/v1/planes/{id}", "getPlane", "One plane").answers::<Plane>(200),
        post(
            "/v1/planes/{id}/quarantine",
            "quarantinePlane",
            "Believes its identity no more",
        )
        .answers::<PlaneChanged>(200),
        post(
            "/v1/planes/{id}/release",
            "releasePlane",
            "Believes it again",
        )
        .answers::<PlaneChanged>(200),
    ]
}

pub(super) fn rollouts() -> Vec<Operation> {
    let rollout = "/v1/rollouts/{name}";
    vec![
        get("/v1/rollouts", "listRollouts", "Rollouts").answers::<Page<Rollout>>(200),
        get(rollout, "getRollout", "One rollout")
            .answers::<Rollout>(200)
            .conditional(),
        put(
            rollout,
            "setRollout",
            "Adds one, or gives it other settings and sets it running",
        )
        .query(&[WAIT])
        .takes::<RolloutSettings>()
        .answers::<Changed>(200)
        .conditional(),
        delete(rollout, "deleteRollout", "Removes one")
            .answers::<Deleted>(200)
            .conditional(),
        post(
            "/v1/rollouts/{name}/promote",
            "promoteRollout",
            "Gives the path to all it is about",
        )
        .query(&[WAIT])
        .answers::<Changed>(200)
        .conditional(),
        post(
            "/v1/rollouts/{name}/abort",
            "abortRollout",
            "Takes the path from everything",
        )
        .query(&[WAIT])
        .answers::<Changed>(200)
        .conditional(),
    ]
}
