#!/usr/bin/env bash
# Runs one program per language over the C ABI: each updates the virtual device, saves and restores the session in the middle, and makes a
# wrong call that the library explains.
#
# usage: tests/languages/run.sh [NAME...]     python_ctypes python_cffi node cpp go luajit ruby rust (default: all)
# SMPFOTA_LIB names another library than the release build of this crate. tests/tools/languages.sh brings what they need.
#
# Prints `ok NAME`, `not ok NAME` or `skip NAME: why`, and last `N passed, N failed, N skipped`. Exit code 1 after a failure.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
here=$root/tests/languages
tools=$root/.cache/languages
include=$root/include
out=$target/languages
mkdir -p "$out"
lib=${SMPFOTA_LIB:-}
if [ -z "$lib" ]; then
    cargo build --release --quiet --lib --manifest-path "$root/Cargo.toml" || exit 1
    lib=$target/release/libsmpfota.so
fi
lib=$(realpath "$lib")
folder=$(dirname "$lib")
export LD_LIBRARY_PATH=$folder
passed=0 failed=0 skipped=0

# What each program needs, and how it is made and run. The commands run one after the other while they succeed.
needs() {
    case $1 in
    python_ctypes) echo python3 ;;
    python_cffi) echo "$tools/venv/bin/python cc" ;;
    node) echo node ;;
    cpp) echo c++ ;;
    go) echo go cc ;;
    luajit) echo luajit cc ;;
    ruby) echo ruby ;;
    rust) echo bindgen rustc ;;
    esac
}

program() {
    case $1 in
    python_ctypes) python3 "$here/python_ctypes.py" "$lib" ;;
    python_cffi) "$tools/venv/bin/python" "$here/python_cffi.py" "$lib" "$include" ;;
    node) NODE_PATH=$tools/node_modules node "$here/node.js" "$lib" ;;
    cpp) c++ -std=c++17 -Wall -Wextra -Werror -I"$include" "$here/cpp.cpp" -o "$out/cpp" "$lib" && "$out/cpp" ;;
    go)
        CGO_CFLAGS=-I$include CGO_LDFLAGS="-L$folder -lsmpfota" GOCACHE=$out/go-cache GOTOOLCHAIN=local \
            go build -o "$out/go" "$here/main.go" && "$out/go"
        ;;
    luajit) luajit "$here/luajit.lua" "$lib" "$include" ;;
    ruby) ruby "$here/ruby.rb" "$lib" ;;
    rust)
        # Newer versions of bindgen do by themselves what the option says.
        { bindgen --size_t-is-usize "$include/smpfota.h" -o "$out/abi.rs" 2>/dev/null || bindgen "$include/smpfota.h" -o "$out/abi.rs"; } &&
            ABI=$out/abi.rs rustc --edition 2021 "$here/rust.rs" -o "$out/rust" -L "$folder" -l smpfota && "$out/rust"
        ;;
    esac
}

lacks() {
    local need
    for need in $(needs "$1"); do
        command -v "$need" >/dev/null || { echo "$need is not installed" && return; }
    done
    [ "$1" != node ] || [ -d "$tools/node_modules/koffi" ] || echo "koffi is not installed"
    [ "$1" != python_cffi ] || "$tools/venv/bin/python" -c 'import cffi' 2>/dev/null || echo "cffi is not installed"
}

# The refusal comes with the name of the option, and the device runs the new version after a save and a restore.
says_all() {
    grep -q '^refused: INVALID_ARGUMENT: .*max_write is 3; it must lie between 20 and 65535\.$' "$1" &&
        grep -q '^saved: [1-9][0-9]* bytes' "$1" && grep -q '^updated: 1\.1\.0' "$1"
}

[ $# -gt 0 ] || set -- python_ctypes python_cffi node cpp go luajit ruby rust
for name; do
    why=$(lacks "$name")
    if [ -z "$(needs "$name")" ]; then
        echo "not ok $name: there is no such program"
        failed=$((failed + 1))
    elif [ -n "$why" ]; then
        echo "skip $name: $why"
        skipped=$((skipped + 1))
    elif program "$name" >"$out/$name.log" 2>&1 && says_all "$out/$name.log"; then
        echo "ok $name"
        passed=$((passed + 1))
    else
        echo "not ok $name"
        sed 's/^/  | /' "$out/$name.log"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
