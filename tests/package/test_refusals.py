"""Is the package refused for each thing that must not be in it? Runs before .NET has any part in it, so without an SDK.

usage: .cache/package/bin/python tests/package/test_refusals.py

The file of departure is cargo's release build. It may itself be refused, for a newer glibc and for naming places of this machine; so
each test wants its own reason.
"""

import platform
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tools/natives"), str(ROOT / "tools/package")]
import check_package  # noqa: E402
import pack  # noqa: E402
from licences import allowed  # noqa: E402
from platforms import TARGET, table  # noqa: E402

RID = pack.LOCAL_RID[platform.system(), platform.machine()]
ROW = next(row for row in table() if row.rid == RID)
GOOD = TARGET / "release" / ROW.built_as
OTHERS = [option for row in table() if row.rid != ROW.rid for option in ("--leave-out", row.rid)]


class Refusals(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.file = ROW.file_in(self.folder)
        self.file.parent.mkdir()
        shutil.copyfile(GOOD, self.file)

    def plant(self, old: bytes, new: bytes) -> None:
        content = self.file.read_bytes()
        planted = re.sub(old, new, content, count=1)
        self.assertNotEqual(planted, content, "nothing was planted")
        self.file.write_bytes(planted)

    def pack(self, *options: object) -> str:
        """What `make package` says; it has to fail and to leave no package."""
        command = [sys.executable, ROOT / "tools/package/pack.py", "--natives", self.folder, "--output", self.folder / "package", *options]
        result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
        self.assertEqual(list((self.folder / "package").glob("*pkg")), [])
        return result.stderr

    def test_the_file_of_departure_is_not_refused_for_any_of_this(self) -> None:
        said = self.pack(*OTHERS)
        for word in ("is missing; `make natives", "does not export", "does not declare", "/build/0/lib.rs", "GLIBC_2.99", "libsmpfota.sx"):
            self.assertNotIn(word, said)

    def test_a_missing_row(self) -> None:
        self.file.unlink()
        said = self.pack(*OTHERS)
        self.assertIn(f"`make natives RIDS={RID}` builds it", said)
        self.assertIn("--leave-out", said)
        for row in table():
            self.assertIn(f"{row.rid}: ", self.pack())

    def test_an_unknown_row_to_leave_out(self) -> None:
        self.assertIn("no such platform to leave out: linux-x65", self.pack("--leave-out", "linux-x65"))

    def test_a_package_of_nothing(self) -> None:
        self.assertIn("every platform is left out", self.pack(*OTHERS, "--leave-out", RID))

    def test_a_wrong_export(self) -> None:
        self.plant(rb"\0smpfota_version\0", b"\0smpfota_versioX\0")
        said = self.pack(*OTHERS)
        self.assertRegex(said, r"it does not export .*\bsmpfota_version\b")
        self.assertRegex(said, r"it exports what the header does not declare: .*\bsmpfota_versioX\b")

    def test_a_newer_glibc(self) -> None:
        self.plant(rb"\0GLIBC_2\.\d\d\0", b"\0GLIBC_2.99\0")
        self.assertRegex(self.pack(*OTHERS), r"newer glibc than 2\.17: .*GLIBC_2\.99")

    def test_a_path_of_the_builder(self) -> None:
        with self.file.open("ab") as file:
            file.write(b"\0/build/0/lib.rs\0")
        self.assertIn("places of the machine that built it: /build/0/lib.rs", self.pack(*OTHERS))

    def test_the_file_of_another_processor(self) -> None:
        content = bytearray(self.file.read_bytes())
        content[18:20] = (243).to_bytes(2, "little")  # RISC-V
        self.file.write_bytes(content)
        self.assertIn(f"which {RID} cannot load", self.pack(*OTHERS))

    def test_another_name_in_its_header(self) -> None:
        self.plant(rb"\0libsmpfota\.so\0", b"\0libsmpfota.sx\0")
        self.assertIn("its own name is libsmpfota.sx", self.pack(*OTHERS))

    def test_a_file_that_is_none(self) -> None:
        self.file.write_text("no library")
        self.assertIn("it is no library of any system", self.pack(*OTHERS))

    def test_a_relative_link_in_the_readme(self) -> None:
        readme = self.folder / "README.md"
        readme.write_text(pack.README.read_text() + "\nSee [the ABI](docs/ABI.md).\n")
        said = self.pack(*OTHERS, "--readme", readme)
        self.assertIn("the link docs/ABI.md is relative", said)


class Readme(unittest.TestCase):
    def test_ours_is_good(self) -> None:
        self.assertEqual(check_package.readme_problems(pack.README.read_text()), [])

    def test_what_is_wrong_is_said(self) -> None:
        for text, word in (
            ("[a](#b)", "the link #b is relative"),
            ("[a]: docs/x.md", "the link docs/x.md is relative"),
            ('<img src="x.png">', "the link x.png is relative"),
            ("nothing", "no C# program"),
            ("```csharp\n" + "a\n" * 26 + "```\n", "more than 25 lines"),
            ("nothing", "how to install"),
        ):
            self.assertIn(word, "; ".join(check_package.readme_problems(text)))


class Licences(unittest.TestCase):
    def test_a_choice_needs_one_and_a_sum_all(self) -> None:
        ours = {"MIT", "Zlib", "Apache-2.0 WITH LLVM-exception"}
        for good in ("MIT", "MIT OR GPL-3.0", "GPL-3.0/MIT", "(GPL-3.0 OR MIT) AND Zlib", "Apache-2.0 WITH LLVM-exception", "MIT OR A OR B"):
            self.assertTrue(allowed(good, ours), good)
        for bad in ("", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Zlib) AND GPL-3.0", "Apache-2.0", "MIT AND (A OR B)"):
            self.assertFalse(allowed(bad, ours), bad)


if __name__ == "__main__":
    unittest.main()
