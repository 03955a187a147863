//! API tokens of an organization.

mod bounds;
mod create;
mod delete;
mod get;
mod list;
mod permission;
mod revoke;
mod roles;
mod rotate;
mod text;
mod update;
mod uses;
mod value;
mod view;

use aeolus_api::Withheld;
use aeolus_api::token::{Token, TokenCreated};
use aeolus_model::{Actor, UserId};

pub(crate) use bounds::FOREVER;
pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use permission::may_see;
pub(crate) use revoke::revoke;
pub(crate) use roles::set as set_roles;
pub(crate) use rotate::{end as end_rotation, rotate};
pub(crate) use update::update;
pub(crate) use uses::{Uses, note as note_uses};

use crate::ctx::Ctx;
use crate::error::ApiError;
use crate::extract::Query;

/// Who changes tokens: people. A stolen token could otherwise outlive itself.
fn person(ctx: &Ctx) -> Result<UserId, ApiError> {
    if let Actor::User(id) = ctx.actor {
        return Ok(id);
    }
    let what = "a person's credential: tokens don't make or change tokens";
    Err(ApiError::Forbidden(what.to_owned()))
}

/// The answer with a new value, as it is kept.
fn without_value(record: Token, seq: u64) -> TokenCreated {
    let instead = "Rotate the token (POST …/rotate) to get another value.";
    TokenCreated {
        token: None,
        withheld: Some(Withheld::shown_once(instead)),
        record,
        seq,
        planes: None,
    }
}

/// As it is shown, this once.
fn with_value(created: TokenCreated, value: String) -> TokenCreated {
    TokenCreated {
        token: Some(value),
        withheld: None,
        ..created
    }
}

/// `?wait=planes`.
pub(crate) fn wants_planes(query: &Query) -> Result<bool, ApiError> {
    match query.0.get("wait") {
        None => Ok(false),
        Some("planes") => Ok(true),
        Some(_) => Err(ApiError::field("wait", "use planes, or leave it out")),
    }
}
