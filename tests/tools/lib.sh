# Shared by the set-up scripts; sourced, never run. Every function is safe to call again.
# shellcheck shell=bash

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }

# One set-up at a time per folder, so that two make runs do not write into each other's half-made folders.
# usage: lock FILE
lock() {
    mkdir -p "$(dirname "$1")"
    exec 9>"$1"
    flock 9
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        say "root is needed to run: $*"
        return 1
    fi
}

# Installs Debian packages; the package index is fetched once per run of a script, and only if something is missing.
# Nothing that is installed is ever removed for it.
# usage: apt_install PACKAGE...   (fails, and says why, where they cannot be installed)
apt_install() {
    local package missing=()
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null 2>&1 || { say "no apt-get to install: ${missing[*]}"; return 1; }
    say "apt-get install ${missing[*]}"
    local options=(-o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 -qq -y --no-install-recommends --no-remove)
    if [ -z "${apt_updated:-}" ]; then
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 update >&2 </dev/null || return 1
        apt_updated=1
    fi
    # Shown only when it fails: a good installation has a hundred lines to say.
    local output
    output=$(as_root env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" install "${missing[@]}" 2>&1 </dev/null) || {
        printf '%s\n' "$output" >&2
        return 1
    }
}

# usage: need COMMAND PACKAGE...   the command, or the packages that bring it
need() {
    local command=$1
    shift
    command -v "$command" >/dev/null 2>&1 || apt_install "$@"
}

# A virtual environment is the only place where pip writes: Debian's own Python refuses to be written into.
# usage: make_venv DIR
make_venv() {
    need python3 python3
    # Debian splits ensurepip off into python3-venv; without it `python3 -m venv` stops halfway.
    python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
    rm -rf "$1"
    python3 -m venv "$1"
}

# usage: pip_install VENV REQUIREMENTS OPTION...   everything by hash, nothing that is not in the file
pip_install() {
    local venv=$1 requirements=$2
    shift 2
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --retries 5 \
        --require-hashes --no-deps "$@" -r "$requirements" >&2
}

# The state of a set-up: it is done when the stamp holds the checksum of the files that describe it.
# usage: stamp_of FILE...
stamp_of() { cat "$@" | sha256sum | cut -d' ' -f1; }
