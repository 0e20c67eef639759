#!/usr/bin/env python3
"""What `check --dump-facts FILE` writes must say the same when the z3 command line runs it: `unsat` where no rule is
broken, else `sat` and a row for every broken unit and rule. Over both plans of every pair of fixtures/plans.

usage: check_dump.py MELD_VERIFY ROOT      prints each difference; the last line counts; exit 1 on any
       check_dump.py --self-test           hands it answers that are wrong in each way, which it must notice
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

KINDS = {"position": 0, "view": 1, "table": 2, "type": 3}
REFUTING = {"escape", "owner", "exhaustion"}
ROW = re.compile(r"\(and \(= \(:var 0\) #b([01]{2})\)\s+\(= \(:var 1\) #x([0-9a-f]{6})\)\s+\(= \(:var 2\) #b([01]{5})\)\)")


def rule_numbers(judge):
    """judge.smt2's numbers: {name: number}."""
    return {name: int(number, 2)
            for number, name in re.findall(r"\(broken unit-\w+ \w+ #b([01]{5})\)\) ([\w-]+)\)", judge)}


def rows_of(answer):
    """What z3 printed: (kind, id, rule) of each row; None if it is not an answer."""
    head, _, rest = answer.strip().partition("\n")
    if head == "unsat" and not rest.strip():
        return set()
    if head != "sat":
        return None
    rows = [tuple(int(text, base) for text, base in zip(row, (2, 16, 2))) for row in ROW.findall(rest)]
    # nothing but rows, "or" and parentheses
    if not rows or re.sub(r"[\s()]|\bor\b", "", ROW.sub("", rest)):
        return None
    return set(rows)


def differences(report, answer, numbers):
    """`report` is our JSON; `answer` what z3 printed."""
    rows = rows_of(answer)
    if rows is None:
        yield f"z3 says {answer.strip()[:200]!r}"
        return
    harmful = [finding for finding in report["findings"] if finding["harm"] in REFUTING]
    ours = {(KINDS[unit["kind"]], unit["number"]) for finding in harmful
            for unit in [finding["unit"], *finding["others"]]}
    theirs = {row[:2] for row in rows}
    if ours != theirs:
        yield f"our broken units {sorted(ours)}, z3's {sorted(theirs)}"
    for finding in harmful:
        unit = (KINDS[finding["unit"]["kind"]], finding["unit"]["number"])
        named = {numbers.get(rule["name"]) for rule in finding["rules"]}
        if named != {row[2] for row in rows if row[:2] == unit}:
            yield f"our rules of {unit} are {finding['rules']}, z3's {sorted(row[2] for row in rows if row[:2] == unit)}"
    reachable = any(finding["reachable"] for finding in harmful)
    if report["verdict"] != ("refuted" if rows and reachable else "proved"):
        yield f"we say {report['verdict']}, z3 gives {len(rows)} rows"


def check(program, root):
    numbers = rule_numbers((root / "spec" / "judge.smt2").read_text())
    assert numbers
    pairs = sorted(path.parent for path in (root / "fixtures" / "plans").glob("*/expect.json"))
    passed = failed = unsafe = 0
    for pair in pairs:
        component = root / "fixtures" / "components" / json.loads((pair / "expect.json").read_text())["component"]
        for plan in (pair / "right.plan.json", pair / "leak.plan.json"):
            with tempfile.TemporaryDirectory() as folder:
                dumped = pathlib.Path(folder) / "facts.smt2"
                done = subprocess.run([program, "check", str(component), "--plan", str(plan), "--format", "json",
                                       "--dump-facts", str(dumped)], capture_output=True, text=True, timeout=60)
                report = json.loads(done.stdout)
                z3 = subprocess.run(["z3", str(dumped)], capture_output=True, text=True, timeout=60)
            found = list(differences(report, z3.stdout + z3.stderr, numbers))
            if z3.returncode != 0:
                found.append(f"z3 ends {z3.returncode}")
            unsafe += z3.stdout.startswith("sat")
            for line in found:
                print(f"{pair.name}/{plan.name}: {line}")
            passed += not found
            failed += bool(found)
    if not unsafe:
        print("z3 found nothing broken in any plan")
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not pairs else 0


def self_test():
    numbers = rule_numbers("(rule (=> (a p) (broken unit-position p #b00111)) violates-a)\n"
                           "(rule (=> (b t) (broken unit-table t #b10100)) neglects-b)\n")
    assert numbers == {"violates-a": 7, "neglects-b": 20}, numbers
    one = "(and (= (:var 0) #b00) (= (:var 1) #x000001) (= (:var 2) #b00111))"
    finding = {"harm": "escape", "reachable": True, "unit": {"kind": "position", "number": 1}, "others": [],
               "rules": [{"name": "violates-a"}]}
    refuted, proved = {"verdict": "refuted", "findings": [finding]}, {"verdict": "proved", "findings": []}
    warned = {"verdict": "proved", "findings": [dict(finding, harm="guard")]}
    for report, answer in [(refuted, f"sat\n{one}\n"), (proved, "unsat\n"), (warned, "unsat\n")]:
        assert not list(differences(report, answer, numbers)), (report, answer)
    two = f"(or {one}\n    {one.replace('000001', '000002')})"
    wrong = [
        (refuted, "unsat\n"), (proved, f"sat\n{one}\n"), (refuted, f"sat\n{two}\n"), (refuted, ""),
        (refuted, "(error \"line 3\")\nsat\n" + one), (refuted, "unknown\n"), (refuted, "sat\n"),
        (refuted, f"sat\n{one} (and true)\n"), (warned, f"sat\n{one}\n"),
        (refuted, f"sat\n{one.replace('00111', '00110')}\n"), (refuted, f"sat\n{one.replace('#b00)', '#b10)')}\n"),
        (dict(refuted, verdict="error"), f"sat\n{one}\n"), (dict(refuted, verdict="proved"), f"sat\n{one}\n"),
        (dict(proved, verdict="refuted"), "unsat\n"),
    ]
    missed = [case for case in wrong if not list(differences(*case, numbers))]
    for case in missed:
        print("not noticed:", case)
    print(f"{len(wrong) - len(missed)} passed, {len(missed)} failed")
    return 1 if missed else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    return check(sys.argv[1], pathlib.Path(sys.argv[2]))


if __name__ == "__main__":
    sys.exit(main())
