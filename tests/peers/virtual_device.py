"""The UDP program of the virtual device, and images for it that imgtool has made."""

import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(
    os.environ.get(
        "SMPFOTA_VIRTUAL_DEVICE",
        Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "examples" / "virtual_device",
    )
)


class VirtualDevice:
    """`with VirtualDevice("--profile", "ncs-2.1") as (host, port):` starts it on a free port, and ends it."""

    def __init__(self, *options: str) -> None:
        self._command = [str(PROGRAM), "--udp", "127.0.0.1:0", *options]

    def __enter__(self) -> tuple[str, int]:
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline().strip()
        prefix = "listening on "
        if not line.startswith(prefix):
            self.__exit__()
            raise RuntimeError(f"the virtual device did not start: {line!r}")
        host, port = line.removeprefix(prefix).rsplit(":", 1)
        return host, int(port)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)
        self._process.stdout.close()


def make_image(version: str, size: int) -> bytes:
    """An MCUboot image of a payload of random bytes, the same for the same arguments."""
    with tempfile.TemporaryDirectory() as folder:
        payload, output = Path(folder, "payload"), Path(folder, "image")
        payload.write_bytes(random.Random(f"{version} {size}").randbytes(size))
        options = ["--header-size", "0x200", "--pad-header", "--slot-size", "0x77000", "--align", "4", "--version", version]
        command = [sys.executable, "-m", "imgtool.main", "sign", *options, str(payload), str(output)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return output.read_bytes()
