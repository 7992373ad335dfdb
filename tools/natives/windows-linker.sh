#!/usr/bin/env bash
# The linker of the Windows platforms. rustc names the functions to export in a .def file, given as -Wl,FILE; zig drops that,
# and then all 17,000 symbols leave the DLL. As an argument of its own zig takes the file.
#
# usage: SMPFOTA_ZIG_TARGET=x86_64-windows-gnu tools/natives/windows-linker.sh ARG...     (called by rustc)
set -euo pipefail
arguments=()
for argument in "$@"; do
    if [[ $argument == -Wl,*.def ]]; then argument=${argument#-Wl,}; fi
    arguments+=("$argument")
done
exec cargo-zigbuild zig cc -- -fno-sanitize=all -target "${SMPFOTA_ZIG_TARGET:?}" "${arguments[@]}"
