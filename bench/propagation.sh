#!/usr/bin/env bash
# How fast gates know of a change: revocations at 1, 10 and 100 gates, 500 gates that come back at once, bytes, cold start.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

exec python3 bench/propagation.py
