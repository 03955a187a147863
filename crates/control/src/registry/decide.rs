//! What of what is wanted is granted.

use std::collections::BTreeSet;

use aeolus_api::registry::Repository;
use aeolus_model::{OrganizationId, Permission};
use aeolus_store::Read;

use super::ask::{Action, Wanted};
use super::config::Registry;
use super::failure::RegistryFailure;
use super::login::Caller;
use crate::audit::Refused;
use crate::authority::{Authority, deployment_path};
use crate::error::{ApiError, Failure};

/// What somebody may do with a repository.
pub(super) struct Granted {
    pub(super) repository: Repository,
    pub(super) actions: BTreeSet<Action>,
    /// Whose it is; nobody's, of base images.
    pub(super) organization: Option<OrganizationId>,
}

/// What is granted. What isn't is noted, and left out: a token with less is no error in the protocol.
pub(super) async fn granted(
    caller: &Caller,
    registry: &Registry,
    wanted: &Wanted,
) -> Result<Vec<Granted>, RegistryFailure> {
    let ctx = &caller.ctx;
    let mut view = ctx.app.store.read().await?;
    let authority = ctx.authority(&mut view).await?;
    let mut all = Vec::new();
    for (repository, actions) in wanted {
        let (organization, may) = if registry.config.base_images.contains(repository) {
            (None, of_base_image(&authority))
        } else {
            of_deployment(&mut view, (registry, &authority), repository).await?
        };
        let mut left = actions.difference(&may).peekable();
        if left.peek().is_some() {
            let left: Vec<&str> = left.map(|action| action.name()).collect();
            note(
                caller,
                &format!("repository:{repository}:{}", left.join(",")),
            );
        }
        let actions: BTreeSet<Action> = actions.intersection(&may).copied().collect();
        if !actions.is_empty() {
            all.push(Granted {
                repository: repository.clone(),
                actions,
                organization,
            });
        }
    }
    Ok(all)
}

/// Everybody pulls them (row H8).
fn of_base_image(authority: &Authority) -> BTreeSet<Action> {
    let push = authority.may(Permission::SystemRegistryBaseImagesPush, &[]);
    let push = push.then_some(Action::Push);
    [Action::Pull].into_iter().chain(push).collect()
}

/// By the caller's roles there, if the organization's rules let the caller in at all.
async fn of_deployment(
    view: &mut Read,
    (registry, authority): (&Registry, &Authority),
    repository: &Repository,
) -> Result<(Option<OrganizationId>, BTreeSet<Action>), ApiError> {
    let nothing = (None, BTreeSet::new());
    let found = registry
        .config
        .repositories
        .deployment(view, repository)
        .await?;
    let Some(deployment) = found else {
        return Ok(nothing);
    };
    let id = deployment.organization.to_string();
    match authority.organization(view, &id).await {
        Ok(_) => {}
        Err(
            ApiError::NotFound(_)
            | ApiError::Network
            | ApiError::SecondFactor
            | ApiError::SignInAgain,
        ) => return Ok(nothing),
        Err(error) => return Err(error),
    }
    let path = deployment_path(&deployment);
    let needed = [
        (Action::Pull, Permission::DeploymentImagesPull),
        (Action::Push, Permission::DeploymentImagesPush),
    ];
    let may = needed
        .into_iter()
        .filter(|(_, permission)| authority.may(*permission, &path))
        .map(|(action, _)| action);
    Ok((Some(deployment.organization), may.collect()))
}

/// Counts a refusal, as of any request of the API; each repository has its own line.
fn note(caller: &Caller, scope: &str) {
    let ctx = &caller.ctx;
    let failure = Failure::from(ApiError::Forbidden(scope.to_owned()));
    let refused = Refused {
        failure: &failure,
        info: &ctx.request,
        route: ROUTE,
        path: scope,
        about: Some(scope),
    };
    ctx.app.denials.note(&refused, ctx.app.clock.now());
}

const ROUTE: &str = "/v1/registry/authorization";
