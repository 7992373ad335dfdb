"""This library, driven from Python over its C ABI, for comparison with other clients: an upload over UDP."""

import ctypes
import json
import os
import socket
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LIBRARY = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "libsmpfota.so"

OK, WAIT, DONE = 0, 1, 3
UPLOAD_ONLY = 3
# Places in the structs of include/smpfota.h, which hold 32-bit numbers only.
SESSION_OPTIONS, MAX_WRITE, MAX_FRAME, REASSEMBLY = 16, 2, 3, 14
UPDATE_OPTIONS, MODE = 8, 1
NO_REASSEMBLY = 2
LARGEST_ANSWER = 4096


class Failed(Exception):
    """The upload ended with this status."""


class Library:
    def __init__(self) -> None:
        self._lib = ctypes.CDLL(str(LIBRARY))
        for name in ("session_next_frame", "session_deadline", "session_feed", "session_progress_get"):
            getattr(self._lib, f"smpfota_{name}").restype = ctypes.c_int32

    def _call(self, name: str, *arguments) -> int:
        return getattr(self._lib, f"smpfota_{name}")(*arguments)

    def _must(self, name: str, *arguments) -> None:
        status = self._call(name, *arguments)
        if status != OK:
            raise Failed(f"{name}: status {status}")

    def _options(self, name: str, words: int, values: dict[int, int]) -> ctypes.Array:
        options = (ctypes.c_uint32 * words)()
        self._must(f"{name}_options_init", options, ctypes.c_uint32(ctypes.sizeof(options)))
        for place, value in values.items():
            options[place] = value
        return options

    def upload(self, host: str, port: int, image: bytes, frame: int) -> None:
        """Uploads with datagrams of at most `frame` bytes, one frame each."""
        file = ctypes.c_size_t()
        self._must("image_open_bytes", image, ctypes.c_size_t(len(image)), ctypes.byref(file), None)

        def start(session: ctypes.c_size_t) -> None:
            update = self._options("update", UPDATE_OPTIONS, {MODE: UPLOAD_ONLY})
            self._must("session_start_update", session, file, update, None)

        try:
            self._run(host, port, frame, start)
        finally:
            self._must("image_close", file)

    def upload_file(self, host: str, port: int, name: str, content: bytes, frame: int) -> None:
        """Writes a file of the device, in the same way."""
        words = json.dumps({"name": name}).encode()

        def start(session: ctypes.c_size_t) -> None:
            sizes = ctypes.c_size_t(len(words)), ctypes.c_size_t(len(content))
            self._must("session_start_upload", session, words, sizes[0], content, sizes[1], None)

        self._run(host, port, frame, start)

    def _run(self, host: str, port: int, frame: int, start) -> None:
        session = ctypes.c_size_t()
        limits = {MAX_WRITE: frame, MAX_FRAME: frame, REASSEMBLY: NO_REASSEMBLY}
        self._must("session_open", self._options("session", SESSION_OPTIONS, limits), ctypes.byref(session), None)
        try:
            start(session)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
                device.connect((host, port))
                self._drive(session, device, frame)
        finally:
            self._must("session_close", session)

    def _drive(self, session: ctypes.c_size_t, device: socket.socket, frame: int) -> None:
        buffer = ctypes.create_string_buffer(frame)
        length, deadline = ctypes.c_size_t(), ctypes.c_uint64()

        def now() -> ctypes.c_uint64:
            return ctypes.c_uint64(time.monotonic_ns() // 1_000_000)

        while True:
            status = self._call("session_next_frame", session, now(), buffer, ctypes.c_size_t(frame), ctypes.byref(length))
            if status == OK:
                device.send(buffer.raw[: length.value])
            elif status == WAIT:
                self._must("session_deadline", session, ctypes.byref(deadline))
                device.settimeout(max(deadline.value - now().value, 1) / 1000)
                try:
                    answer = device.recv(LARGEST_ANSWER)
                except TimeoutError:
                    continue
                self._must("session_feed", session, now(), answer, ctypes.c_size_t(len(answer)))
            elif status == DONE:
                return
            else:
                raise Failed(f"status {status}")
