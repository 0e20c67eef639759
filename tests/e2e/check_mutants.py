#!/usr/bin/env python3
"""Judges mutants of fused files: each must be refuted, or shown alike by a run.

usage: check_mutants.py MELD_VERIFY [--routed] [--count N] [--first SEED] [--keep FOLDER]
       check_mutants.py --self-test        hands it outcomes that are wrong in each way, which it must notice

The files are those of fixtures/fused, and where MELD_VERIFY_SHARED names them some of the real ones; with --routed, what
MELD_VERIFY itself makes of their composed ones and of fixtures/components. A mutant whose run under
Wasmtime ends unlike the composed one's and that is proved fails, and so does one on which meld-verify breaks. What is
proved and ends alike is shown, as nobody else will look at it. Where the verdict stays unknown, meld-verify is asked once more
with --replay: a run that differs refutes (wabt's run, event by event, or the end of Wasmtime's), one that does not shows
the mutant equivalent on what the program does. Where the file itself is proved with --latent, so are its mutants judged:
a change in code that nothing calls counts too. Prints the rates by kind of change. Exit 0: no failure; 1: some, or too few
mutants; 77: nothing could be run.
"""
import collections
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import fused_side
import mutate_fused
import verdict_side
from verdict_side import Known, Verdict

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
REAL = ("resource-borrow", "resource-aggregates", "chain-newget-0", "chain-newget-1")
# Mutants may loop; the programs here end within a tenth of this.
FUEL = 400_000_000
OPEN_WORDS = ("unknown", "unsupported")
REFUTED, ALIKE = "refuted", "proved and runs alike"
RUN_DIFFERS, RUNS_ALIKE = "unknown, refuted by a run", "unknown, runs alike"


class Base:
    """A fused file, and what its composed one's run gives."""

    def __init__(self, program, name, composed, fused, composed_end, routed=False):
        self.name, self.composed, self.end = name, composed, composed_end
        self.text = mutate_fused.Text(fused, *([composed] if routed else []))
        self.kinds = mutate_fused.ROUTED_KINDS if routed else mutate_fused.KINDS
        self.options = ("--latent",) if verdict_side.ask(program, composed, fused, "--latent").word == "proved" else ()


def bases(program):
    made = []
    for note in sorted((ROOT / "fixtures" / "fused").glob("*/expect.json")):
        expect = json.loads(note.read_text(encoding="utf-8"))
        # Right ones, and those wrong ones that meld wrote: a defect by hand needs no second one.
        if expect["verdict"] == "proved" and expect.get("strict") is None or "fuser" in expect:
            made.append((note.parent.name, note.parent, expect["composed"]))
    shared = os.environ.get("MELD_VERIFY_SHARED")
    for name in REAL if shared else ():
        folder = pathlib.Path(shared) / "real" / name
        if folder.is_dir():
            made.append((name, folder, fused_side.WELL))
    return [Base(program, name, folder / "composed.wasm", folder / "fused.wasm", end) for name, folder, end in made]


def routed_bases(program, folder):
    """What the router writes of each composed file that has a run."""
    shared = os.environ.get("MELD_VERIFY_SHARED")
    files = [*(ROOT / "fixtures" / "components").glob("*.wasm"), *(ROOT / "fixtures" / "fused").glob("*/composed.wasm"),
             *((pathlib.Path(shared) / "real").glob("*/composed.wasm") if shared else ())]
    made, seen = [], set()
    for composed in sorted(files):
        binary = composed.read_bytes()
        name = composed.parent.name if composed.stem == "composed" else composed.stem
        routed = pathlib.Path(folder) / f"{name}.routed.wasm"
        if binary in seen or subprocess.run([program, "route", composed, "-o", routed], capture_output=True, timeout=120).returncode != 0:
            continue
        seen.add(binary)
        end = fused_side.end_of(binary, FUEL)
        if end.how in (fused_side.WELL, fused_side.TRAP, fused_side.FAILED):
            made.append(Base(program, name, composed, routed, end.how, routed=True))
    return made


def outcome(verdict, differs, replayed=None):
    """What a mutant comes to: one of verdict_side's words, or one of those above. `replayed` is the verdict with --replay
    where the first one is open, else None."""
    what = verdict_side.judge(Known(None, differs), verdict)
    if verdict.word == "refuted":
        return REFUTED
    if what == verdict_side.OPEN and replayed is not None:
        replay = replayed.report.get("replay", {})
        if replayed.word in ("proved", "broken"):
            return verdict_side.BROKEN
        if replayed.word == "refuted" or replay.get("differs") or differs:
            return RUN_DIFFERS
        return RUNS_ALIKE if replay.get("compared") else verdict_side.OPEN
    return ALIKE if what == verdict_side.AGREES else what


class Rates:
    def __init__(self, show=print):
        self.by_kind, self.show, self.failures, self.made = collections.defaultdict(collections.Counter), show, 0, 0

    def note(self, kind, name, change, verdict, end, differs, replayed=None):
        what = outcome(verdict, differs, replayed)
        self.made += 1
        self.by_kind[kind][what] += 1
        if what in verdict_side.FAILURES:
            self.failures += 1
        if what in verdict_side.FAILURES or what in (ALIKE, RUNS_ALIKE, verdict_side.OPEN):
            self.show(f"{what}: {name}, {change}: {verdict}; the run {end}")
        elif what == RUN_DIFFERS:
            self.show(f"{what}: {name}, {change}: {verdict}; the run {end}; {replayed.report['replay']['difference']}")

    def summary(self, wanted):
        for kind, counts in sorted(self.by_kind.items()):
            total = sum(counts.values())
            self.show(f"{kind}: {total} mutants; " + "; ".join(f"{number} {what} ({100 * number // total} %)" for what, number in counts.most_common()))
        whole = sum(self.by_kind.values(), collections.Counter())
        self.show("all: " + "; ".join(f"{number} {what}" for what, number in whole.most_common()))
        self.show(f"{self.made - self.failures} passed, {self.failures} failed")
        if self.made < wanted:
            self.show(f"only {self.made} of {wanted} mutants could be made")
        return 1 if self.failures or self.made < wanted or not self.made else 0


def check(program, first, count, folder, routed):
    files = routed_bases(program, folder) if routed else bases(program)
    rates = Rates()
    for seed in range(first, first + 5 * count):
        if rates.made == count:
            break
        rng = random.Random(f"mutant {seed}")
        base = files[seed % len(files)]
        kind = base.kinds[(seed + seed // len(files)) % len(base.kinds)]
        out = pathlib.Path(folder) / f"{seed}.wasm"
        try:
            change = mutate_fused.mutant(base.text, kind, rng, out)
        except mutate_fused.NothingToChange:
            continue
        end = fused_side.end_of(out.read_bytes(), FUEL)
        verdict = verdict_side.ask(program, base.composed, out, *base.options)
        replayed = verdict_side.ask(program, base.composed, out, *base.options, "--replay") if verdict.word in OPEN_WORDS else None
        rates.note(kind, f"mutant {seed} of {base.name}", change, verdict, end, end.how != base.end, replayed)
    return rates.summary(count)


def self_test():
    refuted, proved = Verdict("refuted", ("L38",)), Verdict("proved")
    cases = [
        (REFUTED, refuted, True), (REFUTED, refuted, False), (ALIKE, proved, False),
        (verdict_side.WRONG_PROOF, proved, True), (verdict_side.OPEN, Verdict("unknown"), True),
        (verdict_side.OPEN, Verdict("unsupported"), False), (verdict_side.BROKEN, Verdict("broken"), False),
    ]
    wrong = [f"{verdict} {differs}: {outcome(verdict, differs)}" for want, verdict, differs in cases if outcome(verdict, differs) != want]

    def run(word, differs, compared):
        return Verdict(word, report={"replay": {"differs": differs, "compared": compared, "difference": ""}})

    replays = [
        (RUN_DIFFERS, run("refuted", True, True), False), (RUN_DIFFERS, run("unknown", True, True), False),
        (RUN_DIFFERS, run("unknown", False, False), True), (RUNS_ALIKE, run("unknown", False, True), False),
        (verdict_side.OPEN, run("unknown", False, False), False), (verdict_side.OPEN, Verdict("unknown"), False),
        (verdict_side.BROKEN, Verdict("broken"), False), (verdict_side.BROKEN, run("proved", False, True), False),
    ]
    for want, replayed, differs in replays:
        if outcome(Verdict("unknown"), differs, replayed) != want:
            wrong.append(f"{replayed} {differs}: {outcome(Verdict('unknown'), differs, replayed)}, not {want}")
    for notes, wanted, exit_code in (([], 0, 1), ([(refuted, True)], 1, 0), ([(refuted, True)], 2, 1), ([(proved, True)], 1, 1),
                                     ([(Verdict("broken"), False)], 1, 1), ([(proved, False)], 1, 0)):
        rates = Rates(lambda line: None)
        for verdict, differs in notes:
            rates.note("kind", "name", "change", verdict, "end", differs)
        if rates.summary(wanted) != exit_code:
            wrong.append(f"{notes}, {wanted} wanted: not {exit_code}")
    for line in wrong:
        print(line)
    print(f"{len(cases) + len(replays) + 6 - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


def main():
    arguments = sys.argv[1:]
    if arguments == ["--self-test"]:
        return self_test()
    program, numbers, keep, routed = None, {"--count": 200, "--first": 1}, None, "--routed" in arguments
    arguments = [word for word in arguments if word != "--routed"]
    while arguments:
        word = arguments.pop(0)
        if word in numbers and arguments:
            numbers[word] = int(arguments.pop(0))
        elif word == "--keep" and arguments:
            keep = pathlib.Path(arguments.pop(0))
            keep.mkdir(parents=True, exist_ok=True)
        elif program is None and not word.startswith("--"):
            program = word
        else:
            program = None
            break
    if program is None:
        print(__doc__, file=sys.stderr)
        return 2
    if missing := fused_side.missing():
        print(f"SKIPPED: {missing}")
        return 77
    with tempfile.TemporaryDirectory() as scratch:
        return check(program, numbers["--first"], numbers["--count"], keep or scratch, routed)


if __name__ == "__main__":
    sys.exit(main())
