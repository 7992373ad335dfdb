"""Writes the flash of a stopped QEMU through its debugger port.

QEMU's own ways to load a file (-kernel, -device loader) load it again at every reset of the device: an update would be undone by the
reset that it ends with. What the debugger has written stays.
"""

import socket

# QEMU read for the first time from a slow disk, on a busy machine, takes ten seconds and more before it answers.
START_TIMEOUT_S = 120
CHUNK = 1024  # QEMU takes packets of at most 4096 characters, two for a byte


class FlashLoader:
    def __init__(self, debugger: socket.socket) -> None:
        self._debugger = debugger
        self._debugger.settimeout(START_TIMEOUT_S)

    def load_and_start(self, flash: bytes, address: int = 0) -> None:
        """Writes from this address on and lets the device start as after power-on."""
        for at in range(0, len(flash), CHUNK):
            chunk = flash[at : at + CHUNK]
            self._command(f"M{address + at:x},{len(chunk):x}:{chunk.hex()}")
        # The CPU took its first stack and program address out of an empty flash; a reset takes them anew.
        self._command("qRcmd," + b"system_reset".hex())
        self._command("D")

    def _command(self, text: str) -> None:
        data = text.encode()
        self._debugger.sendall(b"$" + data + b"#%02x" % (sum(data) & 0xFF))
        heard = b""
        while b"#" not in heard or len(heard) < heard.index(b"#") + 3:
            received = self._debugger.recv(4096)
            if not received:
                raise ConnectionError("QEMU has closed its debugger port")
            heard += received
        self._debugger.sendall(b"+")
        if b"$OK#" not in heard:
            raise RuntimeError(f"QEMU's debugger answers {heard!r} to {text[:40]}")
