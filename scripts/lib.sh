# shellcheck shell=bash
# What demo, test, check and pin share: where the checkout is, plain step lines with their
# time, uv, and the checkout's own environment (.venv). Needs python3 (3.9 or newer) and git.
# Runs on the bash 3.2 of macOS too, so no associative arrays and no empty-array expansion.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
cd -- "$root"

# Trust the certificates this machine trusts: an office's proxy may sign with its own.
if [ -s /etc/ssl/certs/ca-certificates.crt ]; then
  export UV_NATIVE_TLS="${UV_NATIVE_TLS:-true}"
fi

say() { printf '%s\n' "$*"; }

fail() {
  printf 'Stopped: %s\n' "$*" >&2
  exit 1
}

# step "words" command...: one plain line with the time it took; what the command printed is
# shown only when it failed. The command's functions must chain with &&: `set -e` is off here.
step() {
  local words=$1 began=$SECONDS status=0 output
  shift
  output=$(mktemp "${TMPDIR:-/tmp}/haven-step.XXXXXX")
  "$@" >"$output" 2>&1 || status=$?
  if [ "$status" -eq 0 ]; then
    say "ok      $words ($((SECONDS - began)) s)"
  else
    say "failed  $words ($((SECONDS - began)) s)"
    cat "$output" >&2
  fi
  rm -f "$output"
  return "$status"
}

# A shim may be on PATH and still lead nowhere (pyenv, asdf): only a run tells.
works() { "$1" --version >/dev/null 2>&1; }

# as_root command...: fails when we neither are root nor may become root without a password.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    command -v sudo >/dev/null 2>&1 && sudo -n "$@"
  fi
}

# apt_install package...: refreshes the package lists only if the first try fails.
apt_install() {
  command -v apt-get >/dev/null 2>&1 || return 1
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" ||
    { as_root apt-get update &&
      as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; }
}

node_is_there() { works node && works npm; }

# Node.js is for tools only: Haven and its app run without it.
ensure_node() {
  node_is_there && return 0
  step "install Node.js and npm, for the tools of the wallet app" apt_install nodejs npm && node_is_there
}

# npm_install list folder: exactly the packages of a list (scripts/npm_tree.py), each checked by
# its hash before it is unpacked; none of their install scripts runs.
npm_install() {
  local python
  python=$(host_python) &&
    "$python" scripts/npm_tree.py write "$1" "$2" &&
    { npm_ci "$2" || npm_ci "$2"; }
}

# With a cache of the checkout's own: others may be writing to the shared one at this moment.
npm_ci() {
  (cd -- "$1" && npm ci --ignore-scripts --no-audit --no-fund --cache "$root/.tools/npm-cache")
}

# npm_tools name: the packages of scripts/npm-NAME.txt, kept in .tools/NAME/.
npm_tools() {
  local list=scripts/npm-$1.txt folder=.tools/$1 wanted
  wanted=$(fingerprint "$list" scripts/npm_tree.py)
  [ "$(cat "$folder/haven-list" 2>/dev/null)" = "$wanted" ] && return 0
  rm -rf "$folder" && mkdir -p "$folder" && npm_install "$list" "$folder" &&
    say "$wanted" >"$folder/haven-list"
}

# The real path of a Python that can run pip. Asked outside the checkout, where
# .python-version would make a version manager insist on a Python that may not be there.
host_python() {
  local name
  for name in python3 python3.13 /usr/bin/python3 /usr/local/bin/python3 python; do
    (cd / && "$name" -c '
import sys
if sys.version_info < (3, 9):
    sys.exit(1)
print(sys.executable)') 2>/dev/null && return 0
  done
  return 1
}

find_uv() {
  local candidate
  for candidate in uv "$root/.tools/uv/bin/uv" "$root/.tools/uv-target/bin/uv"; do
    if works "$candidate"; then
      uv=$candidate
      return 0
    fi
  done
  return 1
}

uv_into_venv() {
  rm -rf .tools/uv &&
    "$1" -m venv .tools/uv &&
    .tools/uv/bin/python -m pip install --quiet --require-hashes -r scripts/uv.txt &&
    works .tools/uv/bin/uv
}

# For a Python whose distribution left out venv or ensurepip but kept pip.
uv_into_folder() {
  rm -rf .tools/uv .tools/uv-target &&
    "$1" -m pip install --quiet --require-hashes --target .tools/uv-target -r scripts/uv.txt &&
    works .tools/uv-target/bin/uv
}

install_uv() {
  uv_into_venv "$1" || uv_into_folder "$1" || { apt_install python3-venv && uv_into_venv "$1"; }
}

ensure_uv() {
  local python
  find_uv && return 0
  python=$(host_python) || fail "Python 3.9 or newer is needed to begin. Install python3, then run this again."
  step "get uv, which installs the rest (kept in .tools/)" install_uv "$python" ||
    fail "uv could not be installed. Is the network reachable? On Debian and Ubuntu the package python3-venv helps. You can also install uv yourself, then run this again."
  find_uv || fail "uv was installed and still does not start. Delete the folder .tools and run this again."
}

# A Python 3.13 that is already there, or the version for uv to find or fetch.
wanted_python() {
  local candidate
  for candidate in python3.13 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13*/bin/python3.13; do
    "$candidate" -c '
import sys
if sys.version_info[:2] != (3, 13):
    sys.exit(1)
print(sys.executable)' 2>/dev/null && return 0
  done
  say 3.13
}

make_venv() {
  if [ -e .venv ] && [ ! -f .venv/pyvenv.cfg ]; then
    say "There is a .venv here that is no Python environment; it is left alone. Move it away first."
    return 1
  fi
  rm -rf .venv && "$uv" venv --python "$(wanted_python)" .venv && say "$root" >.venv/haven-checkout
}

# Commands in .venv name the checkout's path: after a move they lead nowhere.
venv_is_ours() {
  [ "$(cat .venv/haven-checkout 2>/dev/null)" = "$root" ] && .venv/bin/python -c '' 2>/dev/null
}

# fingerprint file...: changes when one of the files changes.
fingerprint() { cat -- "$@" | (cd / && git hash-object --stdin); }

runtime_fingerprint() { fingerprint pyproject.toml requirements.txt; }
dev_fingerprint() { fingerprint pyproject.toml requirements.txt requirements-dev.txt; }

# Every package by its hash; then Haven itself, editable, built by the pinned build backend.
install_all() {
  local file wanted=()
  for file in "$@"; do wanted+=(-r "$file"); done
  "$uv" pip install --compile-bytecode --python .venv/bin/python --require-hashes "${wanted[@]}" &&
    "$uv" pip install --python .venv/bin/python --no-deps --no-build-isolation --editable .
}

# ensure_env runtime|dev: nothing at all to do when the stamp fits, which is the usual start.
ensure_env() {
  local kind=$1 files=(requirements.txt) words="install what Haven runs on"
  if venv_is_ours && [ "$(cat ".venv/haven-$kind" 2>/dev/null)" = "$("${kind}_fingerprint")" ]; then
    return 0
  fi
  if [ "$kind" = dev ]; then
    files+=(requirements-dev.txt)
    words="install what Haven runs on and is tested with"
  fi
  ensure_uv
  venv_is_ours || step "make .venv with Python 3.13" make_venv ||
    fail "Python 3.13 could not be set up. If it cannot be fetched here, install it (python3.13), then run this again."
  step "$words" install_all "${files[@]}" ||
    fail "A package could not be installed; the reason stands above. Run this again when it is mended: it goes on where it stopped."
  runtime_fingerprint >.venv/haven-runtime
  if [ "$kind" = dev ]; then dev_fingerprint >.venv/haven-dev; fi
}
