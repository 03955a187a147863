"""The Helm chart: what it renders is sound by Kubernetes' own schemas, safe, and complete."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from conftest import required
from harness import helm
from harness.chart import MATRIX, OLDER
from harness.helm import CHART, NAMESPACE, RELEASE, Rendered
from harness.process import ROOT

# The oldest that Chart.yaml allows and the newest there is a schema of.
VERSIONS = ("1.30", "1.37")
# Kinds of others: cert-manager's and the Prometheus operator's.
FOREIGN = {"Certificate", "Issuer", "PrometheusRule", "ServiceMonitor"}
# What every cluster puts into every namespace.
GIVEN = {"kube-root-ca.crt"}


@pytest.fixture(scope="module", params=MATRIX)
def case(request, tmp_path_factory) -> tuple[str, Rendered]:
    """One set of values, rendered."""
    required("helm", helm.installed())
    return request.param, helm.rendered(MATRIX[request.param], tmp_path_factory.mktemp("chart"))


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> dict[str, Rendered]:
    """All sets of values, rendered."""
    required("helm", helm.installed())
    folder = tmp_path_factory.mktemp("charts")
    return {name: helm.rendered(values, folder) for name, values in MATRIX.items()}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf below a value, with its path."""
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from leaves(below, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for below in value:
            yield from leaves(below, path)
    else:
        yield path, value


def test_lint_finds_nothing(tmp_path):
    required("helm", helm.installed())
    for name, values in MATRIX.items():
        file = tmp_path / f"{name}.yaml"
        file.write_text(yaml.safe_dump(helm.least(values)))
        said = helm.helm("lint", "--strict", CHART, "--values", file, "--namespace", NAMESPACE)
        assert "0 chart(s) failed" in said.stdout and "[WARNING]" not in said.stdout, said.stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_schemas_know_every_field(everything, version, tmp_path):
    every = [each for found in everything.values() for each in found.all if each["kind"] not in FOREIGN]
    # Many sets of values have manifests in common: each is judged once.
    different = sorted({yaml.safe_dump(each) for each in every})
    file = tmp_path / "manifests.yaml"
    file.write_text("---\n".join(different))
    program = helm.PYTHON.with_name("kubernetes-validate")
    judged = subprocess.run(
        [helm.PYTHON, program, "-k", version, "--strict", "--no-warn", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr
    passed = re.findall(r"passed for resource \S+ against version", judged.stdout)
    assert len(passed) == len(different) > 50, judged.stdout[-2000:]


def test_every_pod_is_confined(case):
    _, found = case
    for name, pod in found.pods():
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True, name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), name
        assert not any("hostPath" in volume for volume in pod["volumes"]), name
    for name, container in found.containers():
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False and security["privileged"] is False, name
        assert security["readOnlyRootFilesystem"] is True, name
        assert security["capabilities"] == {"drop": ["ALL"]}, name
        assert "memory" in container["resources"]["limits"] and "cpu" in container["resources"]["requests"], name
        assert not any("hostPort" in port for port in container.get("ports", [])), name
        assert not any("subPath" in mount for mount in container["volumeMounts"]), f"{name}: a subPath is never renewed"


def test_the_kubernetes_api_is_open_to_the_syncer_alone(case):
    _, found = case
    for name, container in found.containers():
        shown = any(mount["mountPath"].startswith("/var/run/secrets/") for mount in container["volumeMounts"])
        assert shown == name.endswith("/config-syncer"), name


def test_no_secret_is_in_a_manifest(case):
    _, found = case
    assert not found.of("Secret"), "secrets are named, never made"
    secret = set(secret_paths(schema_of_the_program()))
    for part in ("control", "gate"):
        for each in found.of("ConfigMap"):
            if each["metadata"]["name"].endswith(f"-{part}"):
                for path, value in leaves(yaml.safe_load(each["data"]["aeolus.yaml"])):
                    path = path.removeprefix("astronomer.houston.config.")
                    assert path not in secret or str(value).startswith("sqlite:"), path
    for name, container in found.containers():
        for variable in container.get("env") or []:
            if re.search("SECRET|PASSWORD|AUTH_CODE|KEY", variable["name"]):
                assert "value" not in variable, f"{name}: {variable['name']}"


def schema_of_the_program() -> Any:
    """What the configuration may say."""
    return yaml.safe_load((ROOT / "docs" / "reference" / "config.schema.json").read_text())


def secret_paths(schema: Any) -> Iterator[str]:
    """Keys of the configuration that are secrets, by the program's own schema."""

    def below(node: Any, path: str) -> Iterator[str]:
        if not isinstance(node, dict):
            return
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]] | {k: v for k, v in node.items() if k != "$ref"}
        if "x-secret" in node:
            yield path
        for key, value in node.get("properties", {}).items():
            yield from below(value, f"{path}.{key}" if path else key)
        for choice in [*node.get("anyOf", []), *node.get("oneOf", [])]:
            yield from below(choice, path)

    return below(schema, "")


def test_every_secret_of_the_configuration_is_refused_as_a_value(tmp_path):
    required("helm", helm.installed())
    paths = sorted(set(secret_paths(schema_of_the_program())))
    assert len(paths) > 10, paths
    for path in paths:
        config: Any = "postgres://u:hush@h/d"
        for key in reversed(path.split(".")):
            config = {key: config}
        part = "gate" if path.startswith("gate.") else "control"
        said = helm.refused({part: {"config": config}}, tmp_path)
        assert f"{part}.config.{path} is a secret" in said, said


@pytest.mark.parametrize(
    "name",
    ["AUTH__OPENID_CONNECT__OKTA__CLIENT_SECRET", "SCIM_AUTH_CODE_OKTA", "KEYS__MASTER_KEY", "DATABASE__URL", "EMAIL__SMTP_URL"],
)
def test_a_secret_among_the_variables_is_refused(name, tmp_path):
    required("helm", helm.installed())
    variable = [{"name": name, "value": "hush"}]
    assert "control.secret" in helm.refused({"control": {"env": variable}}, tmp_path)
    assert "houston.secret" in helm.refused({"astronomer": {"houston": {"env": variable}}}, tmp_path)
    proxy = [{"name": "GLOBAL_AGENT_HTTPS_PROXY", "value": "http://us:p4ss@proxy:3129"}]
    assert "holds a password" in helm.refused({"control": {"env": proxy}}, tmp_path)


def test_every_reference_leads_somewhere(case):
    name, found = case
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    named = {value for _, value in leaves([values, MATRIX[name]]) if isinstance(value, str)}
    maps = {each["metadata"]["name"] for each in found.of("ConfigMap")} | GIVEN
    accounts = {each["metadata"]["name"] for each in found.of("ServiceAccount")}
    services = {each["metadata"]["name"]: each for each in found.of("Service")}
    for where, pod in found.pods():
        assert pod["serviceAccountName"] in accounts, where
        claims = {"state"} if where.startswith("StatefulSet") else set()
        volumes = {volume["name"] for volume in pod["volumes"]} | claims
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            assert mounted <= volumes, f"{where}/{container['name']}: {mounted - volumes}"
        for path, value in leaves(pod):
            if path.endswith(("secret.secretName", "secretKeyRef.name", "secret.name")):
                assert value in named, f"{where}: the Secret {value} is nobody's"
            elif path.endswith(("configMap.name", "configMapKeyRef.name")):
                assert value in maps, f"{where}: {value}"
    for ingress in found.of("Ingress"):
        for path, value in leaves(ingress["spec"]["rules"]):
            if path.endswith("service.name"):
                assert value in services
    for each in found.of("StatefulSet"):
        assert each["spec"]["serviceName"] in services


def test_every_service_and_budget_selects_pods(case):
    _, found = case
    labels = [
        each["spec"]["template"]["metadata"]["labels"]
        for kind in ("Deployment", "StatefulSet")
        for each in found.of(kind)
    ]
    selectors = [each["spec"]["selector"] for each in found.of("Service")]
    selectors += [each["spec"]["selector"]["matchLabels"] for each in found.of("PodDisruptionBudget")]
    for selector in selectors:
        assert sum(selector.items() <= label.items() for label in labels) == 1, selector
    for service in found.of("Service"):
        selected = [pod for pod in labels if service["spec"]["selector"].items() <= pod.items()]
        assert selected, service["metadata"]["name"]


def test_nothing_is_open_that_no_policy_opens(case):
    name, found = case
    policies = found.of("NetworkPolicy")
    if name == "nothing-extra":
        assert not policies
        return
    closed = found.one("NetworkPolicy", "-default-deny")
    assert set(closed["spec"]) == {"policyTypes", "podSelector"}
    assert closed["spec"]["policyTypes"] == ["Ingress", "Egress"]
    ports = {port["name"] for _, container in found.containers() for port in container.get("ports", [])}
    for policy in policies:
        for rule in policy["spec"].get("ingress", []):
            assert rule["ports"], "every rule names its ports"
            assert all(rule["from"]), "and nobody is everybody"
            assert {port["port"] for port in rule["ports"]} <= ports | {8813}
        for rule in policy["spec"].get("egress", []):
            assert rule["ports"]
    # The syncer is asked by nobody.
    for policy in policies:
        if policy["metadata"]["name"].endswith("-config-syncer"):
            assert "ingress" not in policy["spec"]


def test_keys_that_nobody_knows_are_refused(tmp_path):
    required("helm", helm.installed())
    for wrong in (
        {"contorl": {}},
        {"control": {"replica": 2}},
        {"control": {"publicUrl": "http://aeolus.example.org"}},
        {"gate": {"tls": {"listener": []}}},
        {"configSyncer": {"shedule": "* * * * *"}},
        {"configSyncer": {"schedule": "every day"}},
        {"control": {"database": {"kind": "mysql"}}},
        {"gate": {"checksFrom": []}},
        {"global": {"plane": {"mode": "both"}}},
        {"control": {"secret": [{"envName": "A B", "secretName": "x"}]}},
        {"image": {"digest": "latest"}},
    ):
        assert "don't meet the specifications" in helm.refused(wrong, tmp_path), wrong


def test_what_cannot_work_is_refused_with_what_to_do(tmp_path):
    required("helm", helm.installed())
    own = {"auth": {"local": {"enabled": True}}}
    for values, said in (
        ({"control": {"publicUrl": ""}}, "control.publicUrl is missing"),
        ({"gate": {"replicas": 2}}, "gate.identity.secretName"),
        ({"control": {"config": own}, "astronomer": {"houston": {"config": own}}}, "Keep one"),
        ({"certManager": {"enabled": True}}, "certManager.issuerRef.name"),
        ({"certManager": {"enabled": True, "ca": {"secretName": "a"}, "issuerRef": {"name": "b"}}}, "Keep one"),
        ({"global": {"features": {"namespacePools": {"enabled": True}}}}, "namespaces.names"),
    ):
        assert said in helm.refused(values, tmp_path), values


def test_notes_name_what_has_no_effect(tmp_path):
    required("helm", helm.installed())
    said = helm.notes(OLDER, tmp_path)
    for line in (
        "houston.upgradeDeployments: an upgrade of Aeolus restarts no Airflow",
        "global.privateCaCertsAddToHost: a chart should not change what nodes trust",
        "nginx: it is a part of the original",
    ):
        assert line in said, said
    assert "tlsSecret:" not in said and "houston.config" not in said
    assert "have no effect" not in helm.notes({}, tmp_path)


def test_the_readme_has_every_value():
    text = (CHART / "README.md").read_text()
    rows = set(re.findall(r"^\| `([^`]+)`", text, re.MULTILINE))
    expected = {path for path, _ in leaves(yaml.safe_load((CHART / "values.yaml").read_text()))}
    # What a pod can be given is the same for both servers, and is written once.
    shared = {path.split(".", 1)[1] for path in expected if path.startswith("gate.")}
    known = {row if not row.startswith("(control, gate).") else "*." + row.split(").", 1)[1] for row in rows}
    for path in expected:
        part, _, rest = path.partition(".")
        described = path in known or (part in ("control", "gate") and f"*.{rest}" in known)
        above = any(path.startswith(f"{row}.") for row in known)
        above = above or any(f"*.{rest}".startswith(f"{row}.") for row in known if row.startswith("*"))
        assert described or above, f"README.md says nothing of {path}"
    for row in known:
        name = row.removeprefix("*.")
        there = any(path == row or path.startswith(f"{row}.") for path in expected)
        there = there or (row.startswith("*.") and any(path == name or path.startswith(f"{name}.") for path in shared))
        assert there, f"README.md speaks of {row}, which is no value"


def test_labels_and_names_carry_the_release(everything):
    for found in everything.values():
        for each in found.all:
            labels = each["metadata"]["labels"]
            assert labels["app.kubernetes.io/instance"] == RELEASE
            assert each["kind"].startswith("Cluster") or each["metadata"]["namespace"]
