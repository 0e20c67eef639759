#!/usr/bin/env python3
"""Compares the verdict on fused files with what is known of them: from runs, and from how they were made.

usage: check_fused.py MELD_VERIFY [--only PART]... [--seeds FIRST COUNT] [--cache FOLDER]
       check_fused.py --self-test        hands it verdicts and programs that are wrong in each way, which it must notice

Parts: fixtures (fixtures/fused), real and history (the folder that MELD_VERIFY_SHARED names), meld (generated programs, fused by
meld), right (the same, fused by right_fuser.py), defects (the same with one known defect each). A file that is right must
not be refuted, one that is wrong, or whose run differs from the composed one's, must not be proved; where only the run
speaks and shows no difference, a refutation is counted as unconfirmed. Prints each failure, the reasons of what stayed open,
and counts by part. Exit 0: no failure; 1: some; 77: nothing could be run.
"""
import collections
import json
import os
import pathlib
import random
import stat
import sys
import tempfile

import fused_side
import make_fused_programs as programs
import right_fuser
import verdict_side
from verdict_side import Known, Verdict

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PARTS = ("fixtures", "real", "history", "meld", "right", "defects")


class Tally:
    """What was judged, by part."""

    def __init__(self, program, show=print):
        self.program, self.show = program, show
        self.counts = collections.defaultdict(collections.Counter)
        self.reasons = collections.Counter()
        self.failures = 0
        self.slowest = (0.0, "")

    def judge(self, part, name, known, composed, fused, *options):
        verdict = verdict_side.ask(self.program, composed, fused, *options)
        what = verdict_side.judge(known, verdict)
        self.counts[part][f"{verdict.word}: {what}"] += 1
        self.slowest = max(self.slowest, (verdict.seconds, name))
        if what in verdict_side.FAILURES:
            self.failures += 1
            self.show(f"{what}: {part} {name}{' ' + ' '.join(options) if options else ''}: {verdict}")
        elif what == verdict_side.UNCONFIRMED:
            self.show(f"{what}: {part} {name}: {verdict}")
        if what == verdict_side.OPEN:
            self.reasons[verdict.why] += 1
        return verdict

    def summary(self):
        for part, counts in self.counts.items():
            self.show(f"{part}: " + "; ".join(f"{number} {what}" for what, number in sorted(counts.items())))
        for reason, number in self.reasons.most_common(12):
            self.show(f"  open {number} times: {reason}")
        self.show(f"slowest: {self.slowest[0]:.1f} s, {self.slowest[1]}")
        judged = sum(sum(counts.values()) for counts in self.counts.values())
        self.show(f"{judged - self.failures} passed, {self.failures} failed")
        return 0 if judged and not self.failures else 1


def check_fixtures(tally):
    """Their expectation is decided: `unknown` fails, but where they say why a verdict may stay open."""
    for note in sorted((ROOT / "fixtures" / "fused").glob("*/expect.json")):
        expect, folder = json.loads(note.read_text(encoding="utf-8")), note.parent
        differs = expect["composed"].split(" (")[0] != expect["fused"].split(" (")[0]
        composed, fused = folder / "composed.wasm", folder / "fused.wasm"
        tally.judge("fixtures", folder.name, Known(expect["verdict"] == "proved", differs, "open" not in expect), composed, fused)
        if "strict" in expect:
            tally.judge("fixtures", folder.name, Known(expect["strict"] == "proved", differs, True), composed, fused, "--profile", "strict")
        if "latent" in expect:
            tally.judge("fixtures", folder.name, Known(expect["latent"] == "proved", differs, True), composed, fused, "--latent")
        if (folder / "fused.core.wasm").exists() and expect["verdict"] == "proved":
            tally.judge("fixtures", f"{folder.name} core", Known(True), composed, folder / "fused.core.wasm")


def check_real(tally, root):
    """The table of its README is the expectation."""
    for line in (root / "real" / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 4 or not (root / "real" / cells[0] / "composed.wasm").exists():
            continue
        folder, right = root / "real" / cells[0], not cells[3]
        fused = folder / "fused.wasm"
        tally.judge("real", cells[0], Known(right, False, True), folder / "composed.wasm",
                    fused if fused.exists() else folder / "fused.core.wasm")


def check_history(tally, root):
    for fused in sorted((root / "real" / "history").glob("*.wasm")):
        name = next((c for c in (root / "real" / "history" / "composed").glob("*.wasm") if c.stem in fused.name), None)
        if name is None:
            raise FileNotFoundError(f"{fused.name} has no composed file")
        tally.judge("history", fused.name, Known(".ok." in fused.name), name, fused)


def check_meld(tally, seeds, cache):
    for seed in seeds:
        pair = fused_side.pair(seed, cache)
        if pair.composed_end.how != fused_side.WELL:
            raise ValueError(f"{pair.name}: the composed program does not end well: {pair.composed_end}")
        if pair.refused is not None or not pair.valid:
            tally.counts["meld"]["refused by meld" if pair.refused else "not valid"] += 1
            continue
        tally.judge("meld", f"{pair.name} ({pair.fused_end}; {pair.about})", Known(None, not pair.fused_end.same(pair.composed_end)),
                    pair.composed, pair.fused)


def built(text, folder, name):
    source, binary = pathlib.Path(folder) / f"{name}.wat", pathlib.Path(folder) / f"{name}.wasm"
    source.write_text(text, encoding="utf-8")
    programs.wasm_tools("parse", source, "-o", binary)
    programs.wasm_tools("validate", "--features", "all", binary)
    return binary


def check_right(tally, seeds, folder):
    for seed in seeds:
        made = programs.program(seed)
        composed = built(made.text(), folder, f"{seed}.composed")
        text, _ = right_fuser.fused(made, shims=seed % 2 == 0)
        fused = built(text, folder, f"{seed}.right")
        end = fused_side.end_of(fused.read_bytes())
        if end.how != fused_side.WELL:
            raise ValueError(f"seed {seed}: what the small fuser made does not end well: {end}")
        tally.judge("right", f"seed {seed} ({made.about})", Known(True), composed, fused, "--latent")


def defect_of(seed, made):
    """A defect for which this program has a place, and the fused text."""
    rng = random.Random(seed)
    names = list(right_fuser.DEFECTS)
    rng.shuffle(names)
    lends = any(guest.gives and not guest.gives.declares() for guest in made.components.values())
    for name in names:
        if name == "destructor-of-borrow" and not lends:
            continue
        text, used = right_fuser.fused(made, [name], shims=seed % 3 == 0)
        if used:
            return name, text
    raise ValueError(f"seed {seed}: no defect has a place")


def check_defects(tally, seeds, folder):
    for seed in seeds:
        made = programs.program(seed)
        composed = built(made.text(), folder, f"{seed}.composed")
        name, text = defect_of(seed, made)
        fused = built(text, folder, f"{seed}.{name}")
        harms = right_fuser.DEFECTS[name][1]
        differs = fused_side.end_of(fused.read_bytes()).how != fused_side.WELL
        if differs and not harms:
            raise ValueError(f"seed {seed}: {name} should harm no guest that keeps to the rules, and the run differs")
        about = f"seed {seed} with {name} ({'differs' if differs else 'runs alike'}; {made.about})"
        tally.judge("defects", about, Known(not harms, differs), composed, fused, "--latent")
        tally.judge("defects", about, Known(False, differs), composed, fused, "--latent", "--profile", "strict")


# --- the harness itself

def pretender(folder, name, body):
    """A program in place of meld-verify."""
    path = pathlib.Path(folder) / name
    path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def says(word, code, findings=()):
    return f"print(json.dumps({{'verdict': {word!r}, 'findings': {list(findings)!r}, 'open': []}})); sys.exit({code})"


def self_test():
    refuting = [{"code": "L38", "refutes": True}]
    judged = [
        (verdict_side.WRONG_PROOF, Known(False), Verdict("proved")),
        (verdict_side.WRONG_PROOF, Known(None, differs=True), Verdict("proved")),
        (verdict_side.WRONG_PROOF, Known(True, differs=True), Verdict("proved")),
        (verdict_side.FALSE_ALARM, Known(True), Verdict("refuted", ("L38",))),
        (verdict_side.UNDECIDED, Known(True, decided=True), Verdict("unknown")),
        (verdict_side.UNDECIDED, Known(False, decided=True), Verdict("unsupported")),
        (verdict_side.BROKEN, Known(None), Verdict("broken")),
        (verdict_side.OPEN, Known(True), Verdict("unknown")),
        (verdict_side.AGREES, Known(True), Verdict("proved")),
        (verdict_side.AGREES, Known(False), Verdict("refuted", ("L38",))),
        (verdict_side.AGREES, Known(None, differs=True), Verdict("refuted", ("L38",))),
        (verdict_side.UNCONFIRMED, Known(None), Verdict("refuted", ("L38",))),
    ]
    wrong = [f"{known} {verdict}: {verdict_side.judge(known, verdict)}" for want, known, verdict in judged
             if verdict_side.judge(known, verdict) != want]
    with tempfile.TemporaryDirectory() as folder:
        asked = [
            ("proved", says("proved", 0)), ("refuted", says("refuted", 1, refuting)), ("unknown", says("unknown", 3)),
            ("unsupported", says("unsupported", 4)),
            ("broken", says("proved", 1)), ("broken", says("refuted", 0, refuting)), ("broken", says("unknown", 0)),
            ("broken", says("error", 5)), ("broken", says("refuted", 1)), ("broken", says("proved", 0, refuting)),
            ("broken", "sys.exit(2)"), ("broken", "print('{'); sys.exit(0)"), ("broken", "print('[]'); sys.exit(0)"),
            ("broken", "print('{\"verdict\": \"proved\", \"findings\": []}', flush=True); os.abort()"),
            ("broken", "time.sleep(60)"),
        ]
        for number, (want, body) in enumerate(asked):
            got = verdict_side.ask(pretender(folder, f"p{number}", body), "a", "b", seconds=2)
            if got.word != want:
                wrong.append(f"{body}: {got}, not {want}")
        shown = []
        for body, failures in ((says("proved", 0), 1), (says("refuted", 1, refuting), 0), ("os.abort()", 1)):
            tally = Tally(pretender(folder, "one", body), shown.append)
            tally.judge("part", "wrong file", Known(False), "a", "b")
            if tally.failures != failures or tally.summary() != (1 if failures else 0):
                wrong.append(f"{body}: {tally.failures} failures counted")
        if Tally("none", shown.append).summary() != 1:
            wrong.append("nothing judged at all passes")
    for line in wrong:
        print(line)
    print(f"{len(judged) + len(asked) + 4 - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


def main():
    arguments = sys.argv[1:]
    if arguments == ["--self-test"]:
        return self_test()
    program, only, seeds, cache = None, [], range(1, 41), None
    while arguments:
        word = arguments.pop(0)
        if word == "--only" and arguments and arguments[0] in PARTS:
            only.append(arguments.pop(0))
        elif word == "--cache" and arguments:
            cache = arguments.pop(0)
        elif word == "--seeds" and len(arguments) >= 2:
            first = int(arguments.pop(0))
            seeds = range(first, first + int(arguments.pop(0)))
        elif program is None and not word.startswith("--"):
            program = word
        else:
            print(__doc__, file=sys.stderr)
            return 2
    if program is None:
        print(__doc__, file=sys.stderr)
        return 2
    parts = only or list(PARTS)
    shared = os.environ.get("MELD_VERIFY_SHARED")
    left_out = {}
    if not shared or not pathlib.Path(shared, "real").is_dir():
        left_out.update(dict.fromkeys(("real", "history"), "MELD_VERIFY_SHARED names no folder with real programs"))
    missing = fused_side.missing()
    if missing:
        left_out.update(dict.fromkeys(("right", "defects"), missing))
    if missing or fused_side.MELD is None:
        left_out["meld"] = missing or "meld is not on PATH; tools/setup installs it"
    tally = Tally(program)
    with tempfile.TemporaryDirectory() as scratch:
        run = {"fixtures": lambda: check_fixtures(tally), "real": lambda: check_real(tally, pathlib.Path(shared)),
               "history": lambda: check_history(tally, pathlib.Path(shared)),
               "meld": lambda: check_meld(tally, seeds, cache or scratch),
               "right": lambda: check_right(tally, seeds, scratch), "defects": lambda: check_defects(tally, seeds, scratch)}
        for part in parts:
            if part in left_out:
                print(f"SKIPPED {part}: {left_out[part]}")
            else:
                run[part]()
    return 77 if set(parts) <= set(left_out) else tally.summary()


if __name__ == "__main__":
    sys.exit(main())
