#!/usr/bin/env bash
# make demo: a real Airflow behind the gate, from nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh demo
cargo build --quiet --package aeolus-cli
exec target/debug/aeolus demo --data .tools/demo --airflow .tools/airflow "$@"
