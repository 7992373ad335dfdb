"""Other people's clients update our virtual device: that it works is then not just our own opinion.

Each test is there twice, for smpclient and for mcumgr-toolkit.
"""

import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from clients import Refused, SmpClientFace, ToolkitFace, image_hash, wait_for_answer  # noqa: E402
from smpclient.exceptions import SMPUploadError  # noqa: E402
from virtual_device import VirtualDevice, make_image  # noqa: E402

BOOT_S = 60.0
NEW = make_image("1.1.0", 60_000)


class Scenarios:
    """What every client must be able to do; a subclass names the client."""

    face: type

    def device(self, *options: str, max_frame: int = 1472):
        """A client of a fresh device."""
        host, port = self.enterContext(VirtualDevice(*options))
        client = self.face.udp(host, port, max_frame)
        self.addCleanup(client.close)
        return client

    def restart(self, client) -> list:
        client.reset()
        time.sleep(0.5)
        return wait_for_answer(client, BOOT_S)

    def state(self, slots: list) -> list:
        return [(s.slot, s.version, s.active, s.confirmed, s.pending) for s in slots]

    def try_new(self, client) -> list:
        """Uploads the new image, lists it, marks it for a test, resets: the list after that."""
        self.assertEqual(self.state(client.images()), [(0, "1.0.0", True, True, False)])
        client.upload(NEW)
        uploaded = client.images()
        self.assertEqual(self.state(uploaded), [(0, "1.0.0", True, True, False), (1, "1.1.0", False, False, False)])
        self.assertEqual(uploaded[1].hash, image_hash(NEW))
        client.test(image_hash(NEW))
        self.assertTrue(client.images()[1].pending)
        return self.restart(client)

    def update_and_confirm(self, *options: str, max_frame: int = 1472) -> None:
        client = self.device(*options, max_frame=max_frame)
        trial = self.try_new(client)
        self.assertEqual(self.state(trial)[0], (0, "1.1.0", True, False, False))
        self.assertEqual(trial[0].hash, image_hash(NEW))
        client.confirm()
        self.assertEqual(self.state(client.images())[0], (0, "1.1.0", True, True, False))
        self.assertEqual(self.state(self.restart(client))[0], (0, "1.1.0", True, True, False))

    def test_update_of_a_zephyr_4_4_device(self) -> None:
        self.update_and_confirm("--profile", "zephyr-4.4")

    def test_update_of_an_ncs_2_1_device(self) -> None:
        self.update_and_confirm("--profile", "ncs-2.1")

    def test_update_of_a_device_with_small_buffers_far_away(self) -> None:
        self.update_and_confirm("--buf-size", "384", "--buf-count", "4", "--delay-ms", "5", max_frame=384)

    def test_update_of_a_device_whose_flash_takes_its_time(self) -> None:
        self.update_and_confirm("--flash-speed", "1")

    def test_without_confirm_the_old_image_comes_back(self) -> None:
        client = self.device()
        self.assertEqual(self.state(self.try_new(client))[0], (0, "1.1.0", True, False, False))
        self.assertEqual(self.state(self.restart(client))[0], (0, "1.0.0", True, True, False))

    def test_echo(self) -> None:
        self.assertEqual(self.device().echo("hello"), "hello")

    def test_what_is_no_image_is_refused(self) -> None:
        client = self.device()
        with self.assertRaises((Refused, SMPUploadError)):
            client.upload(bytes(5000))
        self.assertEqual(len(client.images()), 1)

    def test_an_unknown_hash_is_refused(self) -> None:
        client = self.device()
        with self.assertRaises(Refused):
            client.test(bytes(32))

    def test_erase(self) -> None:
        client = self.device()
        client.upload(NEW)
        self.assertEqual(len(client.images()), 2)
        client.erase()
        self.assertEqual(len(client.images()), 1)


class SmpClientTest(Scenarios, unittest.TestCase):
    face = SmpClientFace


class ToolkitTest(Scenarios, unittest.TestCase):
    face = ToolkitFace

    def test_its_own_update_routine(self) -> None:
        client = self.device()
        client.update(NEW)
        time.sleep(0.5)
        self.assertEqual(self.state(wait_for_answer(client, BOOT_S))[0][:3], (0, "1.1.0", True))

    def test_slot_sizes(self) -> None:
        self.assertEqual(self.device("--slot-size", "200704").slot_sizes(), {0: 200704, 1: 200704})

    def test_upload_over_a_link_that_loses_frames(self) -> None:
        client = self.device("--loss", "2", "--seed", "5")
        client.be_patient(retries=10, timeout_s=0.3)
        client.upload(NEW)
        self.assertEqual(client.images()[1].hash, image_hash(NEW))


if __name__ == "__main__":
    unittest.main(verbosity=2)
