#!/usr/bin/env bash
# Makes the images for tests/firmware_imgtool.rs with the real imgtool, of MCUboot 2.x and of 1.x, keys and all.
#
# usage: tests/imgtool/run.sh [OUT]     (default target/imgtool; nothing happens when it is there already)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/tests/tools/lib.sh"
out=${1:-"$root/target/imgtool"}
mkdir -p "$out"
lock "$root/.cache/imgtool-1.lock"

"$root/tests/tools/peers.sh"
python=$root/.cache/peers/bin/python
old=$root/.cache/imgtool-1
stamp=$(stamp_of "$here/requirements-1.txt")
if [ "$(cat "$old/stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -rf "$old"
    "$python" -m pip install --quiet --disable-pip-version-check --no-input --retries 5 \
        --require-hashes --no-deps --target "$old" -r "$here/requirements-1.txt" >&2
    echo "$stamp" >"$old/stamp"
fi

stamp=$(stamp_of "$here/generate.py" "$here/requirements-1.txt" "$root/tests/peers/requirements.txt")
if [ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ]; then
    exit 0
fi
say "making images with imgtool in $out"
rm -f "$out/stamp"
"$python" "$here/generate.py" "$out"
PYTHONPATH=$old "$python" "$here/generate.py" --old "$out/old"
"$python" "$here/generate.py" --inspect "$out/old"
echo "$stamp" >"$out/stamp"
