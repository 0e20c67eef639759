#!/usr/bin/env python3
"""Installs a build into an empty folder and checks a plan with what is there, as a user of the installed program would.

usage: check_install.py CMAKE BUILD_FOLDER REPOSITORY
Also that the installed program reads the installed rules: without one of them it must name the missing file.
"""
import pathlib
import subprocess
import sys
import tempfile


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    cmake, build, repository = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    demo = repository / "fixtures" / "demo"
    with tempfile.TemporaryDirectory() as prefix:
        subprocess.run([cmake, "--install", build, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
        program = pathlib.Path(prefix, "bin", "meld-verify")
        rules = pathlib.Path(prefix, "share", "meld-verify", "spec")

        def check(plan):
            done = subprocess.run([program, "check", demo / "founding.wasm", "--plan", demo / plan], cwd=prefix,
                                  env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60)
            return done.returncode, done.stdout, done.stderr

        failures = []
        for plan, expected, word in [("right.plan.json", 0, "PROVED"), ("by-name.plan.json", 1, "REFUTED")]:
            code, out, err = check(plan)
            if code != expected or not out.startswith(word):
                failures.append(f"{plan}: ends {code}: {out[:200]}{err}")
        missing = rules / "premises.smt2"
        missing.unlink()
        code, out, err = check("right.plan.json")
        if code != 2 or str(missing) not in err:
            failures.append(f"without {missing.name}: ends {code}: {out[:200]}{err}")
    print("\n".join(failures) or "the installed program works, with the installed rules")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
