"""A real device for tests: Zephyr 4.4.0 behind MCUboot (swap using offset) in QEMU, its console on a TCP port of 127.0.0.1.

    with QemuDevice(fixtures) as device:
        ...connect to ("127.0.0.1", device.port) and speak SMP over the console...

It starts with version 1.0.0 in slot 0 and nothing in slot 1. The flash keeps its content over resets and is new with every start
of QEMU. docs in README.md of this folder.
"""

import socket
import subprocess
from pathlib import Path

from console_bridge import ConsoleBridge, EmulatedCpu
from flash_loader import FlashLoader


class QemuDevice:
    """Starts on entering and stops on leaving; ends no process but its own."""

    def __init__(self, fixtures: Path, transcript: Path | None = None, ready_timeout_s: float = 60.0) -> None:
        self.fixtures = Path(fixtures)
        self._transcript = transcript
        self._ready_timeout_s = ready_timeout_s
        self._process: subprocess.Popen | None = None
        self._bridge: ConsoleBridge | None = None

    def __enter__(self) -> "QemuDevice":
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return self._bridge.port

    def wait_until_running(self, timeout_s: float) -> bool:
        """Whether the application runs (again); False after the time given."""
        return self._bridge.ready.wait(timeout_s)

    def _start(self) -> None:
        # Pairs of connected sockets, one end handed to QEMU: no port to be found, and the bridge sees what QEMU has read.
        console, qemu_console = socket.socketpair()
        debugger, qemu_debugger = socket.socketpair()
        with qemu_console, qemu_debugger:
            self._process = subprocess.Popen(
                [
                    str(self.fixtures / "qemu"),
                    *("-machine", "microbit", "-cpu", "cortex-m0", "-nographic", "-monitor", "none", "-S"),
                    *("-name", "smpfota,debug-threads=on"),  # so that the thread of the CPU is to be found
                    *("-chardev", f"socket,id=console,fd={qemu_console.fileno()}", "-serial", "chardev:console"),
                    *("-chardev", f"socket,id=debugger,fd={qemu_debugger.fileno()}", "-gdb", "chardev:debugger"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[qemu_console.fileno(), qemu_debugger.fileno()],
            )
        self._bridge = ConsoleBridge(console, EmulatedCpu(self._process.pid).is_asleep, self._transcript)
        try:
            with debugger:
                FlashLoader(debugger).load_and_start((self.fixtures / "flash.bin").read_bytes())
            if not self.wait_until_running(self._ready_timeout_s):
                raise TimeoutError(f"the device in QEMU did not boot within {self._ready_timeout_s} s")
        except OSError as failure:
            self._process.terminate()
            said = self._process.stderr.read().decode(errors="replace")
            self.stop()
            raise RuntimeError(f"{failure}; QEMU said: {said}") from failure

    def stop(self) -> None:
        if self._bridge is not None:
            self._bridge.close()
            self._bridge = None
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process.stderr.close()
            self._process = None
