#!/usr/bin/env bash
# Everything that needs Rust alone, cheapest first.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

scripts/setup.sh check
# A lock file that lags behind Cargo.toml is brought up to date here, and is an error in CI.
locked=()
if in_ci; then locked=(--locked); fi

step() {
    say "$*"
    "$@" || fail "failed: $*"
}

step cargo fmt --all -- --check
step cargo deny --log-level error check bans licenses sources
# Only a program that links libFuzzer needs it: fuzz targets are looked at here, not run.
export CUSTOM_LIBFUZZER_PATH=/nowhere/libfuzzer.a
step cargo clippy --workspace --all-targets --quiet "${locked[@]}" -- -D warnings
step cargo xtask check
step cargo test --workspace --exclude aeolus-fuzz --quiet "${locked[@]}"
if has valgrind; then
    step python3 bench/budget.py
else
    in_ci && fail "valgrind is missing: run scripts/setup.sh test"
    say "skipped: the budget of instructions (bench/budget.py) needs valgrind"
fi
say "ok"
