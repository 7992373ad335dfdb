"""What stands between a client and the console of the device in QEMU.

Holds the only connection to QEMU and offers a port of its own, because the emulated UART is more delicate than a real one:

- a byte that arrives while the device boots fills a queue that nobody empties, and the console hears nothing more until the
  next start of QEMU. Here such bytes are dropped, as a wire drops them: from the answer to a reset, or the first line of the
  bootloader, to the line with which the application says that it runs;
- a connection that closes while the UART sends stops it. Here clients may come and go; what is sent while none is there is lost;
- it has no baud rate: bytes come as fast as the CPU takes them out, and the server, which keeps two lines at most, loses the
  third when its interrupt handler never gets out of the way; now and then it does not recover from that. Here the lines of a
  frame come one by one: the next when QEMU has read the last one and the emulated CPU has gone to sleep after it. A fixed
  pause would do on an idle machine only.

One client at a time: a new one takes the place of the old one.
"""

import base64
import binascii
import fcntl
import re
import socket
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

BOOTLOADER_STARTS = b"*** Booting MCUboot"
APPLICATION_RUNS = re.compile(rb"smp_sample: build time:[^\n]*\n")
PACKET = re.compile(rb"\x06\x09([A-Za-z0-9+/=]+)\n")
# Should a boot not be heard of (the device hangs), the wire opens again: then the client sees silence, as it should.
MAX_BOOT_S = 20.0
# How often, and how many times in a row, the CPU must be seen asleep; and when the next line is sent nevertheless.
LOOK_S = 0.0003
LOOKS = 3
MAX_LINE_S = 0.5


def is_reset_answer(line: bytes) -> bool:
    """Whether the text of a first console packet holds the answer to an OS reset (op 3, group 0, command 5)."""
    try:
        packet = base64.b64decode(line)
    except binascii.Error:
        return False
    return len(packet) >= 10 and packet[2] & 7 == 3 and packet[6:8] == b"\0\0" and packet[9] == 5


class EmulatedCpu:
    """The CPU that a QEMU process emulates."""

    def __init__(self, pid: int) -> None:
        self._tasks = Path(f"/proc/{pid}/task")
        self._thread: Path | None = None

    def is_asleep(self) -> bool:
        """Whether it waits for an interrupt: its thread sleeps then."""
        if self._thread is None:
            self._thread = next(t for t in self._tasks.iterdir() if "TCG" in (t / "comm").read_text())
        # pid (name) state ...
        return (self._thread / "stat").read_text().rpartition(")")[2].split()[0] == "S"


class ConsoleBridge:
    def __init__(
        self,
        device: socket.socket,
        is_asleep: Callable[[], bool],
        transcript: Path | None = None,
        max_boot_s: float = MAX_BOOT_S,
        max_line_s: float = MAX_LINE_S,
    ) -> None:
        self.ready = threading.Event()  # the application runs and hears
        self._device = device
        self._is_asleep = is_asleep
        self._max_boot_s = max_boot_s
        self._max_line_s = max_line_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._client: socket.socket | None = None
        self._booting_since = time.monotonic()
        self._heard = b""
        self._lock = threading.Lock()
        self._transcript = transcript.open("w") if transcript else None
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._from_device, self._clients)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        for end in (self._listener, self._device, self._client):
            if end is not None:
                _shut(end)
        for thread in self._threads:
            thread.join(timeout=5)
        if self._transcript:
            self._transcript.close()

    def _note(self, what: str, data: bytes) -> None:
        if self._transcript:
            with self._lock:
                self._transcript.write(f"{time.monotonic():.4f} {what} {data!r}\n")
                self._transcript.flush()

    def _from_device(self) -> None:
        while data := _receive(self._device):
            self._note("<", data)
            self._follow(data)
            client = self._client
            if client is not None:
                try:
                    client.sendall(data)
                except OSError:
                    pass  # it has gone; the device does not notice

    def _follow(self, data: bytes) -> None:
        """Notices resets and boots in what the device sends, however it is cut."""
        self._heard = (self._heard + data)[-4096:]
        events = [(m.start(), False) for m in re.finditer(re.escape(BOOTLOADER_STARTS), self._heard)]
        events += [(m.end(), True) for m in APPLICATION_RUNS.finditer(self._heard)]
        events += [(m.end(), False) for m in PACKET.finditer(self._heard) if is_reset_answer(m[1])]
        if not events:
            return
        end, running = max(events)
        # What was looked at is not looked at again, but for the part of a line that is still to come.
        self._heard = self._heard[max(end, self._heard.rfind(b"\n") + 1, 0) :]
        if running:
            self.ready.set()
        else:
            self._booting_since = time.monotonic()
            self.ready.clear()

    def _clients(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            old, self._client = self._client, client
            if old is not None:
                _shut(old)
            threading.Thread(target=self._from_client, args=(client,), daemon=True).start()

    def _from_client(self, client: socket.socket) -> None:
        while data := _receive(client):
            open_again = time.monotonic() - self._booting_since > self._max_boot_s
            for line in data.splitlines(keepends=True):
                if client is self._client and (self.ready.is_set() or open_again):
                    self._note(">", line)
                    self._to_device(line)
                else:
                    self._note("dropped", line)

    def _to_device(self, line: bytes) -> None:
        try:
            self._device.sendall(line)
            deadline = time.monotonic() + self._max_line_s
            seen = 0
            while seen < LOOKS and time.monotonic() < deadline:
                time.sleep(LOOK_S)
                seen = 0 if _unread(self._device) or not self._is_asleep() else seen + 1
        except (OSError, ValueError):
            return  # QEMU has ended, or the socket to it is closed


def _unread(end: socket.socket) -> int:
    """Bytes (and some bookkeeping) that the other end of a socket pair has not read yet."""
    return int.from_bytes(fcntl.ioctl(end, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def _receive(end: socket.socket) -> bytes:
    try:
        return end.recv(4096)
    except OSError:
        return b""


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()
