#!/usr/bin/env bash
# The gate's check beside a bare hyper server, nginx `return 204` and other verifiers of tokens, in one run.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

PATH=$PATH:/usr/sbin # where Debian has nginx, haproxy and apache2
for program in wrk h2load curl nginx haproxy apache2 node valgrind taskset; do
    has "$program" || fail "the benchmark of the gate needs $program."
done
exec python3 bench/gate.py
