"""What `aeolus kube sync` costs a cluster of 1,000 namespaces that get 20 Secrets each: time, requests and memory of a pass.

The cluster is the double of crates/testkit, which keeps everything in memory and has the real API server's pages and answers.
The baseline is the least that a pass can ask: the metadata of all copies, page by page, by a client that only reads them.
"""

from __future__ import annotations

import http.client
import os
import tempfile
from contextlib import closing
from pathlib import Path
from time import monotonic
from urllib.parse import quote, urlsplit

import curve  # noqa: I001
from harness import kube as harness

NAMESPACES = int(os.environ.get("NAMESPACES", "1000"))
SOURCES = int(os.environ.get("SOURCES", "20"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
HOME = "astronomer"
META = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
LABELS = f"aeolus/managed=true,aeolus/source-namespace={HOME}"
VALUE = b"x" * 2_000


def main() -> None:
    """Measures, prints and writes the result."""
    curve.build(("aeolus-cli", "aeolus"), ("aeolus-testkit", "aeolus-cluster"))
    harness.PROGRAM = curve.RELEASE / "aeolus-cluster"
    busy = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory() as folder:
        cluster = harness.Kube(Path(folder))
        try:
            rows = measured(cluster)
        finally:
            cluster.close()
    busy.append(os.getloadavg()[0])
    curve.write("kube", size={"namespaces": NAMESPACES, "sources": SOURCES}, load_average=busy, rows=rows)
    print(f"{'pass':20} {'seconds':>9} {'requests':>9} {'writes':>8} {'MiB':>7}")
    for name, row in rows.items():
        print(f"{name:20} {row['seconds']:9.2f} {row['requests']:9.0f} {row['writes']:8.0f} {row.get('mib', 0):7.1f}")
    print("load average: " + " ".join(f"{load:.1f}" for load in busy))
    idle, full, plain = rows["idle"], rows["idle, values read"], rows["a plain list"]
    print(
        f"kube: copies={NAMESPACES * SOURCES} first={rows['first']['seconds']:.1f}s idle={idle['seconds']:.2f}s "
        f"idle_requests={idle['requests']:.0f} idle_writes={idle['writes']:.0f} full={full['seconds']:.2f}s "
        f"to_list={idle['seconds'] / plain['seconds']:.2f} memory={idle['mib']:.0f}MiB"
    )
    if idle["writes"] or full["writes"]:
        raise SystemExit("kube: a pass without a change wrote something")


def measured(cluster: harness.Kube) -> dict[str, dict[str, float]]:
    cluster.namespace(HOME)
    for number in range(NAMESPACES):
        cluster.namespace(f"deployment-{number}", platform_release=HOME)
    for number in range(SOURCES):
        cluster.put(f"{HOME}/source-{number}", {"value": VALUE}, **{"aeolus/sync": ""})
    rows = {"first": pass_of(cluster, "--timeout", "1h")}
    plain = [listed(cluster) for _ in range(ROUNDS)]
    rows["a plain list"] = sorted(plain, key=lambda row: row["seconds"])[ROUNDS // 2]
    for name, more in (("idle", ["--full-every", "24h"]), ("idle, values read", ["--full-every", "0s"])):
        rounds = [pass_of(cluster, *more) for _ in range(ROUNDS)]
        rows[name] = sorted(rounds, key=lambda row: row["seconds"])[ROUNDS // 2]
    cluster.namespace("one-more", platform_release=HOME)
    rows["a namespace more"] = pass_of(cluster, "--full-every", "24h")
    cluster.put(f"{HOME}/source-0", {"value": VALUE + b"y"}, **{"aeolus/sync": ""})
    rows["a source changed"] = pass_of(cluster, "--full-every", "24h")
    return rows


def pass_of(cluster: harness.Kube, *more: str) -> dict[str, float]:
    before, writes = total(cluster), cluster.writes()
    command = [str(curve.RELEASE / "aeolus"), "kube", "sync", "--source-namespace", HOME, "--release", HOME]
    command += ["--kubeconfig", str(cluster.kubeconfig), *more]
    begun = monotonic()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=quiet())
    _, status, used = os.wait4(pid, 0)
    seconds = monotonic() - begun
    if status != 0:
        raise SystemExit(f"kube: {' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    requests, written = total(cluster) - before, cluster.writes() - writes
    return {"seconds": seconds, "requests": requests, "writes": written, "mib": used.ru_maxrss / 1024}


def quiet() -> list[tuple[object, ...]]:
    return [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]


def total(cluster: harness.Kube) -> int:
    return sum(cluster.requests().values())


def listed(cluster: harness.Kube) -> dict[str, float]:
    """The metadata of all copies, read and not looked at."""
    pages, token, begun = 0, "", monotonic()
    with closing(http.client.HTTPConnection(urlsplit(cluster.url).netloc, timeout=60)) as client:
        while pages == 0 or token:
            path = f"/api/v1/secrets?limit=500&labelSelector={quote(LABELS)}&continue={quote(token)}"
            client.request("GET", path, headers={"accept": META})
            body = client.getresponse().read()
            token = continued(body)
            pages += 1
    return {"seconds": monotonic() - begun, "requests": pages, "writes": 0}


def continued(page: bytes) -> str:
    """The token of the next page, found without reading the objects."""
    mark = b'"continue":"'
    at = page.find(mark)
    return "" if at < 0 else page[at + len(mark) : page.index(b'"', at + len(mark))].decode()


if __name__ == "__main__":
    main()
