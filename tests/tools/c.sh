#!/usr/bin/env bash
# Brings what the C tests need: a C and a C++ compiler with AddressSanitizer, valgrind, nm. Prints what cannot be had.
#
# usage: tests/tools/c.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
lock "$here/../../.cache/c.lock"

need gcc gcc libc6-dev
need g++ g++
need nm binutils
need valgrind valgrind libc6-dbg
# The header is compiled by a second compiler too.
need clang clang || say "there is no clang here"

sanitizes() {
    echo 'int main(void) { return 0; }' | "$1" -fsanitize=address -x c -o "$probe" - 2>/dev/null && "$probe"
}
probe=$(mktemp)
trap 'rm -f "$probe"' EXIT
# Debian's gcc brings its own sanitizer; clang is the second choice.
sanitizes "${CC:-gcc}" || sanitizes clang || { apt_install clang libclang-rt-14-dev && sanitizes clang; } ||
    say "no compiler here has AddressSanitizer"
