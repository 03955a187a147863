//! `aeolus kube sync`: copies of annotated Secrets, kept equal.

mod explain;
mod figures;
mod listen;
mod once;
mod setup;
mod shown;
mod status;
mod watch;

use aeolus_kube::sync::Budget;

use self::setup::Setup;
use self::shown::Shown;
use crate::args::{KubeSync, KubeSyncPlan, KubeSyncQuestion};
use crate::commands::Context;
use crate::report::{Exit, Failure};

/// Syncs, or answers a question about it.
pub(in crate::commands) async fn sync(args: &KubeSync, context: &Context) -> Result<(), Failure> {
    match &args.question {
        None if args.run.watch => watch::watch(&args.run, context).await,
        None => once::once(&args.run, context).await,
        Some(KubeSyncQuestion::Plan(args)) => plan(args, context).await,
        Some(KubeSyncQuestion::Status(scope)) => status::status(scope, context).await,
        Some(KubeSyncQuestion::Explain(args)) => explain::explain(args, context).await,
    }
}

async fn plan(args: &KubeSyncPlan, context: &Context) -> Result<(), Failure> {
    let setup = Setup::of(&args.scope).await?;
    let budget = if args.force {
        Budget::Force
    } else {
        Budget::Careful
    };
    let outcome = setup.asked(budget, context).await?;
    let shown = Shown::of(&outcome, &setup.namespace, true);
    shown.print(context.output)?;
    let reports = shown::reports(&outcome);
    if !reports.is_empty() {
        return Err(Failure {
            reports,
            exit: Exit::Failed,
        });
    }
    if outcome.plan.writes().next().is_some() {
        return Err(Failure {
            reports: Vec::new(),
            exit: Exit::Drift,
        });
    }
    Ok(())
}
