#!/usr/bin/env bash
# What provisioning costs at 50,000 people (USERS=…) on SQLite and PostgreSQL (DATABASES=…), beside the reference server.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

exec python3 bench/scim.py
