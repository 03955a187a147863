"""The chart, row by row of what the original does (H, K, A21, B, C, L): same values, same or better outcome."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from conftest import required
from harness import helm
from harness.chart import CERTIFIED, MATRIX, MONITORED, NEWER, OLDER, POSTGRES, SECRETS, WAY_OUT
from harness.helm import CHART, NAMESPACE, RELEASE, Rendered
from harness.process import ROOT

POOL = ["airflow-a", "airflow-b"]
SIDECAR = {"configSyncer": {"sidecar": {"enabled": True}}}


@pytest.fixture
def render(tmp_path):
    """Renders values."""
    required("helm", helm.installed())
    return lambda values: helm.rendered(values, tmp_path)


def syncer(found: Rendered) -> list[str]:
    """The arguments of a pass."""
    [job] = found.of("CronJob")
    return job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"]


def environment(found: Rendered, container: str) -> dict[str, dict]:
    """The variables of a container."""
    return {each["name"]: each for each in found.container(container)["env"] or []}


def verbs(role: dict, resource: str) -> set[str]:
    """What a role lets do with a resource."""
    return {verb for rule in role["rules"] if resource in rule["resources"] for verb in rule["verbs"]}


def test_a21_b4_variables_of_the_original_reach_control(render):
    found = environment(render(OLDER), "control")
    assert found["GLOBAL_AGENT_HTTPS_PROXY"]["value"] == WAY_OUT[0]["value"]
    assert "GLOBAL_AGENT_HTTPS_PROXY" not in environment(render(OLDER), "gate")


def test_b3_secrets_of_the_original_become_references(render):
    for values in (OLDER, NEWER):
        found = environment(render(values), "control")
        for each in SECRETS:
            reference = found[each["envName"]]["valueFrom"]["secretKeyRef"]
            # Without a key it is `value`, as in the original (row B4).
            assert reference == {"name": each["secretName"], "key": each.get("secretKey", "value")}
    own = render({"control": {"secret": SECRETS[:1]}, "gate": {"secret": SECRETS[:1]}})
    for name in ("control", "gate"):
        assert "secretKeyRef" in environment(own, name)[SECRETS[0]["envName"]]["valueFrom"]


def test_b5_x4_a_change_of_sign_in_restarts_nothing(render):
    def marks(values: dict) -> tuple[str, str]:
        found = render(values)
        template = found.one("StatefulSet", "-control")["spec"]["template"]
        return template["metadata"]["annotations"]["checksum/config"], found.configuration("control")

    def signs_in(name: str) -> dict:
        auth = {"auth": {"openidConnect": {"okta": {"displayName": name}}}}
        return {"control": {"config": auth}}

    (first, before), (second, after) = marks(signs_in("a")), marks(signs_in("b"))
    assert before != after and first == second
    assert marks({"control": {"config": {"keys": {"rotateEvery": "90d"}}}})[0] != first
    volumes = render({}).one("StatefulSet", "-control")["spec"]["template"]["spec"]["volumes"]
    assert {"name": "config", "configMap": {"name": f"{RELEASE}-aeolus-control"}} in volumes


def test_b6_a_push_restarts_no_airflow(render):
    with_it = {"astronomer": {"houston": {"upgradeDeployments": {"enabled": False}}}}
    assert render(with_it).text == render({}).text


def test_b7_the_originals_configuration_is_handed_on_as_it_is(render):
    for values in (OLDER, NEWER):
        houston = yaml.safe_load(render(values).configuration("control"))["astronomer"]["houston"]
        assert houston["config"] == values["astronomer"]["houston"]["config"]


def test_c8_providers_push_to_every_host_of_the_original(render):
    [ingress] = render({"global": {"baseDomain": "example.com"}, "control": {"ingress": {"enabled": True}}}).of("Ingress")
    paths = {rule["host"]: [path["path"] for path in rule["http"]["paths"]] for rule in ingress["spec"]["rules"]}
    assert paths == {"houston.example.com": ["/"], "app.example.com": ["/"], "example.com": ["/v1/scim/"]}


def test_h1_h3_keys_are_made_by_control_and_no_hook_makes_them(render):
    found = render(NEWER)
    assert "helm.sh/hook" not in found.text and not found.of("Secret")
    keys = yaml.safe_load(found.configuration("control"))["keys"]
    assert keys["masterKey"] == {"file": "/run/aeolus/master-key/key"}


@pytest.mark.parametrize("at_the_top", [True, False])
@pytest.mark.parametrize("on", [True, False])
def test_h2_regenerate_ca_each_upgrade_is_read_wherever_it_is_written(render, at_the_top, on):
    houston = {"houston": {"regenerateCaEachUpgrade": on}}
    found = yaml.safe_load(render(houston if at_the_top else {"astronomer": houston}).configuration("control"))
    assert found["astronomer"]["houston"] == {"regenerateCaEachUpgrade": on}


def test_h4_keys_of_ones_own_are_imported_and_the_notes_say_how(tmp_path):
    required("helm", helm.installed())
    said = helm.notes({"houston": {"jwtSigningKeySecretName": "own-key"}}, tmp_path)
    assert "houston.jwtSigningKeySecretName: take that key and its certificate with `aeolus key import`" in said


def test_h5_i11_airflows_fetch_keys_from_the_gate(render):
    found = render({})
    checks = next(port for port in found.one("Service", "-gate")["spec"]["ports"] if port["name"] == "checks")
    assert checks["port"] == 8810
    assert yaml.safe_load(found.configuration("gate"))["gate"]["checksFrom"]


def test_k1_the_self_made_authority_issues_what_the_chart_serves(render):
    found = render(CERTIFIED)
    issuer = found.one("Issuer", "-ca")
    assert issuer["spec"] == {"ca": {"secretName": "aeolus-ca"}}
    assert all(each["spec"]["issuerRef"]["name"] == issuer["metadata"]["name"] for each in found.of("Certificate"))


def test_k2_the_platforms_secret_is_every_ingress_certificate(render):
    values = {
        "global": {"baseDomain": "example.com", "tlsSecret": "platform-tls"},
        "control": {"ingress": {"enabled": True}},
        "gate": {"ingress": {"enabled": True, "hosts": ["etl.example.com"]}},
    }
    ingresses = render(values).of("Ingress")
    assert len(ingresses) == 2
    for ingress in ingresses:
        [tls] = ingress["spec"]["tls"]
        assert tls["secretName"] == "platform-tls"
        assert set(tls["hosts"]) == {rule["host"] for rule in ingress["spec"]["rules"]}
    values["gate"]["ingress"]["tlsSecret"] = "etl-tls"
    assert render(values).one("Ingress", "-gate")["spec"]["tls"][0]["secretName"] == "etl-tls"


def test_k3_both_levels_of_sync_are_there(render):
    found = render(SIDECAR)
    arguments = {name.split("/")[0]: each["args"] for name, each in found.containers() if name.endswith("/config-syncer")}
    assert "--watch" in arguments["StatefulSet"] and "--watch" not in arguments["CronJob"]


def test_k4_x5_certificates_reach_a_plane_continuously_and_without_a_hook(render):
    found = render(SIDECAR | {"global": {"plane": {"mode": "data"}}})
    [beside] = [each for name, each in found.containers() if name.startswith("StatefulSet") and name.endswith("/config-syncer")]
    assert ["--watch", "--data", "/var/lib/aeolus/gate"] == beside["args"][-5:-2]
    state = [mount for mount in beside["volumeMounts"] if mount["name"] == "state"]
    assert state == [{"name": "state", "mountPath": "/var/lib/aeolus", "readOnly": True}]
    assert "helm.sh/hook" not in found.text


@pytest.mark.parametrize("where", ["astronomer", ""])
def test_k5_the_config_syncer_is_switched_and_scheduled_as_in_the_original(render, where):
    def put(syncer: dict) -> dict:
        return {where: {"configSyncer": syncer}} if where else {"configSyncer": syncer}

    assert render({}).of("CronJob")[0]["spec"]["schedule"] == "*/5 * * * *"
    [job] = render(put({"enabled": True, "schedule": "17 5 * * *"})).of("CronJob")
    assert job["spec"]["schedule"] == "17 5 * * *"
    off = render(put({"enabled": False}))
    assert not off.of("CronJob")
    assert not [each for kind in ("Role", "ClusterRole", "RoleBinding") for each in off.of(kind)]


def test_k6_x7_a_renewed_certificate_restarts_nothing(render):
    found = render(CERTIFIED)
    for part in ("control", "gate"):
        [mount] = [each for each in found.container(part)["volumeMounts"] if each["name"] == "tls"]
        assert mount == {"name": "tls", "mountPath": "/run/aeolus/tls", "readOnly": True}
    for kind in ("Deployment", "StatefulSet"):
        for each in found.of(kind):
            assert set(each["spec"]["template"]["metadata"]["annotations"]) == {"checksum/config"}


def test_k7_expiry_is_alarmed_at_thirty_seven_and_one_day(render):
    rules = alerts(render(MONITORED))
    for name, days in (("AeolusCertificateEndsInAMonth", 30), ("AeolusCertificateEnds", 7), ("AeolusCertificateEndsInADay", 1)):
        assert rules[name]["expr"] == f"aeolus_certificate_not_after_timestamp_seconds - time() < 86400 * {days}"


def alerts(found: Rendered) -> dict[str, dict]:
    """Alerts by name."""
    [rule] = found.of("PrometheusRule")
    return {each["alert"]: each for group in rule["spec"]["groups"] for each in group["rules"]}


def test_the_alerts_are_those_of_deploy_prometheus(render):
    [rule] = render(MONITORED).of("PrometheusRule")
    files = [ROOT / "deploy" / "prometheus" / name for name in ("rules.yml", "control-rules.yml")]
    own = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    assert rule["spec"]["groups"][: len(own)] == own
    names = alerts(render(MONITORED))
    assert {"AeolusGateSnapshotStale", "AeolusUseAfterRevocation", "AeolusConfigSyncerLags"} <= set(names)
    assert 'cronjob="quasar-aeolus-config-syncer"' in names["AeolusConfigSyncerLags"]["expr"]
    dashboard = render(MONITORED).one("ConfigMap", "-dashboard")["data"]["aeolus-gate.json"]
    assert json.loads(dashboard) == json.loads((ROOT / "deploy" / "grafana" / "aeolus-gate.json").read_text())


def test_the_watching_syncer_is_reached_and_alarmed_by_its_own_figures(render):
    found = render(MONITORED | SIDECAR)
    rules = alerts(found)
    assert {name for name in rules if "aeolus_kube_sync_" in rules[name]["expr"]} == {
        "AeolusConfigSyncerIsBehind",
        "AeolusConfigSyncerRefusesSource",
        "AeolusConfigSyncerHoldsDeletionsBack",
        "AeolusConfigSyncerFails",
        "AeolusSyncedCertificateEndsInAMonth",
        "AeolusSyncedCertificateEnds",
        "AeolusSyncedCertificateEndsInADay",
    }
    # Each figure that a rule is about is one that the program shows.
    shown = (ROOT / "crates/cli/src/commands/kube/sync/figures.rs").read_text()
    for rule in rules.values():
        for figure in re.findall(r"aeolus_kube_sync_(\w+)", rule["expr"]):
            assert f'"{figure}"' in shown, figure
    monitors = [each for each in found.of("ServiceMonitor") if each["metadata"]["name"].endswith("-gate")]
    assert "sync-metrics" in {endpoint["port"] for each in monitors for endpoint in each["spec"]["endpoints"]}
    ports = {port["name"]: port["port"] for each in found.of("Service") for port in each["spec"]["ports"]}
    assert ports["sync-metrics"] == 8820
    assert "sync-metrics" not in str(render(MONITORED).text)


def test_k8_cert_manager_renews_every_certificate_and_sessions_are_kept(render):
    found = render(CERTIFIED)
    certificates = {each["spec"]["secretName"]: each["spec"] for each in found.of("Certificate")}
    assert set(certificates) == {f"{RELEASE}-aeolus-tls", "control-listener", "gate-listener"}
    for spec in certificates.values():
        assert spec["privateKey"]["rotationPolicy"] == "Always" and "server auth" in spec["usages"]
    assert {each["spec"]["tls"][0]["secretName"] for each in found.of("Ingress")} == {f"{RELEASE}-aeolus-tls"}
    assert "regenerate" not in found.configuration("control"), "sessions are kept unless somebody says otherwise"
    others = render(MATRIX["issuer-of-others"])
    assert not others.of("Issuer")
    for each in others.of("Certificate"):
        assert each["spec"]["issuerRef"] == {"name": "letsencrypt", "kind": "ClusterIssuer", "group": "cert-manager.io"}


def test_k9_the_release_names_the_namespaces_as_in_the_original(render):
    arguments = syncer(render({}))
    assert arguments[arguments.index("--release") + 1] == RELEASE
    arguments = syncer(render({"configSyncer": {"release": "nebula"}}))
    assert arguments[arguments.index("--release") + 1] == "nebula"


def test_k10_the_syncer_runs_as_the_originals_does(render):
    found = render({})
    [job] = found.of("CronJob")
    assert job["spec"]["concurrencyPolicy"] == "Forbid" and job["spec"]["jobTemplate"]["spec"]["backoffLimit"] == 1
    assert syncer(found) == ["kube", "sync", "--source-namespace", NAMESPACE, "--release", RELEASE]
    for mode, there in (("unified", True), ("data", True), ("control", False)):
        assert bool(render({"global": {"plane": {"mode": mode}}}).of("CronJob")) == there, mode


def test_k10_rights_are_the_least_that_do(render):
    [role] = render({}).of("ClusterRole")
    assert verbs(role, "secrets") == {"get", "list", "create", "update", "delete"}
    assert verbs(role, "namespaces") == {"get", "list"}
    [role] = render({"configSyncer": {"prune": False}}).of("ClusterRole")
    assert "delete" not in verbs(role, "secrets")
    watching = render(SIDECAR)
    assert "watch" in verbs(watching.of("ClusterRole")[0], "secrets")
    for values in MATRIX.values():
        for kind in ("Role", "ClusterRole"):
            for each in render(values).of(kind):
                for rule in each["rules"]:
                    assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
                    assert set(rule["resources"]) <= {"secrets", "namespaces", "leases"}
    for pool in ([], POOL):
        restarting = render({"configSyncer": {"restart": True, "targetNamespaces": pool}})
        roles = restarting.of("ClusterRole") or [
            each for each in restarting.of("Role") if each["metadata"]["namespace"] in POOL
        ]
        assert all(verbs(role, "deployments") == {"get", "patch"} for role in roles)


@pytest.mark.parametrize("values", [OLDER, NEWER, {"configSyncer": {"targetNamespaces": POOL}}])
def test_k10_in_a_pool_there_are_rights_in_its_namespaces_alone(render, values):
    found = render(values)
    arguments = syncer(found)
    assert arguments[arguments.index("--target-namespaces") + 1] == ",".join(POOL)
    assert not found.of("ClusterRole") and not found.of("ClusterRoleBinding")
    roles = {role["metadata"]["namespace"]: role for role in found.of("Role")}
    assert set(roles) == {*POOL, NAMESPACE}
    for name in POOL:
        assert verbs(roles[name], "secrets") == {"get", "list", "create", "update"}
        assert {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": [name], "verbs": ["get"]} in roles[name]["rules"]
    # At home a pass of the job reads, and makes the key of its digests once.
    assert verbs(roles[NAMESPACE], "secrets") == {"get", "list", "create"}
    bound = {each["metadata"]["namespace"]: each["subjects"] for each in found.of("RoleBinding")}
    assert set(bound) == set(roles)
    for subjects in bound.values():
        assert subjects == [
            {"kind": "ServiceAccount", "name": f"{RELEASE}-aeolus-config-syncer", "namespace": NAMESPACE}
        ]


def test_k10_the_watcher_has_the_gates_account(render):
    found = render(SIDECAR | {"configSyncer": {"sidecar": {"enabled": True}, "targetNamespaces": POOL}})
    for binding in found.of("RoleBinding"):
        assert {each["name"] for each in binding["subjects"]} == {
            f"{RELEASE}-aeolus-config-syncer",
            f"{RELEASE}-aeolus-gate",
        }
    for role in found.of("Role"):
        assert "delete" not in verbs(role, "secrets") and "watch" in verbs(role, "secrets")
    alone = render({"configSyncer": {"targetNamespaces": POOL}})
    assert all(len(each["subjects"]) == 1 for each in alone.of("RoleBinding"))


def test_k12_private_authorities_are_mounted_where_the_original_does(render):
    found = render(OLDER)
    for part in ("control", "gate"):
        files = yaml.safe_load(found.configuration(part))["tls"]["privateCaCerts"]
        assert files == [f"/usr/local/share/ca-certificates/{name}.pem" for name in ("corp-root", "corp-next")]
        mounts = {mount["mountPath"]: mount["name"] for mount in found.container(part)["volumeMounts"]}
        assert mounts["/usr/local/share/ca-certificates"] == "authorities"
    pod = found.one("StatefulSet", "-gate")["spec"]["template"]["spec"]
    [volume] = [each for each in pod["volumes"] if each["name"] == "authorities"]
    assert volume["projected"]["sources"] == [
        {"secret": {"name": name, "items": [{"key": "cert.pem", "path": f"{name}.pem"}]}} for name in ("corp-root", "corp-next")
    ]
    # The init container asks control as well.
    assert "/usr/local/share/ca-certificates" in {mount["mountPath"] for mount in found.container("join")["volumeMounts"]}


def test_k13_a_certificate_names_every_host(render):
    found = render(CERTIFIED)
    names = {each["spec"]["secretName"]: set(each["spec"]["dnsNames"]) for each in found.of("Certificate")}
    assert names[f"{RELEASE}-aeolus-tls"] == {"houston.example.com", "app.example.com", "example.com", "etl.example.com"}
    assert {"houston.example.com", "quasar-aeolus-control.astronomer.svc"} <= names["control-listener"]
    assert {"etl.example.com", "quasar-aeolus-gate.astronomer.svc"} <= names["gate-listener"]


def test_k14_rsa_can_be_chosen(render):
    own = CERTIFIED["certManager"] | {"privateKey": {"algorithm": "RSA", "size": 4096}}
    for each in render(CERTIFIED | {"certManager": own}).of("Certificate"):
        assert each["spec"]["privateKey"] == {"algorithm": "RSA", "size": 4096, "rotationPolicy": "Always"}


@pytest.mark.parametrize(
    "mode, there",
    [("unified", {"control", "gate"}), ("control", {"control"}), ("data", {"gate"})],
)
def test_l1_a_plane_runs_what_its_mode_says(render, mode, there):
    found = render({"global": {"plane": {"mode": mode}}, **POSTGRES})
    servers = {
        each["metadata"]["name"].rsplit("-", 1)[1]: each["kind"]
        for kind in ("Deployment", "StatefulSet")
        for each in found.of(kind)
    }
    assert servers == {name: {"control": "Deployment", "gate": "StatefulSet"}[name] for name in there}
    assert {each["metadata"]["name"].rsplit("-", 1)[1] for each in found.of("PodDisruptionBudget")} == there


def test_a_database_decides_how_control_runs(render):
    sqlite = render({"control": {"replicas": 5}}).one("StatefulSet", "-control")
    assert sqlite["spec"]["replicas"] == 1 and sqlite["spec"]["volumeClaimTemplates"]
    postgresql = render({"control": {"replicas": 5, **POSTGRES["control"]}})
    deployment = postgresql.one("Deployment", "-control")
    assert deployment["spec"]["replicas"] == 5
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert yaml.safe_load(postgresql.configuration("control"))["database"] == {"url": {"file": "/run/aeolus/database/url"}}
    rules = postgresql.one("NetworkPolicy", "-control")["spec"]["egress"]
    assert {"port": 5432, "protocol": "TCP"} in [port for rule in rules for port in rule["ports"]]


def test_the_public_service_of_a_gate_has_the_proxy_alone(render):
    found = render({"gate": {"service": {"type": "LoadBalancer"}, "tls": {"secretName": "etl-tls"}}})
    public = found.one("Service", "-gate-public")["spec"]
    assert public["type"] == "LoadBalancer"
    assert public["ports"] == [{"name": "proxy", "port": 443, "targetPort": "proxy", "protocol": "TCP"}]
    assert found.one("Service", "-gate")["spec"]["type"] == "ClusterIP"


def test_the_container_file_is_pinned_and_nobodys_root():
    text = (ROOT / "deploy" / "container" / "Containerfile").read_text()
    images = dict(re.findall(r"^ARG (RUST|DEBIAN)=(\S+)$", text, re.MULTILINE))
    minimum = re.search(r'^rust-version = "([\d.]+)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert minimum and images["RUST"] == f"docker.io/library/rust:{minimum[1]}-trixie"
    assert images["DEBIAN"] == "docker.io/library/debian:trixie-slim"
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert f"USER {values['podSecurity']['runAsUser']}:{values['podSecurity']['runAsGroup']}" in text
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert f'version = "{version}"' in (ROOT / "Cargo.toml").read_text()
