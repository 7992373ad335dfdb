"""The device in QEMU, asked by clients that are not ours: is it the real device that the other tests take it for?"""

import os
import sys
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "peers")]

from clients import SmpClientFace, ToolkitFace, image_hash, wait_for_answer  # noqa: E402
from device_process import DeviceProcess  # noqa: E402

FIXTURES = Path(os.environ.get("SMPFOTA_FIXTURES", HERE.parent.parent / ".cache" / "fixtures"))
BOOT_S = 20.0
SWAP_S = 1.0
# This server has 16 KiB of memory and hangs on longer ones, though it says 384.
MAX_FRAME = 250


def image(version: str) -> bytes:
    return (FIXTURES / f"app_{version}.bin").read_bytes()


class DeviceTest(unittest.TestCase):
    def setUp(self) -> None:
        self.path = self.enterContext(DeviceProcess(FIXTURES)).pty

    def restart(self, client) -> list:
        client.reset()
        time.sleep(SWAP_S)  # asking earlier costs one time-out of the client
        return wait_for_answer(client, BOOT_S)

    def update(self, client) -> list:
        """Uploads 1.1.0, marks it for a test boot, resets; the image list after that."""
        new = image("1.1.0")
        client.upload(new)
        self.assertEqual([s.version for s in client.images()], ["1.0.0", "1.1.0"])
        client.test(image_hash(new))
        self.assertTrue(client.images()[1].pending)
        return self.restart(client)

    def test_a_fresh_device_lists_one_confirmed_image_and_its_slots(self) -> None:
        client = ToolkitFace.serial(self.path, MAX_FRAME)
        self.addCleanup(client.close)
        self.assertEqual(client.echo("hello"), "hello")
        (slot,) = client.images()
        self.assertEqual((slot.slot, slot.version, slot.active, slot.confirmed), (0, "1.0.0", True, True))
        self.assertEqual(slot.hash, image_hash(image("1.0.0")))
        self.assertEqual(set(client.slot_sizes().values()), {0x1A000})

    def test_smpclient_updates_and_confirms(self) -> None:
        client = SmpClientFace.serial(self.path, MAX_FRAME)
        self.addCleanup(client.close)
        trial = self.update(client)
        self.assertEqual([(s.version, s.active, s.confirmed) for s in trial], [("1.1.0", True, False), ("1.0.0", False, True)])
        client.confirm()
        after = self.restart(client)
        self.assertEqual((after[0].version, after[0].active, after[0].confirmed), ("1.1.0", True, True))

    def test_without_confirm_the_old_image_comes_back(self) -> None:
        client = SmpClientFace.serial(self.path, MAX_FRAME)
        self.addCleanup(client.close)
        self.update(client)
        reverted = self.restart(client)
        self.assertEqual((reverted[0].version, reverted[0].active, reverted[0].confirmed), ("1.0.0", True, True))


if __name__ == "__main__":
    unittest.main(verbosity=2)
