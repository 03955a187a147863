#!/usr/bin/env bash
# Runs one fuzz target, or each in turn: fuzz.sh NAME|all [SECONDS, 600 unless told]. Needs a nightly compiler.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

CARGO_FUZZ_VERSION=0.13.2

name=${1:-}
seconds=${2:-600}
known=$(sed -n 's/^name = "\(.*\)"$/\1/p' fuzz/Cargo.toml | grep -v '^aeolus-fuzz$')
if [[ "$name" == all ]]; then
    targets=$known
elif grep -qx -- "$name" <<<"$known"; then
    targets=$name
else
    fail "which one? make fuzz NAME=... (there are: all $(tr '\n' ' ' <<<"$known"))"
fi
cargo +nightly --version >/dev/null 2>&1 || fail "there is no nightly compiler: rustup toolchain install nightly"
if [[ "$(cargo-fuzz --version 2>/dev/null)" != "cargo-fuzz $CARGO_FUZZ_VERSION" ]]; then
    say "building cargo-fuzz $CARGO_FUZZ_VERSION into .tools/cargo"
    cargo install cargo-fuzz --version "$CARGO_FUZZ_VERSION" --locked --quiet --force --root .tools/cargo
fi
for target in $targets; do
    say "== $target, $seconds s"
    # Only what the target needs is built with the sanitizer.
    area=$(sed -n "/^name = \"$target\"$/,/^$/s/^required-features = \[\"\(.*\)\"\]$/\1/p" fuzz/Cargo.toml)
    cargo +nightly fuzz run "$target" --no-default-features --features "$area" -- "-max_total_time=$seconds" -print_final_stats=1 ||
        fail "$target: the input that failed is in fuzz/artifacts/$target"
done
say "ok"
