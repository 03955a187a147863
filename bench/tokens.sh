#!/usr/bin/env bash
# Whether listing, making, revoking and publishing API tokens stay flat in their number: up to a million (TOKENS=…).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

exec python3 bench/tokens.py
