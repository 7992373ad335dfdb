# Runs Windows programs with Debian's wine; sourced, after tests/tools/lib.sh.
# shellcheck shell=bash
#
# wine 8 has no bcryptprimitives.dll, which every Rust program asks for random numbers: bcryptprimitives.c beside the program
# stands in for it. That is for tests only; every Windows from 7 on has the real one.

wine_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
wine_root=$(cd "$wine_here/../.." && pwd)

# usage: wine_setup FOLDER   wine itself, settings of its own, and the stand-in in FOLDER
wine_setup() {
    wine_program=$(command -v wine64 || echo /usr/lib/wine/wine64)
    [ -x "$wine_program" ] || apt_install wine64 || return 1
    wine_program=$(command -v wine64 || echo /usr/lib/wine/wine64)
    # Not below the repository: its drive Z: is a link to /, and cargo follows links when it looks for what a build may depend on.
    export WINEPREFIX=${TMPDIR:-/tmp}/smpfota-wine-$(id -u) WINEDEBUG=-all
    wine_stand_in "$1"
    # No offer to install Mono or Gecko while the settings are made. Later mscoree has to be there: wine asks for it at each assembly.
    [ -f "$WINEPREFIX/system.reg" ] || WINEDLLOVERRIDES="mscoree,mshtml=" timeout 300 "$wine_program" cmd.exe /c exit >/dev/null 2>&1 </dev/null || return 1
}

# usage: wine_stand_in FOLDER
wine_stand_in() {
    local python=$wine_root/.cache/cross/venv/bin/python
    ZIG_GLOBAL_CACHE_DIR=$wine_root/.cache/cross/zig "$python" -m ziglang cc -target x86_64-windows-gnu -shared -O2 \
        -o "$1/bcryptprimitives.dll" "$wine_here/bcryptprimitives.c" -ladvapi32
    rm -f "$1"/bcryptprimitives.{pdb,lib}
}

# usage: wine_run SECONDS PROGRAM ARGUMENT...   in the folder of the program
wine_run() {
    local seconds=$1 program=$2
    shift 2
    (cd "$(dirname "$program")" && timeout "$seconds" "$wine_program" "$(basename "$program")" "$@" </dev/null)
}
