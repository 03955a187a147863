//! `aeolus kube restart-ingress`: as `kubectl rollout restart` and `rollout status` (row K6).

use std::time::Duration;

use aeolus_kube::{Client, Held, KubeError, Progress, Rollout, WaitingPod, Workload};
use aeolus_model::{Clock as _, rfc3339};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::args::KubeRestartIngress;
use crate::commands::Context;
use crate::moments;
use crate::report::{Exit, Failure, Report};
use crate::ui::{self, Table};

/// As kubectl writes it, on the template of pods.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";
/// How often a rollout is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// What became of one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    workload: String,
    restarted: bool,
    complete: bool,
    wanted: u64,
    updated: u64,
    available: u64,
}

/// Restarts all of them, and then waits for each.
pub(in crate::commands) async fn restart_ingress(
    args: &KubeRestartIngress,
    context: &Context,
) -> Result<(), Failure> {
    let client = args.access.client().await?;
    let namespace = args.namespace.clone();
    let namespace = namespace.unwrap_or_else(|| client.namespace().to_owned());
    let workloads = workloads(&client, args, &namespace).await?;
    let deadline = Instant::now() + args.timeout.duration();
    // First whether all of them can be: nothing is restarted by half.
    for workload in &workloads {
        let state = client.rollout_state(&namespace, workload).await;
        let state = state.map_err(|error| refused(&namespace, workload, &error))?;
        rolls(&namespace, workload, state.held)?;
    }
    let at = rfc3339(context.clock.now().secs());
    let (mut shown, mut failures) = (Vec::new(), Vec::new());
    for workload in &workloads {
        if !args.dry_run {
            let annotated = client
                .annotate_template(&namespace, workload, (RESTARTED, &at))
                .await;
            annotated.map_err(|error| refused(&namespace, workload, &error))?;
        }
    }
    for workload in &workloads {
        let waited = if args.no_wait || args.dry_run {
            let state = state(&client, &namespace, workload).await;
            state.map(|state| (state, None))
        } else {
            let patience = (deadline, args.timeout.duration());
            wait(&client, &namespace, workload, patience).await
        };
        match waited {
            Ok((state, failure)) => {
                shown.push(Shown::of(workload, &state, !args.dry_run));
                failures.extend(failure);
            }
            Err(failure) => failures.extend(failure.reports),
        }
    }
    print(&shown, context)?;
    if failures.is_empty() {
        return Ok(());
    }
    Err(Failure {
        reports: failures,
        exit: Exit::Failed,
    })
}

impl Shown {
    fn of(workload: &Workload, state: &Rollout, restarted: bool) -> Self {
        let progress = &state.progress;
        Self {
            workload: workload.to_string(),
            restarted,
            complete: progress.is_done,
            wanted: progress.wanted,
            updated: progress.updated,
            available: progress.available,
        }
    }
}

fn print(shown: &[Shown], context: &Context) -> Result<(), Failure> {
    let mut table = Table::new(&[
        "WORKLOAD",
        "RESTARTED",
        "COMPLETE",
        "PODS",
        "NEW",
        "SERVING",
    ]);
    let said = |is: bool| if is { "yes" } else { "no" }.to_owned();
    for one in shown {
        table.row([
            one.workload.clone(),
            said(one.restarted),
            said(one.complete),
            one.wanted.to_string(),
            one.updated.to_string(),
            one.available.to_string(),
        ]);
    }
    ui::answer(context.output, &shown, &table)
}

/// Those that were named, or are selected, or are called as ingress controllers are.
async fn workloads(
    client: &Client,
    args: &KubeRestartIngress,
    namespace: &str,
) -> Result<Vec<Workload>, Failure> {
    if !args.workloads.is_empty() {
        let mut named = args.workloads.clone();
        named.sort();
        named.dedup();
        return Ok(named);
    }
    let all = client.workloads(namespace, args.selector.as_deref()).await;
    let mut all = all.map_err(|error| {
        Report::new(error.code(), format!("the workloads of {namespace}: {error}"))
            .why("Nothing was restarted.")
            .help("name what is restarted, or grant list on deployments, daemonsets and statefulsets of apps")
            .failed()
    })?;
    let there: Vec<String> = all.iter().map(ToString::to_string).collect();
    if args.selector.is_none() {
        all.retain(|workload| is_ingress(&workload.name));
    }
    if !all.is_empty() {
        return Ok(all);
    }
    let what = match &args.selector {
        Some(selector) => format!("nothing in {namespace} has the labels {selector}"),
        None => format!("nothing in {namespace} is called as an ingress controller is"),
    };
    let why = if there.is_empty() {
        "Nothing was restarted: there are no workloads, or no such namespace.".to_owned()
    } else {
        format!("Nothing was restarted. There are: {}.", there.join(", "))
    };
    Err(Report::new("KUBE-130", what)
        .why(why)
        .help("name it (deployment/NAME), or say --selector and --namespace")
        .usage())
}

/// The recipe's nginx, the original's RELEASE-nginx, and ingress-nginx's own chart's.
fn is_ingress(name: &str) -> bool {
    name == "nginx" || name.ends_with("-nginx") || name.ends_with("ingress-nginx-controller")
}

fn rolls(namespace: &str, workload: &Workload, held: Option<Held>) -> Result<(), Failure> {
    let (why, help) = match held {
        None => return Ok(()),
        Some(Held::Paused) => (
            "is paused, so nothing would restart",
            format!("kubectl rollout resume {workload} --namespace {namespace}"),
        ),
        Some(Held::OnDelete) => (
            "replaces pods only when they are deleted (updateStrategy OnDelete)",
            "delete its pods one by one, or change its updateStrategy".to_owned(),
        ),
    };
    Err(Report::new("KUBE-131", format!("{workload} {why}"))
        .why("Nothing was restarted.")
        .help(help)
        .failed())
}

async fn state(client: &Client, namespace: &str, workload: &Workload) -> Result<Rollout, Failure> {
    let state = client.rollout_state(namespace, workload).await;
    state.map_err(|error| refused(namespace, workload, &error))
}

/// Until all pods are new and serve, Kubernetes gives up, or the time is over; then with what hangs. A fault of the API
/// server's is waited for.
async fn wait(
    client: &Client,
    namespace: &str,
    workload: &Workload,
    (deadline, timeout): (Instant, Duration),
) -> Result<(Rollout, Option<Report>), Failure> {
    let mut said = None;
    loop {
        let is_over = Instant::now() + LOOK >= deadline;
        match client.rollout_state(namespace, workload).await {
            Ok(state) if state.progress.is_done => return Ok((state, None)),
            Ok(state) => {
                let spoken = spoken(&state);
                if said.as_ref() != Some(&spoken) {
                    ui::note(&format!("{workload}: {spoken}"));
                    said = Some(spoken);
                }
                if is_over || state.failed.is_some() {
                    let pods = client.waiting_pods(namespace, &state).await;
                    let report = hangs(workload, &state, &pods.unwrap_or_default(), timeout);
                    return Ok((state, Some(report)));
                }
            }
            Err(error) if error.is_passing() && !is_over => {}
            Err(error) => return Err(refused(namespace, workload, &error)),
        }
        sleep(LOOK).await;
    }
}

fn spoken(state: &Rollout) -> String {
    let Progress {
        wanted,
        updated,
        available,
        ..
    } = state.progress;
    if !state.is_seen {
        return "its controller has not seen the restart yet".to_owned();
    }
    if updated >= wanted && available >= wanted {
        return format!("{updated} of {wanted} pods are new, and old ones are ending");
    }
    format!("{updated} of {wanted} pods are new, {available} serve")
}

fn hangs(workload: &Workload, state: &Rollout, pods: &[WaitingPod], timeout: Duration) -> Report {
    let what = match &state.failed {
        Some(told) => format!("{workload} did not restart: {} ({told})", told.reason),
        None => format!(
            "{workload} has not restarted within {}",
            moments::spoken(timeout)
        ),
    };
    let mut why = vec![format!("{}.", spoken(state))];
    why.extend(pods.iter().map(|pod| {
        let told = &pod.why;
        match (told.reason.as_str(), told.message.as_str()) {
            ("", message) => format!("pod {}: {message}", pod.name),
            (reason, "") => format!("pod {}: {reason}", pod.name),
            (reason, message) => format!("pod {}: {reason}: {message}", pod.name),
        }
    }));
    Report::new("KUBE-132", what)
        .why(why.join("\n"))
        .help(format!(
            "look at its pods: kubectl describe {workload}; pods before it serve on as long as its strategy keeps them, and kubectl rollout undo {workload} goes back"
        ))
}

fn refused(namespace: &str, workload: &Workload, error: &KubeError) -> Failure {
    let kind = workload.kind.name();
    let help = match error {
        KubeError::Forbidden(_) => {
            format!("grant get and patch on {kind}s of apps in {namespace} to whoever runs this")
        }
        _ => error.help().to_owned(),
    };
    Report::new(error.code(), format!("{namespace}, {workload}: {error}"))
        .why("Whether it restarts is not known.")
        .help(help)
        .failed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k6_ingress_controllers_are_known_by_their_names() {
        for (name, is) in [
            ("nginx", true),
            ("astronomer-nginx", true),
            ("ingress-nginx-controller", true),
            ("x-ingress-nginx-controller", true),
            ("astronomer-nginx-default-backend", false),
            ("astronomer-houston", false),
            ("nginxish", false),
        ] {
            assert_eq!(is_ingress(name), is, "{name}");
        }
    }
}
