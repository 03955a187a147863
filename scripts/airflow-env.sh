#!/bin/sh
# Makes the Airflow that tests and the demo run against: a virtual environment in .tools/airflow with
# the exact versions of airflow/constraints.txt and the package of airflow/ in editable mode.
# With the argument 2 it is an Airflow 2, in .tools/airflow2 and by airflow/constraints2.txt.
# A second call finds nothing to do and returns at once. Airflow's database is left to its users.
# PYTHON names the interpreter to start from (default: python3).
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
case "${1:-3}" in
    3) name=airflow pinned=constraints.txt newest=14 ;;
    2) name=airflow2 pinned=constraints2.txt newest=12 ;;
    *) printf 'usage: scripts/airflow-env.sh [2]\n' >&2; exit 1 ;;
esac
env="$root/.tools/$name"
pins="$root/airflow/$pinned"
stamp="$env/.aeolus-stamp"
python=${PYTHON:-python3}

fail() {
    printf 'airflow-env: %s\n' "$*" >&2
    exit 1
}

hash_of() {
    # cksum is the one digest every POSIX system has; this guards against staleness, not attack.
    { cat "$pins" "$root/airflow/pyproject.toml" "$0"; printf '%s' "$root"; } | cksum | tr ' ' '-'
}

want=$(hash_of)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && [ -x "$env/bin/python" ]; then
    printf 'airflow-env: %s is up to date\n' "$env"
    exit 0
fi

command -v "$python" >/dev/null 2>&1 || fail "there is no $python. Airflow is a Python program: install Python 3.10 to 3.$newest (Debian: apt-get install python3 python3-venv), or name one with PYTHON=/path/to/python3."
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || fail "$python does not run."
"$python" -c "import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, $newest))" ||
    fail "$python is Python $version, and this Airflow needs 3.10 to 3.$newest. Name another with PYTHON=/path/to/python3."
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "$python has no venv module, which makes virtual environments. Install it (Debian: apt-get install python3-venv)."

printf 'airflow-env: making %s with Python %s; about a minute, 350 MB\n' "$env" "$version"
rm -f "$stamp"
"$python" -m venv --clear "$env"
pip() {
    "$env/bin/python" -m pip --disable-pip-version-check --quiet "$@" ||
        fail "pip could not install the packages (its own message is above). If this machine reaches PyPI through a mirror or proxy, set PIP_INDEX_URL or HTTPS_PROXY; then run this again."
}
printf 'airflow-env: installing %s packages\n' "$(grep -c '==' "$pins")"
pip install --requirement "$pins"
printf 'airflow-env: installing aeolus-airflow from %s/airflow\n' "$root"
pip install --no-deps --no-build-isolation --editable "$root/airflow"
"$env/bin/python" -m pip check >/dev/null || fail "the pinned versions do not fit together; run $env/bin/python -m pip check."
printf '%s' "$want" >"$stamp"
printf 'airflow-env: done\n'
