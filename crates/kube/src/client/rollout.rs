//! What keeps a rollout from its end, and which workloads there are.

use k8s_openapi::api::core::v1::Pod;
use kube::Resource as _;
use kube::api::ListParams;
use kube::core::Request;
use serde_json::Value;

use super::Client;
use super::workload::{Progress, Workload, WorkloadKind, at, progress};
use crate::error::{KubeError, Told};

/// Why a changed template makes no new pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Somebody has paused it (`kubectl rollout pause`).
    Paused,
    /// Its pods are replaced only when somebody deletes them (`updateStrategy: OnDelete`).
    OnDelete,
}

/// A rollout as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// How far it is.
    pub progress: Progress,
    /// Whether its controller has seen the template as it is now: until then all else is said of the one before.
    pub is_seen: bool,
    /// Kubernetes has given up waiting for its pods, and says why (`ProgressDeadlineExceeded`).
    pub failed: Option<Told>,
    /// It won't go on by itself.
    pub held: Option<Held>,
    /// Its pods.
    selector: String,
}

/// A pod that doesn't serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingPod {
    /// Its name.
    pub name: String,
    /// Why, as Kubernetes says it, such as `ImagePullBackOff`.
    pub why: Told,
}

impl Client {
    /// How a rollout is.
    pub async fn rollout_state(
        &self,
        namespace: &str,
        workload: &Workload,
    ) -> Result<Rollout, KubeError> {
        let found = self.workload(namespace, workload).await?;
        Ok(rollout(workload.kind, &found))
    }

    /// The workloads of a namespace that roll; `labels` selects by labels.
    pub async fn workloads(
        &self,
        namespace: &str,
        labels: Option<&str>,
    ) -> Result<Vec<Workload>, KubeError> {
        let mut all = Vec::new();
        let params = ListParams {
            label_selector: labels.map(str::to_owned),
            ..ListParams::default()
        };
        for kind in WorkloadKind::ALL {
            let request = at(namespace, kind);
            let found = self
                .pages::<Value>(&params, |params| request.list(params))
                .await?;
            let names = found
                .iter()
                .filter_map(|one| one.pointer("/metadata/name")?.as_str());
            all.extend(names.map(|name| Workload {
                kind,
                name: name.to_owned(),
            }));
        }
        Ok(all)
    }

    /// The pods of a rollout that don't serve.
    pub async fn waiting_pods(
        &self,
        namespace: &str,
        rollout: &Rollout,
    ) -> Result<Vec<WaitingPod>, KubeError> {
        let request = Request::new(Pod::url_path(&(), Some(namespace)));
        let params = ListParams::default().labels(&rollout.selector);
        let found = self
            .pages::<Value>(&params, |params| request.list(params))
            .await?;
        Ok(found.iter().filter_map(waiting).collect())
    }
}

fn rollout(kind: WorkloadKind, found: &Value) -> Rollout {
    let figure = |path: &str| {
        found
            .pointer(path)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    };
    // What is said of the template before says nothing of this one.
    let is_seen = figure("/status/observedGeneration") >= figure("/metadata/generation");
    let conditions = found
        .pointer("/status/conditions")
        .and_then(Value::as_array);
    let mut conditions = conditions.into_iter().flatten();
    let failed = conditions.find(|one| {
        is(one, "type", "Progressing") && is(one, "reason", "ProgressDeadlineExceeded")
    });
    let strategy = found.pointer("/spec/updateStrategy/type");
    Rollout {
        progress: progress(kind, found),
        is_seen,
        failed: failed.filter(|_| is_seen).map(told),
        held: if found.pointer("/spec/paused") == Some(&Value::Bool(true)) {
            Some(Held::Paused)
        } else {
            (strategy.and_then(Value::as_str) == Some("OnDelete")).then_some(Held::OnDelete)
        },
        selector: selector(found),
    }
}

/// As a query writes it.
fn selector(found: &Value) -> String {
    let labels = found.pointer("/spec/selector/matchLabels");
    let labels = labels.and_then(Value::as_object).into_iter().flatten();
    let labels = labels.filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
    let terms = found.pointer("/spec/selector/matchExpressions");
    let terms = terms.and_then(Value::as_array).into_iter().flatten();
    let terms = terms.filter_map(|term| {
        let key = text(term, "key");
        let values = term.get("values").and_then(Value::as_array);
        let values: Vec<&str> = values
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let values = values.join(",");
        match text(term, "operator") {
            "In" => Some(format!("{key} in ({values})")),
            "NotIn" => Some(format!("{key} notin ({values})")),
            "Exists" => Some(key.to_owned()),
            "DoesNotExist" => Some(format!("!{key}")),
            _ => None,
        }
    });
    labels.chain(terms).collect::<Vec<_>>().join(",")
}

/// None where it serves, or is about to be gone.
fn waiting(pod: &Value) -> Option<WaitingPod> {
    let all = |path: &str| {
        let found = pod.pointer(path).and_then(Value::as_array);
        found.into_iter().flatten()
    };
    let condition = |kind: &str| {
        all("/status/conditions").find(|one| is(one, "type", kind) && !is(one, "status", "True"))
    };
    let is_ending = pod.pointer("/metadata/deletionTimestamp").is_some();
    let is_ready =
        all("/status/conditions").any(|one| is(one, "type", "Ready") && is(one, "status", "True"));
    if is_ending || is_ready {
        return None;
    }
    let phase = pod.get("status").map_or("", |status| text(status, "phase"));
    let containers = all("/status/initContainerStatuses").chain(all("/status/containerStatuses"));
    let mut states = containers.filter_map(|one| {
        let state = one.get("state")?;
        let ended = state
            .get("terminated")
            .filter(|ended| ended.get("exitCode").and_then(Value::as_i64) != Some(0));
        state.get("waiting").or(ended)
    });
    let why = condition("PodScheduled")
        .or_else(|| states.next())
        .or_else(|| condition("Ready"))
        .map_or_else(|| Told::new("", phase), told);
    Some(WaitingPod {
        name: pod.pointer("/metadata/name")?.as_str()?.to_owned(),
        why,
    })
}

fn is(object: &Value, field: &str, value: &str) -> bool {
    text(object, field) == value
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn told(said: &Value) -> Told {
    Told::new(text(said, "reason"), text(said, "message"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_said_of_the_template_before_is_no_failure_of_this_one() {
        let found = |seen: u64| {
            json!({
                "metadata": {"generation": 3},
                "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "nginx"}, "matchExpressions": [
                    {"key": "tier", "operator": "In", "values": ["a", "b"]},
                    {"key": "old", "operator": "DoesNotExist"},
                ]}},
                "status": {"observedGeneration": seen, "conditions": [
                    {"type": "Available", "reason": "MinimumReplicasAvailable"},
                    {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "no"},
                ]},
            })
        };
        let of = |seen| rollout(WorkloadKind::Deployment, &found(seen));
        assert_eq!(of(2).failed, None);
        assert_eq!(of(3).failed.unwrap().reason, "ProgressDeadlineExceeded");
        assert_eq!(of(3).selector, "app=nginx,tier in (a,b),!old");
        assert_eq!(of(3).held, None);
    }

    #[test]
    fn who_rolls_only_by_hand_is_known() {
        let paused = json!({"spec": {"paused": true}});
        let by_hand = json!({"spec": {"updateStrategy": {"type": "OnDelete"}}});
        let held = |kind, found| rollout(kind, found).held;
        assert_eq!(held(WorkloadKind::Deployment, &paused), Some(Held::Paused));
        assert_eq!(
            held(WorkloadKind::DaemonSet, &by_hand),
            Some(Held::OnDelete)
        );
    }

    #[test]
    fn a_pod_says_why_it_does_not_serve() {
        let pod = |status: Value| json!({"metadata": {"name": "p"}, "status": status});
        let why = |status: Value| waiting(&pod(status)).map(|one| one.why.reason);
        let waits = json!([{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]);
        let unready = json!({"type": "Ready", "status": "False", "reason": "ContainersNotReady"});
        let ready = json!({"type": "Ready", "status": "True"});
        let nowhere = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable"});
        for (status, expected) in [
            (
                json!({"conditions": [unready], "containerStatuses": waits}),
                Some("ImagePullBackOff"),
            ),
            (json!({"conditions": [unready]}), Some("ContainersNotReady")),
            (json!({"conditions": [nowhere]}), Some("Unschedulable")),
            (json!({"conditions": [ready]}), None),
            (json!({"phase": "Pending"}), Some("")),
        ] {
            assert_eq!(why(status.clone()).as_deref(), expected, "{status}");
        }
    }
}
