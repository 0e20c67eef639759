#!/usr/bin/env python3
"""Plans and checks every composed component of the shared folder (real programs and official tests).

usage: check_shared.py MELD_VERIFY      MELD_VERIFY_SHARED names the folder; exit 77 (skipped) without it

Of each file: `plan` must print a plan, which `check` must prove without a finding. Then every conversion of that plan
is left out, one at a time, and every table's intrinsics and destructors are rerouted: each must be refuted at that
place. What a component's world cannot reach is refuted with --latent. Prints each difference and what it did; the
last line counts files.
"""
import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile


def run(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def check(program, component, plan, scratch, *options):
    path = scratch / "plan.json"
    path.write_text(json.dumps(plan))
    code, out, err = run(program, "check", component, "--plan", path, "--format", "json", *options)
    return code, json.loads(out) if out else {"error": err, "findings": []}


def mutants(plan):
    """(what was done, the plan with it, JSON pointer of the place, what may point there)"""
    for b, boundary in enumerate(plan["boundaries"]):
        for p, position in enumerate(boundary.get("positions", [])):
            pointer = f"/boundaries/{b}/positions/{p}"
            for s in range(len(position["steps"])):
                mutant = copy.deepcopy(plan)
                del mutant["boundaries"][b]["positions"][p]["steps"][s]
                yield f"step {s} left out", mutant, pointer
            if len(position["steps"]) == 2:
                mutant = copy.deepcopy(plan)
                mutant["boundaries"][b]["positions"][p]["steps"].reverse()
                yield "steps in the wrong order", mutant, pointer
    for v, view in enumerate(plan["views"]):
        if "drop" not in view or view["instance"] == 0:
            continue
        mutant = copy.deepcopy(plan)
        mutant["views"][v]["drop"]["own"] = view["drop"]["own"] * 2
        if view["drop"]["own"]:
            yield "destructor called twice", mutant, f"/views/{v}"
        for other in plan["tables"]:
            if other["id"] not in (view["drop"]["table"], "canonical"):
                mutant = copy.deepcopy(plan)
                mutant["views"][v]["drop"]["table"] = other["id"]
                yield f"drop goes to {other['id']}", mutant, f"/views/{v}"


def differences(program, component, scratch, counts):
    code, out, err = run(program, "plan", component, "--format", "json")
    if code != 0:
        yield f"plan ends {code}: {err.strip()}"
        return
    plan = json.loads(out)
    code, report = check(program, component, plan, scratch)
    if code != 0 or report["findings"] or not report["judged"]:
        yield f"the required plan ends {code} with {len(report['findings'])} findings"
    for what, mutant, pointer in mutants(plan):
        code, report = check(program, component, mutant, scratch, "--latent")
        places = [f.get("pointer") for f in report["findings"] if f["refutes"]]
        counts["mutants"] += 1
        if code != 1 or places != [pointer]:
            yield f"{what} at {pointer}: ends {code}, refuted at {places}"


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    shared = os.environ.get("MELD_VERIFY_SHARED")
    if not shared or not pathlib.Path(shared).is_dir():
        print("SKIPPED: MELD_VERIFY_SHARED names no folder with real programs")
        return 77
    root = pathlib.Path(shared)
    files = sorted([*root.glob("real/*/composed.wasm"), *root.glob("real/history/composed/*.wasm"),
                    *root.glob("official/*/*.wasm")])
    counts = {"mutants": 0}
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for path in files:
            found = list(differences(sys.argv[1], path, pathlib.Path(scratch), counts))
            for line in found[:20]:
                print(f"{path.relative_to(root)}: {line}")
            failed += bool(found)
    print(f"{counts['mutants']} plans with one defect")
    print(f"{len(files) - failed} passed, {failed} failed")
    return 1 if failed or not files or not counts["mutants"] else 0


if __name__ == "__main__":
    sys.exit(main())
