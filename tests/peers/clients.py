"""Two SMP clients of other people behind one face, so that one scenario runs with either.

smpclient and mcumgr-toolkit share no code with each other nor with this project. A face is made for a device that speaks SMP over
UDP or over a serial port (a pseudo-terminal will do).
"""

import asyncio
import logging
import time
from dataclasses import dataclass

import mcumgr_toolkit
from smpclient import SMPClient
from smpclient.exceptions import SMPBadSequence
from smpclient.generics import error
from smpclient.requests.image_management import ImageErase, ImageStatesRead, ImageStatesWrite
from smpclient.requests.os_management import EchoWrite, ResetWrite
from smpclient.transport.serial import BufferSize, SMPSerialTransport
from smpclient.transport.udp import SMPUDPTransport

# Their warnings would hide the tests' own words; what matters comes as an exception.
logging.disable(logging.CRITICAL)

# The first chunk may erase a whole slot.
FIRST_TIMEOUT_S = 40.0
PATIENT_S = 20.0
# While a device boots, nothing is lost by asking again.
TIMEOUT_S = 1.5
IP_HEADERS = 28


class Refused(Exception):
    """The device answered with an error."""


@dataclass(frozen=True)
class Slot:
    slot: int
    version: str
    hash: bytes
    active: bool
    confirmed: bool
    pending: bool


class SmpClientFace:
    """Python package smpclient."""

    def __init__(self, transport: SMPUDPTransport | SMPSerialTransport, address: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = SMPClient(transport, address, timeout_s=TIMEOUT_S)
        self._run(self._client.connect())

    @classmethod
    def udp(cls, host: str, port: int, max_frame: int = 1472) -> "SmpClientFace":
        class Transport(SMPUDPTransport):
            async def connect(self, address: str, timeout_s: float, port: int = port) -> None:
                await super().connect(address, timeout_s, port)

        return cls(Transport(mtu=max_frame + IP_HEADERS), host)

    @classmethod
    def serial(cls, path: str, max_frame: int) -> "SmpClientFace":
        # The buffer holds a length and a checksum besides the frame.
        return cls(SMPSerialTransport(fragmentation_strategy=BufferSize(max_frame + 4)), path)

    def close(self) -> None:
        self._run(self._client.disconnect())
        self._loop.close()

    def _run(self, task):
        return self._loop.run_until_complete(task)

    def _ask(self, request, timeout_s: float = PATIENT_S):
        answer = self._run(self._client.request(request, timeout_s))
        # Servers before Zephyr 3.3 say rc 0 where later ones say nothing; smpclient takes any rc for an error.
        if error(answer) and getattr(answer, "rc", None) != 0:
            raise Refused(str(answer))
        return answer

    def echo(self, text: str) -> str:
        return self._ask(EchoWrite(d=text)).r

    def images(self, timeout_s: float = PATIENT_S) -> list[Slot]:
        return [
            Slot(i.slot, i.version, bytes(i.hash or b""), bool(i.active), bool(i.confirmed), bool(i.pending))
            for i in self._ask(ImageStatesRead(), timeout_s).images
        ]

    def upload(self, image: bytes) -> None:
        async def all_chunks() -> None:
            # It sends nothing twice: a busy machine must not look like a loss.
            async for _ in self._client.upload(
                image, first_timeout_s=FIRST_TIMEOUT_S, subsequent_timeout_s=PATIENT_S
            ):
                pass

        self._run(all_chunks())

    def upload_file(self, name: str, content: bytes) -> None:
        async def all_chunks() -> None:
            async for _ in self._client.upload_file(content, name, timeout_s=PATIENT_S):
                pass

        self._run(all_chunks())

    def test(self, image_hash: bytes) -> None:
        self._ask(ImageStatesWrite(hash=image_hash, confirm=False))

    def confirm(self) -> None:
        self._ask(ImageStatesWrite(confirm=True))

    def erase(self) -> None:
        self._ask(ImageErase())

    def reset(self) -> None:
        self._ask(ResetWrite())


class ToolkitFace:
    """Python package mcumgr-toolkit (Rust inside)."""

    def __init__(self, client: mcumgr_toolkit.MCUmgrClient) -> None:
        self._client = client
        self.be_patient(retries=5, timeout_s=TIMEOUT_S)

    @classmethod
    def udp(cls, host: str, port: int, max_frame: int = 1472) -> "ToolkitFace":
        client = mcumgr_toolkit.MCUmgrClient.udp(host, port)
        client.set_frame_size(max_frame)
        return cls(client)

    @classmethod
    def serial(cls, path: str, max_frame: int) -> "ToolkitFace":
        client = mcumgr_toolkit.MCUmgrClient.serial(path)
        client.set_frame_size(max_frame)
        return cls(client)

    def be_patient(self, retries: int, timeout_s: float) -> None:
        self._client.set_retries(retries)
        self._client.set_timeout_ms(int(timeout_s * 1000))

    def close(self) -> None:
        self._client = None

    def update(self, image: bytes) -> None:
        """The client's own routine: upload, test, reset."""
        self._ask(self._client.firmware_update, image)

    def _ask(self, question, *arguments, **named):
        try:
            return question(*arguments, **named)
        except RuntimeError as refused:
            raise Refused(str(refused)) from refused

    def echo(self, text: str) -> str:
        return self._ask(self._client.os_echo, text)

    def images(self, _timeout_s: float = TIMEOUT_S) -> list[Slot]:
        """It asks again by itself, see be_patient."""
        return [
            Slot(i.slot, i.version, bytes(i.hash or b""), i.active, i.confirmed, i.pending)
            for i in self._ask(self._client.image_get_state)
        ]

    def slot_sizes(self) -> dict[int, int]:
        return {slot.slot: slot.size for slot in self._ask(self._client.image_slot_info)[0].slots}

    def upload(self, image: bytes) -> None:
        self._ask(self._client.image_upload, image)

    def upload_file(self, name: str, content: bytes) -> None:
        self._ask(self._client.fs_file_upload, name, content)

    def test(self, image_hash: bytes) -> None:
        self._ask(self._client.image_set_state, image_hash, False)

    def confirm(self) -> None:
        self._ask(self._client.image_set_state, None, True)

    def erase(self) -> None:
        self._ask(self._client.image_erase)

    def reset(self) -> None:
        self._ask(self._client.os_system_reset)


FACES = {"smpclient": SmpClientFace, "mcumgr-toolkit": ToolkitFace}


def wait_for_answer(client, timeout_s: float) -> list[Slot]:
    """The image list, as soon as the device gives it again after a reset."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return client.images(TIMEOUT_S)
        # A late answer to a question that was given up comes with the wrong sequence number.
        except (Refused, SMPBadSequence, OSError, TimeoutError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def image_hash(image: bytes) -> bytes:
    """The SHA-256 TLV of an MCUboot image, which is what a device lists."""
    header, protected, size = (
        int.from_bytes(image[start:end], "little") for start, end in ((8, 10), (10, 12), (12, 16))
    )
    at = header + size + protected + 4
    while at + 4 <= len(image):
        kind, length = int.from_bytes(image[at : at + 2], "little"), int.from_bytes(image[at + 2 : at + 4], "little")
        if kind == 0x10:
            return image[at + 4 : at + 4 + length]
        at += 4 + length
    raise ValueError("no SHA-256 TLV in the image")
