#!/usr/bin/env python3
"""Runs a command with a second device in QEMU: a Zephyr 4.4.0 server with every group (files, settings, shell, storage).

usage: tests/qemu/with_all_groups.py [--newer] [--timeout SECONDS] -- COMMAND ARGS...

The command finds in its environment
    SMPFOTA_QEMU_ALL_PORT                TCP port on 127.0.0.1: the device's console
    SMPFOTA_QEMU_ALL_110, _120           files: its own application as versions 1.1.0 and 1.2.0; 0.0.0 runs
    SMPFOTA_QEMU_ALL_NEWER               only with --newer
Exit code: that of the command; 124 when it was ended for taking too long; 77 where there is no QEMU (stderr says why).

The server is an mps2-an385 behind MCUboot in RAM load mode with serial recovery, 4 buffers of 400 bytes, littlefs at /lfs1. It comes
with the other one (see README.md of this folder), and its files are checked against the sums they come with. With --newer it is a
server of after 4.4.0, with 4 buffers of 384 bytes, whose recovery tells its own: 1 of 1,024.
"""

import argparse
import base64
import hashlib
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from console_bridge import ConsoleBridge, EmulatedCpu
from flash_loader import FlashLoader
from with_device import prepare, run

SERVER = "zephyr_4.4.0_smp_server_0eae053d_mps2_an385_serial_recovery_buf400"
NEWER_SERVER = "zephyr_f33aa2bc4a43_smp_server_27c54835_mps2_an385_serial_recovery"
# Where the image is put, as the manifest of the servers says.
IMAGE_ADDRESS = 0x20050000
READY_S = 30.0
# It says nothing of its boot, so it is given this long.
MAX_BOOT_S = 3.0
# The recovery never sleeps; it takes its lines out of the UART as fast as they come.
MAX_LINE_S = 0.01
# An echo in SMP version 2 as the console carries it: what it is answered with says that the server runs.
ECHO = b"\x06\x09" + base64.b64encode(bytes.fromhex("000f" "0a00000500000000" "a161646168" "7ea1")) + b"\n"


def checked(folder: Path, name: str) -> Path:
    sums = dict(reversed(line.split()) for line in (folder / "SHA256SUMS").read_text().splitlines())
    if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sums.get(name):
        raise SystemExit(f"{name} is not what SHA256SUMS says")
    return folder / name


def as_version(image: bytes, version: tuple[int, int, int]) -> bytes:
    """The image under another version. This MCUboot checks the hash and no key, so no key is needed."""
    header, size = int.from_bytes(image[8:10], "little"), int.from_bytes(image[12:16], "little")
    hashed = bytearray(image[: header + size])
    hashed[20:28] = struct.pack("<BBHI", *version, 0)
    # The only TLV is the hash of what is before the TLVs: two heads of 4 bytes, then the hash.
    head = image[header + size : header + size + 8]
    if head != struct.pack("<HHHH", 0x6907, 40, 0x10, 32):
        sys.exit("the server's image has other TLVs than its hash")
    return bytes(hashed) + head + hashlib.sha256(hashed).digest()


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
    parser.add_argument("--newer", action="store_true", help="the server of after 4.4.0")
    parser.add_argument("--timeout", type=float, default=120.0, metavar="SECONDS")
    parser.add_argument("--transcript", type=Path, metavar="FILE", help="what went over the console, with times")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    fixtures = prepare()
    servers = fixtures / "smp-server"
    name = NEWER_SERVER if options.newer else SERVER
    bootloader, image = checked(servers, f"{name}.hex"), checked(servers, f"{name}.signed.bin").read_bytes()
    console, qemu_console = socket.socketpair()
    debugger, qemu_debugger = socket.socketpair()
    with qemu_console, qemu_debugger:
        process = subprocess.Popen(
            [
                str(fixtures / "qemu"),
                *("-machine", "mps2-an385", "-cpu", "cortex-m3", "-nographic", "-monitor", "none", "-S"),
                *("-name", "smpfota,debug-threads=on"),  # so that the thread of the CPU is to be found
                *("-chardev", f"socket,id=console,fd={qemu_console.fileno()}", "-serial", "chardev:console", "-serial", "null"),
                *("-chardev", f"socket,id=debugger,fd={qemu_debugger.fileno()}", "-gdb", "chardev:debugger"),
                *("-device", f"loader,file={bootloader}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[qemu_console.fileno(), qemu_debugger.fileno()],
        )
    bridge = ConsoleBridge(console, EmulatedCpu(process.pid).is_asleep, options.transcript, MAX_BOOT_S, MAX_LINE_S)
    try:
        with debugger:
            FlashLoader(debugger).load_and_start(image, IMAGE_ADDRESS)
        if not runs(bridge):
            print(f"the device in QEMU did not answer within {READY_S:g} s", file=sys.stderr)
            return 1
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "SMPFOTA_QEMU_ALL_PORT": str(bridge.port)}
            if options.newer:
                environment["SMPFOTA_QEMU_ALL_NEWER"] = "1"
            for number in (110, 120):
                path = Path(folder, f"app_{number}.bin")
                path.write_bytes(as_version(image, (1, number // 10 % 10, 0)))
                environment[f"SMPFOTA_QEMU_ALL_{number}"] = str(path)
            return run(options.command, environment, options.timeout)
    finally:
        bridge.close()
        process.terminate()
        process.wait(timeout=10)


if __name__ == "__main__":
    sys.exit(main())
