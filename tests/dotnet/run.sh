#!/usr/bin/env bash
# Builds and runs the C# tests. The last line is `passed=N failed=N skipped=N`.
#
# usage: tests/dotnet/run.sh [--filter TEXT] [--exclude TEXT]     (part of the full name of a test)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
out=${CARGO_TARGET_DIR:-$root/target}/dotnet
"$root/tests/dotnet/build.sh"
export DOTNET_ROLL_FORWARD=Major DOTNET_CLI_TELEMETRY_OPTOUT=1

if [ "$(cat "$out/built-by")" = csc ]; then
    exec "$root/.cache/dotnet/dotnet" "$out/xunit-standin.dll" "$out/SmpFota.Tests.dll" "$@"
fi

filter=
while [ $# -gt 1 ]; do
    case $1 in
    --filter) filter="$filter&FullyQualifiedName~$2" ;;
    --exclude) filter="$filter&FullyQualifiedName!~$2" ;;
    *) echo "usage: $0 [--filter TEXT] [--exclude TEXT]" >&2; exit 2 ;;
    esac
    shift 2
done
code=0
rm -f "$out/tests.trx"
# The console shows failures as they are; the counts come from the report, whose format is stable.
"$root/.cache/dotnet/dotnet" test "$out/SmpFota.Tests.dll" --nologo --logger 'trx;LogFileName=tests.trx' \
    --results-directory "$out" ${filter:+--filter "${filter#&}"} || code=$?
counts=$(grep -o '<Counters [^>]*>' "$out/tests.trx" | head -n 1)
count() { sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" <<<"$counts"; }
# Skipped tests are in "total" but not in "executed"; "notExecuted" stays 0 for them.
echo "passed=$(count passed) failed=$(($(count executed) - $(count passed))) skipped=$(($(count total) - $(count executed)))"
exit $code
