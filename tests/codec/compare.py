"""Compares every message with the codec of the PyPI package `smp`, which was written by others.

The library runs its commands and an upload (examples/command_codec.rs); this file plays the device with the classes of `smp`.
What the library sends must decode to the values that were asked for, with nothing more and nothing less; what `smp` encodes as a
server, the library must read as the same values. Values are drawn from a seed, bounds included.

usage: SMPFOTA_COMMAND_CODEC=target/debug/examples/command_codec .cache/peers/bin/python tests/codec/compare.py
"""

import hashlib
import json
import logging
import os
import random
import subprocess
import unittest
from base64 import b64encode
from enum import IntEnum
from functools import cache
from zlib import crc32

import cbor2
from smp import (
    enumeration_management as enumeration,
    error as errors,
    file_management as files,
    header as smpheader,
    image_management as images,
    message,
    os_management as osm,
    settings_management as settings,
    shell_management as shell,
    statistics_management as statistics,
    zephyr_management as zephyr,
)

MODULES = [osm, images, statistics, settings, files, shell, enumeration, zephyr]
PROGRAM = os.environ["SMPFOTA_COMMAND_CODEC"]
ROUNDS = 40
# `smp` warns of every message of version 1.
logging.disable(logging.WARNING)
OWN_FIELDS = {"header", "version", "sequence", "smp_data"}


class Library:
    """The library in a process of its own."""

    def __init__(self, version: smpheader.Version) -> None:
        self.version = version
        self._process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._say({"version": int(version) + 1})

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()

    def _say(self, line: dict) -> None:
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()

    def run(self, operation: dict, device) -> dict:
        """Runs an operation to its end; `device` gives the answer to each frame."""
        self._say(operation)
        while True:
            line = json.loads(self._process.stdout.readline())
            if "write" not in line:
                return line
            self._say({"answer": device(bytes.fromhex(line["write"])).hex()})


@cache
def with_address(response: type, op: smpheader.OP, command: int) -> type:
    """The response class as the answer to a request of this operation and command."""
    answer = smpheader.OP.READ_RSP if op == smpheader.OP.READ else smpheader.OP.WRITE_RSP
    return type(response.__name__, (response,), {"_OP": answer, "_COMMAND_ID": command})


def fields(decoded: message._MessageBase) -> dict:
    """The body of a message as `smp` reads it."""
    return decoded.model_dump(exclude=OWN_FIELDS, exclude_unset=True)


class Values:
    """Random values, small ones and bounds more often than the rest."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)

    def number(self, most: int, least: int = 0) -> int:
        edges = [n for n in (least, most, 23, 24, 255, 256, 65_535, 65_536) if least <= n <= most]
        return self.random.choice([*edges, self.random.randint(least, most), self.random.randint(least, min(most, least + 30))])

    def integer(self) -> int:
        return self.random.choice([-1, 0, 1, -22, -24, -25, 2**31 - 1, -(2**31), self.random.randint(-500, 500)])

    def text(self, most: int = 40, least: int = 0) -> str:
        letters = "abc/_- 09äß€\U0001f600"
        return "".join(self.random.choices(letters, k=self.random.randint(least, most)))

    def bytes(self, most: int = 300, least: int = 0) -> bytes:
        return self.random.randbytes(self.random.choice([least, most, self.random.randint(least, most)]))

    def hash(self) -> bytes:
        return self.random.randbytes(self.random.choice([32, 48, 64]))

    def flag(self) -> bool:
        return self.random.random() < 0.5

    def maybe(self, value):
        return value if self.flag() else None

    def some(self, make, most: int = 5, least: int = 0) -> list:
        return [make() for _ in range(self.random.randint(least, most))]


def given(**values) -> dict:
    """Without what is None: an argument or a field that is left out."""
    return {key: value for key, value in values.items() if value is not None}


class Exchange:
    """One request and its answer: what is asked, what must arrive, what the device says, what must come out."""

    def __init__(self, request, wanted: dict, response, answer: dict, result: dict, arguments: dict | None = None) -> None:
        self.request, self.wanted = request, wanted
        self.response, self.answer = response, answer
        self.result, self.arguments = result, arguments if arguments is not None else {}


def echo(v: Values) -> Exchange:
    sent, back = v.text(400), v.text(400)
    return Exchange(osm.EchoWriteRequest, {"d": sent}, osm.EchoWriteResponse, {"r": back}, {"text": back}, {"text": sent})


def reset(v: Values) -> Exchange:
    arguments = given(force=v.maybe(v.flag()), boot_mode=v.maybe(v.number(255)))
    return Exchange(osm.ResetWriteRequest, arguments, osm.ResetWriteResponse, {}, {}, arguments)


def parameters(v: Values) -> Exchange:
    answer = {"buf_size": v.number(2**32 - 1), "buf_count": v.number(2**32 - 1)}
    return Exchange(osm.MCUMgrParametersReadRequest, {}, osm.MCUMgrParametersReadResponse, answer, answer)


def os_info(v: Values) -> Exchange:
    arguments, output = given(format=v.maybe(v.text(8, 1))), v.text(200)
    result = {"output": output}
    return Exchange(osm.OSApplicationInfoReadRequest, arguments, osm.OSApplicationInfoReadResponse, result, result, arguments)


def date_time(v: Values) -> str:
    parts = (v.number(9999, 1900), v.number(12, 1), v.number(28, 1), v.number(23), v.number(59), v.number(59))
    return "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(*parts) + (f".{v.number(999)}" if v.flag() else "")


def date_time_get(v: Values) -> Exchange:
    now = date_time(v)
    return Exchange(osm.DateTimeReadRequest, {}, osm.DateTimeReadResponse, {"datetime": now}, {"date_time": now})


def date_time_set(v: Values) -> Exchange:
    now = date_time(v)
    return Exchange(osm.DateTimeWriteRequest, {"datetime": now}, osm.DateTimeWriteResponse, {}, {}, {"date_time": now})


def task_statistics(v: Values) -> Exchange:
    ours = {
        "priority": "prio", "id": "tid", "state": "state", "stack_used": "stkuse", "stack_size": "stksiz",
        "context_switches": "cswcnt", "run_time": "runtime", "last_check_in": "last_checkin", "next_check_in": "next_checkin",
    }  # fmt: skip
    tasks = {}
    for name in {v.text(12, 1) for _ in range(4)}:
        optional = {key: v.maybe(v.number(2**63)) for key in list(ours.values())[3:]}
        tasks[name] = given(prio=v.random.randint(-16, 15), tid=v.number(60), state=v.number(255), **optional)
    result = [{"name": name, **{our: task.get(their) for our, their in ours.items()}} for name, task in tasks.items()]
    # `smp` writes maps in canonical order.
    result.sort(key=lambda task: (len(task["name"].encode()), task["name"].encode()))
    answer = {"tasks": {name: osm.TaskStatisticsZephyr(**task) for name, task in tasks.items()}}
    return Exchange(osm.TaskStatisticsReadRequest, {}, osm.TaskStatisticsReadResponse, answer, {"tasks": result})


def memory_pool_statistics(v: Values) -> Exchange:
    # Zephyr writes `blksiz`, the class of `smp` calls it `blksize`: both must be read.
    size_key = v.random.choice(["blksiz", "blksize"])
    pools = {}
    for number in range(v.random.randint(0, 3)):
        figures = {size_key: v.number(2**32 - 1), "nblks": v.number(2**31), "nfree": v.number(2**31), "min": v.number(2**31)}
        pools[f"pool{number}"] = figures
    result = [
        {"name": name, "block_size": pool[size_key], "blocks": pool["nblks"], "free": pool["nfree"], "least_free": pool["min"]}
        for name, pool in pools.items()
    ]
    return Exchange(osm.MemoryPoolStatisticsReadRequest, {}, osm.MemoryPoolStatisticsReadResponse, pools, {"pools": result})


def slots(v: Values, **fixed) -> tuple[list, list]:
    """Slots of an image list: as `smp` takes them and as the library gives them."""
    theirs, ours = [], []
    for slot in range(v.random.randint(1, 2)):
        flags = {key: v.maybe(v.flag()) for key in ("bootable", "pending", "confirmed", "active", "permanent")}
        if slot:
            flags["active"] = None
        flags |= fixed
        image, version, digest = v.maybe(v.number(15)) if slot == 0 else ours[0]["image"], v.text(12), v.maybe(v.hash())
        version = version.encode()[:20].decode(errors="ignore")
        theirs.append(images.ImageState(**given(image=image, slot=slot, version=version, hash=digest, **flags)))
        ours.append({
            "image": image or 0, "slot": slot, "version": version, "hash": digest.hex() if digest else None,
            **{key: bool(value) for key, value in flags.items()},
        })  # fmt: skip
    return theirs, ours


def image_list(v: Values) -> Exchange:
    theirs, ours = slots(v)
    answer = given(images=theirs, splitStatus=v.maybe(v.number(5)))
    return Exchange(images.ImageStatesReadRequest, {}, images.ImageStatesReadResponse, answer, {"images": ours})


def state_write(v: Values, confirm: bool, digest: bytes | None) -> Exchange:
    slot = given(slot=1, version="1.2.3", hash=digest, pending=True, permanent=confirm, active=confirm, confirmed=confirm)
    result = [{"image": 0, "bootable": False, **slot, "active": confirm, "hash": digest.hex() if digest else None}]
    return Exchange(
        images.ImageStatesWriteRequest,
        given(hash=digest, confirm=confirm),
        images.ImageStatesWriteResponse,
        {"images": [images.ImageState(**slot)]},
        {"images": result},
        given(hash=digest.hex() if digest else None),
    )


def image_test(v: Values) -> Exchange:
    return state_write(v, False, v.hash())


def image_confirm(v: Values) -> Exchange:
    return state_write(v, True, v.maybe(v.hash()))


def image_erase(v: Values) -> Exchange:
    arguments = given(slot=v.maybe(v.number(255)))
    return Exchange(images.ImageEraseRequest, arguments, images.ImageEraseResponse, {}, {}, arguments)


def statistics_list(v: Values) -> Exchange:
    names = v.some(lambda: v.text(20))
    return Exchange(
        statistics.ListOfGroupsRequest, {}, statistics.ListOfGroupsResponse, {"stat_list": names}, {"groups": names}
    )


def statistics_read(v: Values) -> Exchange:
    arguments = {"name": v.text(40, 1)}
    answer = arguments | {"fields": {v.text(20, 1): v.number(2**64 - 1) for _ in range(6)}}
    return Exchange(statistics.GroupDataRequest, arguments, statistics.GroupDataResponse, answer, answer, arguments)


def settings_read(v: Values) -> Exchange:
    arguments = given(name=v.text(40, 1), max_size=v.maybe(v.number(65_535, 1)))
    value, limit = v.bytes(), v.maybe(v.number(2**32 - 1))
    return Exchange(
        settings.ReadSettingRequest, arguments, settings.ReadSettingResponse, given(val=value, max_size=limit),
        {"value_hex": value.hex(), "max_size": limit}, arguments,
    )  # fmt: skip


def settings_write(v: Values) -> Exchange:
    name, value = v.text(40, 1), v.bytes(2_000)
    spelt = {"value_hex": value.hex()} if v.flag() else {"value_base64": b64encode(value).decode()}
    return Exchange(
        settings.WriteSettingRequest, {"name": name, "val": value}, settings.WriteSettingResponse, {}, {}, {"name": name} | spelt
    )


def settings_delete(v: Values) -> Exchange:
    arguments = {"name": v.text(40, 1)}
    return Exchange(settings.DeleteSettingRequest, arguments, settings.DeleteSettingResponse, {}, {}, arguments)


def plain(request, response):
    """A command that takes nothing and gives nothing."""
    return lambda v: Exchange(request, {}, response, {}, {})


def file_status(v: Values) -> Exchange:
    arguments, length = {"name": v.text(40, 1)}, v.number(2**64 - 1)
    return Exchange(files.FileStatusRequest, arguments, files.FileStatusResponse, {"len": length}, {"length": length}, arguments)


def file_hash(v: Values) -> Exchange:
    kind, name, off, length = v.random.choice(["crc32", "sha256"]), v.text(40, 1), v.number(2**32 - 1), v.number(2**32 - 1, 1)
    wanted = given(name=name, type=v.maybe(kind), off=v.maybe(off), len=v.maybe(length))
    spelt = {"name": "name", "type": "type", "off": "offset", "len": "length"}
    output = v.number(2**32 - 1) if kind == "crc32" else v.random.randbytes(32)
    answer = given(type=kind, off=off or None, len=length, output=output)
    result = {
        "type": kind, "offset": off, "length": length,
        "hash_hex": f"{output:08x}" if kind == "crc32" else output.hex(),
        "checksum": output if kind == "crc32" else None,
    }  # fmt: skip
    return Exchange(
        files.FileHashChecksumRequest, wanted, files.FileHashChecksumResponse, answer, result,
        {spelt[key]: value for key, value in wanted.items()},
    )  # fmt: skip


def file_hash_types(v: Values) -> Exchange:
    kinds = {"crc32": (0, "number"), "sha256": (1, "bytes")}
    kinds = {name: (*kind, v.number(255)) for name, kind in kinds.items() if v.flag()}
    answer = {name: files.HashChecksumType(format=number, size=size) for name, (number, _, size) in kinds.items()}
    result = [{"type": name, "format": word, "size": size} for name, (_, word, size) in kinds.items()]
    return Exchange(
        files.SupportedFileHashChecksumTypesRequest, {}, files.SupportedFileHashChecksumTypesResponse,
        {"types": answer}, {"types": result},
    )  # fmt: skip


def shell_execute(v: Values) -> Exchange:
    arguments, output, code = {"argv": v.some(lambda: v.text(30), 40, 1)}, v.text(200), v.integer()
    return Exchange(
        shell.ExecuteRequest, arguments, shell.ExecuteResponse, {"o": output, "ret": code},
        {"output": output, "exit_code": code}, arguments,
    )  # fmt: skip


def enumeration_count(v: Values) -> Exchange:
    answer = {"count": v.number(65_535)}
    return Exchange(enumeration.GroupCountRequest, {}, enumeration.GroupCountResponse, answer, answer)


def enumeration_list(v: Values) -> Exchange:
    answer = {"groups": v.some(lambda: v.number(65_535), 40)}
    return Exchange(enumeration.ListOfGroupsRequest, {}, enumeration.ListOfGroupsResponse, answer, answer)


def enumeration_single(v: Values) -> Exchange:
    arguments, group, end = given(index=v.maybe(v.number(65_535))), v.number(65_535), v.maybe(True)
    return Exchange(
        enumeration.GroupIdRequest, arguments, enumeration.GroupIdResponse, given(group=group, end=end),
        {"group": group, "last": bool(end)}, arguments,
    )  # fmt: skip


def enumeration_details(v: Values) -> Exchange:
    arguments = given(groups=v.maybe(v.some(lambda: v.number(65_535), 64, 1)))
    details = [given(group=v.number(65_535), name=v.maybe(v.text(20)), handlers=v.maybe(v.number(300))) for _ in range(4)]
    return Exchange(
        enumeration.GroupDetailsRequest, arguments, enumeration.GroupDetailsResponse,
        {"groups": [enumeration.GroupDetails(**detail) for detail in details]},
        {"groups": [{"name": None, "handlers": None} | detail for detail in details]}, arguments,
    )  # fmt: skip


EXCHANGES = {
    "echo": echo,
    "reset": reset,
    "parameters": parameters,
    "os_info": os_info,
    "date_time_get": date_time_get,
    "date_time_set": date_time_set,
    "task_statistics": task_statistics,
    "memory_pool_statistics": memory_pool_statistics,
    "image_list": image_list,
    "image_test": image_test,
    "image_confirm": image_confirm,
    "image_erase": image_erase,
    "statistics_list": statistics_list,
    "statistics_read": statistics_read,
    "settings_read": settings_read,
    "settings_write": settings_write,
    "settings_delete": settings_delete,
    "settings_commit": plain(settings.CommitSettingsRequest, settings.CommitSettingsResponse),
    "settings_load": plain(settings.LoadSettingsRequest, settings.LoadSettingsResponse),
    "settings_save": plain(settings.SaveSettingsRequest, settings.SaveSettingsResponse),
    "file_status": file_status,
    "file_hash": file_hash,
    "file_hash_types": file_hash_types,
    "file_close": plain(files.FileCloseRequest, files.FileCloseResponse),
    "shell_execute": shell_execute,
    "enumeration_count": enumeration_count,
    "enumeration_list": enumeration_list,
    "enumeration_single": enumeration_single,
    "enumeration_details": enumeration_details,
    "zephyr_storage_erase": plain(zephyr.EraseStorageRequest, zephyr.EraseStorageResponse),
}

# The request classes that were decoded, and the response classes that were read, in any test.
SEEN: set[type] = set()


class Comparison(unittest.TestCase):
    def library(self, version: smpheader.Version) -> Library:
        library = Library(version)
        self.addCleanup(library.close)
        return library

    def decode(self, frame: bytes, request: type, version: smpheader.Version):
        """A frame of the library as `smp` reads it: strictly, no other field is allowed."""
        decoded = request.loads(frame)
        header = decoded.header
        self.assertEqual((header.op, header.version), (request._OP, version))
        self.assertEqual((header.group_id, header.command_id), (request._GROUP_ID, request._COMMAND_ID))
        self.assertEqual(header.length, len(frame) - smpheader.Header.SIZE)
        SEEN.add(request)
        return decoded

    def encode(self, response: type, request: message._MessageBase | smpheader.Header, **values) -> bytes:
        header = request if isinstance(request, smpheader.Header) else request.header
        SEEN.add(response)
        # `smp` gives the response to an image state write the operation of a read; servers give each its own.
        response = with_address(response, header.op, response._COMMAND_ID)
        return response(sequence=header.sequence, version=header.version, **values).BYTES

    def exchange(self, library: Library, name: str, exchange: Exchange) -> None:
        frames = []

        def device(frame: bytes) -> bytes:
            decoded = self.decode(frame, exchange.request, library.version)
            frames.append(fields(decoded))
            return self.encode(exchange.response, decoded, **exchange.answer)

        end = library.run({"command": name, "arguments": exchange.arguments}, device)
        wanted = {key: list(value) if isinstance(value, tuple) else value for key, value in exchange.wanted.items()}
        read = [{key: list(value) if isinstance(value, tuple) else value for key, value in frame.items()} for frame in frames]
        self.assertEqual(read, [wanted], f"{name} {exchange.arguments}")
        self.assertEqual(end, {"done": exchange.result}, f"{name} {exchange.arguments}")


class Codec(Comparison):
    """Commands of one request; the tests are added below."""


def add_exchange_test(name: str, make) -> None:
    def test(self: Codec) -> None:
        for version in smpheader.Version:
            library = self.library(version)
            for number in range(ROUNDS):
                with self.subTest(version=version.name, seed=number):
                    self.exchange(library, name, make(Values(f"{name} {number}")))

    setattr(Codec, f"test_{name}", test)


for command, maker in EXCHANGES.items():
    add_exchange_test(command, maker)


class SeveralRequests(Comparison):
    """Commands that take several requests, and the upload of an image."""

    def test_bootloader_info(self) -> None:
        for mode, name in [(-1, "unknown"), (2, "overwrite_only"), (6, "ram_load")]:
            for no_downgrade in (None, True):
                library, queries = self.library(smpheader.Version.V2), []

                def device(frame: bytes) -> bytes:
                    decoded = self.decode(frame, osm.BootloaderInformationReadRequest, library.version)
                    queries.append(decoded.query)
                    if decoded.query is None:
                        return self.encode(osm.BootloaderInformationReadResponse, decoded, bootloader="MCUboot")
                    answer = osm.MCUbootModeQueryResponse(**given(mode=mode, **{"no-downgrade": no_downgrade}))
                    body = cbor2.dumps(answer.model_dump(by_alias=True, exclude_none=True))
                    # `smp` has no response with the mode alone, as servers send it, so its header is put before the body.
                    header = self.encode(osm.BootloaderInformationReadResponse, decoded, bootloader="")[:8]
                    return header[:2] + len(body).to_bytes(2, "big") + header[4:] + body

                end = library.run({"command": "bootloader_info"}, device)
                wanted = {"bootloader": "MCUboot", "mode": mode, "mode_name": name, "no_downgrade": bool(no_downgrade)}
                self.assertEqual((queries, end), ([None, "mode"], {"done": wanted}))

    def answer_parameters(self, frame: bytes, header: smpheader.Header, buf_size: int) -> bytes:
        self.decode(frame, osm.MCUMgrParametersReadRequest, header.version)
        # Two buffers: one frame at a time.
        return self.encode(osm.MCUMgrParametersReadResponse, header, buf_size=buf_size, buf_count=2)

    def file_device(self, library: Library, store: dict, buf_size: int, hash_type: str | None):
        """A device with files, of which it has one kind of hash or none."""

        def device(frame: bytes) -> bytes:
            header = smpheader.Header.loads(frame[:8])
            place = (header.group_id, header.command_id, header.op)
            if place[:2] == (0, 6):
                return self.answer_parameters(frame, header, buf_size)
            self.assertEqual(header.group_id, smpheader.GroupId.FILE_MANAGEMENT)
            if place[1:] == (0, smpheader.OP.WRITE):
                chunk = self.decode(frame, files.FileUploadRequest, library.version)
                self.assertEqual(chunk.len is not None, chunk.off == 0)
                self.assertLessEqual(len(frame), buf_size)
                if chunk.off == 0:
                    store[chunk.name] = b""
                    store["announced"] = chunk.len
                self.assertEqual(chunk.off, len(store[chunk.name]))
                store[chunk.name] += chunk.data
                return self.encode(files.FileUploadResponse, chunk, off=len(store[chunk.name]))
            if place[1:] == (0, smpheader.OP.READ):
                wanted = self.decode(frame, files.FileDownloadRequest, library.version)
                content = store[wanted.name]
                answer = given(off=wanted.off, data=content[wanted.off :][:200], len=None if wanted.off else len(content))
                return self.encode(files.FileDownloadResponse, wanted, **answer)
            if place[1] == 4:
                return self.encode(files.FileCloseResponse, self.decode(frame, files.FileCloseRequest, library.version))
            if place[1] == 1:
                wanted = self.decode(frame, files.FileStatusRequest, library.version)
                return self.encode(files.FileStatusResponse, wanted, len=len(store[wanted.name]))
            wanted = self.decode(frame, files.FileHashChecksumRequest, library.version)
            content = store[wanted.name]
            if wanted.type != hash_type:
                new = errors.Err[files.FS_MGMT_ERR](group=8, rc=files.FS_MGMT_ERR.CHECKSUM_HASH_NOT_FOUND)
                return error_frame(wanted.header, new if library.version == smpheader.Version.V2 else errors.MGMT_ERR.EINVAL)
            output = hashlib.sha256(content).digest() if wanted.type == "sha256" else crc32(content)
            return self.encode(files.FileHashChecksumResponse, wanted, type=wanted.type, len=len(content), output=output)

        return device

    def test_files(self) -> None:
        for version in smpheader.Version:
            for length, buf_size, hash_type in [(1, 384, "sha256"), (5_000, 244, "crc32"), (70_000, 2_048, None)]:
                with self.subTest(version=version.name, length=length):
                    library, store = self.library(version), {}
                    content = random.Random(length).randbytes(length)
                    device = self.file_device(library, store, buf_size, hash_type)
                    name = "/lfs/ä.bin"
                    arguments = {"name": name, "content_base64": b64encode(content).decode()}
                    end = library.run({"command": "file_upload", "arguments": arguments}, device)
                    self.assertEqual(end, {"done": {"name": name, "length": length, "verified": hash_type or "length"}})
                    self.assertEqual((store[name], store["announced"]), (content, length))
                    end = library.run({"command": "file_download", "arguments": {"name": name}}, device)
                    wanted = {"name": name, "length": length, "content_hex": content.hex(), "verified": hash_type or "length"}
                    self.assertEqual(end, {"done": wanted})

    def test_image_upload(self) -> None:
        for version in smpheader.Version:
            for length, buf_size in [(3_000, 384), (90_000, 2_048)]:
                with self.subTest(version=version.name, length=length):
                    self.upload(self.library(version), mcuboot_image(length), buf_size)

    def upload(self, library: Library, image: bytes, buf_size: int) -> None:
        received = bytearray()

        def device(frame: bytes) -> bytes:
            _, _, _, group, sequence, command = smpheader.Header._STRUCT.unpack(frame[:8])
            if (group, command) == (1, 6):
                # Slot information, which `smp` does not know; a server without it says so.
                header = smpheader.Header(
                    smpheader.OP.READ, library.version, smpheader.Flag(0), 0, group, sequence, smpheader.CommandId.ImageManagement.STATE
                )
                answer = bytearray(error_frame(header, errors.MGMT_ERR.ENOTSUP))
                answer[7] = command
                return bytes(answer)
            header = smpheader.Header.loads(frame[:8])
            if (group, command) == (0, 6):
                return self.answer_parameters(frame, header, buf_size)
            if group == 0:
                self.decode(frame, osm.BootloaderInformationReadRequest, library.version)
                return error_frame(header, errors.MGMT_ERR.ENOTSUP)
            if command == 0:
                self.decode(frame, images.ImageStatesReadRequest, library.version)
                slots = [images.ImageState(slot=0, version="1.0.0", hash=bytes(32), bootable=True, confirmed=True, active=True)]
                if len(received) == len(image):
                    slots.append(images.ImageState(slot=1, version="1.2.3.4", hash=hash_of(image), bootable=True))
                return self.encode(images.ImageStatesReadResponse, header, images=slots)
            chunk = self.decode(frame, images.ImageUploadWriteRequest, library.version)
            self.assertLessEqual(len(frame), buf_size)
            if not chunk.data:
                # The question where the upload stands, behind the end.
                self.assertEqual((chunk.off, len(received)), (len(image) + 1, len(image)))
                return self.encode(images.ImageUploadWriteResponse, chunk, off=len(received))
            self.assertEqual(chunk.off, len(received))
            first = {"len": len(image), "sha": hashlib.sha256(image).digest()}
            self.assertEqual(fields(chunk), {"off": chunk.off, "data": chunk.data} | (first if chunk.off == 0 else {}))
            received.extend(chunk.data)
            match = {"match": True} if len(received) == len(image) else {}
            return self.encode(images.ImageUploadWriteResponse, chunk, off=len(received), **match)

        end = library.run({"upload": image.hex()}, device)
        self.assertIn("done", end)
        self.assertEqual(bytes(received), image)


def error_class(module, base: type) -> type:
    """The error class of a group for one version of the protocol."""
    classes = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, base) and "_GROUP_ID" in vars(c)]
    (found,) = classes
    return found


def error_frame(header: smpheader.Header, error) -> bytes:
    """An error answer to any request, encoded by the error classes of `smp` for its group."""
    module = next(m for m in MODULES if error_class(m, errors.ErrorV1)._GROUP_ID == header.group_id)
    base, values = (errors.ErrorV1, {"rc": error}) if isinstance(error, IntEnum) else (errors.ErrorV2, {"err": error})
    kind = error_class(module, base)
    SEEN.add(kind)
    # An error class belongs to a group alone; the frame names the operation and the command as well.
    return with_address(kind, header.op, header.command_id)(sequence=header.sequence, version=header.version, **values).BYTES


class Errors(Comparison):
    """Every error of every group that `smp` knows, in both protocols."""

    COMMANDS = {
        osm: "parameters", images: "image_list", statistics: "statistics_list", settings: "settings_load",
        files: "file_close", shell: "shell_execute", enumeration: "enumeration_count", zephyr: "zephyr_storage_erase",
    }  # fmt: skip
    # Worth another try, which the library makes by itself.
    RETRIED = {errors.MGMT_ERR.ENOMEM, errors.MGMT_ERR.EBUSY}

    def refused(self, library: Library, module, error) -> dict:
        arguments = {"argv": ["ls"]} if module is shell else {}
        operation = {"command": self.COMMANDS[module], "arguments": arguments}
        return library.run(operation, lambda frame: error_frame(smpheader.Header.loads(frame[:8]), error))["failed"]

    def test_common_codes(self) -> None:
        for version in smpheader.Version:
            library = self.library(version)
            for module in MODULES:
                for code in set(errors.MGMT_ERR) - {errors.MGMT_ERR.EOK} - self.RETRIED:
                    with self.subTest(version=version.name, module=module.__name__, code=code.name):
                        failure = self.refused(library, module, code)
                        self.assertEqual((failure["group"], failure["code"]), (None, int(code)))

    def test_group_codes(self) -> None:
        library = self.library(smpheader.Version.V2)
        for module in MODULES:
            kind = error_class(module, errors.ErrorV2)
            inner = kind.model_fields["err"].annotation
            codes = inner.model_fields["rc"].annotation
            for code in [code for code in codes if code]:
                with self.subTest(module=module.__name__, code=code.name):
                    failure = self.refused(library, module, inner(group=kind._GROUP_ID, rc=code))
                    self.assertEqual((failure["group"], failure["code"]), (int(kind._GROUP_ID), int(code)))


class Zz(unittest.TestCase):
    """After all others."""

    def test_every_message_type_was_compared(self) -> None:
        bases = (message.Request, message.Response)
        known = {c for m in MODULES for c in vars(m).values() if isinstance(c, type) and issubclass(c, bases) and c.__module__ == m.__name__ and "[" not in c.__name__}
        self.assertGreater(len(known), 70)
        self.assertEqual({c.__name__ for c in known - SEEN}, set())


def hash_of(image: bytes) -> bytes:
    """The hash TLV, which stands last."""
    return image[-32:]


def mcuboot_image(length: int) -> bytes:
    """An MCUboot image of version 1.2.3+4 with nothing but a hash."""
    payload = random.Random(length).randbytes(length)
    header = (0x96F3B83D).to_bytes(4, "little") + bytes(4) + (32).to_bytes(2, "little") + bytes(2)
    header += length.to_bytes(4, "little") + bytes(4) + bytes([1, 2]) + (3).to_bytes(2, "little") + (4).to_bytes(4, "little") + bytes(4)
    digest = hashlib.sha256(header + payload).digest()
    tlv = (0x10).to_bytes(2, "little") + (32).to_bytes(2, "little") + digest
    return header + payload + (0x6907).to_bytes(2, "little") + (len(tlv) + 4).to_bytes(2, "little") + tlv


if __name__ == "__main__":
    unittest.main()
