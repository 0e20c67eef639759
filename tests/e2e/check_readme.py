#!/usr/bin/env python3
"""Runs each session that a document shows, and compares what it prints with what the document says.

usage: check_readme.py MELD_VERIFY DOCUMENT… [--update]

A session is a block ```console whose lines `$ meld-verify …` are commands; what follows up to the next command or the
end of the block is their output, both streams. Run in the repository's root. No session at all fails. `--update`
writes what came out into the documents.
"""
import difflib
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"(?<=^```console\n)(.*?)(?=^```$)", re.S | re.M)


def commands(block):
    return re.findall(r"^\$ (.*)$", block, re.M)


def replay(program, block):
    text = ""
    for command in commands(block):
        words = shlex.split(command)
        if words[0] != "meld-verify":
            raise SystemExit(f"check_readme: '{command}' does not begin with meld-verify")
        done = subprocess.run([program, *words[1:]], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=60, env=os.environ | {"NO_COLOR": "1"})
        if done.returncode not in range(6):
            raise SystemExit(f"check_readme: '{command}' ends {done.returncode}")
        text += f"$ {command}\n{done.stdout}"
    return text


def main():
    words = [w for w in sys.argv[1:] if w != "--update"]
    if len(words) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    program, failed, sessions = str(pathlib.Path(words[0]).resolve()), 0, 0
    for document in map(pathlib.Path, words[1:]):
        text = document.read_text()
        found = [block for block in BLOCK.findall(text) if commands(block)]
        sessions += len(found)
        for block in found:
            now = replay(program, block)
            if now == block:
                continue
            failed += 1
            print("".join(difflib.unified_diff(block.splitlines(True), now.splitlines(True), str(document), "now")))
            if "--update" in sys.argv:
                text = text.replace(block, now, 1)
        if "--update" in sys.argv:
            document.write_text(text)
    print(f"{sessions - failed} passed, {failed} failed")
    return 1 if failed or not sessions else 0


if __name__ == "__main__":
    sys.exit(main())
