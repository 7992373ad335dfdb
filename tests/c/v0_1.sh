#!/usr/bin/env bash
# The C tests of 0.1.0, compiled with the header of 0.1.0, against the library of today: a program that was linked with 0.1.0 goes on
# as it did, but for what the changelog lists as breaking. Each of those is one line of the tests, named below.
#
# usage: tests/c/v0_1.sh LIBRARY OUT
#
# Prints `ok v0_1-NAME`, `not ok v0_1-NAME` or `skip v0_1: why`; exit code 1 after a failure.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
lib=$(realpath "$1")
out=$2/v0_1
commit=899784e70cebd52a289bc2f6236a5fd36a105fbe
failed=0

# A shallow clone has no history; its origin may have it.
git -C "$root" cat-file -e "$commit^{commit}" 2>/dev/null ||
    git -C "$root" fetch --quiet --depth=1 origin "$commit" 2>/dev/null || {
    echo "skip v0_1: the commit of 0.1.0 is neither in this clone nor at its origin"
    exit 0
}
rm -rf "$out"
mkdir -p "$out"
git -C "$root" archive "$commit" tests/c include | tar -x -C "$out" || exit 1

# usage: changed FILE BEFORE AFTER   what the changelog lists as breaking
changed() {
    grep -qF "$2" "$out/tests/c/$1" || {
        echo "not ok v0_1-$1"
        echo "  | no longer there: $2"
        failed=1
    }
    local text
    text=$(<"$out/tests/c/$1")
    printf '%s\n' "${text//"$2"/"$3"}" >"$out/tests/c/$1"
}

# The sentence of an unknown status.
changed bad_calls.c 'STATUS(smpfota_status_text(6, text, sizeof text, &length), SMPFOTA_INVALID_ARGUMENT);' \
    'OK(smpfota_status_text(6, text, sizeof text, &length));'
# A bit of the update's flags that has a meaning now.
changed bad_calls.c 'update_options.flags = 64;' 'update_options.flags = 1024;'
# A time of another clock is refused.
changed bad_peer.c 'OK(smpfota_session_feed(session, UINT64_MAX, bytes, length));' \
    'OK(smpfota_session_feed(session, UINT32_MAX, bytes, length));'
changed bad_peer.c 'const uint64_t times[] = {0, UINT64_MAX, 1, UINT64_MAX - 1, UINT64_MAX / 2, 0};' \
    'const uint64_t times[] = {0, UINT32_MAX, 1, UINT32_MAX - 1, UINT32_MAX / 2, 0};'
# A cancel is never told BUSY.
changed threads.c 'status = smpfota_session_cancel(f.session, 0); break;' 'status = smpfota_session_resume(f.session, 0); break;'

for name in update bad_calls bad_peer any_order threads; do
    log=$out/$name.log
    "${CC:-cc}" -std=c11 -g -O1 -I"$out/include" -pthread "$out/tests/c/$name.c" -o "$out/$name" "$lib" >"$log" 2>&1 &&
        LD_LIBRARY_PATH=$(dirname "$lib") timeout 300 "$out/$name" >>"$log" 2>&1 && echo "ok v0_1-$name" && continue
    echo "not ok v0_1-$name"
    sed 's/^/  | /' "$log"
    failed=1
done
exit $failed
