"""A real Zephyr 4.4.0 SMP server over UDP, for file transfers: the native build that the source distribution of smpclient carries.

It is a program of 32 bits. Where the system has no loader for those, the packages libc6-i386 and lib32gcc-s1 are enough, installed or
unpacked into a folder that SMPFOTA_I386 names.
"""

import heapq
import os
import select
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SERVER = "zephyr_4.4.0_smp_server_0eae053d_native_sim_udp.exe"
PORT = 1337
START_S = 20.0


def program() -> list[str] | None:
    """What to run, or `None` where it cannot be had."""
    fixtures = Path(os.environ.get("SMPFOTA_FIXTURES", ROOT / ".cache" / "fixtures"))
    server = fixtures / "smp-server" / SERVER
    unpacked = os.environ.get("SMPFOTA_I386")
    if not server.is_file():
        return None
    if unpacked:
        folder = Path(unpacked)
        libraries = f"{folder / 'lib32'}:{folder / 'usr' / 'lib32'}"
        return [str(folder / "lib32" / "ld-linux.so.2"), "--library-path", libraries, str(server)]
    loader = Path("/lib/ld-linux.so.2")
    return [str(loader), str(server)] if loader.exists() else None


class ZephyrUdp:
    """`with ZephyrUdp(delay_ms) as (host, port):` starts it, `delay_ms` away in each direction, with an empty file system."""

    def __init__(self, delay_ms: float) -> None:
        self._delay_s = delay_ms / 1000

    def __enter__(self) -> tuple[str, int]:
        self._folder = tempfile.TemporaryDirectory()
        flash = Path(self._folder.name, "flash.bin")
        command = [*program(), f"-flash={flash}", "-flash_erase", "-uart_stdinout"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait()
        self._client_side = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._client_side.bind(("127.0.0.1", 0))
        self._server_side = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._server_side.connect(("127.0.0.1", PORT))
        self._ends = False
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()
        return self._client_side.getsockname()

    def __exit__(self, *_: object) -> None:
        self._ends = True
        self._thread.join()
        self._client_side.close()
        self._server_side.close()
        self._process.terminate()
        self._process.wait(timeout=10)
        self._folder.cleanup()

    def _wait(self) -> None:
        """Until it answers its parameters."""
        deadline = time.monotonic() + START_S
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.2)
            probe.connect(("127.0.0.1", PORT))
            while time.monotonic() < deadline:
                try:
                    probe.send(bytes([0x08, 0, 0, 1, 0, 0, 0, 6, 0xA0]))
                    probe.recv(1024)
                    return
                except OSError:
                    time.sleep(0.05)
        raise RuntimeError("the Zephyr server did not start")

    def _carry(self) -> None:
        """Datagrams in both directions, each as late as it shall be."""
        due, number, client = [], 0, None
        while not self._ends:
            wait = min(due[0][0] - time.monotonic(), 0.1) if due else 0.1
            ready, _, _ = select.select([self._client_side, self._server_side], [], [], max(wait, 0))
            for side in ready:
                try:
                    datagram, address = side.recvfrom(65_536)
                except OSError:
                    continue
                if side is self._client_side:
                    client = address
                number += 1
                heapq.heappush(due, (time.monotonic() + self._delay_s, number, side is self._client_side, datagram))
            while due and due[0][0] <= time.monotonic():
                _, _, down, datagram = heapq.heappop(due)
                if down:
                    self._server_side.send(datagram)
                elif client:
                    self._client_side.sendto(datagram, client)
