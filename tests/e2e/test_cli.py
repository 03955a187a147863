"""Every verb that asks control, once against `aeolus dev`: that it does what it says and shows it."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import shlex
import subprocess
import time

import pytest
import requests
from conftest import PASSWORD
from harness import aeolus
from harness.process import ROOT, free_port

FLEET = """
version: 1
planes: [{{name: local}}]
organizations:
  - name: acme
    users:
      - {{email: ann@example.com, role: ORGANIZATION_OWNER, password: {{file: {password}}}}}
      - {{email: bob@example.com, role: ORGANIZATION_MEMBER, password: {{file: {password}}}}}
      - {{email: eve@example.com, role: ORGANIZATION_MEMBER, password: {{file: {password}}}}}
    teams: [{{name: data, members: [ann@example.com]}}]
    workspaces:
      - name: sales
        deployments:
          - {{name: etl, plane: local, hosts: [etl.localhost], upstream: "http://127.0.0.1:1"}}
connections:
  - name: entra
    type: microsoft
    scim:
      organization: acme
      teamTemplates: [{{match: "airflow-(.+)-ops", role: WORKSPACE_OPERATOR, workspace: "$1"}}]
rollouts:
  - {{name: first, path: plane, percent: 5}}
"""

# Verbs that need more than a control plane, and what runs them.
ELSEWHERE = {"aeolus demo": "make demo", "aeolus completions": "crates/cli/tests/it"}


class Commands:
    """The program, as somebody who is signed in at a control plane."""

    def __init__(self, folder, url: str, credentials) -> None:
        self.folder = folder
        self.env = {"AEOLUS_URL": url, "AEOLUS_CREDENTIALS": str(credentials), "HOME": str(folder)}

    def run(self, command: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs a command line."""
        return aeolus.run(*shlex.split(command), env={**self.env, **more}, check=check)

    def text(self, command: str) -> str:
        """What it prints."""
        return self.run(command).stdout

    def json(self, command: str):
        """The same as data."""
        return json.loads(self.text(f"{command} --output json"))

    def signed_in(self, email: str) -> Commands:
        """The same as somebody else."""
        other = Commands(self.folder, self.env["AEOLUS_URL"], self.folder / f"{email}.json")
        other.text(f"login --email {email} --password-file {self.folder}/password")
        return other


@pytest.fixture(scope="module")
def admin(tmp_path_factory):
    """The administrator of a fleet that these tests may do anything to."""
    folder = tmp_path_factory.mktemp("cli")
    aeolus.private(folder / "password", PASSWORD.encode() + b"\n")
    (folder / "fleet.yaml").write_text(FLEET.format(password=folder / "password"))
    address = {f"{name}_addr": f"127.0.0.1:{free_port()}" for name in ("control", "gate", "proxy")}
    with aeolus.dev(folder / "dev", folder / "fleet.yaml", folder / "dev.log", **address) as ready:
        yield Commands(folder, ready["control"], folder / "dev" / "credentials.json")


def named(items: list, key: str, value: str) -> dict:
    """The item of a list that has this value."""
    return next(item for item in items if item[key] == value)


def test_whoami_login_and_logout(admin):
    assert "admin@example.com" in admin.text("whoami")
    bob = admin.signed_in("bob@example.com")
    assert bob.json("whoami")["email"] == "bob@example.com"
    bob.run("logout")
    left = bob.run("whoami", check=False)
    assert left.returncode == 1 and "CLI-0004" in left.stderr


def test_organizations_workspaces_and_deployments(admin):
    assert "globex" in admin.text("org create globex")
    assert [o["name"] for o in admin.json("org list")] == ["acme", "globex"]
    assert "ops" in admin.text("workspace create globex/ops")
    create = "deployment create globex/ops/nightly --plane local --host nightly.localhost --host shared.localhost/x"
    made = admin.json(f"{create} --upstream http://127.0.0.1:1 --profile airflow2")
    assert made["routes"] == [{"host": "nightly.localhost"}, {"host": "shared.localhost", "pathPrefix": "/x"}]
    shown = admin.text("deployment list --organization globex")
    line = r"ops +nightly +local +airflow2 +nightly\.localhost shared\.localhost/x +" + made["id"]
    assert re.search(line, shown), shown
    assert "nightly" in admin.text("deployment list --organization globex --output yaml")
    # Nothing in use is deleted by one call.
    used = admin.run("workspace delete globex/ops", check=False)
    assert used.returncode == 1 and "error[" in used.stderr
    assert "deleted" in admin.text("deployment delete globex/ops/nightly")
    assert admin.json("deployment list --organization globex") == []
    assert [w["name"] for w in admin.json("workspace list --organization globex")] == ["ops"]
    assert "deleted" in admin.text("workspace delete globex/ops")
    assert "deleted" in admin.text("org delete globex")
    assert "globex" not in admin.text("org list")
    for wrong in ("workspace create acme", "deployment delete acme/sales", "org create Acme!"):
        assert admin.run(wrong, check=False).returncode == 2, wrong
    unknown = admin.run("deployment delete acme/sales/none", check=False)
    assert unknown.returncode == 1 and "CLI-0014" in unknown.stderr


def test_people_and_grants(admin):
    added = admin.json("user add zoe@example.com --role ORGANIZATION_MEMBER --name Zoe")
    assert added["name"] == "Zoe"
    assert re.search(r"zoe@example\.com +Zoe +ORGANIZATION_MEMBER", admin.text("user list"))
    for subject, role, place in (
        ("zoe@example.com", "WORKSPACE_MEMBER", "acme/sales"),
        ("team:data", "DEPLOYMENT_VIEWER", "acme/sales/etl"),
    ):
        grant = admin.json(f"grant add {subject} {role} {place}")
        listed = admin.text(f"grant list --subject {subject}")
        assert re.search(rf"{role} +{place} +{grant['id']}", listed), listed
        assert "deleted" in admin.text(f"grant remove {grant['id']}")
        assert grant["id"] not in admin.text("grant list")
    nobody = admin.run("grant add nobody@example.com WORKSPACE_MEMBER acme/sales", check=False)
    assert nobody.returncode == 1 and "error[" in nobody.stderr
    assert "not in acme any more" in admin.text("user remove zoe@example.com")
    assert "zoe@example.com" not in admin.text("user list")


def test_accounts_are_disabled_enabled_and_offboarded(admin):
    eve = admin.signed_in("eve@example.com")
    made = eve.run("token create --name hers --organization acme --role ORGANIZATION_MEMBER", check=False)
    assert "no" in admin.text("user disable eve@example.com").split("\n")[1]
    assert eve.run("whoami", check=False).returncode == 1
    assert "yes" in admin.text("user enable eve@example.com")
    assert "there was none" in admin.text("user reset-second-factor eve@example.com")
    link = admin.json("user reset-password eve@example.com")["link"]
    page = requests.get(link, timeout=10)
    assert "/password/reset/" in link and page.status_code == 200 and "eve@example.com" in page.text
    would = admin.run("user offboard eve@example.com --dry-run")
    assert "Nothing was changed" in would.stderr and "ORGANIZATION_MEMBER" in would.stdout
    done = admin.run("user offboard eve@example.com --give-tokens-to ann@example.com")
    assert "warning: a fleet document names eve@example.com" in done.stderr
    assert "eve@example.com" not in admin.text("user list"), made.stderr


def test_sessions(admin):
    bob = admin.signed_in("bob@example.com")
    assert "(this one)" in bob.text("session list")
    session = named(admin.json("session list --user bob@example.com"), "email", "bob@example.com")
    assert session["id"] in admin.text(f"session end {session['id']}")
    assert bob.run("whoami", check=False).returncode == 1
    bob = admin.signed_in("bob@example.com")
    assert bob.text("session end --others").startswith("ENDED")
    assert len(admin.json("session end --all --user bob@example.com")["ended"]) == 1


def test_invitations(admin):
    made = admin.json("invitation create new@example.com --role ORGANIZATION_MEMBER --note hello")
    assert made["link"].startswith(admin.env["AEOLUS_URL"])
    assert re.search(r"new@example\.com +ORGANIZATION_MEMBER +open", admin.text("invitation list"))
    assert made["id"] in admin.text(f"invitation revoke {made['id']}")
    assert made["id"] not in admin.text("invitation list")


def test_roles_policy_and_quota(admin):
    assert "deployment.airflow.get" in admin.text("role permissions --scope DEPLOYMENT")
    made = "role create auditor --scope DEPLOYMENT --like DEPLOYMENT_VIEWER"
    assert "auditor" in admin.text(made)
    assert "auditor" in admin.text("role list --custom")
    assert "PERMISSION" in admin.text("role update auditor --description Looks")
    assert "the organization's" in admin.run("role show auditor").stderr
    assert "deleted" in admin.text("role delete auditor")
    policy = admin.folder / "policy.yaml"
    policy.write_text(admin.text("policy show"))
    assert admin.run(f"policy set {policy} --dry-run").returncode == 0
    assert admin.run(f"policy set {policy}").returncode == 0
    assert re.search(r"API tokens +7 +its own", admin.text("org quota set --tokens 7"))
    assert re.search(r"API tokens +7 +its own", admin.text("org quota show"))
    admin.run("org quota set --tokens usual")


def test_tokens(admin):
    ann = admin.signed_in("ann@example.com")
    create = "token create --deployment acme/sales/etl --role DEPLOYMENT_ADMIN"
    made = ann.json(f"{create} --name =ci --expiration 30")
    token = made["id"]
    direct = ann.json("token create --name edge --workspace acme/sales --direct --days 30")
    assert "=ci" in ann.text("token list --at acme/sales/etl --kind STANDARD")
    assert [t["id"] for t in ann.json("token list --scope workspace")] == [direct["id"]]
    assert [t["id"] for t in ann.json("token list --kind direct_access")] == [direct["id"]]
    assert ann.json("token list --at acme") == []
    rows = list(csv.DictReader(io.StringIO(ann.text("token list --csv"))))
    row = named(rows, "id", token)
    assert row["name"] == "'=ci" and row["created_by_email"] == "ann@example.com", row
    assert row["end_at"].endswith("Z") and row["last_rotated_at"] == "" and row["days_left"] in ("29", "30")
    assert ann.json(f"token update {token} --name ci --description Builds")["description"] == "Builds"
    place = "acme/sales/etl=DEPLOYMENT_VIEWER"
    assert ann.json(f"token roles {token} --role {place}")["roles"][0]["role"] == "DEPLOYMENT_VIEWER"
    rotated = ann.json(f"token rotate {token} --grace 24h")
    assert rotated["token"] != made["token"]
    assert len(ann.text(f"token show {token}").splitlines()) == 3
    assert "PLANE" in ann.text(f"token end-grace {token}")
    assert named(ann.json("token list"), "id", token)["lastRotatedAt"]
    keys = admin.folder / "jwks.json"
    keys.write_text(requests.get(f"{admin.env['AEOLUS_URL']}/.well-known/jwks.json", timeout=20).text)
    command = ("token", "verify", "--jwks", str(keys))
    assert aeolus.run(*command, stdin=rotated["token"]).stdout == "good\n"
    assert ann.run("whoami", AEOLUS_TOKEN=rotated["token"]).stdout.count("ci") == 1
    # The original's variable, where this control plane issued what is in it.
    assert ann.run("whoami", ASTRO_API_TOKEN=rotated["token"]).stdout.count("ci") == 1
    assert "local" in ann.text(f"token delete {token}")
    assert ann.json(f"token revoke {direct['id']}")["deleted"] == 1
    assert ann.json("token list") == []


def test_a_token_that_is_over_says_since_when_to_its_owner_and_to_nobody_else(admin):
    ann = admin.signed_in("ann@example.com")
    made = ann.json("token create --name over --organization acme --role ORGANIZATION_MEMBER --days 1")
    header, claims, signature = made["token"].split(".")
    told = json.loads(base64.urlsafe_b64decode(claims + "=="))
    told["exp"] = int(time.time()) - 185
    ended = base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()
    over = ".".join((header, ended, signature))
    refused = ann.run("org list", check=False, AEOLUS_TOKEN=over)
    assert refused.returncode == 1 and refused.stdout == ""
    assert re.search(r"error\[CLI-0035\]: the token in AEOLUS_TOKEN expired 3 min \d+ s ago \(at 20", refused.stderr)
    assert "aeolus token create" in refused.stderr and over not in refused.stderr

    # Control itself says the same of it as of any other that isn't good.
    def said(bearer: str) -> dict:
        url = f"{admin.env['AEOLUS_URL']}/v1/me"
        answer = requests.get(url, headers={"Authorization": f"Bearer {bearer}"}, timeout=20)
        return {name: value for name, value in answer.json().items() if name != "requestId"}

    assert said(over) == said(f"{header}.{claims}.{'A' * len(signature)}")
    assert said(over)["status"] == 401
    assert ann.run("whoami", AEOLUS_TOKEN=made["token"]).returncode == 0
    ann.run(f"token delete {made['id']}")


def test_planes_rollouts_connections_and_keys(admin):
    assert "enrolled" in admin.text("plane show local")
    assert admin.text("plane add spare").count("\n") == 1
    assert "quarantined" in admin.text("plane quarantine local")
    assert "enrolled" in admin.text("plane release local")
    assert "first" in admin.text("rollout show")
    assert "second" in admin.text("rollout set second --path central --percent 0")
    assert "second" in admin.text("rollout promote second")
    assert "second" in admin.text("rollout abort second")
    assert admin.run("rollout delete second").returncode == 0
    assert "local" in admin.text("connection list")
    assert "/v1/oauth/callback" in admin.text("connection show okta --setup")
    keys = admin.json("key list --purpose id")
    assert admin.run("key rotate id --dry-run --compromised").returncode == 0
    assert admin.run(f"key remove {keys[0]['kid']} --compromised --dry-run", check=False).returncode in (0, 1)


def test_provisioning(admin):
    made = admin.json("scim credential create --connection entra --name first --days 30")
    assert made["baseUrl"].endswith("/v1/scim/v2/entra?aadOptscim062020"), made
    asked = f"{admin.env['AEOLUS_URL']}/v1/scim/v2/entra/ServiceProviderConfig"

    def status(secret: str) -> int:
        return requests.get(asked, headers={"Authorization": f"Bearer {secret}"}, timeout=10).status_code

    assert status(made["secret"]) == 200
    rotated = admin.run("scim credential rotate first --connection entra --grace 1h")
    assert "secret token" in rotated.stdout and "stays good" in rotated.stderr
    after = re.search(r"secret token +(\S+)", rotated.stdout).group(1)
    assert (status(made["secret"]), status(after)) == (200, 200)
    listed = named(admin.json("scim credential list --connection entra"), "name", "first")
    assert len(listed["earlierEndAt"]) == 1 and listed["kind"] == "bearer"
    assert "now" in admin.text("scim credential delete first --connection entra")
    assert (status(made["secret"]), status(after)) == (401, 401)
    client = admin.json("scim credential create --connection entra --name gallery --kind client")
    form = {"grant_type": "client_credentials", "client_id": client["user"], "client_secret": client["secret"]}
    token = requests.post(client["tokenUrl"], data=form, timeout=10).json()
    assert status(token["access_token"]) == 200 and token["expires_in"] == 3600
    deadline = time.monotonic() + 20
    while "gallery" not in (log := admin.text("scim log --connection entra")):
        assert time.monotonic() < deadline, log
    assert " 401 " in log and "GET /ServiceProviderConfig" in log and client["secret"] not in log
    denied = admin.signed_in("bob@example.com").run("scim credential list --connection entra", check=False)
    assert denied.returncode == 1 and "forbidden" in denied.stderr


def test_roles_of_provisioned_groups(admin):
    made = admin.json("scim credential create --connection entra --name groups")
    headers = {"Authorization": f"Bearer {made['secret']}", "Content-Type": "application/scim+json"}
    groups = f"{admin.env['AEOLUS_URL']}/v1/scim/v2/entra/Groups"
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "airflow-later-ops"}
    group = requests.post(groups, json=body, headers=headers, timeout=10)
    assert group.status_code == 201, group.text
    templates = "scim templates --connection entra"
    [shown] = admin.json(f"{templates} --dry-run")["groups"]
    assert shown["missing"] and not shown.get("gives"), shown
    admin.run("workspace create acme/later")
    dry = admin.run(f"{templates} --dry-run")
    assert "WORKSPACE_OPERATOR" in dry.stdout and "dry run" in dry.stderr, (dry.stdout, dry.stderr)
    assert "WORKSPACE_OPERATOR" not in admin.text("team show airflow-later-ops --organization acme")
    assert "done" in admin.run(templates).stderr
    assert re.search(r"WORKSPACE_OPERATOR +acme/later", admin.text("team show airflow-later-ops --organization acme"))
    refused = admin.run("team add airflow-later-ops ann@example.com --organization acme", check=False)
    assert refused.returncode == 1 and "managed-by-scim" in refused.stderr, refused.stderr
    assert requests.delete(f"{groups}/{group.json()['id']}", headers=headers, timeout=10).status_code == 204
    admin.run("workspace delete acme/later")


def test_teams(admin):
    assert [team["name"] for team in admin.json("team list --organization acme")] == ["data"]
    # A document's keeps its name, and is there.
    for command in ("team rename data crew --organization acme", "team delete data --organization acme"):
        refused = admin.run(command, check=False)
        assert refused.returncode == 1 and "managed-by-document" in refused.stderr, refused.stderr
    made = admin.json("team create ops --description 'keeps it running' --organization acme")
    assert made["description"] == "keeps it running"
    admin.run("grant add team:ops WORKSPACE_OPERATOR acme/sales")
    added = admin.json("team add ops bob@example.com ann@example.com --organization acme")
    assert {member["email"] for member in added["added"]} == {"bob@example.com", "ann@example.com"}
    assert "nothing was changed" in admin.run("team add ops bob@example.com --no-wait --organization acme").stderr
    shown = admin.run("team show ops --organization acme")
    assert re.search(r"WORKSPACE_OPERATOR +acme/sales +", shown.stdout), shown.stdout
    assert "bob@example.com" in shown.stderr and "keeps it running" in shown.stderr
    assert "WORKSPACE_OPERATOR" in admin.text("explain --subject bob@example.com --resource acme/sales/etl")
    assert "taken out" in admin.text("team remove ops bob@example.com --organization acme")
    assert [m["email"] for m in admin.json("team members ops --organization acme")] == ["ann@example.com"]
    listed = list(csv.DictReader(io.StringIO(admin.text("team members ops --csv --organization acme"))))
    assert [member["email"] for member in listed] == ["ann@example.com"]
    bob = admin.signed_in("bob@example.com")
    denied = bob.run("team add ops bob@example.com --organization acme", check=False)
    assert denied.returncode == 1 and "forbidden" in denied.stderr
    assert "day and night" in admin.text("team update ops --description 'day and night' --organization acme")
    assert "crew" in admin.text("team rename ops crew --organization acme --output yaml")
    assert "deleted" in admin.text("team delete crew --organization acme")
    assert "WORKSPACE_OPERATOR" not in admin.text("access review --subject ann@example.com")
    assert [team["name"] for team in admin.json("team list --organization acme")] == ["data"]


def test_teams_as_a_spreadsheet_has_them(admin):
    file = admin.folder / "teams.csv"
    file.write_text(
        "team,email,role,place\nops,bob@example.com,,\nops,,WORKSPACE_MEMBER,acme/sales\nops,ann@example.com,,\nempty,,,\n"
    )
    command = f"team import {file} --organization acme"
    dry = admin.run(f"{command} --dry-run")
    assert "dry run" in dry.stderr and re.search(r"member +acme/ops/bob@example\.com", dry.stdout), dry.stdout
    assert "ops" not in admin.text("team list --organization acme")
    done = admin.json(command)
    assert done["applied"] and [change["kind"] for change in done["changes"]] == [
        *("team", "member", "grant", "member", "team")
    ]
    assert "already" in admin.run(command).stderr
    exported = admin.text("team export --organization acme")
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert {"team": "ops", "email": "", "role": "WORKSPACE_MEMBER", "place": "acme/sales"} in rows
    assert {"team": "empty", "email": "", "role": "", "place": ""} in rows
    file.write_text(exported)
    assert admin.json(f"{command} --dry-run")["changes"] == []
    file.write_text("team,email\nops,bob@example.com\n\nmore,nobody@example.com\n")
    wrong = admin.run(command, check=False)
    assert wrong.returncode == 1 and "line 4, email" in wrong.stderr, wrong.stderr
    file.write_text("team,mail\nops,bob@example.com\n")
    assert admin.run(command, check=False).returncode == 2
    for team in ("ops", "empty"):
        admin.run(f"team delete {team} --organization acme")


def test_apply_access_and_explain(admin):
    applied = admin.text(f"apply --file {admin.folder}/fleet.yaml --dry-run")
    assert "eve@example.com" in applied or "no changes" in applied.lower()
    ways = list(csv.DictReader(io.StringIO(admin.text("access review --csv"))))
    assert {"sales/etl"} == {way["deployment"] for way in ways}
    assert named(ways, "who", "ann@example.com")["role"] == "ORGANIZATION_OWNER"
    assert "ORGANIZATION_OWNER" in admin.text("access review --subject ann@example.com")
    why = admin.text("explain --subject ann@example.com --resource acme/sales/etl")
    assert "ORGANIZATION_OWNER" in why


def test_audit(admin):
    lines = admin.text("audit tail --action user.* --all -n 5")
    assert len(lines.splitlines()) == 5 and all("  user." in line for line in lines.splitlines()), lines
    exported = admin.text("audit export")
    assert json.loads(exported.splitlines()[0])
    file = admin.folder / "audit.ndjson"
    file.write_text(exported)
    assert admin.run(f"audit verify --file {file}").returncode == 0
    assert admin.run("audit verify --all").returncode == 0
    changed = file.read_text().replace("ann@example.com", "abc@example.com", 1)
    if changed != exported:
        file.write_text(changed)
        assert admin.run(f"audit verify --file {file}", check=False).returncode == 1
    checkpoint = admin.folder / "checkpoint"
    checkpoint.write_text(admin.text("audit checkpoint"))
    assert admin.run(f"audit verify --checkpoint {checkpoint}").returncode == 0


def test_configurations(admin):
    config = admin.folder / "config.yaml"
    config.write_text("control: {deviceFlow: off}\n")
    assert admin.run(f"config check {config}").returncode == 0
    assert admin.run(f"config check {admin.folder}/fleet.yaml").returncode == 0
    assert "control.deviceFlow" in admin.text(f"config print --config {config}")
    assert json.loads(admin.text("config schema"))["$schema"]
    config.write_text("control: {deviceFlows: off}\n")
    wrong = admin.run(f"config check {config}", check=False)
    assert wrong.returncode == 2 and "deviceFlow" in wrong.stderr


def test_what_is_done_to_the_database_itself(admin, tmp_path):
    address = {f"{name}_addr": f"127.0.0.1:{free_port()}" for name in ("control", "gate", "proxy")}
    with aeolus.dev(tmp_path / "data", admin.folder / "fleet.yaml", tmp_path / "dev.log", **address):
        pass
    data = tmp_path / "data"
    database = f"--database sqlite:{data}/control/aeolus.db"
    reset = admin.run(f"control reset-second-factor bob@example.com {database} --output json")
    assert json.loads(reset.stdout)["reset"] is False
    administered = admin.run(f"control first-admin {database}", check=False)
    assert administered.returncode == 1 and "CONTROL-FIRST-ADMIN" in administered.stderr
    code = admin.text(f"control first-admin --database sqlite:{tmp_path}/new.db")
    assert re.fullmatch(r"CODE\n[A-Z0-9]{4}(-[A-Z0-9]{4}){4}\n", code), code
    aeolus.private(tmp_path / "new.key", b"11" * 32)
    keys = f"--master-key-file {data}/master.key --new-master-key-file {tmp_path}/new.key"
    sealed = admin.json(f"key reseal {database} {keys}")
    assert sealed["keys"] > 0, sealed


def test_every_verb_is_run_by_some_test():
    reference = (ROOT / "docs" / "reference" / "cli.md").read_text()
    verbs = re.findall(r"^## (aeolus [a-z -]+)$", reference, re.MULTILINE)
    leaves = [v for v in verbs if v not in ELSEWHERE and not any(other.startswith(f"{v} ") for other in verbs)]
    assert len(leaves) > 70
    tests = [path.read_text() for place in ("e2e", "harness") for path in (ROOT / "tests" / place).glob("*.py")]
    said = "\n".join(tests)
    # As it is typed, as a list of arguments, or by a function of a test that is named after the noun.
    forms = {
        verb: (verb.removeprefix("aeolus "), '", "'.join(verb.split()[1:]), '("'.join(verb.split()[1:]))
        for verb in leaves
    }
    missing = [verb for verb, of in forms.items() if not any(re.search(rf'["\s]{re.escape(f)}\b', said) for f in of)]
    assert missing == [], missing
