#!/usr/bin/env python3
"""Builds, checks and tests the shared library for other machines: target/native/<rid>/, as a NuGet package wants it.

usage: tools/natives/build.py [--no-tests] [RID...]       default: every row of platforms.toml

Runs with the Python of tools/natives/setup.sh. A file that fails a check or a test does not get into target/native. The last line
is `N built, N failed`. A platform takes three to four minutes of a processor.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import check
import standard_library
from platforms import CROSS, NATIVE, ROOT, TARGET, Platform, chosen

RUST = CROSS / "rust" / "usr"
CARGO_HOME = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
LOGS = TARGET / "cross" / "logs"


def cargo_folder() -> Path:
    """Where cargo itself is. rustup's stand-in of it would put rustup's compiler in front of ours."""
    if shutil.which("rustup"):
        found = subprocess.run(["rustup", "which", "cargo"], cwd=ROOT, capture_output=True, text=True)
        if found.returncode == 0:
            return Path(found.stdout.strip()).parent
    return Path(shutil.which("cargo") or "cargo").parent

# Without the printing of backtraces: a twelfth of the file, for names that a stripped library no longer has.
STANDARD_LIBRARY = ["-Zbuild-std=std,panic_unwind", "-Zbuild-std-features=panic-unwind"]


def own_linker(platform: Platform) -> str | None:
    """Where zig as it is would let more out of the library than the functions of the header."""
    return {".dll": "windows-linker.sh", ".dylib": "macos-linker.sh"}.get(Path(platform.file).suffix)


def environment(platform: Platform) -> dict[str, str]:
    cargo = cargo_folder()
    # cargo strips a dylib with rust-objcopy and the linker of a dylib is ld64.lld: rustup's toolchain has them, Debian's has not.
    tools = cargo.parent / "lib" / "rustlib" / "x86_64-unknown-linux-gnu" / "bin"
    # No path of this machine may be in the product, and the same bytes come from every folder.
    flags = [
        f"--remap-path-prefix={CARGO_HOME}/registry/src=/cargo",
        f"--remap-path-prefix={RUST}/lib/rustlib/src/rust=/rust",
        f"--remap-path-prefix={RUST}=/rust",
        f"--remap-path-prefix={ROOT}=/smpfota",
        # Where the processor has no instructions for it, the digest of an image is computed by loops that nobody unrolled: 25 KB less.
        '--cfg=sha2_backend_soft="compact"',
        *platform.flags,
    ]
    env = dict(os.environ)
    for name in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTUP_TOOLCHAIN", "CFLAGS", "SDKROOT"):
        env.pop(name, None)
    env |= {
        "PATH": os.pathsep.join([str(CROSS / "venv" / "bin"), str(cargo), env["PATH"], str(tools), str(tools / "gcc-ld")]),
        "RUSTC": str(RUST / "bin" / "rustc"),
        "RUSTC_BOOTSTRAP": "1",  # a stable compiler that is to build its own standard library must be told that we know
        "LD_LIBRARY_PATH": f"{RUST}/lib/x86_64-linux-gnu:{RUST}/lib",
        "CARGO_TARGET_DIR": str(TARGET / "cross"),
        "CARGO_ZIGBUILD_CACHE_DIR": str(CROSS / "zigbuild"),
        "ZIG_GLOBAL_CACHE_DIR": str(CROSS / "zig"),
        "SOURCE_DATE_EPOCH": "0",
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags),
    }
    if linker := own_linker(platform):
        env[f"CARGO_TARGET_{platform.triple.upper().replace('-', '_')}_LINKER"] = str(Path(__file__).parent / linker)
    if platform.oldest:
        env["MACOSX_DEPLOYMENT_TARGET"] = env["SMPFOTA_OLDEST"] = platform.oldest
    if platform.file.endswith(".dll"):
        env["SMPFOTA_ZIG_TARGET"] = f"{platform.triple.split('-')[0]}-windows-gnu"
    return env


def build(platform: Platform) -> Path:
    """The freshly built file, or CalledProcessError."""
    # cargo-zigbuild would put its own linker in the place of ours.
    plain = own_linker(platform) is not None
    tool, target = (["cargo", "rustc"], platform.triple) if plain else (["cargo-zigbuild", "rustc"], platform.target)
    jobs = ["-j", os.environ["JOBS"]] if "JOBS" in os.environ else []
    options = ["--release", "--lib", "--crate-type", "cdylib", "--locked", *STANDARD_LIBRARY, *jobs]
    env = environment(platform)
    tool[0] = shutil.which(tool[0], path=env["PATH"]) or tool[0]
    LOGS.mkdir(parents=True, exist_ok=True)
    with (LOGS / f"{platform.rid}.log").open("w") as log:
        subprocess.run([*tool, *options, "--target", target], cwd=ROOT, env=env, stdout=log, stderr=log, check=True)
    return TARGET / "cross" / platform.triple / "release" / platform.built_as


def test(platform: Platform, file: Path) -> bool:
    """The C tests with this file; True as well where the table names no way to run them."""
    if not platform.tests:
        print("  not run: no machine and no emulator of it here", flush=True)
        return True
    script = Path(__file__).parent / "ctests.sh"
    return subprocess.run([script, platform.tests, file], cwd=ROOT).returncode == 0


def make(platform: Platform, with_tests: bool) -> bool:
    print(f"== {platform.rid} ==", flush=True)
    start = time.monotonic()
    log = LOGS / f"{platform.rid}.log"
    try:
        built = build(platform)
    except subprocess.CalledProcessError:
        print("\n".join(f"  | {row}" for row in log.read_text(errors="replace").splitlines()[-40:]))
        print(f"  not built (all of it: {os.path.relpath(log, ROOT)})", flush=True)
        return False
    print(f"  built in {time.monotonic() - start:.0f} s: {built.stat().st_size} bytes", flush=True)
    # Under its own name and apart from what has passed already.
    candidate = platform.file_in(TARGET / "cross" / "candidate")
    candidate.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(built, candidate)
    candidate.chmod(0o755)
    problems = check.problems(platform, candidate)
    for problem in problems:
        print(f"  WRONG: {problem}", flush=True)
    if problems:
        return False
    print(f"  checked: {check.summary(platform, candidate)}", flush=True)
    if with_tests and not test(platform, candidate):
        return False
    final = platform.file_in(NATIVE)
    final.parent.mkdir(parents=True, exist_ok=True)
    candidate.replace(final)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description="Builds, checks and tests the shared library for other machines.")
    parser.add_argument("--no-tests", action="store_true", help="build and check only")
    parser.add_argument("rid", nargs="*", help="the platforms; all without any")
    arguments = parser.parse_args()
    platforms = chosen(arguments.rid)
    failed = [platform.rid for platform in platforms if not make(platform, not arguments.no_tests)]
    if not failed:
        NATIVE.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CROSS / "toolchain", NATIVE / "toolchain")
        standard_library.write()
    if failed:
        print(f"failed: {', '.join(failed)}")
    print(f"{len(platforms) - len(failed)} built, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
