#!/usr/bin/env bash
# The linker of the macOS platforms: LLVM's, called as rustc calls a C compiler. zig's own has no -exported_symbols_list, so that four
# names too many leave the library, and takes macOS 13 for the oldest system.
#
# usage: SMPFOTA_OLDEST=11.0 tools/natives/macos-linker.sh ARG...     (called by rustc)
#
# ld64.lld comes with rustup's toolchain, the list of what macOS itself exports (libSystem.tbd) with zig.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
system=$(echo "$root"/.cache/cross/venv/lib/python3*/site-packages/ziglang/lib/libc/darwin)
stubs=$root/.cache/cross/macos
mkdir -p "$stubs"
# These are parts of libSystem under other names; libiconv is asked for by Rust's libc and used by nobody.
for name in System c m; do ln -sfn "$system/libSystem.tbd" "$stubs/lib$name.tbd"; done
cat >"$stubs/libiconv.tbd" <<'TBD'
--- !tapi-tbd
tbd-version:     4
targets:         [ x86_64-macos, arm64-macos ]
install-name:    '/usr/lib/libiconv.2.dylib'
...
TBD

arguments=()
while [ $# -gt 0 ]; do
    case $1 in
    -Wl,*) IFS=, read -ra parts <<<"${1#-Wl,}"; arguments+=("${parts[@]}") ;;
    -dynamiclib) arguments+=(-dylib) ;;
    -isysroot | -target) shift ;;
    -nodefaultlibs | -mmacosx-version-min=* | -fuse-ld=*) ;;
    *) arguments+=("$1") ;;
    esac
    shift
done
exec ld64.lld -platform_version macos "${SMPFOTA_OLDEST:?}" "$SMPFOTA_OLDEST" -adhoc_codesign -dead_strip_dylibs "-L$stubs" \
    "${arguments[@]}" -lSystem
