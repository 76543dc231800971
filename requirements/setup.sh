#!/bin/sh
# Makes .venv in the current folder hold what a lock file pins, and the project itself as an editable install.
# docs/dependencies.md says why it is done this way.
#
#   sh requirements/setup.sh requirements/run.lock
#
# installer.lock, beside the lock, pins the pip that installs it. PYTHON names the Python to use; without it the first
# of python3, python3.13, python3.12 and python3.11 that fits is taken. Whatever is wrong with an existing .venv
# (interrupted, another Python, no pip, a moved folder), it is replaced.
set -eu

lock=$1
installer=$(dirname "$lock")/installer.lock
here=$(pwd -P)
# Written last and removed before any change, so that a .venv without it is one that was never finished. Its first
# line is the folder it was made for, which scripts in bin/ name; then a line for each lock that is installed.
mark=.venv/.complete

# What the user has set for other projects.
unset PYTHONHOME PYTHONPATH
export PIP_USER=0 PIP_CONSTRAINT=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

fail() {
  echo "setup: $1" >&2
  exit 1
}

# Prints the version of a Python that fits; otherwise $missing says what it lacks.
describe() {
  command -v "$1" >/dev/null || { missing="$1 is not here"; return 1; }
  version=$("$1" -I -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) \
    || { missing="$1 does not start"; return 1; }
  "$1" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || { missing="$1 is $version"; return 1; }
  "$1" -I -c 'import ensurepip, venv' 2>/dev/null \
    || { missing="$1 has no ensurepip (on Debian and Ubuntu: apt-get install python${version%.*}-venv)"; return 1; }
}

find_python() {
  reason=
  for python in "$@"; do
    describe "$python" && return
    # The first Python that is here is the one that a newcomer means.
    case $missing in *" is not here" | *" does not start") ;; *) reason=${reason:-$missing} ;; esac
  done
  fail "Python 3.11 or newer with venv is needed; ${reason:-$missing}. Another one can be named: PYTHON=/path/to/python3"
}

identity() {
  "$1" -I -c 'import sys; print(sys.version_info[:3], sys.base_prefix)' 2>/dev/null
}

# Whether .venv is whole, belongs to this folder and is of a Python that will do.
usable() {
  [ -f "$mark" ] && [ "$(head -n 1 "$mark")" = "$here" ] || return 1
  .venv/bin/python -I -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || return 1
  [ -z "${PYTHON:-}" ] || [ "$(identity .venv/bin/python)" = "$(identity "$PYTHON")" ]
}

create() {
  find_python ${PYTHON:+"$PYTHON"} $([ -n "${PYTHON:-}" ] || echo python3 python3.13 python3.12 python3.11)
  [ ! -e .venv ] || echo "setup: .venv is unfinished, moved or of another Python; it is made anew"
  rm -rf .venv || fail "$here/.venv cannot be removed; does it belong to another user?"
  echo "setup: $python ($version), $lock into .venv; the first time takes about a minute"
  "$python" -m venv .venv || fail "$python could not make .venv; the reason is above"
}

pip() {
  .venv/bin/python -I -m pip "$@"
}

# A lock is complete, so nothing is resolved: --no-deps cannot meet a release that is newer than the lock. What has no
# wheel is built with the setuptools of the lock; a relative path, as pip splits the variable at spaces. Nothing is
# compiled: half of the time that this takes would be for modules that are never imported.
install() {
  pip install --quiet --no-compile --no-deps --require-hashes --requirement "$installer" \
    && { grep -o '^setuptools==[^ ]*' "$lock" || true; } >.venv/build.lock \
    && PIP_BUILD_CONSTRAINT=.venv/build.lock \
      pip install --quiet --no-compile --no-deps --require-hashes --requirement "$lock" \
    && pip install --quiet --no-deps --no-build-isolation --editable . \
    && { broken=$(pip check) || { echo "$broken"; return 1; }; }
}

# One set-up at a time in a folder, where flock is to be had.
exec 9<"$lock"
! command -v flock >/dev/null || flock 9

wanted="$lock $(cat "$lock" "$installer" pyproject.toml "$0" | cksum)"
others=
if usable; then
  ! grep -qxF "$wanted" "$mark" || exit 0
  others=$(tail -n +2 "$mark" | grep -vF "$lock " || true)
  rm "$mark"
  install || { others=; create; install; }
else
  create
  install
fi || fail "the packages could not be installed; the reason is above"
printf '%s\n' "$here" "$wanted" ${others:+"$others"} >"$mark"
