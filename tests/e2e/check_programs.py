#!/usr/bin/env python3
"""Runs programs of make_programs.py with the reference machine, through the router and under Wasmtime: all must give the
number that was worked out when the program was made, or trap where it ends with a mistake.

usage: check_programs.py MELD_VERIFY [--seeds FIRST COUNT] [--keep FOLDER]
       check_programs.py MELD_VERIFY --loop COUNT
       check_programs.py --self-test          hands it outcomes that are wrong in each way, which it must notice

--loop makes and drops COUNT objects through three re-exporters; the peak memory of that process (getrusage) must be
under 64 MiB and within 4 MiB of what a hundredth of the objects takes.
Exit 0: all as they must be; 1: some are not; 77: wasm-tools is missing. Without the package `wasmtime` only the
reference runs, which is said aloud.
"""
import collections
import ctypes
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import check_wasmtime
import make_programs
import wasmtime_side as side

MIB = 1024
RSS_BOUND, RSS_GROWTH = 64 * MIB, 4 * MIB
ENOUGH_FOR_ALL_CLASSES = 20


def binary_of(text, folder, name):
    """The component's binary, checked by wasm-tools."""
    source, binary = folder / f"{name}.wat", folder / f"{name}.wasm"
    source.write_text(text, encoding="utf-8")
    for command in (["wasm-tools", "parse", source, "-o", binary], ["wasm-tools", "validate", "--features", "all", binary]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise ValueError(f"{name}: the program is not valid: {done.stderr.strip()}")
    return binary


def complaint(who, expected, outcome):
    """`expected` is a number, or None for a trap."""
    if expected is None:
        return None if isinstance(outcome, side.Trap) else f"{who}: a trap belongs here, got {outcome}"
    return None if outcome == side.Value(str(expected)) else f"{who}: {expected} belongs here, got {outcome}"


def run(program, binary, *flags):
    done = subprocess.run([program, "run", str(binary), *flags], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout


def routed_complaint(reference, routed):
    """Both (exit code, output): how it ended, a trap's class, and what was called, destroyed and left must be equal."""
    def seen(outcome):
        lines = outcome[1].splitlines()
        return outcome[0], lines[:1] if outcome[1].startswith("TRAPPED") else lines

    if reference[0] in (0, 1) and seen(reference) == seen(routed):
        return None
    return f"through the router: {seen(reference)} belongs here, got {seen(routed)}"


def check_seeds(program, first, count, folder):
    failed = traps = beyond = 0
    classes = collections.Counter()
    for seed in range(first, first + count):
        text, expected, about, held = make_programs.program(seed)
        classes.update(held)
        binary = binary_of(text, folder, str(seed))
        traps += expected is None
        complaints = [complaint("the reference", expected, check_wasmtime.in_reference(program, binary)),
                      routed_complaint(run(program, binary, "--reference"), run(program, binary))]
        if side.ENGINE:
            theirs = side.Instance(binary.read_bytes()).call("run")
            if isinstance(theirs, side.NotThere) and theirs.reason in side.NO_SWITCH:
                beyond += 1
            else:
                complaints.append(complaint("Wasmtime", expected, theirs))
        for sentence in filter(None, complaints):
            print(f"seed {seed} ({about}): {sentence}")
        failed += any(complaints)
    print(f"{count - failed} programs passed, {failed} failed; {traps} of them trap; {beyond} have a type that Wasmtime's "
          f"package cannot switch on")
    print("; ".join(f"{name}: {number}" for name, number in sorted(classes.items())))
    missing = missing_classes(classes, count)
    if missing:
        print(f"among so many there must be one, and there is none: {', '.join(missing)}")
    return 1 if failed or count == 0 or missing else 0


def missing_classes(classes, count):
    """Few programs may lack some."""
    return sorted(make_programs.CLASSES - set(classes)) if count >= ENOUGH_FOR_ALL_CLASSES else []


def measured(command):
    """Exit code, output, and peak memory in KiB of one process.

    Linux counts what a process was before exec as its own: started from here it would seem as large as this Python. So a
    small shell starts it and goes away, and this process, as the reaper of what it leaves, is told of the usage.
    """
    pr_set_child_subreaper = 36
    if ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0) != 0:
        raise OSError("this process cannot become the reaper of its descendants")
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "output"
        # What a sanitizer keeps of freed memory would look like growth.
        shell = subprocess.run(["sh", "-c", 'output=$1; shift; "$@" >"$output" & echo $!', "sh", str(output), *map(str, command)],
                               stdout=subprocess.PIPE, text=True, check=True,
                               env=os.environ | {"ASAN_OPTIONS": "quarantine_size_mb=1"})
        _, status, usage = os.wait4(int(shell.stdout), 0)
        return os.waitstatus_to_exitcode(status), output.read_text(encoding="utf-8"), usage.ru_maxrss


def loop_complaint(large, small, count):
    """`large`, `small`: (exit code, output, KiB)."""
    for code, output, _ in (large, small):
        if code != 0 or not output.startswith("ENDED WELL  run → 0\n") or not output.endswith(" 0 still live\n"):
            return f"ends {code}: {output}"
    # Each object is one more for each of the three re-exporters that wraps it.
    destroyed = int(large[1].split(" boundary calls, ")[1].split()[0])
    if destroyed < count:
        return f"{destroyed} objects were destroyed, not {count}"
    if large[2] > RSS_BOUND:
        return f"{large[2]} KiB at its peak, above {RSS_BOUND}"
    if large[2] > small[2] + RSS_GROWTH:
        return f"{large[2]} KiB at its peak, {small[2]} with a hundredth of the objects: memory grows with their number"
    return None


def check_loop(program, count, folder):
    failed = 0
    for flags in (["--reference"], []):
        runs = []
        for objects in (count, max(1, count // 100)):
            text, _, _ = make_programs.loop_program(3, objects)
            runs.append(measured([program, "run", binary_of(text, folder, f"loop-{objects}"), *flags]))
        wrong = loop_complaint(*runs, count)
        print(" ".join(flags or ["routed"]) + ": " + (wrong or
              f"{count} objects made and dropped: {runs[0][2]} KiB at the peak, {runs[1][2]} with a hundredth of them"))
        failed += bool(wrong)
    return 1 if failed else 0


def self_test():
    good = "ENDED WELL  run → 0\n  4 boundary calls, 100 objects destroyed, 0 still live\n"
    cases = [
        (False, complaint("x", 7, side.Value("7"))),
        (False, complaint("x", None, side.Trap("no"))),
        (True, complaint("x", 7, side.Value("8"))),
        (True, complaint("x", 7, side.Trap("no"))),
        (True, complaint("x", 7, side.NotThere("exit -11"))),
        (True, complaint("x", 7, None)),
        (True, complaint("x", None, side.Value("7"))),
        (True, complaint("x", None, None)),
        (False, routed_complaint((0, good), (0, good))),
        (False, routed_complaint((1, "TRAPPED  a: lent\n  b\n"), (1, "TRAPPED  a: lent\n  c\n"))),
        (True, routed_complaint((1, "TRAPPED  a: lent\n  b\n"), (1, "TRAPPED  a: not_own\n  b\n"))),
        (True, routed_complaint((0, good), (0, good.replace("100 objects", "99 objects")))),
        (True, routed_complaint((0, good), (4, ""))),
        (True, routed_complaint((4, ""), (4, ""))),
        (False, missing_classes(make_programs.CLASSES, 20)),
        (False, missing_classes(set(), 19)),
        (True, missing_classes(make_programs.CLASSES - {"a trap"}, 20)),
        (False, loop_complaint((0, good, 9000), (0, good, 8000), 100)),
        (True, loop_complaint((0, good, 90000), (0, good, 89000), 100)),
        (True, loop_complaint((0, good, 19000), (0, good, 8000), 100)),
        (True, loop_complaint((1, good, 9000), (0, good, 8000), 100)),
        (True, loop_complaint((0, good, 9000), (-9, "", 8000), 100)),
        (True, loop_complaint((0, good, 9000), (0, good, 8000), 101)),
        (True, loop_complaint((0, good.replace(" 0 still", " 1 still"), 9000), (0, good, 8000), 100)),
    ]
    missed = [number for number, (wanted, got) in enumerate(cases) if bool(got) != wanted]
    print(f"{len(cases) - len(missed)} passed, {len(missed)} failed {missed or ''}")
    return 1 if missed else 0


def main():
    arguments = sys.argv[1:]
    if arguments == ["--self-test"]:
        return self_test()
    if not shutil.which("wasm-tools"):
        print("SKIPPED: wasm-tools is not on PATH; tools/setup installs it")
        return 77
    folder = None
    if "--keep" in arguments:
        at = arguments.index("--keep")
        folder = pathlib.Path(arguments[at + 1])
        folder.mkdir(parents=True, exist_ok=True)
        del arguments[at:at + 2]
    if side.ENGINE is None:
        print("the Python package wasmtime is not installed: only the reference runs")
    with tempfile.TemporaryDirectory() as scratch:
        folder = folder or pathlib.Path(scratch)
        if len(arguments) == 3 and arguments[1] == "--loop":
            return check_loop(arguments[0], int(arguments[2]), folder)
        if len(arguments) == 1:
            arguments += ["--seeds", "1", "20"]
        if len(arguments) == 4 and arguments[1] == "--seeds":
            return check_seeds(arguments[0], int(arguments[2]), int(arguments[3]), folder)
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
