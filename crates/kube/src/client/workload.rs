//! Workloads that have to start again: asked by an annotation of their pods' template, as kubectl does, and watched
//! until all of their pods are new.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use kube::api::{GetParams, Patch, PatchParams};
use kube::core::Request;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Client;
use crate::error::KubeError;

/// A kind of workload that rolls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkloadKind {
    /// `Deployment`.
    Deployment,
    /// `StatefulSet`.
    StatefulSet,
    /// `DaemonSet`.
    DaemonSet,
}

impl WorkloadKind {
    pub(super) const ALL: [Self; 3] = [Self::Deployment, Self::StatefulSet, Self::DaemonSet];

    /// As kubectl writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
            Self::DaemonSet => "daemonset",
        }
    }
}

/// `kind/name`: a workload of a namespace that is known otherwise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Workload {
    /// What it is.
    pub kind: WorkloadKind,
    /// Its name.
    pub name: String,
}

/// Text that isn't `kind/name`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no workload: write deployment/NAME, statefulset/NAME or daemonset/NAME")]
pub struct WorkloadError(String);

impl FromStr for Workload {
    type Err = WorkloadError;

    fn from_str(text: &str) -> Result<Self, WorkloadError> {
        let wrong = || WorkloadError(text.chars().take(80).collect());
        let (kind, name) = text.trim().split_once('/').ok_or_else(wrong)?;
        let same = |known: &WorkloadKind| {
            let kind = kind.strip_suffix('s').unwrap_or(kind);
            kind.eq_ignore_ascii_case(known.name())
        };
        let kind = WorkloadKind::ALL.into_iter().find(same).ok_or_else(wrong)?;
        let name = crate::names::Name::parse(name).map_err(|_| wrong())?;
        Ok(Self {
            kind,
            name: name.to_string(),
        })
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.name(), self.name)
    }
}

/// How far a rollout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many pods there should be.
    pub wanted: u64,
    /// How many are of the new template.
    pub updated: u64,
    /// How many serve.
    pub available: u64,
    /// All are new and serve, and none of the old ones is left.
    pub is_done: bool,
}

/// How often a rollout is looked at.
const LOOK: Duration = Duration::from_millis(500);

impl Client {
    /// Writes an annotation of a workload's pod template: another value makes new pods. False where it had that value
    /// already, so that nothing starts again.
    pub async fn annotate_template(
        &self,
        namespace: &str,
        workload: &Workload,
        (annotation, value): (&str, &str),
    ) -> Result<bool, KubeError> {
        let found = self.workload(namespace, workload).await?;
        let written = found.pointer("/spec/template/metadata/annotations");
        let written = written.and_then(|all| all.get(annotation));
        if written.and_then(Value::as_str) == Some(value) {
            return Ok(false);
        }
        let patch = json!({
            "spec": {"template": {"metadata": {"annotations": {annotation: value}}}}
        });
        let request = at(namespace, workload.kind).patch(
            &workload.name,
            &PatchParams::default(),
            &Patch::Strategic(patch),
        );
        self.call::<Value>(request).await.map(|_| true)
    }

    /// How far a workload's rollout is.
    pub async fn rollout(
        &self,
        namespace: &str,
        workload: &Workload,
    ) -> Result<Progress, KubeError> {
        let found = self.workload(namespace, workload).await?;
        Ok(progress(workload.kind, &found))
    }

    /// Waits until a rollout is done, or `deadline` has passed: then the progress says that it isn't.
    pub async fn wait_for_rollout(
        &self,
        namespace: &str,
        workload: &Workload,
        deadline: Instant,
    ) -> Result<Progress, KubeError> {
        loop {
            let progress = self.rollout(namespace, workload).await?;
            if progress.is_done || Instant::now() + LOOK >= deadline {
                return Ok(progress);
            }
            sleep(LOOK).await;
        }
    }

    pub(super) async fn workload(
        &self,
        namespace: &str,
        workload: &Workload,
    ) -> Result<Value, KubeError> {
        let request = at(namespace, workload.kind).get(&workload.name, &GetParams::default());
        self.call(request).await
    }
}

pub(super) fn at(namespace: &str, kind: WorkloadKind) -> Request {
    let kind = kind.name();
    Request::new(format!("/apis/apps/v1/namespaces/{namespace}/{kind}s"))
}

/// By the rules of `kubectl rollout status`: what was observed is of the current template, and nothing old is left.
pub(super) fn progress(kind: WorkloadKind, found: &Value) -> Progress {
    let figure = |path: &str| found.pointer(path).and_then(Value::as_u64);
    let status = |name: &str| figure(&format!("/status/{name}")).unwrap_or_default();
    let (wanted, updated, available) = match kind {
        WorkloadKind::DaemonSet => (
            status("desiredNumberScheduled"),
            status("updatedNumberScheduled"),
            status("numberAvailable"),
        ),
        WorkloadKind::Deployment => (
            figure("/spec/replicas").unwrap_or(1),
            status("updatedReplicas"),
            status("availableReplicas"),
        ),
        WorkloadKind::StatefulSet => (
            figure("/spec/replicas").unwrap_or(1),
            status("updatedReplicas"),
            status("readyReplicas"),
        ),
    };
    let is_seen =
        status("observedGeneration") >= figure("/metadata/generation").unwrap_or_default();
    let old = kind == WorkloadKind::Deployment && status("replicas") > updated;
    Progress {
        wanted,
        updated,
        available,
        is_done: is_seen && updated >= wanted && available >= wanted && !old,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_is_a_kind_and_a_name() {
        for (text, kind) in [
            ("deployment/nginx", WorkloadKind::Deployment),
            ("Deployments/nginx", WorkloadKind::Deployment),
            (" statefulset/nginx ", WorkloadKind::StatefulSet),
            ("daemonset/nginx", WorkloadKind::DaemonSet),
        ] {
            let read: Workload = text.parse().expect(text);
            assert_eq!((read.kind, read.name.as_str()), (kind, "nginx"), "{text}");
        }
        for text in [
            "nginx",
            "pod/nginx",
            "deployment/",
            "deployment/a/b",
            "deployment/../x",
        ] {
            assert!(text.parse::<Workload>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_rollout_is_done_once_nothing_old_is_left() {
        let found = |seen: u64, updated: u64, replicas: u64, available: u64| {
            json!({
                "metadata": {"generation": 2},
                "spec": {"replicas": 3},
                "status": {
                    "observedGeneration": seen, "updatedReplicas": updated,
                    "replicas": replicas, "availableReplicas": available,
                },
            })
        };
        let done = |found: &Value| progress(WorkloadKind::Deployment, found).is_done;
        assert!(done(&found(2, 3, 3, 3)));
        assert!(!done(&found(1, 3, 3, 3)), "the template was not seen yet");
        assert!(!done(&found(2, 2, 3, 3)), "one is old");
        assert!(!done(&found(2, 3, 4, 3)), "an old one is left");
        assert!(!done(&found(2, 3, 3, 2)), "one doesn't serve");
    }
}
