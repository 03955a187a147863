#!/usr/bin/env bash
# The gate's check endpoint beside a bare hyper server and nginx `return 204`, in one run.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

PATH=$PATH:/usr/sbin # where Debian has nginx
for program in wrk nginx valgrind taskset; do
    has "$program" || fail "gate-check needs $program."
done
exec python3 bench/gate_check.py
