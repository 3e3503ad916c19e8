#!/bin/sh
# Makes or refreshes a virtual environment from a lock file: bootstrap.sh run|dev|gates|clients|site [folder]
# Needs python3 (3.11 or newer) with pip 22.3 or newer, and nothing else: not python3-venv, not the network of anyone
# but the configured package index. A stamp with the lock's hash makes every later call cost milliseconds.
set -eu
cd "$(dirname "$0")/.."
kind=${1:?run, dev, gates, clients or site}
# A shell with one of our environments in front would find its Python, which has no pip.
PATH=$(printf '%s' "$PATH" | tr ':' '\n' | grep -vF "$(pwd)/.venv" | paste -sd: -)
python=${PYTHON:-python3}
case $kind in
  run) locks=requirements/run.lock; venv=${2:-.venv}
    # A Postgres of one's own, or its programs, make the bundled one superfluous.
    [ -n "${DATABASE_URL:-}${RETAINER_PG_BIN:-}" ] || locks="$locks requirements/embedded.lock" ;;
  dev) locks=requirements/dev.lock; venv=${2:-.venv} ;;
  gates) locks=requirements/gates.lock; venv=${2:-.venv-gates} ;;
  clients) locks=requirements/clients.lock; venv=${2:-.venv-clients} ;;
  site) locks=requirements/site.lock; venv=${2:-.venv-site} ;;
  *) echo "bootstrap: unknown kind '$kind'" >&2; exit 2 ;;
esac
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1
unset PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX || true

hash() { cat "$@" | sha256sum | cut -d' ' -f1; }
current() {
  [ -x "$venv/bin/python" ] && grep -qsxF "$(hash $locks) $(pwd)" "$venv/.stamp-$kind"
}
current && exit 0

command -v "$python" >/dev/null 2>&1 || { echo "bootstrap: $python is not here; install Python 3.11 or newer" >&2; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "bootstrap: $("$python" --version 2>&1) is too old; Python 3.11 or newer is needed (PYTHON=... names another)" >&2; exit 1; }
"$python" -c '
import re, sys
try:
    import pip
except ImportError:
    sys.exit("bootstrap: this Python has no pip; on Debian: apt-get install python3-pip")
if tuple(map(int, re.findall(r"\d+", pip.__version__)[:2])) < (22, 3):
    sys.exit(f"bootstrap: pip {pip.__version__} cannot install into another environment (--python); 22.3 or newer is needed")
'

# Two makes at once: the second waits for the first and then finds its work done.
if command -v flock >/dev/null 2>&1; then
  exec 9>"$venv.lock"
  flock 9
  current && exit 0
fi

if [ -e "$venv" ] && ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  rm -rf "$venv" # moved here from another folder, or its Python is gone
fi
started=$(date +%s)
echo "bootstrap: installing $locks into $venv (under a minute; later starts skip this)" >&2
[ -x "$venv/bin/python" ] || "$python" -m venv --without-pip "$venv"
rm -f "$venv"/.stamp-*
"$python" -m pip --python "$venv/bin/python" install --quiet --require-hashes $(printf -- '-r %s ' $locks) 9>&-
if [ $kind = run ] || [ $kind = dev ]; then
  printf '#!%s\nimport sys\n\nsys.path.insert(0, "%s")\nfrom app.cli import main\n\n# Server processes import this file again (they are spawned): only the first of them is the command.\nif __name__ == "__main__":\n    sys.exit(main())\n' \
    "$(pwd)/$venv/bin/python" "$(pwd)" >"$venv/bin/retainer"
  chmod +x "$venv/bin/retainer"
fi
# Each line of a stamp is a set of locks that the environment satisfies.
stamp() { name=$1; shift; echo "$(hash "$@") $(pwd)" >>"$venv/.stamp-$name"; }
stamp $kind $locks
if [ $kind = dev ] || [ "$locks" = "requirements/run.lock requirements/embedded.lock" ]; then
  stamp run requirements/run.lock
  [ $kind != dev ] || stamp run requirements/run.lock requirements/embedded.lock # the development lock is a superset
fi
echo "bootstrap: done in $(($(date +%s) - started)) s" >&2
