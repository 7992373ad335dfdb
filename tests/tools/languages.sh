#!/usr/bin/env bash
# Brings what the programs of tests/languages/ need: compilers and interpreters, and, pinned by hash, cffi and koffi.
#
# usage: tests/tools/languages.sh [NAME...]     for these programs alone (default: all); cffi and koffi go into .cache/languages
#
# What cannot be had is said, and tests/languages/run.sh skips the program that needs it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
dir=$here/../../.cache/languages
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
lock "$dir.lock"
programs=$here/../languages

bring() {
    case $1 in
    python_ctypes) need python3 python3 ;;
    python_cffi) need cc gcc libc6-dev ;;
    node) need node nodejs && need npm npm ;;
    cpp) need c++ g++ ;;
    go) need go golang-go && need cc gcc libc6-dev ;;
    luajit) need luajit luajit && need cc gcc libc6-dev ;;
    ruby) need ruby ruby ;;
    rust) need bindgen bindgen ;;
    esac || say "not all that $1 needs can be had here"
}
[ $# -gt 0 ] || set -- python_ctypes python_cffi node cpp go luajit ruby rust
for name; do bring "$name"; done

stamp=$(stamp_of "$here/languages.sh" "$programs/requirements.txt" "$programs/package-lock.json")
[ "$(cat "$dir/stamp" 2>/dev/null)" != "$stamp" ] || exit 0
make_venv "$dir/venv"
pip_install "$dir/venv" "$programs/requirements.txt" || { say "cffi cannot be had"; exit 0; }
cp "$programs/package.json" "$programs/package-lock.json" "$dir/"
(cd "$dir" && npm ci --silent --no-audit --no-fund >&2) || { say "koffi cannot be had"; exit 0; }
echo "$stamp" >"$dir/stamp"
