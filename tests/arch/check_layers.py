#!/usr/bin/env python3
"""Holds the structure of the source against the rules of CONTRIBUTING.md.

usage: check_layers.py ROOT          prints each violation, exit 1 if there is one
       check_layers.py --self-test   plants one violation of each kind in a temporary tree and looks for it
"""
import pathlib
import re
import sys
import tempfile

ROOMS = ["wasm", "component", "topology", "routing", "emit", "smt", "lift", "check", "report", "rewrite", "run"]
MOST_LINES = 800
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
FOLDERS = ("engine", "spec", "tools", "tests", "props", "proofs")


def sources(root):
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in {".h", ".cpp", ".py", ".smt2"} and path.is_file():
                yield path


def violations(root):
    for path in sources(root):
        name = path.relative_to(root)
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        if len(lines) > MOST_LINES:
            yield f"{name}: {len(lines)} lines, more than {MOST_LINES}"
        if path.stem in VAGUE_NAMES:
            yield f"{name}: the name says nothing of the concept in it"
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line) if path.suffix in {".h", ".cpp"} else None
            if match:
                yield from include_violations(name, number, match.group(1))


def include_violations(name, number, included):
    place = f"{name}:{number}"
    parts = name.parts
    if included.startswith("z3") and not (parts[:2] == ("engine", "smt") and name.suffix == ".cpp"):
        yield f"{place}: {included} belongs into engine/smt/*.cpp"
    if included.startswith("wabt/") and not (
            parts[:2] == ("engine", "run") or (parts[:2] == ("engine", "wasm") and name.stem.startswith("wabt_"))):
        yield f"{place}: {included} belongs where wasm is run or validated"
    if not included.startswith("engine/"):
        return
    if parts[0] == "spec":
        yield f"{place}: spec includes nothing of engine, here {included}"
        return
    room = included.split("/")[1]
    if room not in ROOMS:
        yield f"{place}: {included} is in no room that check_layers.py knows"
    elif parts[0] == "engine" and ROOMS.index(room) > ROOMS.index(parts[1]):
        yield f"{place}: room {parts[1]} lies below {room}, here {included}"


def self_test():
    planted = {
        "engine/wasm/up.h": '#include "engine/check/check.h"\n',
        "engine/check/solver.cpp": "#include <z3++.h>\n",
        "engine/smt/solver.h": "#include <z3++.h>\n",
        "engine/component/reads.cpp": '#include "wabt/binary-reader.h"\n',
        "engine/wasm/utils.h": "\n",
        "engine/report/long.cpp": "\n" * (MOST_LINES + 1),
        "spec/machine.h": '#include "engine/wasm/index.h"\n',
        "engine/wasm/nowhere.h": '#include "engine/nowhere/x.h"\n',
    }
    right = {
        "engine/check/down.cpp": '#include "engine/wasm/index.h"\n#include "engine/check/check.h"\n',
        "engine/smt/judge.cpp": "#include <z3++.h>\n",
        "engine/wasm/wabt_validate.cpp": '#include "wabt/validator.h"\n',
        "tools/main.cpp": '#include "engine/report/text.h"\n',
    }
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in {**planted, **right}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        found = sorted(str(line).split(":")[0] for line in violations(root))
    if found != sorted(planted):
        print("self-test: found", found, "instead of", sorted(planted))
        return 1
    print(f"self-test: {len(planted)} planted violations found, {len(right)} right files passed")
    return 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    found = list(violations(pathlib.Path(sys.argv[1])))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
