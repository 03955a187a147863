#!/usr/bin/env bash
# make demo: a real Airflow behind the gate, from nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh demo
scripts/airflow-env.sh
cargo build --quiet --package aeolus-cli
exec .tools/airflow/bin/python scripts/demo.py "$@"
