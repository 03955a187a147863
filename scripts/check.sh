#!/usr/bin/env bash
# Everything that needs Rust alone, cheapest first.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

scripts/setup.sh check
step() {
    say "$*"
    "$@" || fail "failed: $*"
}
step cargo fmt --all -- --check
step cargo deny --log-level error check bans licenses sources
step cargo clippy --workspace --all-targets --quiet -- -D warnings
step cargo xtask check
step cargo test --workspace --quiet
say "ok"
