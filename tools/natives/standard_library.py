"""Which parts of Rust's standard library and of zig's runtime are linked into the native files, with their licence texts.

build.py writes target/native/standard-library.json, so that the folder of the natives is all that a package is made from.
"""

import json
import os
import re
import tomllib
from pathlib import Path

from platforms import CROSS, NATIVE, TARGET

RUST_SOURCE = CROSS / "rust" / "usr" / "lib" / "rustlib" / "src" / "rust"
ZIG = next((CROSS / "venv" / "lib").glob("python3*/site-packages/ziglang"), CROSS)
FILE = NATIVE / "standard-library.json"
LICENCE_FILE = re.compile(r"(?i)^(licen[cs]e|copying|copyright|notice|unlicense)")
# What the workspace of the standard library holds itself: one work, one licence.
OF_RUST_ITSELF = re.compile(r"^(alloc|core|std|std_detect|panic_\w+|unwind|proc_macro|compiler_builtins|rustc-std-workspace-\w+)$")


def licence_texts(folder: Path) -> list[str]:
    files = sorted(file for file in folder.iterdir() if file.is_file() and LICENCE_FILE.match(file.name)) if folder.is_dir() else []
    return [file.read_text(errors="replace").replace("\r\n", "\n").strip() for file in files]


def registry_folder(name: str, version: str) -> Path | None:
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    return next((home / "registry" / "src").glob(f"*/{name}-{version}"), None)


def compiled() -> set[str]:
    """The crates that cargo compiled for any platform, by their names in Rust."""
    files = (TARGET / "cross").glob("*-*-*/release/deps/lib*.rmeta")
    return {re.sub(r"^lib(.*)-[0-9a-f]+\.rmeta$", r"\1", file.name) for file in files}


def parts() -> list[dict]:
    with (RUST_SOURCE / "library" / "Cargo.lock").open("rb") as lock:
        packages = tomllib.load(lock)["package"]
    built = compiled()
    found = []
    for package in packages:
        name, version = package["name"], package["version"]
        if OF_RUST_ITSELF.match(name) or "checksum" not in package or name.replace("-", "_") not in built:
            continue
        folder = registry_folder(name, version)
        # Of two crates with one name, the one that only smpfota itself uses is not unpacked in this version.
        if folder is None:
            continue
        with (folder / "Cargo.toml").open("rb") as manifest:
            licence = tomllib.load(manifest)["package"].get("license", "")
        found.append({"name": name, "version": version, "checksum": package["checksum"], "licence": licence, "texts": licence_texts(folder)})
    rust = (CROSS / "rust" / "packages").read_text()
    version = re.search(r"rustc-web_([0-9.]+)", rust)
    found.append(
        {
            "name": "Rust standard library",
            "version": version[1] if version else "",
            "checksum": None,
            "licence": "MIT OR Apache-2.0",
            "texts": [(RUST_SOURCE / "COPYRIGHT").read_text(errors="replace").strip()],
        }
    )
    for name, licence, file in (
        ("LLVM libunwind and compiler-rt", "Apache-2.0 WITH LLVM-exception", ZIG / "lib" / "libunwind" / "LICENSE.TXT"),
        ("mingw-w64 runtime (Windows)", "LicenseRef-mingw-w64-runtime", ZIG / "lib" / "libc" / "mingw" / "COPYING"),
        ("zig", "MIT", ZIG / "LICENSE"),
    ):
        found.append({"name": name, "version": "zig 0.15.2", "checksum": None, "licence": licence, "texts": [file.read_text(errors="replace").strip()]})
    return found


def write() -> None:
    NATIVE.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps(parts(), indent=1, sort_keys=True) + "\n")
