#!/usr/bin/env bash
# Times uploads of this library and of other clients into the virtual device; see bench.py.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
tests/tools/peers.sh
cargo build --quiet --release --lib --example virtual_device
log=${CARGO_TARGET_DIR:-$root/target}/bench/peers.log
mkdir -p "$(dirname "$log")"
# The clients talk of every retry.
exec .cache/peers/bin/python tests/peers/bench.py "$@" 2>"$log"
