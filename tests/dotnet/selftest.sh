#!/usr/bin/env bash
# Checks the stand-in for xunit: what must pass passes, what must fail fails, and the counts say so. Then runs the tests among the
# recipes of docs/DOTNET.md with it.
# Runs after tests/dotnet/build.sh; prints `ok NAME` and `not ok NAME` lines.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
out=${CARGO_TARGET_DIR:-$root/target}/dotnet
[ "$(cat "$out/built-by" 2>/dev/null)" = csc ] || { echo "skip standin: the SDK's own xunit is in use"; exit 0; }

"$root/.cache/dotnet/csc" -nologo -nowarn:1701,1702 -langversion:12 -nullable:enable -warnaserror+ -target:library \
    "-out:$out/SelfTest.dll" "-reference:$out/xunit-standin.dll" "$root/tests/dotnet/selftest/SelfTest.cs" || exit 1

# usage: expect NAME EXIT LAST-LINE OPTION...
expect() {
    local name=$1 code=$2 line=$3 output got
    shift 3
    output=$("$root/.cache/dotnet/dotnet" "$out/xunit-standin.dll" "$out/$tests.dll" "$@")
    got=$?
    if [ $got = "$code" ] && [ "$(tail -n 1 <<<"$output")" = "$line" ]; then
        echo "ok $name"
    else
        echo "not ok $name: exit $got instead of $code, last line instead of '$line':"
        sed 's/^/    /' <<<"$output"
    fi
}

tests=SelfTest
expect good 0 'passed=11 failed=0 skipped=2' --exclude SelfTest.Bad
expect bad 1 'passed=1 failed=5 skipped=0' --filter SelfTest.Bad
expect nothing 1 'passed=0 failed=0 skipped=0' --filter NoSuchTest
tests=Recipes
expect recipes 0 'passed=1 failed=0 skipped=0'
