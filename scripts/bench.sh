#!/usr/bin/env bash
# Runs one benchmark: bench.sh NAME. A benchmark is a script bench/NAME.sh, which writes bench/results/NAME.json.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

name=${1:-}
known=$(find bench -maxdepth 1 -name '*.sh' -exec basename {} .sh \; 2>/dev/null | sort | tr '\n' ' ')
[[ -n "$name" ]] || fail "which one? make bench NAME=... (there are: ${known:-none})"
[[ "$name" =~ ^[a-z0-9-]+$ && -x "bench/$name.sh" ]] || fail "there is no benchmark '$name' (there are: ${known:-none})"
scripts/setup.sh bench
mkdir -p bench/results
exec "bench/$name.sh"
