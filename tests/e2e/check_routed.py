#!/usr/bin/env python3
"""Makes composed components flat and compares: the flat one must be valid, have the same printed WIT, and run like the
composed one under Wasmtime; a script's assertions must hold of it.

usage: check_routed.py ROUTED_BYTES [--judge MELD_VERIFY] [--only PART] [--seeds FIRST COUNT] [--worlds FIRST COUNT]
                       [--keep FOLDER]
  ROUTED_BYTES    the program that writes the flat component of a composed one
  --judge         asks for the verdict on each flat component too: none may be refuted; those that are not proved are shown
  --only PART     of files and scripts those with PART in their name
  --seeds         programs of make_programs.py and make_fused_programs.py (default: 1 20)
  --worlds        components with resources in their world, and a host that drives them (default: 1 40)

Files: $MELD_VERIFY_SHARED/real, fixtures/components and tests/e2e/routed; scripts: fixtures/scripts and official. What is called
`unsupported-…` must be refused, and nothing else may be. Exit 0: all as it must be; 1: something is not; 77: a tool is
missing.
"""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import check_programs
import check_wasmtime
import fused_side
import make_fused_programs
import make_programs
import routed_host
import verdict_side
import wasmtime_side as side

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Scripts whose modules are refused, or whose assertions do not hold of the flat component: why.
EXCEPTIONS = {}


EXPECTED = re.compile(r"run\(\) = (\d+)\.")


def exporting(text):
    """The program, with its inner interfaces exported too, each once."""
    exports, seen = [], set()
    for instance, name, alias in re.findall(r'\(alias export (\$\S+) "(\S+)" \(instance (\$\S+)\)\)', text):
        if alias.startswith(f"{instance}-") and name not in seen:
            seen.add(name)
            exports.append(f'  (export "{name}" (instance {alias}))')
    end = text.rindex(")")
    return text[:end] + "\n".join(exports) + "\n)\n"


class Check:
    def __init__(self, program, folder, judge=""):
        self.program, self.folder, self.judge = program, pathlib.Path(folder), judge
        self.counts = collections.Counter()

    def wrong(self, where, sentence):
        self.counts["wrong"] += 1
        print(f"WRONG {where}: {sentence}")

    def tools(self, *arguments):
        return subprocess.run(["wasm-tools", *map(str, arguments)], capture_output=True, text=True, timeout=120)

    def routed(self, where, binary):
        """The flat component's bytes; a sentence where it is refused. What is wrong with it is said."""
        name = "".join(c if c.isalnum() or c in "-." else "_" for c in where)
        composed, routed = self.folder / f"{name}.composed.wasm", self.folder / f"{name}.routed.wasm"
        composed.write_bytes(binary)
        routed.unlink(missing_ok=True)
        done = subprocess.run([self.program, composed, routed], capture_output=True, text=True, timeout=300)
        if done.returncode == 4 and not routed.exists():
            return done.stderr.strip().replace(f"{composed}: ", "")
        if done.returncode != 0 or not routed.exists():
            self.wrong(where, f"exit {done.returncode}: {done.stderr.strip()}")
            return "failed"
        valid = self.tools("validate", "--features", "all", routed)
        if valid.returncode != 0:
            self.wrong(where, f"is not valid: {valid.stderr.strip()}")
            return "failed"
        before, after = (self.tools("component", "wit", path) for path in (composed, routed))
        if before.returncode == 0 and before.stdout != after.stdout:
            self.wrong(where, f"has another WIT: {after.stdout} {after.stderr}")
        self.counts["same WIT" if before.returncode == 0 else "no WIT"] += 1
        if self.judge:
            self.verdict(where, composed, routed)
        return routed.read_bytes()

    def verdict(self, where, composed, routed):
        verdict = verdict_side.ask(self.judge, composed, routed)
        self.counts[f"verdicts: {verdict.word}"] += 1
        if verdict.word not in ("proved", "unknown"):
            self.wrong(where, f"the verdict is {verdict}")
        elif verdict.word != "proved":
            print(f"not proved {where}: {verdict}")

    def file(self, path):
        where = f"{path.parent.name}-{path.stem}"
        binary = path.read_bytes()
        routed = self.routed(where, binary)
        must_refuse = path.stem.startswith("unsupported-")
        if isinstance(routed, str):
            self.counts["refused"] += 1
            if not must_refuse:
                self.wrong(where, f"is refused: {routed}")
            return
        if must_refuse:
            self.wrong(where, "is not refused")
        ours, theirs = fused_side.end_of(routed), fused_side.end_of(binary)
        if theirs.how == fused_side.UNLOADED and "component model" in theirs.text:
            self.counts["not in Wasmtime's package"] += 1
            theirs = fused_side.End(fused_side.WELL)  # what all fixtures of such types do
        if not ours.same(theirs):
            self.wrong(where, f"composed {theirs}, routed {ours}")
        self.counts[f"files: {ours.how}"] += 1

    def text(self, path):
        """A component in text, which says what `run` gives."""
        text = path.read_text(encoding="utf-8")
        expected = side.Value(EXPECTED.search(text)[1])
        binary = check_programs.binary_of(text, self.folder, path.stem).read_bytes()
        routed = self.routed(path.stem, binary)
        if isinstance(routed, str):
            self.wrong(path.stem, f"is refused: {routed}")
            return
        outcome = side.Instance(routed).call("run")
        if outcome != expected:
            self.wrong(path.stem, f"{expected} expected, got {outcome}")
        self.counts["texts"] += 1

    def script(self, path):
        """As check_wasmtime.compare_script, with each component made flat."""
        definitions, last, instances, numbers = {}, None, {}, 0
        for command in json.loads(path.read_text())["commands"]:
            kind = command["type"]
            if kind in ("module_definition", "module", "assert_uninstantiable"):
                numbers += 1
                definition = self.routed(f"{path.stem}.{numbers}", (path.parent / command["filename"]).read_bytes())
                if isinstance(definition, str):
                    self.counts["refused in scripts"] += 1
                    print(f"refused {path.stem}:{command['line']}: {definition}")
            if kind == "assert_uninstantiable":
                if not isinstance(definition, str):
                    self.assertion(path, command, "", side.Instance(definition).started)
            elif kind in ("module_definition", "module"):
                definitions[command.get("name", "")] = definitions[""] = definition
                if kind == "module":
                    last = instances[command.get("name", "")] = self.instance(definition)
            elif kind == "module_instance":
                last = instances[command.get("instance", "")] = self.instance(definitions[command.get("module", "")])
            elif kind in ("action", "assert_return", "assert_trap", "assert_exhaustion"):
                action = command["action"]
                instance = instances[action["module"]] if action.get("module") else last
                if instance is not None:
                    self.assertion(path, command, action["field"], instance.call(action["field"], action.get("args", [])))

    @staticmethod
    def instance(definition):
        return None if isinstance(definition, str) else side.Instance(definition)

    def assertion(self, path, command, name, outcome):
        if isinstance(outcome, side.NotThere) and outcome.reason in side.NO_SWITCH:
            self.counts["not in Wasmtime's package"] += 1
            return
        odds = check_wasmtime.at_odds(command, outcome)
        excepted = EXCEPTIONS.get((path.stem, name))
        if (odds is None) == (excepted is not None):
            self.wrong(f"{path.stem}:{command['line']} {name}", odds or f"holds, excepted: {excepted}")
        self.counts["assertions"] += 1

    def seed(self, seed):
        text, expected, about, _ = make_programs.program(seed)
        binary = check_programs.binary_of(text, self.folder, f"program-{seed}").read_bytes()
        routed = self.routed(f"program-{seed}", binary)
        if isinstance(routed, str):
            self.wrong(f"program {seed} ({about})", f"is refused: {routed}")
            return
        outcome = side.Instance(routed).call("run")
        if isinstance(outcome, side.NotThere) and outcome.reason in side.NO_SWITCH:
            self.counts["not in Wasmtime's package"] += 1
        elif complaint := check_programs.complaint("routed", expected, outcome):
            self.wrong(f"program {seed} ({about})", complaint)
        self.counts["programs"] += 1

    def fused_seed(self, seed):
        made = make_fused_programs.program(seed)
        text = made.text()
        for kind, variant in (("fused program", text), ("exporting program", exporting(text))):
            name = f"{kind} {seed}"
            binary = check_programs.binary_of(variant, self.folder, name.replace(" ", "-")).read_bytes()
            routed = self.routed(name, binary)
            if isinstance(routed, str):
                self.wrong(f"{name} ({made.about})", f"is refused: {routed}")
                continue
            ours, theirs = fused_side.end_of(routed), fused_side.end_of(binary)
            if not ours.same(theirs):
                self.wrong(f"{name} ({made.about})", f"composed {theirs}, routed {ours}")
            self.counts[f"{kind}s: {ours.how}"] += 1

    def world(self, seed):
        made = routed_host.world(seed)
        if made is None:
            self.counts["worlds beyond Wasmtime's package"] += 1
            return
        text, hosted, about = made
        binary = check_programs.binary_of(text, self.folder, f"world-{seed}").read_bytes()
        routed = self.routed(f"world-{seed}", binary)
        if isinstance(routed, str):
            self.wrong(f"world {seed} ({about})", f"is refused: {routed}")
            return
        try:
            different, seen = routed_host.difference(binary, routed, seed, hosted)
        except routed_host.Beyond:
            self.counts["worlds beyond Wasmtime's package"] += 1
            return
        if different:
            self.wrong(f"world {seed} ({about})", different)
        self.counts["worlds hosted" if hosted else "worlds served"] += 1
        self.counts["observations of hosts"] += seen


def main():
    arguments = sys.argv[1:]
    options = {"--judge": "", "--only": "", "--seeds": (1, 20), "--worlds": (1, 40), "--keep": ""}
    program = arguments.pop(0) if arguments else ""
    while arguments and arguments[0] in options:
        option = arguments.pop(0)
        value = options[option]
        options[option] = (int(arguments.pop(0)), int(arguments.pop(0))) if isinstance(value, tuple) else arguments.pop(0)
    if arguments or not program:
        print(__doc__, file=sys.stderr)
        return 2
    if not shutil.which("wasm-tools") or side.ENGINE is None:
        print("SKIPPED: wasm-tools or the Python package wasmtime is missing; tools/setup installs them")
        return 77
    shared = os.environ.get("MELD_VERIFY_SHARED")
    files, scripts = sorted(ROOT.glob("fixtures/components/*.wasm")), sorted(ROOT.glob("fixtures/scripts/**/*.json"))
    if shared:
        shared = pathlib.Path(shared)
        files += sorted(shared.glob("real/*/composed.wasm")) + sorted(shared.glob("real/history/composed/*.wasm"))
        scripts += sorted(shared.glob("official/**/*.json"))
    else:
        print("SKIPPED: the shared files; MELD_VERIFY_SHARED is not set")
    with tempfile.TemporaryDirectory() as scratch:
        folder = options["--keep"] or scratch
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        check = Check(program, folder, options["--judge"])
        for path in files:
            if options["--only"] in str(path):
                check.file(path)
        for path in sorted(ROOT.glob("tests/e2e/routed/*.wat")):
            if options["--only"] in str(path):
                check.text(path)
        for path in scripts:
            if options["--only"] in str(path):
                check.script(path)
        for option, run in (("--seeds", check.seed), ("--seeds", check.fused_seed), ("--worlds", check.world)):
            first, count = options[option]
            for seed in range(first, first + count):
                run(seed)
    print("; ".join(f"{name}: {number}" for name, number in sorted(check.counts.items())))
    return 1 if check.counts["wrong"] or not check.counts else 0


if __name__ == "__main__":
    sys.exit(main())
