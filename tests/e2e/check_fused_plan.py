#!/usr/bin/env python3
"""Has the program write the plan that a fused file carries out, and check that plan: what the plan has wrong is wrong
with the file, and a file that is proved has a plan that is right. What can be reached does not count: of a fused file it is
known better.

usage: check_fused_plan.py MELD_VERIFY        over fixtures/fused
  Exit 0: the verdicts agree; 1: some do not, or there is no file.
"""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROVED, REFUTED = 0, 1


def codes(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=120).returncode


def disagreement(of_file, of_plan):
    """Why two exit codes cannot both be right, or nothing."""
    if of_plan not in (0, 1, 3, 4):
        return "the plan is not one that check reads"
    if of_plan == REFUTED and of_file != REFUTED:
        return "the plan is refuted, the file is not"
    if of_file == PROVED and of_plan != PROVED:
        return "the file is proved, its plan is not"
    return None


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    program, plans, wrong, refuted = sys.argv[1], 0, 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        plan = pathlib.Path(scratch) / "plan.json"
        for composed in sorted((ROOT / "fixtures" / "fused").glob("*/composed.wasm")):
            plan.unlink(missing_ok=True)
            of_file = codes(program, composed, composed.parent / "fused.wasm", "--latent", "--emit-plan", plan)
            of_plan = codes(program, "check", composed, "--plan", plan, "--latent")
            why = disagreement(of_file, of_plan)
            plans += 1
            refuted += of_plan == REFUTED
            if why:
                wrong += 1
                print(f"{composed.parent.name}: {why} (file {of_file}, plan {of_plan})")
    print(f"check_fused_plan: {plans} plans, {refuted} refuted, {wrong} at odds with the file")
    return 1 if wrong or not refuted or refuted == plans else 0


if __name__ == "__main__":
    sys.exit(main())
