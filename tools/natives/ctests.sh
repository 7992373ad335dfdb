#!/usr/bin/env bash
# Runs the C tests with a native file of another platform, under what can run it here; installs that from Debian's archive.
#
# usage: tools/natives/ctests.sh native|musl|qemu-aarch64|qemu-arm|wine FILE
#
# Prints `ok NAME` or `not ok NAME` and what a failed program said; exit code 1 after a failure. The tests are those of tests/c that
# need no device; valgrind and the sanitizers have their turn in tests/c/run.sh.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/tests/tools/lib.sh"
kind=${1:?} file=$(realpath "${2:?}")
cross=$root/.cache/cross
out=${CARGO_TARGET_DIR:-$root/target}/cross/ctests/$kind
zig=("$cross/venv/bin/python" -m ziglang cc)
export ZIG_GLOBAL_CACHE_DIR=$cross/zig
rm -rf "$out"
mkdir -p "$out"
cp "$file" "$out/"
library=$out/$(basename "$file")
lock "$out.lock"

suffix='' seconds=300
case $kind in
native)
    cc=("${CC:-cc}") runner=(env "LD_LIBRARY_PATH=$out")
    need "${CC:-cc}" gcc libc6-dev
    ;;
musl)
    cc=(musl-gcc) runner=(env "LD_LIBRARY_PATH=$out")
    need musl-gcc musl musl-tools
    ;;
qemu-aarch64)
    cc=("${zig[@]}" -target aarch64-linux-gnu.2.31) runner=(qemu-aarch64-static -L /usr/aarch64-linux-gnu -E "LD_LIBRARY_PATH=$out")
    seconds=900
    apt_install qemu-user-static libc6-arm64-cross libgcc-s1-arm64-cross
    ;;
qemu-arm)
    cc=("${zig[@]}" -target arm-linux-gnueabihf.2.31) runner=(qemu-arm-static -L /usr/arm-linux-gnueabihf -E "LD_LIBRARY_PATH=$out")
    seconds=900
    apt_install qemu-user-static libc6-armhf-cross libgcc-s1-armhf-cross
    ;;
wine)
    . "$here/wine.sh"
    cc=("${zig[@]}" -target x86_64-windows-gnu) runner=(wine_run)
    suffix=.exe
    wine_setup "$out"
    # A C compiler links a DLL through an import library; the package has none, since .NET needs none.
    {
        echo "LIBRARY $(basename "$file")"
        echo EXPORTS
        "$cross/venv/bin/python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import check; print("\n".join(sorted(check.functions_of_the_header())))' "$here"
    } >"$out/smpfota.def"
    "$cross/venv/bin/python" -m ziglang dlltool -m i386:x86-64 -d "$out/smpfota.def" -l "$out/libsmpfota.a"
    library=$out/libsmpfota.a
    ;;
*)
    echo "no such way to run: $kind" >&2
    exit 2
    ;;
esac

failed=0
for name in update bad_calls bad_peer any_order threads; do
    program=$out/$name$suffix log=$out/$name.log code=0
    "${cc[@]}" -std=c11 -O1 -g -I"$root/include" -pthread "$root/tests/c/$name.c" -o "$program" "$library" >"$log" 2>&1 || code=$?
    if [ $code = 0 ]; then
        export SMPFOTA_TEST_MODE=plain
        if [ "${runner[0]}" = wine_run ]; then wine_run "$seconds" "$program"; else timeout "$seconds" "${runner[@]}" "$program"; fi >"$log" 2>&1 || code=$?
    fi
    if [ $code = 0 ]; then
        echo "  ok $name ($kind)"
    else
        echo "  not ok $name ($kind): exit code $code"
        tail -n 40 "$log" | sed 's/^/  | /'
        failed=1
    fi
done
exit $failed
