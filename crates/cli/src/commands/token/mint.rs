//! A token without control: signed with the keys of `aeolus plane build`.

use aeolus_model::{Email, RoleName, TokenId};

use super::{Created, bad_path, scope, show};
use crate::args::TokenCreate;
use crate::commands::Context;
use crate::offline::{Keys, State, StoredToken, World, access_token, api_token, next_index};
use crate::report::{Failure, Report};
use crate::ui;

const DAY: i64 = 86_400;

/// Makes a token without control.
pub(in crate::commands) fn mint(args: &TokenCreate, context: &Context) -> Result<(), Failure> {
    let (_, path, role_scope) = scope(args)?;
    let folder = args.keys.as_deref().unwrap_or(std::path::Path::new(""));
    let keys = Keys::open(folder, &context.clock, &context.rng)?;
    let mut state = State::open(folder, &context.rng)?;
    let fleet = state.fleet.clone();
    let world = World::new(&fleet, state.seed()?);
    let place = world.find(path)?;
    let seconds = i64::from(args.days.unwrap_or(1)).saturating_mul(DAY);
    let machine = (&context.clock as _, &context.rng as _);
    let minted = if let (Some(email), Some(deployment)) = (&args.user, place.deployment) {
        let email = Email::parse(email)
            .map_err(|error| Report::new("CLI-0012", error.to_string()).usage())?;
        let whom = (&email, place, deployment);
        access_token(&world, &keys, whom, seconds, machine)?
    } else {
        let role = match &args.role {
            None => return Err(bad_path("--role ROLE")),
            Some(RoleName::BuiltIn(role)) => *role,
            Some(RoleName::Custom(name)) => {
                let what = format!("without control nobody knows what role {name} allows");
                let help = "use a built-in role";
                return Err(Report::new("CLI-0016", what).help(help).usage());
            }
        };
        if role.scope() != role_scope {
            let what = format!("{} can't be given on {path}", role.name());
            return Err(Report::new("CLI-0016", what).usage());
        }
        let token = StoredToken {
            id: TokenId::new(&context.clock, &context.rng),
            organization: path.split('/').next().unwrap_or_default().to_owned(),
            name: args.name.clone(),
            resource: place.resource(),
            role,
            index: next_index(&state),
        };
        let (clock, rng) = machine;
        let minted = api_token(&mut state, &keys, token, place, (seconds, clock, rng))?;
        ui::note("Gates know the token after the next `aeolus plane build`.");
        minted
    };
    let created = Created {
        id: minted.id,
        token: minted.token,
        planes: None,
    };
    show(&created, context)
}
