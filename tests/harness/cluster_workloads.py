"""Workloads of a cluster whose rollouts proceed: a pod for each time that somebody looks."""

from __future__ import annotations

from dataclasses import dataclass, field

KINDS = ("deployments", "daemonsets", "statefulsets")


@dataclass
class Workload:
    """One that rolls. A stuck one makes a new pod that never serves, until Kubernetes gives up."""

    name: str
    replicas: int = 2
    labels: dict[str, str] = field(default_factory=dict)
    stuck: bool = False
    paused: bool = False
    annotations: dict[str, str] = field(default_factory=dict)
    generation: int = 1
    observed: int = 1
    updated: int = 2
    looks: int = 0

    def look(self) -> None:
        self.looks += 1
        if self.observed < self.generation:
            self.observed = self.generation
        elif self.updated < self.replicas and not (self.stuck and self.updated):
            self.updated += 1

    def shown(self, kind: str) -> dict:
        given_up = self.stuck and self.generation > 1 and self.looks > 4
        reason = "ProgressDeadlineExceeded" if given_up else "ReplicaSetUpdated"
        serving = self.replicas if not self.stuck or self.generation == 1 else self.replicas - 1
        status = {
            "observedGeneration": self.observed,
            "replicas": self.replicas,
            "updatedReplicas": self.updated,
            "availableReplicas": serving,
            "readyReplicas": serving,
            "desiredNumberScheduled": self.replicas,
            "updatedNumberScheduled": self.updated,
            "numberAvailable": serving,
            "conditions": [
                {"type": "Progressing", "status": str(not given_up), "reason": reason, "message": f'"{self.name}" has timed out progressing.'}
            ],
        }
        return {
            "apiVersion": "apps/v1",
            "kind": kind,
            "metadata": {"name": self.name, "labels": self.labels, "generation": self.generation},
            "spec": {
                "replicas": self.replicas,
                "paused": self.paused,
                "selector": {"matchLabels": {"app": self.name}},
                "template": {"metadata": {"annotations": self.annotations}},
            },
            "status": status,
        }


class Workloads:
    """By namespace, kind (`deployments`) and name."""

    def __init__(self) -> None:
        self.all: dict[tuple[str, str, str], Workload] = {}

    def add(self, namespace: str, workload: Workload, kind: str = "deployments") -> Workload:
        workload.updated = workload.replicas
        self.all[namespace, kind, workload.name] = workload
        return workload

    def answer(self, verb: str, parts: list[str], query: dict, sent: dict) -> tuple[int, dict]:
        if parts[:3] == ["api", "v1", "namespaces"] and parts[4:] == ["pods"]:
            return 200, listed(self.pods(parts[3], query))
        assert parts[:3] == ["apis", "apps", "v1"] and parts[5] in KINDS, parts
        namespace, kind = parts[4], parts[5]
        if len(parts) == 6:
            own = [one for (at, of, _), one in sorted(self.all.items()) if (at, of) == (namespace, kind)]
            return 200, listed([one.shown(kind) for one in own if matches(query, one.labels)])
        workload = self.all.get((namespace, kind, parts[6]))
        if workload is None:
            message = f'{kind}.apps "{parts[6]}" not found'
            return 404, {"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound", "message": message}
        if verb == "PATCH":
            workload.annotations |= sent["spec"]["template"]["metadata"]["annotations"]
            workload.generation += 1
            workload.updated = 0
        else:
            workload.look()
        return 200, workload.shown(kind)

    def pods(self, namespace: str, query: dict) -> list[dict]:
        """The new pod of a stuck one, and those that serve."""
        found = []
        for (at, _, name), workload in self.all.items():
            if at == namespace and matches(query, {"app": name}):
                found += [pod(f"{name}-{index}", None) for index in range(workload.replicas - 1)]
                found.append(pod(f"{name}-new", "ImagePullBackOff" if workload.stuck else None))
        return found


def pod(name: str, waits: str | None) -> dict:
    ready = {"type": "Ready", "status": str(waits is None)}
    state = {"waiting": {"reason": waits, "message": "Back-off pulling image"}} if waits else {"running": {}}
    return {"metadata": {"name": name}, "status": {"phase": "Running", "conditions": [ready], "containerStatuses": [{"state": state}]}}


def listed(items: list[dict]) -> dict:
    return {"kind": "List", "apiVersion": "v1", "metadata": {}, "items": items}


def matches(query: dict, labels: dict[str, str]) -> bool:
    """By a selector of equalities."""
    terms = [term for term in query.get("labelSelector", [""])[0].split(",") if term]
    return all(labels.get(key) == value for key, value in (term.split("=", 1) for term in terms))
