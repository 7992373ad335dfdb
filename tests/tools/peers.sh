#!/usr/bin/env bash
# Brings other people's SMP clients (smpclient, mcumgr-toolkit) and imgtool into a virtual environment, pinned by hash.
#
# usage: tests/tools/peers.sh [DIR]      (default .cache/peers; DIR/bin/python runs them)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
dir=${1:-"$here/../../.cache/peers"}
mkdir -p "$(dirname "$dir")"
dir=$(cd "$(dirname "$dir")" && pwd)/$(basename "$dir")
lock "$dir.lock"

requirements=$here/../peers/requirements.txt
build=$here/../peers/requirements-build.txt
stamp=$(stamp_of "$here/peers.sh" "$requirements" "$build")
# An environment breaks when the Python it was made with goes; then it is made anew.
if [ "$(cat "$dir/stamp" 2>/dev/null)" = "$stamp" ] && "$dir/bin/python" -c 'import smpclient, mcumgr_toolkit' 2>/dev/null; then
    exit 0
fi

need python3 python3
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { say "Python 3.11 or newer is needed"; exit 1; }
say "bringing smpclient, mcumgr-toolkit and imgtool into $dir"
make_venv "$dir"
pip_install "$dir" "$build"
pip_install "$dir" "$requirements" --no-build-isolation
echo "$stamp" >"$dir/stamp"
