# Shared by the scripts of this folder: sourced, never run. Sets ROOT and moves there.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

# The pinned tools of this repository come before the machine's own.
export PATH="$ROOT/.tools/cargo/bin:$PATH"

AIRFLOW_PYTHON="$ROOT/.tools/airflow/bin/python"
AIRFLOW2_PYTHON="$ROOT/.tools/airflow2/bin/python"

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*"; }

fail() {
    printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# Debian installs the server's programs outside the search path.
find_initdb() {
    local found
    found=$(command -v initdb || ls -1 /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1)
    [[ -n "$found" ]] && printf '%s\n' "$found"
}

in_ci() { [[ "${CI:-}" == true ]]; }

# Nothing is compiled twice there, so what would make a second time faster only takes time.
if in_ci; then export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0}; fi
