#!/usr/bin/env bash
# Brings what cross-building needs into .cache/cross; nothing of it is installed into the system.
#
# usage: tools/natives/setup.sh [DIR]      (default .cache/cross)
#
# Afterwards:
#   DIR/rust         rustc with the source of its standard library, unpacked from Debian (its packages conflict with other Rusts)
#   DIR/venv         zig, cargo-zigbuild and lief; DIR/venv/bin/python runs build.py and check.py
#   DIR/toolchain    what was taken, one line each: a newer compiler makes other bytes
#
# No stable rustup toolchain has both the source and a way to be told to compile it, hence Debian's rustc.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../tests/tools/lib.sh"
dir=${1:-"$here/../../.cache/cross"}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
lock "$dir.lock"

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || { say "cross-builds run on Linux on x86-64"; exit 1; }

bring_rust() {
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || { say "the compiler comes from Debian's archive: apt-get is needed"; exit 1; }
    as_root apt-get -qq -o DPkg::Lock::Timeout=600 update >&2
    local std llvm
    # Two names carry a version that moves with the archive; rustc's own package says which.
    std=$(apt-cache depends libstd-rust-web-dev | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\)$/\1/p' | head -n 1)
    llvm=$(apt-cache depends "$std" | sed -n 's/.*Depends: \(libllvm[0-9]*\)$/\1/p' | head -n 1)
    [ -n "$std" ] && [ -n "$llvm" ] || { say "this Debian has no rustc-web (12 and newer do, with security updates)"; exit 1; }
    say "unpacking rustc-web, its standard library and $llvm into $dir/rust"
    rm -rf "$dir/rust.new" "$dir/debs"
    mkdir -p "$dir/debs"
    (cd "$dir/debs" && apt-get -qq -o APT::Sandbox::User=root download rustc-web rust-web-src libstd-rust-web-dev "$std" "$llvm")
    for deb in "$dir"/debs/*.deb; do dpkg -x "$deb" "$dir/rust.new"; done
    (cd "$dir/debs" && sha256sum ./*.deb | sed 's:\./::') >"$dir/rust.new/packages"
    rm -rf "$dir/debs" "$dir/rust"
    # The folder gets its name only when it is whole, so an interrupted run is simply done again.
    mv "$dir/rust.new" "$dir/rust"
}

bring_python() {
    local stamp
    stamp=$(stamp_of "$here/setup.sh" "$here"/requirements*.txt)
    if [ "$(cat "$dir/venv/stamp" 2>/dev/null)" = "$stamp" ] && "$dir/venv/bin/python" -c 'import lief' 2>/dev/null; then
        return
    fi
    say "bringing zig, cargo-zigbuild and lief into $dir/venv"
    make_venv "$dir/venv"
    "$dir/venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { say "Python 3.11 or newer is needed"; exit 1; }
    pip_install "$dir/venv" "$here/requirements.txt"
    pip_install "$dir/venv" "$here/requirements-check.txt"
    echo "$stamp" >"$dir/venv/stamp"
}

[ -f "$dir/rust/packages" ] || bring_rust
bring_python
{
    cat "$dir/rust/packages"
    grep -ho '^[a-z-]*==[^ ]*' "$here"/requirements*.txt
    cargo --version
} >"$dir/toolchain"
