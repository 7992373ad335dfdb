"""How long an upload takes: this library, smpclient and mcumgr-toolkit, side by side.

usage: tests/peers/bench.sh [--only SUBSTRING]

Prints a table and writes target/bench/peers.json: a list of {client, what, frame, delay_ms, loss, seconds}. The same image into the
virtual device over UDP, with 4 buffers; without loss, with some, with the first chunk or its answer lost; and a file into a real Zephyr
server. `delay_ms` is one way. Each time is the median of --runs runs; it is null where most of them failed or took longer than LIMIT_S. Each
client has its own process, so that one that hangs can be ended.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from virtual_device import VirtualDevice, make_image  # noqa: E402
from zephyr_udp import ZephyrUdp, program  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
IMAGE_SIZE = 100_665
IMAGE_OVERHEAD = 0x200 + 40  # header, and the trailer with the hash
# What the file system of the Zephyr server has room for.
FILE_SIZE = 6_000
FILE_NAME = "/lfs1/f"
LIMIT_S = 400.0
CLIENTS = ("smpfota", "smpclient", "mcumgr-toolkit")


@dataclass(frozen=True)
class Row:
    what: str
    frame: int
    delay_ms: int
    loss: float = 0.0
    drop: str = ""


ROWS = [
    *(Row("image", frame, 30, loss) for loss in (0.0, 1.0) for frame in (244, 384, 2475)),
    *(Row("image", frame, 150) for frame in (244, 384, 2475)),
    Row("image, first chunk lost", 384, 31, drop="chunk:1"),
    Row("image, its answer lost", 384, 31, drop="chunk-answer:1"),
    *(Row("file, Zephyr 4.4.0", frame, delay) for delay in (30, 150) for frame in (244, 1024)),
]


def upload(client: str, host: str, port: int, row: Row, content: bytes, seconds) -> None:
    """Uploads and writes down the time; any failure ends the process before that."""
    from clients import FACES
    from library import Library

    is_file = row.what.startswith("file")
    if client == "smpfota":
        face = Library()
        start = time.monotonic()
        if is_file:
            face.upload_file(host, port, FILE_NAME, content, row.frame)
        else:
            face.upload(host, port, content, row.frame)
    else:
        face = FACES[client].udp(host, port, row.frame)
        start = time.monotonic()
        if is_file:
            face.upload_file(FILE_NAME, content)
        else:
            face.upload(content)
    seconds.value = time.monotonic() - start


def server(row: Row):
    if row.what.startswith("file"):
        return ZephyrUdp(row.delay_ms)
    options = ["--delay-ms", str(row.delay_ms), "--loss", str(row.loss), "--buf-size", str(row.frame), "--buf-count", "4"]
    # The list of two images has to fit the smallest buffer as well.
    return VirtualDevice(*options, "--frugal-list", "1", "--drop", row.drop)


def measure(client: str, row: Row, image: bytes) -> float | None:
    content = image[:FILE_SIZE] if row.what.startswith("file") else image
    seconds = multiprocessing.Value("d", -1.0)
    with server(row) as (host, port):
        process = multiprocessing.Process(target=upload, args=(client, host, port, row, content, seconds))
        process.start()
        process.join(LIMIT_S)
        if process.is_alive():
            process.kill()
            process.join()
    return seconds.value if seconds.value >= 0 else None


def median(client: str, row: Row, image: bytes, runs: int) -> float | None:
    # A failure is the longest time.
    times = sorted((measure(client, row, image) for _ in range(runs)), key=lambda t: LIMIT_S if t is None else t)
    middle = times[len(times) // 2]
    return None if middle is None else round(middle, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description="Times uploads of this library and of other clients.")
    parser.add_argument("--only", default="", help="rows whose name holds this")
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()

    image = make_image("1.1.0", IMAGE_SIZE - IMAGE_OVERHEAD)
    assert len(image) == IMAGE_SIZE
    rows = []
    print(f"{'what':<24} {'frame':>6} {'there and back':>15} {'loss':>5}  " + "".join(f"{c:>16}" for c in CLIENTS))
    for row in ROWS:
        if options.only not in f"{row.what} {row.frame} {row.delay_ms}":
            continue
        if row.what.startswith("file") and program() is None:
            print(f"{row.what:<24} not measured: see tests/peers/zephyr_udp.py")
            continue
        times = [median(client, row, image, options.runs) for client in CLIENTS]
        known = {"what": row.what, "frame": row.frame, "delay_ms": row.delay_ms, "loss": row.loss}
        rows += [{"client": client, **known, "seconds": took} for client, took in zip(CLIENTS, times)]
        shown = "".join(f"{'failed' if t is None else f'{t:.1f} s':>16}" for t in times)
        print(f"{row.what:<24} {row.frame:>6} {2 * row.delay_ms:>12} ms {row.loss:>3g} %  {shown}", flush=True)

    output = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "bench" / "peers.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
