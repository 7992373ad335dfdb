"""A whole update over ctypes, declared by hand. The structs end where this program's interest does: struct_size says so."""

import json
import sys
from ctypes import CDLL, POINTER, Structure, byref, c_char_p, c_int32, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from ctypes import create_string_buffer, sizeof

OK, DONE, BUFFER_TOO_SMALL, ABI_VERSION, GATEWAY_LAN = 0, 3, -5, 1, 2
HANDLE = c_size_t  # as wide as a pointer and a number all the same: never c_void_p, which makes None of 0


def struct(**fields: type) -> type:
    return type("Struct", (Structure,), {"_fields_": list(fields.items())})


NUMBERS = {"struct_size": c_uint32, "status": c_int32, "group": c_int32, "code": c_int32, "finding": c_uint32}
Error = struct(**NUMBERS, text_length=c_uint32, text=c_uint8 * 488)
SessionOptions = struct(struct_size=c_uint32, framing=c_uint32, max_write=c_uint32)
Progress = struct(struct_size=c_uint32, phase=c_uint32, acknowledged=c_uint64, total=c_uint64)
DeviceOptions = struct(struct_size=c_uint32, profile=c_uint32, link=c_uint32, fault=c_uint32, seed=c_uint64)

library = CDLL(sys.argv[1])
OPENED, OUTPUT = [POINTER(HANDLE), POINTER(Error)], [c_char_p, c_size_t, POINTER(c_size_t)]
# Without its types ctypes passes every number as a C int, which cuts handles and times.
for types, names in (
    ([], "abi_version"),
    ([c_int32, *OUTPUT], "status_name"),
    ([c_char_p, c_size_t, c_uint32, c_uint64, *OUTPUT], "simulator_make_image"),
    ([c_char_p, c_size_t, *OPENED], "image_open_bytes"),
    ([c_void_p, c_uint32], "session_options_init device_options_init"),
    ([c_void_p, *OPENED], "session_open device_open"),
    ([HANDLE, HANDLE, c_void_p, POINTER(Error)], "session_start_update"),
    ([c_char_p, c_size_t, HANDLE, c_void_p, *OPENED], "session_restore"),
    ([HANDLE, c_uint64, *OUTPUT], "session_next_frame device_read"),
    ([HANDLE, c_uint64, c_char_p, c_size_t], "session_feed device_write"),
    ([HANDLE, POINTER(c_uint64)], "session_deadline device_deadline"),
    ([HANDLE, c_uint64, POINTER(Progress)], "session_progress_get"),
    ([HANDLE, *OUTPUT], "session_save device_describe"),
    ([HANDLE, POINTER(Error)], "session_error"),
    ([HANDLE], "image_close session_close device_close"),
):
    for name in names.split():
        getattr(library, f"smpfota_{name}").argtypes = types


class SmpError(Exception):
    """A status below 0 by its name, with the library's sentence where the call has one."""


def call(name: str, *arguments, error: Error | None = None) -> int:
    status = getattr(library, f"smpfota_{name}")(*arguments)
    if status < 0 and status != BUFFER_TOO_SMALL:
        if name == "session_next_frame":  # it has no error of its own: the session keeps it
            library.smpfota_session_error(arguments[0], byref(error := Error(sizeof(Error))))
        sentence = bytes(error.text).split(b"\0")[0].decode() if error else ""
        raise SmpError(": ".join(filter(None, (output("status_name", status)[1].decode(), sentence))))
    return status


def output(name: str, *arguments) -> tuple[int, bytes]:
    """A call that fills a buffer, with one as large as it asks for where the first is too small."""
    buffer, length = create_string_buffer(256), c_size_t()
    while (status := call(name, *arguments, buffer, len(buffer), byref(length))) == BUFFER_TOO_SMALL:
        buffer = create_string_buffer(length.value)
    return status, buffer.raw[: length.value] if status == OK else b""


def opened(name: str, *arguments) -> HANDLE:
    handle, error = HANDLE(), Error(sizeof(Error))
    call(name, *arguments, byref(handle), byref(error), error=error)
    return handle


def filled(name: str, options: Structure, **fields) -> Structure:
    call(name, byref(options), sizeof(options))
    for field, value in fields.items():
        setattr(options, field, value)
    return options


if library.smpfota_abi_version() != ABI_VERSION:
    sys.exit("this program knows another ABI than the library")
try:
    opened("session_open", byref(filled("session_options_init", SessionOptions(), max_write=3)))
except SmpError as refusal:
    print("refused:", refusal)
device = opened("device_open", byref(filled("device_options_init", DeviceOptions(), link=GATEWAY_LAN, seed=7)))
file = output("simulator_make_image", b"1.1.0", 5, 40000, 5)[1]
image, session = opened("image_open_bytes", file, len(file)), opened("session_open", None)
call("session_start_update", session, image, None, None)
now = writes = answers = saved = 0  # the device is virtual, and so is the time
while (step := output("session_next_frame", session, now))[0] != DONE:
    if step[0] == OK:
        call("device_write", device, now, step[1], len(step[1]))
        writes += 1
        continue
    call("session_progress_get", session, now, byref(progress := Progress(sizeof(Progress))))
    if not saved and progress.acknowledged * 2 > progress.total:
        saved = output("session_save", session)[1]
        call("session_close", session)
        session = opened("session_restore", saved, len(saved), image, None)
        print(f"saved: {len(saved)} bytes at {progress.acknowledged} of {progress.total}")
        continue
    came = answers
    while (message := output("device_read", device, now))[0] == OK:
        call("session_feed", session, now, message[1], len(message[1]))
        answers += 1
    if came == answers:
        moments = c_uint64(), c_uint64()  # with EMPTY the latest there is
        call("session_deadline", session, byref(moments[0]))
        call("device_deadline", device, byref(moments[1]))
        now = max(now + 1, min(moment.value for moment in moments))
runs = json.loads(output("device_describe", device)[1])["running"]
print(f"updated: {runs} after {writes} writes and {answers} answers in {now} ms")
for name, handle in (("session", session), ("image", image), ("device", device)):
    call(f"{name}_close", handle)
try:
    call("session_close", session)
except SmpError as refusal:
    print("closed twice:", refusal)
