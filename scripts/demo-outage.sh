#!/usr/bin/env bash
# make demo-outage: control is killed under traffic, the gate restarted without it, requests go on.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh demo
cargo build --quiet --package aeolus-cli
exec .tools/airflow/bin/python scripts/demo_outage.py "$@"
