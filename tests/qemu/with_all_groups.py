#!/usr/bin/env python3
"""Runs a command with a second device in QEMU: a Zephyr 4.4.0 server with every group (files, settings, shell, storage).

usage: tests/qemu/with_all_groups.py [--timeout SECONDS] -- COMMAND ARGS...

The command finds in its environment
    SMPFOTA_QEMU_ALL_PORT                TCP port on 127.0.0.1: the device's console
Exit code: that of the command; 124 when it was ended for taking too long; 77 where there is no QEMU (stderr says why).

The server is an mps2-an385 behind MCUboot in RAM load mode, 4 buffers of 400 bytes, littlefs at /lfs1. It comes with the other one
(see README.md of this folder), and its files are checked against the sums they come with.
"""

import argparse
import base64
import hashlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from console_bridge import ConsoleBridge
from with_device import prepare, run

SERVER = "zephyr_4.4.0_smp_server_0eae053d_mps2_an385_serial_recovery_buf400"
# Where the image is put, as the manifest of the servers says.
IMAGE_ADDRESS = 0x20050000
READY_S = 30.0
# An echo in SMP version 2 as the console carries it: what it is answered with says that the server runs.
ECHO = b"\x06\x09" + base64.b64encode(bytes.fromhex("000f" "0a00000500000000" "a161646168" "7ea1")) + b"\n"


def checked(folder: Path, name: str) -> Path:
    sums = dict(reversed(line.split()) for line in (folder / "SHA256SUMS").read_text().splitlines())
    if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sums.get(name):
        raise SystemExit(f"{name} is not what SHA256SUMS says")
    return folder / name


def runs(bridge: ConsoleBridge) -> bool:
    """Whether the server answers. It says nothing of its boot, so it is asked; the bridge then lets everything pass."""
    until = time.monotonic() + READY_S
    with socket.create_connection(("127.0.0.1", bridge.port), timeout=0.5) as client:
        while time.monotonic() < until:
            time.sleep(0.5)
            bridge.ready.set()
            client.sendall(ECHO)
            try:
                if client.recv(256):
                    return True
            except TimeoutError:
                continue
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs a command with a Zephyr server with every group in QEMU.")
    parser.add_argument("--timeout", type=float, default=120.0, metavar="SECONDS")
    parser.add_argument("--transcript", type=Path, metavar="FILE", help="what went over the console, with times")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    fixtures = prepare()
    servers = fixtures / "smp-server"
    bootloader, image = checked(servers, f"{SERVER}.hex"), checked(servers, f"{SERVER}.signed.bin")
    console, qemu_console = socket.socketpair()
    with qemu_console:
        process = subprocess.Popen(
            [
                str(fixtures / "qemu"),
                *("-machine", "mps2-an385", "-cpu", "cortex-m3", "-nographic", "-monitor", "none"),
                *("-chardev", f"socket,id=console,fd={qemu_console.fileno()}", "-serial", "chardev:console", "-serial", "null"),
                *("-device", f"loader,file={bootloader}", "-device", f"loader,file={image},addr={IMAGE_ADDRESS:#x}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[qemu_console.fileno()],
        )
    bridge = ConsoleBridge(console, options.transcript)
    try:
        if not runs(bridge):
            print(f"the device in QEMU did not answer within {READY_S:g} s", file=sys.stderr)
            return 1
        return run(options.command, {**os.environ, "SMPFOTA_QEMU_ALL_PORT": str(bridge.port)}, options.timeout)
    finally:
        bridge.close()
        process.terminate()
        process.wait(timeout=10)


if __name__ == "__main__":
    sys.exit(main())
