//! `POST /v1/planes`: adds a plane, or invites the first gate of one that a fleet document declared or
//! that is in quarantine, and gives out its join token once.

use std::time::Duration;

use aeolus_api::plane::{PlaneCreate, PlaneCreated};
use aeolus_api::{JoinToken, Withheld};
use aeolus_keys::{Kind, digest};
use aeolus_model::{Action, Host, KeyId, Permission, PlaneId, Secret, hex};
use aeolus_store::{ManagedBy, Plane, PlaneStage, Unit as _};

use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Json;
use crate::once::Reply;
use crate::tenancy::reserved;

/// A join token is for the person who just asked for it.
const LIFE: Duration = Duration::from_secs(3600);

/// Adds a plane.
pub(crate) async fn create(
    ctx: Ctx,
    Json(body): Json<PlaneCreate>,
) -> Result<Reply<PlaneCreated>, ApiError> {
    let auth_host = body.auth_host.map(|host| Host::parse(&host)).transpose();
    let auth_host = auth_host.map_err(|error| ApiError::field("authHost", error.to_string()))?;
    let mut write = ctx.write_for(Permission::SystemPlanesUpdate).await?;
    let roots = write.roots().after(0).await?;
    let first = roots.first().ok_or(ApiError::NotReady(
        "There is no root document yet: `aeolus control` says at its start what to do.",
    ))?;
    let root_sha256 = hex(&digest::sha256(first.document.as_bytes()));
    let found = write.planes().by_name(&body.name).await?;
    let id = match &found {
        None => PlaneId::new(&*ctx.app.clock, &*ctx.app.rng),
        Some(plane) => match plane.stage {
            // From quarantine: whoever has the old identity is nobody from then on.
            PlaneStage::Declared | PlaneStage::Pending { .. } | PlaneStage::Quarantined { .. } => {
                plane.id
            }
            PlaneStage::Enrolled { .. } => {
                return Err(ApiError::Conflict(
                    "There already is a plane of this name, and it is enrolled.".to_owned(),
                ));
            }
        },
    };
    let mut secret = [0; 32];
    ctx.app.rng.fill(&mut secret);
    let secret = Secret::new(secret);
    let stage = PlaneStage::Pending {
        join: seal(&ctx, id, &secret)?,
        expires_at: ctx.app.clock.now().plus(LIFE),
    };
    let plane = match found {
        None => {
            if let Some(host) = &auth_host {
                reserved::refuse_for_plane(&mut write, host).await?;
            }
            let plane = Plane {
                id,
                name: body.name,
                auth_host,
                stage,
                managed_by: ManagedBy::Api,
                revision: 0,
            };
            write.planes().insert(&plane).await?;
            plane
        }
        Some(plane) => {
            if auth_host.is_some() && auth_host != plane.auth_host {
                let detail = "leave it out: the fleet document that declares this plane says it";
                return Err(ApiError::field("authHost", detail));
            }
            let plane = Plane { stage, ..plane };
            write.planes().update(&plane).await?;
            plane
        }
    };
    write.audit(ctx.event(Action::PlaneAdd, None, plane.id));
    let token = JoinToken {
        url: ctx.app.issuer.clone(),
        plane: plane.id,
        name: plane.name.clone(),
        root_sha256,
        secret,
    };
    let plane = super::view::view(&ctx.app, &mut write, plane).await?;
    let instead = "Add the plane once more, under another Idempotency-Key, to get another one.";
    let reply = ctx.created(write, |seq| PlaneCreated {
        plane,
        join_token: None,
        withheld: Some(Withheld::shown_once(instead)),
        seq,
    });
    Ok(reply.await?.map(|created| PlaneCreated {
        join_token: Some(token.encode().expose().clone()),
        withheld: None,
        ..created
    }))
}

/// The secret is needed once more, to check the gate's proof; until then it is kept sealed.
fn seal(ctx: &Ctx, plane: PlaneId, secret: &Secret<[u8; 32]>) -> Result<Vec<u8>, ApiError> {
    let record = KeyId::from_bytes(*plane.as_bytes());
    let sealed = ctx
        .app
        .master
        .seal(record, Kind::PlaneAssertion, secret.expose(), &*ctx.app.rng);
    sealed.map_err(ApiError::internal)
}
