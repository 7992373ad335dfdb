#!/usr/bin/env bash
# Compiles the C tests against the shared library and runs each as it is, under valgrind and with AddressSanitizer; one of
# them also against a build with overflow checks.
#
# usage: tests/c/run.sh [qemu | NAME...]
#   qemu   the test against the device in QEMU alone (see qemu_update.c for what it wants in the environment)
#   NAME   only these programs, such as `update threads`
# SMPFOTA_LIB names another library than the release build of this crate.
#
# Prints `ok NAME`, `not ok NAME` or `skip NAME: why`; what a failed program said is shown. Exit code 1 after a failure.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
out=$target/c-tests
lib=${SMPFOTA_LIB:-}
cc=${CC:-cc}
flags=(-std=c11 -g -O1 -Wall -Wextra -Werror -pedantic -I"$root/include" -pthread)
failed=0
export SMPFOTA_TRACES=$root/tests/traces
mkdir -p "$out"

if [ -z "$lib" ]; then
    cargo build --release --quiet --lib --manifest-path "$root/Cargo.toml" || exit 1
    lib=$target/release/libsmpfota.so
fi
lib=$(realpath "$lib")

# usage: check NAME SECONDS COMMAND...   one test: it passes with exit code 0 and says with 77 why it cannot run
check() {
    local name=$1 seconds=$2 log=$out/$1.log code=0
    shift 2
    LD_LIBRARY_PATH=$(dirname "$lib") timeout "$seconds" "$@" >"$log" 2>&1 || code=$?
    case $code in
    0) echo "ok $name" ;;
    77) echo "skip $name: $(tail -n 1 "$log")" ;;
    *)
        echo "not ok $name"
        sed 's/^/  | /' "$log"
        echo "  | exit code $code"
        failed=1
        ;;
    esac
}

# usage: compile NAME PROGRAM FLAGS...   builds the program from NAME.c
compile() {
    local name=$1 program=$2
    shift 2
    "$cc" "${flags[@]}" "$@" "$root/tests/c/$name.c" -o "$program" "$lib" >"$program.log" 2>&1 && return
    echo "not ok $name"
    sed 's/^/  | /' "$program.log"
    failed=1
    return 1
}

# Nothing but functions of the ABI leaves the library, and some do.
only_our_symbols() {
    local exported
    exported=$(nm -D --defined-only "$lib" | awk '$2 == "T" && $3 ~ /^smpfota_/ { ours++; next } { print } END { print ours + 0 }')
    if [[ $exported =~ ^[1-9][0-9]*$ ]]; then
        echo "ok only_our_symbols"
    else
        echo "not ok only_our_symbols"
        printf '%s\n' "$exported" | sed 's/^/  | /'
        failed=1
    fi
}

# The header under every standard that a compiler knows, with every warning that a caller may have turned into an error.
# usage: header_with CC CXX
header_with() {
    local compiler standard log=$out/header-$1.log
    local strict=(-Wall -Wextra -Wpedantic -Wconversion -Werror -I"$root/include")
    if ! command -v "$1" >/dev/null || ! command -v "$2" >/dev/null; then
        echo "skip header-$1: $1 or $2 is not installed"
        return
    fi
    for standard in c99 c11 c17 c2x c++11 c++14 c++17 c++20 c++2b; do
        compiler=("$1" -x c)
        [[ $standard == c++* ]] && compiler=("$2" -x c++)
        "${compiler[@]}" -std=$standard "${strict[@]}" "$root/tests/c/header.c" -x none "$lib" -o "$out/header-$1" >"$log" 2>&1 &&
            LD_LIBRARY_PATH=$(dirname "$lib") "$out/header-$1" >>"$log" 2>&1 && continue
        echo "not ok header-$1"
        echo "  | -std=$standard"
        sed 's/^/  | /' "$log"
        failed=1
        return
    done
    echo "ok header-$1"
}

# usage: three_ways NAME
three_ways() {
    local name=$1 program=$out/$1
    compile "$name" "$program" && SMPFOTA_TEST_MODE=plain check "$name" 120 "$program"
    if ! command -v valgrind >/dev/null; then
        echo "skip $name-valgrind: valgrind is not installed"
    elif [ -x "$program" ]; then
        SMPFOTA_TEST_MODE=valgrind check "$name-valgrind" 600 \
            valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite,indirect,possible --error-exitcode=99 "$program"
    fi
    if [ "$sanitizer" = no ]; then
        echo "skip $name-asan: $cc has no AddressSanitizer"
    elif compile "$name" "$program-asan" -fsanitize=address,undefined -fno-sanitize-recover=undefined; then
        SMPFOTA_TEST_MODE=asan check "$name-asan" 300 "$program-asan"
    fi
}

case ${1:-} in
qemu)
    compile qemu_update "$out/qemu_update" && check qemu_update 240 "$out/qemu_update"
    exit $failed
    ;;
esac

sanitizer=yes
echo 'int main(void) { return 0; }' | "$cc" -fsanitize=address,undefined -x c - -o "$out/probe" 2>/dev/null && "$out/probe" || sanitizer=no
[ $# -gt 0 ] || {
    set -- update worker bad_calls bad_peer any_order clocks threads watched outputs trace
    only_our_symbols
    header_with gcc g++
    header_with clang clang++
    "$root/tests/c/v0_1.sh" "$lib" "$out" || failed=1
}
for name; do three_ways "$name"; done

# The same arbitrary calls on a build that panics where a sum overflows.
if [[ " $* " == *" any_order "* && -z "${SMPFOTA_LIB:-}" ]]; then
    cargo build --quiet --lib --manifest-path "$root/Cargo.toml" || exit 1
    lib=$target/debug/libsmpfota.so
    compile any_order "$out/any_order-checked" && check any_order-checked 300 "$out/any_order-checked"
fi
exit $failed
