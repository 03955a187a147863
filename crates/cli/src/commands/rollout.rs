//! `aeolus rollout`.

mod shown;

use std::time::Duration;

use aeolus_api::client::{Client, ClientError, Wait};
use aeolus_api::fleet::{Rollout as Settings, RolloutFallBack, RolloutRule};
use aeolus_api::rollout::{Changed, Rollout};

use super::Context;
use crate::args::{RolloutDelete, RolloutMove, RolloutSet, RolloutShow};
use crate::control_client::refused;
use crate::report::{Failure, Report};
use crate::ui::{self, Output};

/// How often a watched rollout is shown again.
const AGAIN: Duration = Duration::from_secs(2);

/// Shows one rollout or all, once or until interrupted.
pub(super) async fn show(args: &RolloutShow, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    loop {
        let rollouts = match &args.name {
            Some(name) => vec![client.rollout(name).await.map_err(refused)?],
            None => client.rollouts().await.map_err(refused)?.items,
        };
        print(&rollouts, args.name.is_some(), context.output)?;
        if !args.watch {
            return Ok(());
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn print(rollouts: &[Rollout], one: bool, output: Output) -> Result<(), Failure> {
    match rollouts {
        [rollout] if one => ui::answer(output, rollout, &shown::table(rollouts))?,
        all => ui::answer(output, &all, &shown::table(all))?,
    }
    if output == Output::Table {
        for rollout in rollouts {
            ui::print(&shown::figures(rollout));
        }
    }
    Ok(())
}

/// Adds or changes a rollout.
pub(super) async fn set(args: &RolloutSet, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let held = match client.rollout(args.name.as_str()).await {
        Ok(rollout) => Some(rollout.settings),
        Err(ClientError::Refused(problem)) if problem.status == 404 => None,
        Err(error) => return Err(refused(error)),
    };
    let settings = settings(args, held)?;
    let changed = client.set_rollout(&settings, wait(args.no_wait)).await;
    said(&changed.map_err(refused)?, context)
}

/// What is given, over what the rollout has.
fn settings(args: &RolloutSet, held: Option<Settings>) -> Result<Settings, Failure> {
    let new = || {
        let path = args.path?;
        let percent = args.percent?;
        Some(Settings {
            name: args.name.clone(),
            path,
            percent,
            deployments: Vec::new(),
            rule: RolloutRule::default(),
            shadow: false,
            shadow_percent: None,
            fall_back: None,
        })
    };
    let unsaid = || {
        Report::new("CLI-0014", format!("there is no rollout {}", args.name))
            .help("give --path and --percent to add it")
            .usage()
    };
    let mut settings = held.or_else(new).ok_or_else(unsaid)?;
    settings.path = args.path.unwrap_or(settings.path);
    settings.percent = args.percent.unwrap_or(settings.percent);
    if args.no_deployments || !args.deployment.is_empty() {
        settings.deployments.clone_from(&args.deployment);
    }
    if args.everywhere {
        settings.rule = RolloutRule::default();
    }
    if !args.plane.is_empty() {
        settings.rule.planes.clone_from(&args.plane);
    }
    if !args.within.is_empty() {
        settings.rule.within.clone_from(&args.within);
    }
    if let Some(share) = args.shadow {
        settings.shadow = share > 0;
        settings.shadow_percent = settings.shadow.then_some(share);
    }
    settings.fall_back = fall_back(args, settings.fall_back);
    Ok(settings)
}

fn fall_back(args: &RolloutSet, held: Option<RolloutFallBack>) -> Option<RolloutFallBack> {
    let asked = args.bad_percent.is_some()
        || args.slow_ms.is_some()
        || args.requests.is_some()
        || args.hold.is_some();
    if args.fall_back == Some(false) || (args.fall_back.is_none() && held.is_none() && !asked) {
        return None;
    }
    let held = held.unwrap_or_default();
    Some(RolloutFallBack {
        bad_percent: args.bad_percent.or(held.bad_percent),
        slow_ms: args.slow_ms.or(held.slow_ms),
        requests: args.requests.or(held.requests),
        hold: args.hold.or(held.hold),
    })
}

/// Promotes or aborts a rollout.
pub(super) async fn moved(
    args: &RolloutMove,
    what: &str,
    context: &Context,
) -> Result<(), Failure> {
    let client: Client = args.target.client(&context.environment).await?;
    let changed = client.move_rollout(&args.name, what, wait(args.no_wait));
    said(&changed.await.map_err(refused)?, context)
}

/// Removes a rollout.
pub(super) async fn delete(args: &RolloutDelete, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    client.delete_rollout(&args.name).await.map_err(refused)?;
    ui::note(&format!("Rollout {} is removed.", args.name));
    Ok(())
}

const fn wait(no_wait: bool) -> Wait {
    if no_wait { Wait::No } else { Wait::Planes }
}

fn said(changed: &Changed, context: &Context) -> Result<(), Failure> {
    let rollout = std::slice::from_ref(&changed.rollout);
    ui::answer(context.output, changed, &shown::table(rollout))?;
    for plane in changed.planes.iter().flat_map(|planes| &planes.unconfirmed) {
        ui::note(&format!(
            "warning: plane {} has not said that its gates obey; a kill switch there acts without control",
            plane.name
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command, RolloutCommand};

    fn given(text: &str) -> Box<RolloutSet> {
        let words = ["aeolus", "rollout", "set"].into_iter();
        let cli = Cli::try_parse_from(words.chain(text.split(' '))).unwrap();
        match cli.command {
            Command::Rollout(RolloutCommand::Set(set)) => set,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_not_given_stays() {
        let first = given("a --path plane --percent 5 --within acme --shadow 20 --slow-ms 100");
        let made = settings(&first, None).unwrap();
        assert_eq!((made.percent, made.shadow_percent), (5, Some(20)));
        assert_eq!(made.fall_back.unwrap().slow_ms, Some(100));
        let more = settings(&given("a --percent 50"), Some(made.clone())).unwrap();
        let wanted = Settings {
            percent: 50,
            ..made.clone()
        };
        assert_eq!(more, wanted);
        let none = given("a --shadow 0 --fall-back false --everywhere");
        let none = settings(&none, Some(made)).unwrap();
        assert!(!none.shadow && none.fall_back.is_none() && none.rule.is_empty());
    }

    #[test]
    fn a_new_one_needs_a_path_and_a_share() {
        assert!(settings(&given("a --percent 5"), None).is_err());
        assert!(settings(&given("a --path plane"), None).is_err());
    }
}
