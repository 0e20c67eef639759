#!/usr/bin/env python3
"""Runs the program on each case below a folder and compares exit code and output, byte for byte.

usage: run_case.py --program PROGRAM [--update] [--root DIR] [CASE.case | FOLDER]…

A case is one file NAME.case, found on disk, never listed:

    # what it shows
    args: check fixtures/components/founding-floats.wasm --plan {scratch}/plan.json
    exit: 1
    timeout: 20
    --- file plan.json
    …a file that is written to the scratch folder before the run…
    --- stdout
    …what the program must print…
    --- stderr
    …

`exit` is 0, `timeout` 20 (seconds), stdout and stderr empty unless the case says otherwise. The program runs in the
repository's root, with NO_COLOR set and nothing on its standard input. In `args`, {scratch} is an empty folder of
the case's own and {shared} the folder of real programs that MELD_VERIFY_SHARED names; a case that needs it is
skipped, aloud, without. Both appear in the output under these names.

`each: GLOB` runs the case once per file, {each} in `args`; the outputs stand one after the other, each under a line
`== FILE`. A glob that matches nothing fails. A content line that begins with `---` is written with `\\` before it.

Death by a signal and time-out are failures, whatever was printed before. `--update` writes what came out into the
case files (not after a signal, a time-out or another exit code than the case's). Exit 0: all passed; 1: some failed
(the last line counts them); 2: wrong usage, a case that cannot be read, or no case at all.
"""
import argparse
import difflib
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRATCH, SHARED, EACH = "{scratch}", "{shared}", "{each}"


class BadCase(Exception):
    """The case file itself is wrong."""


class Skip(Exception):
    """The case needs something that this machine has not."""


@dataclass
class Case:
    path: pathlib.Path
    comment: list[str] = field(default_factory=list)
    args: str = ""
    each: str = ""
    exit: int = 0
    timeout: float = 20.0
    files: dict[str, str] = field(default_factory=dict)
    stdout: str = ""
    stderr: str = ""


def read_case(path: pathlib.Path) -> Case:
    case = Case(path)
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    has_args = False
    for number, line in enumerate(path.read_bytes().decode("utf-8").split("\n"), 1):
        if line.startswith("--- "):
            title = line[4:].strip()
            if title in sections or not (title in ("stdout", "stderr") or title.startswith("file ")):
                raise BadCase(f"{path}:{number}: section '{title}' is unknown or there twice")
            current = sections.setdefault(title, [])
        elif current is not None:
            current.append(line[1:] if line.startswith("\\---") else line)
        elif line.startswith("#"):
            case.comment.append(line)
        elif line.strip():
            key, colon, value = line.partition(":")
            value = value.strip()
            try:
                if not colon or key not in ("args", "each", "exit", "timeout"):
                    raise ValueError
                has_args = has_args or key == "args"
                setattr(case, key, {"exit": int, "timeout": float}.get(key, str)(value))
            except ValueError:
                raise BadCase(f"{path}:{number}: '{line}' is none of args, each, exit, timeout with its value") from None
    if not has_args:
        raise BadCase(f"{path}: a line 'args: …' is missing")
    if bool(case.each) != (EACH in case.args):
        raise BadCase(f"{path}: 'each:' and {EACH} in args belong together")
    for title, lines in sections.items():
        # A section ends at the next title or at the end of the file: the last line break belongs to its last line.
        text = "\n".join(lines) if lines and lines[-1] == "" else "\n".join(lines + [""]) if lines else ""
        if title.startswith("file "):
            case.files[title[5:]] = text
        else:
            setattr(case, title, text)
    return case


def write_case(case: Case, stdout: str, stderr: str) -> None:
    head = list(case.comment) + [f"args: {case.args}".rstrip()]
    if case.each:
        head.append(f"each: {case.each}")
    if case.exit != 0:
        head.append(f"exit: {case.exit}")
    if case.timeout != 20.0:
        head.append(f"timeout: {case.timeout:g}")
    text = "\n".join(head) + "\n"
    for title, content in [(f"file {n}", c) for n, c in case.files.items()] + [("stdout", stdout), ("stderr", stderr)]:
        if content == "" and not title.startswith("file "):
            continue
        escaped = "".join("\\" + l if l.startswith("---") else l for l in content.splitlines(keepends=True))
        if escaped and not escaped.endswith("\n"):
            raise BadCase(f"{case.path}: the output does not end with a line break; a case cannot hold it")
        text += f"--- {title}\n{escaped}"
    case.path.write_bytes(text.encode("utf-8"))


def run_program(command: list[str], root: pathlib.Path, timeout: float) -> tuple[int, bytes, bytes, bool]:
    """Exit status (negative: a signal), both outputs, and whether time ran out. Ends what the program started."""
    environment = dict(os.environ, NO_COLOR="1", LC_ALL="C.UTF-8")
    with subprocess.Popen(command, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, start_new_session=True) as process:
        late = False
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            late = True
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
    return process.returncode, out, err, late


def compare(what: str, expected: str, got: str) -> list[str]:
    if expected == got:
        return []
    lines = list(difflib.unified_diff(expected.splitlines(), got.splitlines(), f"{what} expected", f"{what} got",
                                      lineterm=""))
    return lines[:60] or [f"{what}: differs only in line ends or the last line break"]


def run_case(case: Case, program: str, root: pathlib.Path, update: bool) -> list[str]:
    """The differences, empty when the case passes."""
    shared = os.environ.get("MELD_VERIFY_SHARED", "")
    if SHARED in case.args + case.each and not pathlib.Path(shared or "/nonexistent").is_dir():
        raise Skip("MELD_VERIFY_SHARED does not name the folder of real programs")
    wrong: list[str] = []
    outputs = {"stdout": "", "stderr": ""}
    with tempfile.TemporaryDirectory() as scratch:
        for name, content in case.files.items():
            target = pathlib.Path(scratch) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode("utf-8"))
        subjects = [""]
        if case.each:
            base, pattern = (shared, case.each[len(SHARED) + 1:]) if case.each.startswith(SHARED) else (root, case.each)
            found = sorted(pathlib.Path(base).glob(pattern))
            subjects = [str(f if base == shared else f.relative_to(root)) for f in found]
            if not subjects:
                return [f"no file matches {case.each}"]
        for subject in subjects:
            words = [w.replace(EACH, subject).replace(SHARED, shared).replace(SCRATCH, scratch)
                     for w in shlex.split(case.args)]
            status, out, err, late = run_program([program, *words], root, case.timeout)
            place = f"{subject}: " if subject else ""
            if late:
                wrong.append(f"{place}still running after {case.timeout:g} s")
            elif status < 0:
                wrong.append(f"{place}ended by signal {-status} ({signal.Signals(-status).name})")
            elif status != case.exit:
                wrong.append(f"{place}exit {case.exit} expected, got {status}")
            for what, content in (("stdout", out), ("stderr", err)):
                text = content.decode("utf-8", "backslashreplace").replace(scratch, SCRATCH)
                text = text.replace(shared, SHARED) if shared else text
                head = "== " + (subject.replace(shared, SHARED) if shared else subject) + "\n" if subject else ""
                outputs[what] += head + text if text else ""
    if update and not wrong:
        write_case(case, outputs["stdout"], outputs["stderr"])
        return []
    for what, expected in (("stdout", case.stdout), ("stderr", case.stderr)):
        wrong += compare(what, expected, outputs[what])
    return wrong


def find_cases(places: list[pathlib.Path]) -> list[pathlib.Path]:
    found: set[pathlib.Path] = set()
    for place in places:
        found.update(place.rglob("*.case") if place.is_dir() else [place])
    return sorted(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="the program that is tested")
    parser.add_argument("--update", action="store_true", help="write what came out into the case files")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="where the program runs (the repository)")
    parser.add_argument("places", nargs="*", type=pathlib.Path, default=[ROOT / "tests" / "e2e" / "cases"])
    options = parser.parse_args()
    program = str(pathlib.Path(options.program).absolute())
    if not os.access(program, os.X_OK):
        print(f"run_case: {program} is not a program", file=sys.stderr)
        return 2
    failed: list[str] = []
    skipped = passed = 0
    try:
        cases = [read_case(path) for path in find_cases(options.places)]
        for case in cases:
            label = case.path.stem
            try:
                wrong = run_case(case, program, options.root.absolute(), options.update)
            except Skip as reason:
                skipped += 1
                print(f"SKIPPED {label}: {reason}")
                continue
            if wrong:
                failed.append(label)
                print(f"FAILED {label} ({case.path})", *("    " + line for line in wrong), sep="\n")
            else:
                passed += 1
    except (BadCase, OSError, UnicodeDecodeError) as error:
        print(f"run_case: {error}", file=sys.stderr)
        return 2
    if not cases:
        print("run_case: there is no case", file=sys.stderr)
        return 2
    print(f"{passed} passed, {len(failed)} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
