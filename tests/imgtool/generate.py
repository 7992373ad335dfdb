"""Makes MCUboot images with imgtool, one for every kind of key and option, and notes what imgtool says of each.

usage: generate.py OUT              imgtool 2.x makes the images and inspects them
       generate.py --old OUT        imgtool 1.x (on PYTHONPATH) makes those that it can
       generate.py --inspect OUT    imgtool 2.x inspects what 1.x has made, for 1.x cannot

Writes OUT/NAME.bin and OUT/cases.json. A case holds what was asked for, what `imgtool dumpinfo` reads and what `imgtool
verify` says, so that the Rust test compares against another reader than ours. Keys are made anew each time; nothing of this
is ever committed.
"""

import contextlib
import io
import json
import os
import sys
import zipfile
from pathlib import Path

import imgtool
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from imgtool.main import imgtool as cli

SIGNING_KEYS = {
    # type for keygen: (signature kind, hash bits)
    "rsa-2048": ("RSA-2048", 256),
    "rsa-3072": ("RSA-3072", 256),
    "ecdsa-p256": ("ECDSA-P256", 256),
    "ecdsa-p384": ("ECDSA-P384", 384),
    "ed25519": ("Ed25519", 256),
}
OLD_KEYS = ["rsa-2048", "rsa-3072", "ecdsa-p256", "ed25519"]
SLOT = "0x20000"


def run(*arguments):
    """Runs imgtool in this process; gives its exit status and what it printed."""
    text = io.StringIO()
    status = 0
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        try:
            cli([str(argument) for argument in arguments], standalone_mode=False)
        except SystemExit as stop:
            status = stop.code or 0
    return status, text.getvalue()


def make(*arguments):
    status, text = run(*arguments)
    if status != 0:
        raise SystemExit(f"imgtool {' '.join(map(str, arguments))}: {text}")


def program(length, compressible=False):
    """Something like a program: a vector table, then bytes that repeat little, or much."""
    words = [0x20008000, 0x0000C1B5]
    state = 1
    while len(words) * 4 < length:
        state = (state * 1103515245 + 12345) & 0xFFFFFFFF
        words.append(len(words) // 16 if compressible else state)
    return b"".join(word.to_bytes(4, "little") for word in words)[:length]


class Generator:
    def __init__(self, out):
        self.out = out
        self.cases = []
        self.infile = out / "program"
        self.infile.write_bytes(program(5003))
        self.compressible = out / "compressible"
        self.compressible.write_bytes(program(20000, compressible=True))

    def key(self, kind):
        path = self.out / f"{kind}.pem"
        if not path.exists():
            make("keygen", "-k", path, "-t", kind)
        return path

    def public(self, kind):
        path = self.out / f"{kind}.pub.pem"
        if not path.exists():
            key = load_pem_private_key(self.key(kind).read_bytes(), None).public_key()
            path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        return path

    def sign(self, name, *options, key=None, version="1.2.3+4", header="0x200", infile=None, suffix="bin", **expected):
        """One image. `expected` is what the Rust side must find, beyond what dumpinfo reads."""
        path = self.out / f"{name}.{suffix}"
        path.unlink(missing_ok=True)
        arguments = ["sign", "-v", version, "-H", header, "--pad-header", "-S", SLOT]
        if "--align" not in options:
            arguments += ["--align", "4"]
        if key:
            arguments += ["-k", self.key(key)]
        make(*arguments, *options, infile or self.infile, path)
        case = {"name": name, "file": path.name, "options": [str(option) for option in options], **expected}
        if "refused" not in expected:
            case.setdefault("signature", SIGNING_KEYS[key][0] if key else "none")
            case.setdefault("hash", SIGNING_KEYS[key][1] if key else 256)
            case.setdefault("encrypted", False)
            case.setdefault("compressed", False)
            case["key"] = key
        self.cases.append(case)
        return path

    def keys_and_layouts(self):
        self.sign("none")
        for key in OLD_KEYS if OLD else SIGNING_KEYS:
            self.sign(f"key-{key}", key=key)
            self.sign(f"fullkey-{key}", "--public-key-format", "full", key=key)
        self.sign("header-32", header="0x20")
        self.sign("header-1024", header="0x400", key="ecdsa-p256")
        self.sign("version-largest", version="255.255.65535+4294967295")
        self.sign("version-short", version="7")
        self.sign("erased-zero", "-R", "0")
        for alignment in ["1", "8"]:
            self.sign(f"pad-{alignment}", "--pad", "--align", alignment, padded=8)
        self.sign("pad-overwrite", "--pad", "--overwrite-only", key="rsa-2048", padded=8)
        self.sign("confirm", "--confirm", key="ed25519", padded=8, confirmed=True)
        self.sign("ram-load", "-L", "0x20010000")
        self.sign("rom-fixed", "-F", "0xc000")
        self.sign("dependencies", "-d", "(1, 1.2.3+4)(2, 0.9.0)", key="ecdsa-p256",
                  dependencies=[[1, "1.2.3+4"], [2, "0.9.0"]])
        self.sign("security-counter", "-s", "77", security_counter=77)
        self.sign("security-auto", "-s", "auto", security_counter=(1 << 24) + (2 << 16) + 3)
        self.sign("boot-record", "--boot-record", "SPE", key="rsa-3072")
        self.sign("custom-tlvs", "--custom-tlv", "0x00a0", "0x0102030405", "--custom-tlv", "0x12fe", "text")
        self.sign("everything", "-s", "5", "-d", "(3, 9.8.7+6)", "--boot-record", "NSPE", "--custom-tlv", "0x01a5", "0xff",
                  "--confirm", key="rsa-2048", padded=8, confirmed=True, dependencies=[[3, "9.8.7+6"]],
                  security_counter=5)
        self.sign("big-endian", "-e", "big", refused="IMAGE_UNSUPPORTED")
        self.sign("hex", "-x", "0xc000", suffix="hex", refused="NOT_AN_IMAGE")

    def encryption(self):
        variants = [("rsa-2048", "rsa-2048"), ("ecdsa-p256", "ecdsa-p256"), ("x25519", "ed25519"), ("rsa-2048", None)]
        for enckey, key in variants:
            for bits in ["128", "256"]:
                name = f"{enckey}-{bits}-{key or 'unsigned'}"
                options = ["-E", self.public(enckey), "--encrypt-keylen", bits]
                # With --clear the same image stays readable: its hash is what the encrypted one must carry.
                self.sign(f"clear-{name}", *options, "--clear", key=key, encrypted=True)
                self.sign(f"encrypted-{name}", *options, key=key, encrypted=True, plain=f"clear-{name}")
        if not OLD:
            for hmac in ["256", "512"]:
                options = ["-E", self.public("x25519"), "--hmac-sha", hmac, "--save-enctlv"]
                self.sign(f"clear-hmac-{hmac}", *options, "--clear", key="ed25519", encrypted=True)
                self.sign(f"encrypted-hmac-{hmac}", *options, "--pad", key="ed25519", encrypted=True, padded=8,
                          plain=f"clear-hmac-{hmac}")

    def newer(self):
        for sha in ["256", "384", "512"]:
            self.sign(f"sha-{sha}", "--sha", sha, hash=int(sha))
        self.sign("sha-512-ed25519", "--sha", "512", key="ed25519", hash=512)
        self.sign("pure", "--pure", key="ed25519", signature="Ed25519 (pure)", hash=512)
        self.sign("test", "--test", padded=8)
        for alignment in [16, 32]:
            for option in ["--pad", "--confirm"]:
                self.sign(f"align-{alignment}{option}", "--align", str(alignment), option, padded=alignment,
                          confirmed=option == "--confirm")
        self.sign("non-bootable", "--non-bootable")
        vendor = "12345678-1234-5678-9abc-def012345678"
        self.sign("uuids", "--vid", vendor, "--cid", "11112222333344445555666677778888", vendor_uuid=vendor,
                  class_uuid="11112222-3333-4444-5555-666677778888")
        for kind in ["lzma2", "lzma2armthumb"]:
            # What a compressed image becomes is the same image signed without compression.
            plain = f"uncompressed-{kind}"
            self.sign(plain, infile=self.compressible, key="ecdsa-p256")
            self.sign(f"compressed-{kind}", "--compression", kind, infile=self.compressible, key="ecdsa-p256",
                      compressed=True, decompressed=plain, decompressed_size=20000)
        self.sign("compressed-pure", "--compression", "lzma2", "--pure", infile=self.compressible, key="ed25519",
                  compressed=True, signature="Ed25519 (pure)", hash=512, decompressed_size=20000)
        options = ["--compression", "lzma2", "-E", self.public("x25519")]
        both = {"compressed": True, "encrypted": True, "decompressed_size": 20000}
        self.sign("clear-compressed", *options, "--clear", infile=self.compressible, key="ed25519", **both)
        self.sign("encrypted-compressed", *options, infile=self.compressible, key="ed25519", plain="clear-compressed", **both)

    def packages(self):
        """Packages as sdk-nrf's generate_zip.py lays them out: stored by Python's zipfile, numbers as text."""
        app, net = self.out / "key-ecdsa-p256.bin", self.out / "key-rsa-2048.bin"
        manifest = {"format-version": 1, "time": 1786861789, "files": [
            {"type": "application", "board": "board", "soc": "nrf5340", "load_address": 66048, "image_index": "0",
             "slot_index_primary": "1", "slot_index_secondary": "2", "version_MCUBOOT": "1.2.3+4",
             "size": app.stat().st_size, "file": "app.bin", "modtime": 1786861789},
            {"type": "application", "board": "board/cpunet", "soc": "nrf5340", "load_address": 16812032,
             "image_index": "1", "slot_index_primary": "3", "slot_index_secondary": "4", "version_MCUBOOT": None,
             "size": net.stat().st_size, "file": "net.bin", "modtime": 1786861789}]}
        for name, method in [("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)]:
            with zipfile.ZipFile(self.out / f"package-{name}.zip", "w", method) as package:
                package.write(app, "app.bin")
                package.write(net, "net.bin")
                package.writestr("manifest.json", json.dumps(manifest, indent=4))
        # Written to a pipe: sizes follow the data and the local headers hold none.
        with open(self.out / "package-streamed.zip", "wb") as file:
            with zipfile.ZipFile(Unseekable(file), "w", zipfile.ZIP_DEFLATED) as package:
                package.write(app, "app.bin")
                package.write(net, "net.bin")
                package.writestr("manifest.json", json.dumps(manifest))

    def save(self):
        text = json.dumps({"imgtool": imgtool.imgtool_version, "cases": self.cases}, indent=1)
        (self.out / "cases.json").write_text(text)


def inspect(folder):
    """Adds to each case what imgtool reads and says of its image."""
    from imgtool.dumpinfo import dump_imginfo

    cases = json.loads((folder / "cases.json").read_text())
    for case in cases["cases"]:
        if "refused" in case:
            continue
        path, dump = folder / case["file"], folder / "dump.json"
        with contextlib.redirect_stdout(io.StringIO()):
            dump_imginfo(str(path), str(dump), output_format="json")
        case["dumpinfo"] = json.loads(dump.read_text())
        dump.unlink()
        key = ["-k", folder / f"{case['key']}.pem"] if case["key"] else []
        status, text = run("verify", *key, path)
        digest = [line.split(": ")[1] for line in text.splitlines() if line.startswith("Image digest: ")]
        case["verify"] = {"ok": status == 0, "digest": digest[0] if digest else None, "text": text.strip().splitlines()[-1:]}
    (folder / "cases.json").write_text(json.dumps(cases, indent=1))


class Unseekable:
    """A file as a pipe is one: it cannot go back to fill in sizes."""

    def __init__(self, file):
        self.file = file

    def write(self, data):
        return self.file.write(data)

    def flush(self):
        self.file.flush()


if __name__ == "__main__":
    mode = sys.argv[1] if len(sys.argv) == 3 else "--new"
    OLD = mode == "--old"
    folder = Path(sys.argv[-1])
    version = imgtool.imgtool_version
    if version.startswith("1.") != OLD:
        raise SystemExit(f"imgtool {version} from {imgtool.__file__} is not the expected one")
    if mode == "--inspect":
        inspect(folder)
        raise SystemExit
    folder.mkdir(parents=True, exist_ok=True)
    generator = Generator(folder)
    generator.keys_and_layouts()
    generator.encryption()
    if not OLD:
        generator.newer()
        generator.packages()
    generator.save()
    if not OLD:
        inspect(folder)
    print(f"imgtool {version}: {len(generator.cases)} images in {os.path.relpath(folder)}")
