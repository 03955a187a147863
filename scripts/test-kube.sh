#!/usr/bin/env bash
# Runs the contract that crates/kube relies on, and whole passes, against the cluster of KUBECONFIG. Each test makes a
# namespace of its own (aeolus-test-…) and deletes it; nothing else in the cluster is changed.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[[ -n "${KUBECONFIG:-}" ]] || fail "which cluster? KUBECONFIG=FILE make test-kube, with the rights of an administrator"
[[ -r "$KUBECONFIG" ]] || fail "$KUBECONFIG can't be read: KUBECONFIG is one file here"
AEOLUS_TEST_KUBECONFIG=$(realpath "$KUBECONFIG")
export AEOLUS_TEST_KUBECONFIG
say "against the cluster of $KUBECONFIG"
report=$(mktemp)
trap 'rm -f "$report"' EXIT
cargo test -p aeolus-kube --test it -- --show-output contract:: cluster:: 2>&1 | tee "$report"
skipped=$(grep -c '^skipped: ' "$report" || true)
say "ok; $skipped of these skipped what can't be done there, and say so above"
