"""How long an upload takes: this library, smpclient and mcumgr-toolkit, side by side.

usage: tests/peers/bench.sh [--frames 244,384,2475] [--losses 0,1]

The same image into the virtual device over UDP, 30 ms away (60 ms there and back), 4 buffers. Prints a table and writes
target/bench/peers.json: a list of {client, frame, loss, seconds}; seconds is null where the upload failed or took longer than
LIMIT_S. Each client has its own process, so that one that hangs can be ended.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from virtual_device import VirtualDevice, make_image  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
IMAGE_SIZE = 100_665
IMAGE_OVERHEAD = 0x200 + 40  # header, and the trailer with the hash
DELAY_MS = 30
LIMIT_S = 240.0
CLIENTS = ("smpfota", "smpclient", "mcumgr-toolkit")


def upload(client: str, host: str, port: int, frame: int, image: bytes, seconds) -> None:
    """Uploads and writes down the time; any failure ends the process before that."""
    from clients import FACES
    from library import Library

    if client == "smpfota":
        library = Library()
        start = time.monotonic()
        library.upload(host, port, image, frame)
    else:
        face = FACES[client].udp(host, port, frame)
        start = time.monotonic()
        face.upload(image)
    seconds.value = time.monotonic() - start


def measure(client: str, frame: int, loss: float, image: bytes) -> float | None:
    options = ["--delay-ms", str(DELAY_MS), "--loss", str(loss), "--buf-size", str(frame), "--buf-count", "4"]
    # The list of two images has to fit the smallest buffer as well.
    options += ["--frugal-list", "1"]
    seconds = multiprocessing.Value("d", -1.0)
    with VirtualDevice(*options) as (host, port):
        process = multiprocessing.Process(target=upload, args=(client, host, port, frame, image, seconds))
        process.start()
        process.join(LIMIT_S)
        if process.is_alive():
            process.kill()
            process.join()
    return round(seconds.value, 2) if seconds.value >= 0 else None


def main() -> None:
    parser = argparse.ArgumentParser(description="Times uploads of this library and of other clients.")
    parser.add_argument("--frames", default="244,384,2475")
    parser.add_argument("--losses", default="0,1", help="per cent, each way")
    options = parser.parse_args()

    image = make_image("1.1.0", IMAGE_SIZE - IMAGE_OVERHEAD)
    assert len(image) == IMAGE_SIZE
    rows = []
    print(f"{'frame':>6} {'loss':>5}  " + "".join(f"{client:>16}" for client in CLIENTS))
    for loss in map(float, options.losses.split(",")):
        for frame in map(int, options.frames.split(",")):
            times = [measure(client, frame, loss, image) for client in CLIENTS]
            rows += [{"client": c, "frame": frame, "loss": loss, "seconds": t} for c, t in zip(CLIENTS, times)]
            shown = "".join(f"{'failed' if t is None else f'{t:.1f} s':>16}" for t in times)
            print(f"{frame:>6} {loss:>3g} %  {shown}", flush=True)

    output = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "bench" / "peers.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
