#!/usr/bin/env bash
# Runs the tests that are named after fault rows and prints a table: row, result, tests. A row that no test answers counts as failed.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

scripts/setup.sh test
report=$(mktemp -d)
trap 'rm -rf "$report"' EXIT
say "== Rust"
cargo test --workspace --exclude aeolus-fuzz --no-fail-fast -- --show-output f1 f2 f3 f4 f5 f6 f7 f8 >"$report/rust" 2>&1 || true
say "== end to end"
cargo build --quiet
"$AIRFLOW_PYTHON" -m pytest tests/e2e -k test_f --junit-xml="$report/python" -o junit_family=xunit2 >"$report/log" 2>&1 || true
python3 scripts/faults.py "$report/rust" "$report/python"
