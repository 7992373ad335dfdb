"""A whole update over cffi, which reads the header itself, once a C preprocessor has been over it."""

import json
import subprocess
import sys

from cffi import FFI

path, include = sys.argv[1], sys.argv[2]
ffi = FFI()
# SMPFOTA_API and SMPFOTA_MUST_USE are for compilers; without the system's headers only what is declared here is left.
source = subprocess.run(
    ["cc", "-E", "-P", "-DSMPFOTA_API=", "-DSMPFOTA_MUST_USE=", "-I", include, "-x", "c", "-"],
    input="#include <smpfota.h>", capture_output=True, text=True, check=True,
).stdout
ffi.cdef(source[source.index("enum smpfota_status") :])
library = ffi.dlopen(path)


class SmpError(Exception):
    """A status below 0 by its name, with the library's sentence where the call has one."""


def check(status: int, error=None) -> int:
    if status < 0 and status != library.SMPFOTA_BUFFER_TOO_SMALL:
        name = text(output(library.smpfota_status_name, status)[1])
        raise SmpError(f"{name}: {text(ffi.string(ffi.cast('char *', error.text)))}" if error else name)
    return status


def text(data: bytes) -> str:
    return data.decode()


def sized(kind: str):
    """A struct that says its size."""
    struct = ffi.new(f"struct {kind} *")
    struct.struct_size = ffi.sizeof(struct[0])
    return struct


def output(call, *arguments) -> tuple[int, bytes]:
    """A call that fills a buffer, with one as large as it asks for where the first is too small."""
    kind = "char[]" if "char *" in str(ffi.typeof(call)) else "uint8_t[]"
    buffer, length = ffi.new(kind, 256), ffi.new("size_t *")
    while (status := check(call(*arguments, buffer, len(buffer), length))) == library.SMPFOTA_BUFFER_TOO_SMALL:
        buffer = ffi.new(kind, length[0])
    return status, bytes(ffi.buffer(buffer, length[0])) if status == library.SMPFOTA_OK else b""


def opened(call, kind: str, *arguments) -> int:
    handle, error = ffi.new(f"smpfota_{kind} *"), sized("smpfota_error")
    check(call(*arguments, handle, error), error)
    return handle[0]


def next_frame(session: int, now: int) -> tuple[int, bytes]:
    try:
        return output(library.smpfota_session_next_frame, session, now)
    except SmpError as failure:  # it has no error of its own: the session keeps it
        error = sized("smpfota_error")
        check(library.smpfota_session_error(session, error))
        raise failure if error.status == 0 else SmpError(text(ffi.string(ffi.cast("char *", error.text))))


def due(call, handle: int) -> int:
    deadline = ffi.new("uint64_t *")
    check(call(handle, deadline))
    return deadline[0]  # with EMPTY the latest there is


def main() -> None:
    if library.smpfota_abi_version() != 1:  # SMPFOTA_ABI_VERSION, a macro, which cffi does not see
        sys.exit("this program knows another ABI than the library")
    options = ffi.new("smpfota_session_options *")
    check(library.smpfota_session_options_init(options, ffi.sizeof(options[0])))
    options.max_write = 3
    try:
        opened(library.smpfota_session_open, "session", options)
    except SmpError as refusal:
        print("refused:", refusal)
    link = ffi.new("smpfota_device_options *")
    check(library.smpfota_device_options_init(link, ffi.sizeof(link[0])))
    link.link = 2  # gateway-lan
    device = opened(library.smpfota_device_open, "device", link)
    file = output(library.smpfota_simulator_make_image, b"1.1.0", 5, 40000, 5)[1]
    image = opened(library.smpfota_image_open_bytes, "image", file, len(file))
    session = opened(library.smpfota_session_open, "session", ffi.NULL)
    check(library.smpfota_session_start_update(session, image, ffi.NULL, ffi.NULL))
    now, saved, progress = 0, b"", sized("smpfota_progress")  # the device is virtual, and so is the time
    while (step := next_frame(session, now))[0] != library.SMPFOTA_DONE:
        if step[0] == library.SMPFOTA_OK:
            check(library.smpfota_device_write(device, now, step[1], len(step[1])))
            continue
        check(library.smpfota_session_progress_get(session, now, progress))
        if not saved and progress.bytes_acknowledged * 2 > progress.bytes_total:
            saved = output(library.smpfota_session_save, session)[1]
            check(library.smpfota_session_close(session))
            session = opened(library.smpfota_session_restore, "session", saved, len(saved), image, ffi.NULL)
            print(f"saved: {len(saved)} bytes")
            continue
        came = False
        while (message := output(library.smpfota_device_read, device, now))[0] == library.SMPFOTA_OK:
            check(library.smpfota_session_feed(session, now, message[1], len(message[1])))
            came = True
        if not came:
            soonest = min(due(library.smpfota_session_deadline, session), due(library.smpfota_device_deadline, device))
            now = max(now + 1, soonest)
    print("updated:", json.loads(output(library.smpfota_device_describe, device)[1])["running"])
    for close, handle in (("session", session), ("image", image), ("device", device)):
        check(getattr(library, f"smpfota_{close}_close")(handle))


main()
