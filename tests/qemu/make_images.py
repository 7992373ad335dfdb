"""Makes signed images of several versions, and a device that starts with 1.0.0, out of the Zephyr fixture.

usage: make_images.py FIXTURE_FOLDER OUTPUT_FOLDER       (run with the Python of .cache/peers: imgtool, intelhex)

The payload of the fixture's image is signed again under other versions. This MCUboot checks the hash and no key, so no key is
needed. The fixture's own image says 0.0.0; the device of the tests starts with 1.0.0, because an update from a version that
was never set would hide mistakes.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

from intelhex import IntelHex

NAME = "zephyr_4.4.0_smp_server_0eae053d_qemu_cortex_m0_serial"
HEADER_SIZE = 0x200
SLOT_SIZE = 0x1A000
FLASH_SIZE = 256 * 1024  # nRF51822
VERSIONS = ("1.0.0", "1.1.0", "1.2.0")


def verify(folder: Path, name: str) -> Path:
    """The file, if it is what SHA256SUMS of its folder says."""
    sums = dict(reversed(line.split(maxsplit=1)) for line in (folder / "SHA256SUMS").read_text().splitlines())
    if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sums[name]:
        sys.exit(f"{name} is not what SHA256SUMS says")
    return folder / name


def sign(payload: Path, version: str, output: Path) -> bytes:
    imgtool = [sys.executable, "-m", "imgtool.main"]
    options = ["--header-size", hex(HEADER_SIZE), "--pad-header", "--slot-size", hex(SLOT_SIZE), "--align", "4"]
    subprocess.run(imgtool + ["sign", *options, "--version", version, payload, output], check=True, stdout=subprocess.DEVNULL)
    return output.read_bytes()


def main() -> None:
    fixtures, output = map(Path, sys.argv[1:])
    image = verify(fixtures, f"{NAME}.signed.bin").read_bytes()
    flash = IntelHex(str(verify(fixtures, f"{NAME}.merged.hex")))

    size = int.from_bytes(image[12:16], "little")
    payload = output / "app.raw"
    payload.write_bytes(image[HEADER_SIZE : HEADER_SIZE + size])
    signed = {version: sign(payload, version, output / f"app_{version}.bin") for version in VERSIONS}

    # The running slot is where the fixture's image lies in the flash.
    content = flash.tobinstr(start=0, end=flash.maxaddr())
    slot = content.find(image)
    if slot < 0 or len(signed["1.0.0"]) != len(image):
        sys.exit("the fixture's image is not in its flash content as expected")
    flash.frombytes(signed["1.0.0"], offset=slot)
    flash.padding = 0xFF  # erased
    flash.tobinfile(str(output / "flash.bin"), start=0, end=FLASH_SIZE - 1)


main()
