#!/usr/bin/env bash
# Two providers that write at once: RATE requests a second each for LOAD_SECONDS, on each of DATABASES, by SEED.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

exec python3 bench/scim_load.py
