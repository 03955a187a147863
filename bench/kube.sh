#!/usr/bin/env bash
# What keeping Secrets in step costs at NAMESPACES=1000 and SOURCES=20, beside a plain list of the same copies.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

exec python3 bench/kube.py
