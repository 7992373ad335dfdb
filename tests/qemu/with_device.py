#!/usr/bin/env python3
"""Runs a command with a fresh device in QEMU.

usage: tests/qemu/with_device.py [--timeout SECONDS] [--transcript FILE] -- COMMAND ARGS...

The command finds in its environment
    SMPFOTA_QEMU_PORT                    TCP port on 127.0.0.1: the device's console
    SMPFOTA_QEMU_VERSION                 1.0.0, what runs on it
    SMPFOTA_IMAGE_100, _110, _120        signed images of these versions; 100 is the running one
Exit code: that of the command; 124 when it was ended for taking too long; 77 where there is no QEMU (stderr says why).
"""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FIXTURES = ROOT / ".cache" / "fixtures"
SKIPPED = 77


def prepare() -> Path:
    """The folder with the emulator and the images; ends the program where they cannot be had."""
    code = subprocess.run([ROOT / "tests" / "tools" / "qemu.sh", FIXTURES], stdin=subprocess.DEVNULL).returncode
    if code:
        sys.exit(code)
    return FIXTURES


def environment(fixtures: Path, port: int) -> dict[str, str]:
    images = {f"SMPFOTA_IMAGE_{v.replace('.', '')}": str(fixtures / f"app_{v}.bin") for v in ("1.0.0", "1.1.0", "1.2.0")}
    return {**os.environ, **images, "SMPFOTA_QEMU_PORT": str(port), "SMPFOTA_QEMU_VERSION": "1.0.0"}


def run(command: list[str], env: dict[str, str], timeout_s: float) -> int:
    # A session of its own, so that what the command has started ends with it.
    with subprocess.Popen(command, env=env, start_new_session=True) as process:
        try:
            return process.wait(timeout=timeout_s)
        except BaseException as reason:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            if not isinstance(reason, subprocess.TimeoutExpired):
                raise
            print(f"with_device.py: ended after {timeout_s:g} s: {' '.join(command)}", file=sys.stderr)
            return 124


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs a command with a fresh device in QEMU.")
    parser.add_argument("--timeout", type=float, default=120.0, metavar="SECONDS")
    parser.add_argument("--transcript", type=Path, metavar="FILE", help="what went over the console, with times")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    fixtures = prepare()

    sys.path.insert(0, str(HERE))
    from qemu_device import QemuDevice

    with QemuDevice(fixtures, options.transcript) as device:
        code = run(options.command, environment(fixtures, device.port), options.timeout)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
