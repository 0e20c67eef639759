#!/usr/bin/env python3
"""Tests of the harness itself: that run_case.py fails when it must, and only then."""
import os
import pathlib
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest

RUNNER = pathlib.Path(__file__).resolve().parent / "run_case.py"
# A program that does what its first argument says.
PROGRAM = """#!/usr/bin/env python3
import os, signal, subprocess, sys, time
what, rest = sys.argv[1], sys.argv[2:]
if what == "say": print(*rest)
if what == "bare": sys.stdout.write(rest[0])
if what == "complain": print(*rest, file=sys.stderr)
if what == "leave": print("left"); sys.exit(int(rest[0]))
if what == "crash": print("right", flush=True); os.kill(os.getpid(), signal.SIGSEGV)
if what == "sleep": print("right", flush=True); time.sleep(60)
if what == "hang-in-child":
    print("right", flush=True); subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"])
if what == "show": print(open(rest[0]).read(), end="")
if what == "where": print(os.getcwd()); print(rest[0])
if what == "name": print("this is", rest[0]); sys.exit(3 if "worse" in rest[0] else 0)
"""


class Harness(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()
        self.program = self.root / "program"
        self.program.write_text(PROGRAM, encoding="utf-8")
        self.program.chmod(0o755)
        self.cases = self.root / "cases"
        self.cases.mkdir()

    def case(self, name: str, text: str) -> pathlib.Path:
        path = self.cases / f"{name}.case"
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def run_cases(self, *flags: str, shared: str = "") -> tuple[int, str]:
        environment = {k: v for k, v in os.environ.items() if k != "MELD_VERIFY_SHARED"}
        if shared:
            environment["MELD_VERIFY_SHARED"] = shared
        done = subprocess.run([sys.executable, str(RUNNER), "--program", str(self.program), "--root", str(self.root),
                               *flags, str(self.cases)], capture_output=True, text=True, env=environment, timeout=50)
        return done.returncode, done.stdout + done.stderr

    def last_line(self, output: str) -> str:
        return output.strip().splitlines()[-1]

    def test_right_output_and_exit_pass(self) -> None:
        self.case("a", "args: say hello\n--- stdout\nhello\n")
        self.case("b", "args: leave 4\nexit: 4\n--- stdout\nleft\n")
        self.case("c", "args: complain no\n--- stderr\nno\n")
        self.assertEqual(self.run_cases(), (0, "3 passed, 0 failed, 0 skipped\n"))

    def test_wrong_output_fails(self) -> None:
        self.case("a", "args: say hello\n--- stdout\nhallo\n")
        code, output = self.run_cases()
        self.assertEqual(code, 1)
        self.assertIn("-hallo", output)
        self.assertIn("+hello", output)

    def test_output_where_none_is_expected_fails(self) -> None:
        self.case("a", "args: say hello\n")
        self.case("b", "args: complain hello\n")
        code, output = self.run_cases()
        self.assertEqual((code, self.last_line(output)), (1, "0 passed, 2 failed, 0 skipped"))

    def test_missing_last_line_break_fails(self) -> None:
        self.case("a", "args: bare hello\n--- stdout\nhello\n")
        code, output = self.run_cases()
        self.assertEqual(code, 1)
        self.assertIn("last line break", output)

    def test_blank_line_more_at_the_end_fails(self) -> None:
        self.case("a", "args: say hello\n--- stdout\nhello\n\n")
        self.assertEqual(self.run_cases()[0], 1)

    def test_wrong_exit_after_right_output_fails(self) -> None:
        self.case("a", "args: leave 5\n--- stdout\nleft\n")
        code, output = self.run_cases()
        self.assertEqual(code, 1)
        self.assertIn("exit 0 expected, got 5", output)

    def test_success_where_failure_is_expected_fails(self) -> None:
        self.case("a", "args: say hello\nexit: 1\n--- stdout\nhello\n")
        code, output = self.run_cases()
        self.assertEqual(code, 1)
        self.assertIn("exit 1 expected, got 0", output)

    def test_crash_after_right_output_fails(self) -> None:
        self.case("a", "args: crash\n--- stdout\nright\n")
        code, output = self.run_cases()
        self.assertEqual(code, 1)
        self.assertIn("ended by signal 11 (SIGSEGV)", output)

    def test_crash_is_not_an_exit_code(self) -> None:
        for number in (-11, 139):
            self.case("a", f"args: crash\nexit: {number}\n--- stdout\nright\n")
            self.assertEqual(self.run_cases()[0], 1)

    def test_time_out_fails_and_ends_what_the_program_started(self) -> None:
        self.case("a", "args: sleep\ntimeout: 1\n--- stdout\nright\n")
        self.case("b", "args: hang-in-child\ntimeout: 1\n--- stdout\nright\n")
        begin = time.monotonic()
        code, output = self.run_cases()
        self.assertEqual((code, self.last_line(output)), (1, "0 passed, 2 failed, 0 skipped"))
        self.assertEqual(output.count("still running after 1 s"), 2)
        self.assertLess(time.monotonic() - begin, 20)

    def test_exactly_the_failures_are_counted(self) -> None:
        for i in range(7):
            self.case(f"c{i}", f"args: say {i}\n--- stdout\n{i if i % 3 else 'other'}\n")
        code, output = self.run_cases()
        self.assertEqual((code, self.last_line(output)), (1, "4 passed, 3 failed, 0 skipped"))
        self.assertEqual([l.split()[1] for l in output.splitlines() if l.startswith("FAILED")], ["c0", "c3", "c6"])

    def test_no_case_is_an_error(self) -> None:
        code, output = self.run_cases()
        self.assertEqual(code, 2)
        self.assertIn("there is no case", output)

    def test_unreadable_cases_are_errors(self) -> None:
        for text in ("exit: 0\n", "args: say\nexit: one\n", "args: say\nflags: x\n", "args: say {each}\n", "args: say\neach: *\n",
                     "args: say\n--- output\n", "args: say\n--- stdout\na\n--- stdout\nb\n"):
            with self.subTest(text):
                self.case("a", text)
                self.assertEqual(self.run_cases()[0], 2)

    def test_files_are_written_to_the_scratch_folder(self) -> None:
        self.case("a", """
            # shows a file
            args: show {scratch}/sub/in.txt
            --- file sub/in.txt
            one
            \\--- two
            --- stdout
            one
            \\--- two
            """)
        self.assertEqual(self.run_cases()[0], 0)

    def test_scratch_has_its_name_in_the_output(self) -> None:
        self.case("a", "args: where {scratch}/x\n--- stdout\n" + str(self.root) + "\n{scratch}/x\n")
        self.assertEqual(self.run_cases()[0], 0)

    def test_each_runs_every_file_and_demands_one(self) -> None:
        for name in ("good", "better"):
            (self.root / f"{name}.in").write_text("", encoding="utf-8")
        self.case("a", "args: name {each}\neach: *.in\n--- stdout\n== better.in\nthis is better.in\n"
                       "== good.in\nthis is good.in\n")
        self.assertEqual(self.run_cases()[0], 0)
        (self.root / "worse.in").write_text("", encoding="utf-8")
        code, output = self.run_cases()
        self.assertEqual(code, 1)
        self.assertIn("worse.in: exit 0 expected, got 3", output)
        self.case("a", "args: name {each}\neach: *.none\n")
        code, output = self.run_cases()
        self.assertEqual(code, 1)
        self.assertIn("no file matches *.none", output)

    def test_shared_is_skipped_aloud_without_its_folder(self) -> None:
        self.case("a", "args: name {each}\neach: {shared}/*.in\n--- stdout\n== {shared}/x.in\nthis is {shared}/x.in\n")
        code, output = self.run_cases()
        self.assertEqual((code, self.last_line(output)), (0, "0 passed, 0 failed, 1 skipped"))
        self.assertIn("SKIPPED a: MELD_VERIFY_SHARED", output)
        shared = self.root / "shared"
        shared.mkdir()
        (shared / "x.in").write_text("", encoding="utf-8")
        self.assertEqual(self.run_cases(shared=str(shared)), (0, "1 passed, 0 failed, 0 skipped\n"))

    def test_update_writes_what_came_out_and_nothing_else(self) -> None:
        path = self.case("a", "# why\nargs: say --- x\nexit: 0\n--- file f\nkept\n--- stdout\nold\n--- stderr\nold\n")
        self.assertEqual(self.run_cases("--update")[0], 0)
        self.assertEqual(path.read_text(encoding="utf-8"),
                         "# why\nargs: say --- x\n--- file f\nkept\n--- stdout\n\\--- x\n")
        self.assertEqual(self.run_cases()[0], 0)

    def test_update_keeps_the_case_after_a_crash_or_a_wrong_exit(self) -> None:
        for what in ("crash", "leave 2"):
            path = self.case("a", f"args: {what}\n--- stdout\nold\n")
            before = path.read_bytes()
            self.assertEqual(self.run_cases("--update")[0], 1)
            self.assertEqual(path.read_bytes(), before)

    def test_a_missing_program_is_an_error(self) -> None:
        self.case("a", "args: say hello\n--- stdout\nhello\n")
        self.program.unlink()
        self.assertEqual(self.run_cases()[0], 2)


if __name__ == "__main__":
    unittest.main()
