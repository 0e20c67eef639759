#!/usr/bin/env python3
"""Runs what the reference machine runs under Wasmtime too, and compares results and trap or no trap.

usage: check_wasmtime.py MELD_VERIFY WAST [--only PART] [--list-traps]
       check_wasmtime.py --self-test           hands it runs that differ in each way, which it must notice
  --only PART     files with PART in their name
  --list-traps    prints Wasmtime's message beside each trap that a script asserts

Compared are fixtures/components with a `run`, each assertion of fixtures/scripts and of $MELD_VERIFY_SHARED/official,
and $MELD_VERIFY_SHARED/real. Of a script both sides are held against the script's own assertion, so a difference says
who of the two is at odds with it. Where the two must differ, EXCEPTIONS says why. Texts of traps are not compared
(semantics.md 2.10), only whether there is one. Exit 0: no difference; 1: some; 77: no package `wasmtime` (said aloud).
"""
import json
import os
import pathlib
import re
import subprocess
import sys

import wasmtime_side as side

ROOT = pathlib.Path(__file__).resolve().parents[2]
FAILED = re.compile(r"^(.*):(\d+): (FAILED|unsupported) (\S+): (.*)$")
ENDED = re.compile(r"^(ENDED WELL|FAILED)  \S+(?: → (.*))?$")

# (script, function that it invokes): why Wasmtime is at odds with the script there. One that is not is an error: remove
# it then.
BY_ORIGIN = "semantics.md 1.5 allows both: this machine compares types by origin, Wasmtime as the importer sees them"
POST_RETURN = "2.5 step 10: post-return may not leave; Wasmtime holds it to that for the host's calls, not between guests"
NO_ENTER_TEST = "2.6 and 2.10: Wasmtime does not test may_enter where a guest drops another's own"
EXCEPTIONS = {
    ("either-ascribed-crossed", "cross-lend"): BY_ORIGIN,
    ("either-ascribed-crossed", "cross-drop"): BY_ORIGIN,
    ("post-return", "new"): POST_RETURN,
    ("post-return", "drop"): POST_RETURN,
    ("post-return", "call"): POST_RETURN,
    ("unsupported-donuts", "during"): NO_ENTER_TEST,
}


class Counts:
    def __init__(self):
        self.agreed = self.differ = self.excepted = self.beyond = self.refused = 0

    def difference(self, where, sentence):
        self.differ += 1
        print(f"DIFFERENT {where}: {sentence}")

    def not_there(self, where, reason):
        self.beyond += 1
        print(f"not in Wasmtime's package: {where}: {reason}")


def in_reference(program, path):
    """The outcome of `meld-verify run --reference`, or None where it refuses the component as out of scope or without an entry."""
    done = subprocess.run([program, "run", "--reference", str(path)], capture_output=True, text=True, timeout=300)
    first = done.stdout.splitlines()[0] if done.stdout else ""
    ended = ENDED.match(first)
    if ended and done.returncode in (0, 1):
        return side.Value(ended[2] or "")
    if done.returncode == 1 and first.startswith("TRAPPED"):
        return side.Trap(first)
    if done.returncode in (2, 4):
        return None
    return side.NotThere(f"exit {done.returncode}: {done.stdout}{done.stderr}".strip())


def same(ours, theirs):
    if isinstance(ours, side.Value) and isinstance(theirs, side.Value):
        return ours.text == theirs.text
    return isinstance(ours, side.Trap) and isinstance(theirs, side.Trap)


def compare_run(program, path, counts):
    ours = in_reference(program, path)
    instance = side.Instance(path.read_bytes())
    theirs = instance.started
    if isinstance(theirs, side.Value):
        command = instance.find("wasi:cli/run#run")
        theirs = instance.call("wasi:cli/run#run" if command else "run")
    judge_run(path.parent.name + "/" + path.name, ours, theirs, counts)


def judge_run(where, ours, theirs, counts):
    if ours is None and ("/unsupported-" in where or isinstance(theirs, side.NotThere)):
        counts.refused += 1
    elif isinstance(theirs, side.NotThere) and theirs.reason in side.NO_SWITCH:
        counts.not_there(where, theirs.reason)
    elif same(ours, theirs):
        counts.agreed += 1
    else:
        counts.difference(where, f"the reference gives {ours}, Wasmtime {theirs}")


def reference_failures(wast, path):
    """Lines of a script that do not pass, with the reason."""
    done = subprocess.run([wast, str(path)], capture_output=True, text=True, timeout=600)
    if done.returncode not in (0, 1, 4):
        return None, f"exit {done.returncode}: {done.stdout}{done.stderr}".strip()
    failures = {}
    for line in done.stdout.splitlines():
        found = FAILED.match(line)
        if found:
            failures[int(found[2])] = (found[3], found[5])
    return failures, None


def at_odds(command, outcome):
    """Why an outcome is not what the script asserts; None where it is."""
    if isinstance(outcome, side.NotThere):
        return outcome.reason
    if command["type"] in ("assert_trap", "assert_exhaustion", "assert_uninstantiable"):
        return None if isinstance(outcome, side.Trap) else f"no trap, {outcome}"
    if isinstance(outcome, side.Trap):
        return f"trap: {outcome.message}"
    if command["type"] == "action":
        return None
    expected = ", ".join(side.text_of_json(value) for value in command.get("expected", []))
    return None if outcome.text == expected else f"{expected} expected, got {outcome.text}"


def compare_script(wast, path, counts, list_traps):
    failures, broken = reference_failures(wast, path)
    if broken:
        counts.difference(path.stem, f"the reference does not run it: {broken}")
        return
    definitions, instances, last = {}, {}, None
    for command in json.loads(path.read_text())["commands"]:
        kind, line = command["type"], command["line"]
        if kind in ("module_definition", "module"):
            binary = (path.parent / command["filename"]).read_bytes()
            definitions[command.get("name", "")] = definitions[""] = binary
            if kind == "module":
                last = instances[command.get("name", "")] = side.Instance(binary)
        elif kind == "module_instance":
            last = instances[command.get("instance", "")] = side.Instance(definitions[command.get("module", "")])
        elif kind in ("action", "assert_return", "assert_trap", "assert_exhaustion", "assert_uninstantiable"):
            name = ""
            if kind == "assert_uninstantiable":
                outcome = side.Instance((path.parent / command["filename"]).read_bytes()).started
            else:
                action = command["action"]
                name = action["field"]
                instance = instances[action["module"]] if action.get("module") else last
                outcome = instance.call(name, action.get("args", []))
            if list_traps and isinstance(outcome, side.Trap):
                print(f"{path.stem}:{line}: {name}: '{command.get('text', '')}' is, in Wasmtime: {outcome.message[-160:]}")
            judge_step(path.stem, name, command, failures.get(line), outcome, counts)


def judge_step(script, name, command, ours, outcome, counts):
    """`ours` is None where the reference passes."""
    where = f"{script}:{command['line']} {name}"
    if isinstance(outcome, side.NotThere) and outcome.reason in side.NO_SWITCH:
        counts.not_there(where, outcome.reason)
        return
    theirs = at_odds(command, outcome)
    reason = EXCEPTIONS.get((script, name))
    if ours and ours[0] == "unsupported" and (theirs is None) == (reason is None):
        counts.refused += 1
        print(f"refused by the reference: {where}" + (f": excepted in Wasmtime: {theirs}: {reason}" if reason else ""))
    elif ours or (theirs is None) == (reason is not None):
        counts.difference(where, f"reference: {ours[1] if ours else 'as asserted'}; "
                                 f"Wasmtime: {theirs or 'as asserted'}" + (f"; excepted: {reason}" if reason else ""))
    elif reason:
        counts.excepted += 1
        print(f"excepted {where}: {theirs}: {reason}")
    else:
        counts.agreed += 1


def check(program, wast, only, list_traps):
    counts = Counts()
    shared = os.environ.get("MELD_VERIFY_SHARED")
    shared = pathlib.Path(shared) if shared else None
    for path in sorted((ROOT / "fixtures" / "components").glob("*.wasm")):
        if only in path.name:
            compare_run(program, path, counts)
    scripts = sorted((ROOT / "fixtures" / "scripts").glob("*/*.json"))
    if shared:
        scripts += sorted(shared.glob("official/*/*.json"))
        for path in sorted([*shared.glob("real/*/composed.wasm"), *shared.glob("real/history/composed/*.wasm")]):
            if only in str(path):
                compare_run(program, path, counts)
    else:
        print("MELD_VERIFY_SHARED is not set: without the official scripts and real programs")
    for path in scripts:
        if only in path.name:
            compare_script(wast, path, counts, list_traps)
    print(f"{counts.agreed} agree, {counts.differ} differ, {counts.excepted} excepted, {counts.beyond} not in this package "
          f"of Wasmtime, {counts.refused} refused by the reference")
    return 1 if counts.differ or not counts.agreed else 0


def self_test():
    value, trap, beyond = side.Value("1"), side.Trap("no"), side.NotThere(side.NO_SWITCH[0])
    other = side.NotThere("not loaded: rubbish")
    missed = []

    def runs(ours, theirs, want):
        counts = Counts()
        judge_run("run", ours, theirs, counts)
        got = (counts.agreed, counts.differ, counts.beyond)
        if got != want:
            missed.append((ours, theirs, got))

    runs(value, value, (1, 0, 0))
    runs(trap, trap, (1, 0, 0))
    runs(value, side.Value("2"), (0, 1, 0))
    runs(value, trap, (0, 1, 0))
    runs(trap, value, (0, 1, 0))
    runs(value, other, (0, 1, 0))
    runs(other, other, (0, 1, 0))
    runs(value, beyond, (0, 0, 1))
    runs(None, value, (0, 1, 0))
    runs(None, other, (0, 0, 0))

    def steps(command, ours, outcome, want, name="f"):
        counts = Counts()
        judge_step("self", name, {"line": 1, **command}, ours, outcome, counts)
        got = (counts.agreed, counts.differ, counts.excepted, counts.refused)
        if got != want:
            missed.append((command, ours, outcome, got))

    returns = {"type": "assert_return", "expected": [{"type": "u32", "value": "1"}]}
    traps = {"type": "assert_trap", "text": "no"}
    steps(returns, None, value, (1, 0, 0, 0))
    steps(traps, None, trap, (1, 0, 0, 0))
    steps(returns, None, side.Value("2"), (0, 1, 0, 0))
    steps(returns, None, trap, (0, 1, 0, 0))
    steps(traps, None, value, (0, 1, 0, 0))
    steps(returns, ("FAILED", "it is 3"), value, (0, 1, 0, 0))
    steps(returns, ("FAILED", "it is 3"), trap, (0, 1, 0, 0))
    steps(returns, ("unsupported", "donut"), value, (0, 0, 0, 1))
    steps(returns, ("unsupported", "donut"), trap, (0, 1, 0, 0))
    EXCEPTIONS[("self", "g")] = "a reason"
    steps(returns, None, trap, (0, 0, 1, 0), "g")
    steps(returns, None, value, (0, 1, 0, 0), "g")
    for case in missed:
        print(f"not noticed: {case}")
    print(f"{21 - len(missed)} passed, {len(missed)} failed")
    return 1 if missed else 0


def main():
    arguments = sys.argv[1:]
    if arguments == ["--self-test"]:
        return self_test()
    if side.ENGINE is None:
        print("SKIPPED: the Python package wasmtime is not installed")
        return 77
    list_traps = "--list-traps" in arguments
    arguments = [a for a in arguments if a != "--list-traps"]
    only = ""
    if len(arguments) == 4 and arguments[2] == "--only":
        only = arguments.pop()
        arguments.pop()
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    return check(arguments[0], arguments[1], only, list_traps)


if __name__ == "__main__":
    sys.exit(main())
