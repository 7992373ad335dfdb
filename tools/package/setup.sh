#!/usr/bin/env bash
# Brings the Python that makes and checks the package: DIR/bin/python, with a reader of native files and what deflates best.
#
# usage: tools/package/setup.sh [DIR]      (default .cache/package)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../tests/tools/lib.sh"
dir=${1:-"$here/../../.cache/package"}
mkdir -p "$(dirname "$dir")"
dir=$(cd "$(dirname "$dir")" && pwd)/$(basename "$dir")
lock "$dir.lock"
requirements=$here/../natives/requirements-check.txt
stamp=$(stamp_of "$here/setup.sh" "$requirements" "$here/requirements.txt")
if [ "$(cat "$dir/stamp" 2>/dev/null)" = "$stamp" ] && "$dir/bin/python" -c 'import lief, zopfli' 2>/dev/null; then
    exit 0
fi
say "bringing a reader of native files and zopfli into $dir"
make_venv "$dir"
"$dir/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { say "Python 3.11 or newer is needed"; exit 1; }
pip_install "$dir" "$requirements"
pip_install "$dir" "$here/requirements.txt"
echo "$stamp" >"$dir/stamp"
