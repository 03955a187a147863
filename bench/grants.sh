#!/usr/bin/env bash
# Whether listing, giving, taking back and publishing grants stay flat in their number: up to 100,000 (GRANTS=…).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

exec python3 bench/grants.py
