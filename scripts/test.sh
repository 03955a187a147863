#!/usr/bin/env bash
# The whole test suite: set-up, then parts in order of cost. Each part is run even when an earlier one
# failed, and the end names what passed, failed and was skipped. With CI=true a skipped part is a failure.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

RESULTS=()
FAILED=false

main() {
    scripts/setup.sh packages
    scripts/setup.sh check
    # Downloads mostly wait, compilers mostly compute: what only the Python parts need comes meanwhile.
    scripts/setup.sh test &
    local programs=$!
    part "Rust" scripts/check.sh
    wait "$programs" || fail "the programs of the end-to-end tests could not be set up (see above)."
    # Cargo makes a program only for tests of its own package; the Python parts run it from target/debug.
    part "program" cargo build --quiet --all-targets
    find_initdb >/dev/null || skipped "store on PostgreSQL" "there is no PostgreSQL server (initdb)"
    python_part "Airflow package" airflow/tests
    if [[ -f "$ROOT/.tools/airflow2/.aeolus-stamp" ]]; then
        RUN_BY=$AIRFLOW2_PYTHON python_part "Airflow 2" airflow/tests2
    else
        skipped "Airflow 2" "there is no .tools/airflow2 (scripts/airflow-env.sh 2)"
    fi
    # They mostly wait: two at a time take half as long. What loads a machine or counts its time has it alone.
    python_part "end to end" tests/e2e -m "not alone" --numprocesses 2 --dist loadfile
    python_part "end to end, alone" tests/e2e -m alone
    summary
}

part() {
    local name=$1 start=$SECONDS
    shift
    say "== $name"
    if "$@"; then
        RESULTS+=("passed   $name ($((SECONDS - start)) s)")
    else
        RESULTS+=("FAILED   $name ($((SECONDS - start)) s): $*")
        FAILED=true
    fi
}

# Single tests that skip themselves, for want of a program say, are listed with their reason.
python_part() {
    local name=$1 folder=$2 report
    shift
    if [[ ! -d "$folder" ]]; then
        skipped "$name" "there is no $folder"
        return
    fi
    report=$(mktemp)
    part "$name" pytest_to "$report" "$@"
    local count reason
    while IFS=$'\t' read -r count reason; do
        skipped "$name, $count test(s)" "$reason"
    done < <(skips "$report")
    rm -f "$report"
}

pytest_to() {
    local report=$1
    shift
    "${RUN_BY:-$AIRFLOW_PYTHON}" -m pytest "$@" --durations=10 --junit-xml="$report" -o junit_family=xunit2
}

skips() {
    [[ -s "$1" ]] || return 0
    "$AIRFLOW_PYTHON" - "$1" <<'PYTHON'
import collections
import sys
import xml.etree.ElementTree as tree

# An expected failure is reported with the same element; it is a result, not a skip.
reasons = (
    skip.get("message", "")
    for skip in tree.parse(sys.argv[1]).iter("skipped")
    if skip.get("type") != "pytest.xfail"
)
for reason, count in collections.Counter(reasons).items():
    print(count, " ".join(reason.split()), sep="\t")
PYTHON
}

skipped() {
    RESULTS+=("skipped  $1: $2")
    if in_ci; then FAILED=true; fi
}

summary() {
    say "== summary"
    printf '  %s\n' "${RESULTS[@]}"
    if in_ci && $FAILED; then fail "failed. With CI=true a skipped part counts as a failure."; fi
    if $FAILED; then fail "failed."; fi
    say "ok"
}

main
