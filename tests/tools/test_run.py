"""Does tests/run count right, and never call a broken run a good one?"""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

RUN = Path(__file__).resolve().parent.parent / "run"


def load():
    loader = importlib.machinery.SourceFileLoader("tests_run", str(RUN))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tests_run", loader))
    sys.modules["tests_run"] = module  # dataclasses look their module up
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


run = load()


def numbers(counts) -> tuple[int, int, int]:
    return counts.passed, counts.failed, counts.skipped


class Readers(unittest.TestCase):
    def test_the_package_may_leave_out_what_its_script_lists(self) -> None:
        counts = run.package("ok a (3 s)\nnot ok b: why\nskip c: no runtime\nok d\n")
        self.assertEqual(numbers(counts), (2, 1, 0))
        self.assertEqual(counts.notes, ["not run: c: no runtime"])

    def test_cargo_sums_its_programs(self) -> None:
        text = (
            "running 2 tests\ntest a ... ok\ntest result: ok. 2 passed; 0 failed; 0 ignored; 0 measured\n"
            "running 3 tests\ntest result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured\n"
        )
        self.assertEqual(numbers(run.cargo(text)), (3, 1, 1))

    def test_cargo_a_program_that_crashes_counts_as_failed(self) -> None:
        text = "running 2 tests\ntest result: ok. 2 passed; 0 failed; 0 ignored\nrunning 1 test\nerror: signal: 11\n"
        self.assertEqual(numbers(run.cargo(text)), (2, 1, 0))

    def test_the_devices_of_the_field_have_a_line_of_their_own(self) -> None:
        text = (
            "running 4 tests\ntest network_core::item_01_a ... ok\ntest network_core::item_01_b ... ok\n"
            "test guards::item_04_c ... ignored, not yet\ntest late::item_h_d ... ok\n"
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured\n"
        )
        counts = run.rust(text)
        self.assertEqual(numbers(counts), (3, 0, 1))
        (note,) = counts.notes
        self.assertRegex(note, r"^field: 2 of 3 items right \(3 of 4 tests\), [1-9][0-9]* kinds of devices$")
        self.assertEqual(run.rust("running 1 test\ntest result: ok. 1 passed; 0 failed; 0 ignored\n").notes, [])

    def test_lines(self) -> None:
        self.assertEqual(numbers(run.lines("ok a\nnot ok b\n  | ok c\nskip d: why\nokay\n")), (1, 1, 1))

    def test_dotnet_takes_the_last_line(self) -> None:
        self.assertEqual(numbers(run.dotnet("passed=9 failed=9 skipped=9\npassed=5 failed=1 skipped=2\n")), (5, 1, 2))
        self.assertEqual(numbers(run.dotnet("crashed before the end")), (0, 0, 0))

    def test_python(self) -> None:
        self.assertEqual(numbers(run.python("Ran 4 tests in 1.0s\n\nOK\n")), (4, 0, 0))
        self.assertEqual(numbers(run.python("Ran 9 tests in 1s\n\nFAILED (failures=1, errors=2, skipped=3)\n")), (3, 3, 3))
        self.assertEqual(numbers(run.python("Traceback")), (0, 0, 0))


class Runs(unittest.TestCase):
    """A command's counts, with its exit code taken into account."""

    def setUp(self) -> None:
        run.LOGS = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def command(self, script: str, reader=None, **options) -> tuple[int, int, int]:
        with contextlib.redirect_stdout(io.StringIO()):
            return numbers(run.run("x", ["sh", "-c", script], reader, **options))

    def test_a_plain_check_is_its_exit_code(self) -> None:
        self.assertEqual(self.command("true"), (1, 0, 0))
        self.assertEqual(self.command("false"), (0, 1, 0))

    def test_a_bad_exit_code_is_a_failure_whatever_was_counted(self) -> None:
        self.assertEqual(self.command("echo ok a; exit 3", run.lines), (1, 1, 0))

    def test_no_test_is_a_failure(self) -> None:
        self.assertEqual(self.command("echo hello", run.lines), (0, 1, 0))

    def test_what_cannot_be_had_is_skipped(self) -> None:
        self.assertEqual(self.command("echo no emulator; exit 77", run.lines), (0, 0, 1))

    def test_what_hangs_is_ended(self) -> None:
        self.assertEqual(self.command("echo ok a; sleep 60", run.lines, timeout_s=0.5), (1, 1, 0))


class LastLine(unittest.TestCase):
    def test_an_unknown_part_is_no_success(self) -> None:
        result = subprocess.run([sys.executable, RUN, "nothing"], capture_output=True, text=True, env={**os.environ})
        self.assertEqual(result.returncode, 2)
        self.assertIn("no such part", result.stderr)

    def main(self, counts, ci: bool) -> tuple[int, str]:
        run.PARTS, before = {"x": lambda: counts}, run.PARTS
        run.CI, ci_before = ci, run.CI
        argv, sys.argv = sys.argv, ["run"]
        output = io.StringIO()
        try:
            with contextlib.redirect_stdout(output):
                return run.main(), output.getvalue().splitlines()[-1]
        finally:
            run.PARTS, run.CI, sys.argv = before, ci_before, argv

    def test_it_is_the_counts(self) -> None:
        self.assertEqual(self.main(run.Counts(3, 0, 0), ci=True), (0, "3 passed, 0 failed, 0 skipped"))
        self.assertEqual(self.main(run.Counts(3, 1, 0), ci=False), (1, "3 passed, 1 failed, 0 skipped"))

    def test_a_skip_fails_in_ci_only(self) -> None:
        self.assertEqual(self.main(run.Counts(3, 0, 1), ci=False), (0, "3 passed, 0 failed, 1 skipped"))
        self.assertEqual(self.main(run.Counts(3, 0, 1), ci=True), (1, "3 passed, 0 failed, 1 skipped"))

    def test_a_part_without_a_test_fails(self) -> None:
        self.assertEqual(self.main(run.Counts(), ci=False), (1, "0 passed, 1 failed, 0 skipped"))


if __name__ == "__main__":
    unittest.main()
