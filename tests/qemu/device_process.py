"""The device in QEMU in a process of its own.

A client library that holds Python's global lock while it waits would otherwise keep the bridge from carrying what it waits for.

As a program: starts a device and a pseudo-terminal, prints one line of JSON with "port" and "pty", ends when its input does.
"""

import json
import subprocess
import sys
from pathlib import Path

from console_pty import ConsolePty
from qemu_device import QemuDevice


class DeviceProcess:
    """`with DeviceProcess(fixtures) as device:` device.port is the console on TCP, device.pty the same as a terminal."""

    def __init__(self, fixtures: Path, transcript: Path | None = None) -> None:
        arguments = [str(fixtures), *([str(transcript)] if transcript else [])]
        self._command = [sys.executable, str(Path(__file__).resolve()), *arguments]

    def __enter__(self) -> "DeviceProcess":
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline()
        if not line:
            self.__exit__()
            raise RuntimeError("the device did not start")
        place = json.loads(line)
        self.port, self.pty = place["port"], place["pty"]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._process.stdout.close()


def main() -> None:
    fixtures, *transcript = map(Path, sys.argv[1:])
    with QemuDevice(fixtures, *transcript) as device, ConsolePty(device.port) as pty:
        print(json.dumps({"port": device.port, "pty": pty}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
