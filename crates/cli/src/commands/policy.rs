//! `aeolus policy`.

use aeolus_api::client::PolicyChange;
use aeolus_api::policy::{Policy, PolicyChanged};
use aeolus_model::{Clock as _, Time};

use super::Context;
use super::session::say_unconfirmed;
use crate::args::{PolicyCommand, PolicySet, PolicyShow};
use crate::control_client::{organization, refused};
use crate::moments::ahead;
use crate::report::{Failure, Report};
use crate::ui::{self, Table};
use crate::yaml::{self, Problem, ProblemKind};

/// Shows or changes an organization's rules.
pub(super) async fn policy(command: &PolicyCommand, context: &Context) -> Result<(), Failure> {
    match command {
        PolicyCommand::Show(args) => show(args, context).await,
        PolicyCommand::Set(args) => set(args, context).await,
    }
}

/// Shows an organization's rules, in the form that `set` takes.
async fn show(args: &PolicyShow, context: &Context) -> Result<(), Failure> {
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    let shown = client.policy(&organization).await.map_err(refused)?;
    ui::document(context.output, &shown.policy)
}

/// Gives an organization other rules. What they end is shown before, and somebody has to agree to it.
async fn set(args: &PolicySet, context: &Context) -> Result<(), Failure> {
    let policy = load(args)?;
    let client = args.target.client(&context.environment).await?;
    let organization = organization(&client, args.organization.as_ref()).await?;
    if !args.dry_run && !args.yes {
        let preview = client.set_policy(&organization, &policy, PolicyChange::Preview);
        agree(&preview.await.map_err(refused)?, context.clock.now())?;
    }
    let change = match (args.dry_run, args.no_wait) {
        (true, _) => PolicyChange::Preview,
        (false, true) => PolicyChange::Now,
        (false, false) => PolicyChange::NowAndWait,
    };
    let changed = client.set_policy(&organization, &policy, change).await;
    let changed = changed.map_err(refused)?;
    ui::answer(
        context.output,
        &changed,
        &table(&changed, context.clock.now()),
    )?;
    say(&changed);
    Ok(())
}

/// Lets somebody at a terminal agree to what ends; elsewhere `--yes` has to.
fn agree(preview: &PolicyChanged, now: Time) -> Result<(), Failure> {
    let ends = preview.tokens_total.saturating_add(preview.sessions_total);
    if ends == 0 {
        return Ok(());
    }
    ui::table_aside(&table(preview, now));
    let (values, sessions) = (preview.tokens_total, preview.sessions_total);
    let what = format!("token values that end sooner: {values}; sessions that end: {sessions}");
    if ui::confirm(&format!("{what}. Go on?")) {
        return Ok(());
    }
    Err(Report::new("CLI-0040", "the rules were not changed")
        .why(what)
        .help("say --yes to do it without being asked, or --dry-run to see it alone")
        .failed())
}

/// The rules of a file, or everything that is wrong with them.
fn load(args: &PolicySet) -> Result<Policy, Failure> {
    let document = yaml::load::<Policy>(&args.file)?;
    let faults = document.value.check();
    if faults.is_empty() {
        return Ok(document.value);
    }
    let problem = |at: &str, message: String| Problem {
        at: document.tree.place_of(at),
        kind: ProblemKind::Finding,
        message,
        help: String::new(),
    };
    let problems: Vec<_> = faults
        .into_iter()
        .map(|fault| problem(&fault.at, format!("{}: {}", fault.at, fault.message)))
        .collect();
    Err(yaml::failure(&args.file.display().to_string(), &problems))
}

/// One line for each thing that ends.
fn table(changed: &PolicyChanged, now: Time) -> Table {
    let mut table = Table::new(&["WHAT", "WHICH", "WAS TO END", "ENDS"]);
    let moment = |secs| ahead(Time::from_secs(secs), now);
    for token in &changed.tokens {
        let which = format!("{} ({})", token.name, token.id);
        let ends = if token.is_over(now) {
            "now".to_owned()
        } else {
            moment(token.new_end_at)
        };
        table.row(["token value".to_owned(), which, moment(token.end_at), ends]);
    }
    for session in &changed.sessions {
        let ends = "now".to_owned();
        table.row([
            "session".to_owned(),
            session.to_string(),
            String::new(),
            ends,
        ]);
    }
    table
}

fn say(changed: &PolicyChanged) {
    let named = changed.tokens.len() + changed.sessions.len();
    let all = changed.tokens_total.saturating_add(changed.sessions_total);
    let more = all.saturating_sub(u64::try_from(named).unwrap_or(0));
    if more > 0 {
        ui::note(&format!("and {more} more"));
    }
    if changed.lasting_total > 0 {
        let many = changed.lasting_total;
        ui::note(&format!(
            "API tokens that never expire: {many}. They go on as they are until they are rotated; `tokenMaxDays` ends them"
        ));
    }
    if !changed.done {
        ui::note("nothing was changed: this was a dry run");
    } else if all == 0 {
        ui::note("the rules are in force; nothing had to end");
    }
    say_unconfirmed(changed.planes.as_ref());
}
