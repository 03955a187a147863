#!/usr/bin/env bash
# The gate's check endpoint beside a bare hyper server and nginx `return 204`, in one run.
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 bench/gate_check.py
