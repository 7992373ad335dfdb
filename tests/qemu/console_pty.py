"""A pseudo-terminal in front of a TCP console, for clients that know serial ports only."""

import os
import select
import socket
import threading
import tty


class ConsolePty:
    """`with ConsolePty(port) as path:` path is the terminal to open."""

    def __init__(self, port: int) -> None:
        self._console = socket.create_connection(("127.0.0.1", port))
        self._near, self._far = os.openpty()
        tty.setraw(self._far)
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._copy, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        # The far end stays open here: a terminal that nobody has open gives errors instead of silence.
        return os.ttyname(self._far)

    def __exit__(self, *_: object) -> None:
        os.close(self._stopped)
        self._thread.join(timeout=5)
        self._console.close()
        for end in (self._near, self._far, self._stop):
            os.close(end)

    def _copy(self) -> None:
        while True:
            readable, _, _ = select.select([self._console, self._near, self._stop], [], [])
            if self._stop in readable:
                return
            if self._near in readable:
                self._console.sendall(os.read(self._near, 4096))
            if self._console in readable:
                data = self._console.recv(4096)
                if not data:
                    return
                os.write(self._near, data)
