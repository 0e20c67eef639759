#!/usr/bin/env python3
"""Makes mutants of fused files: one change each in what the fuser wrote, never in a guest's own code.

usage: mutate_fused.py FUSED.wasm SEED OUT.wasm      writes one mutant and says what was changed

Works on the text that `wasm-tools print` gives, one instruction a line. What the fuser wrote is what meld's provenance section
does not give to a component, and in files of right_fuser.py what has the name of an adapter or of a table's function.
"""
import dataclasses
import pathlib
import random
import re
import sys
import tempfile

import make_fused_programs as programs

KINDS = ("swap calls", "redirect call", "drop conversion", "drop call", "offset", "constant", "copy", "local", "condition",
         "global", "intrinsic", "built-in", "destructor", "trap", "set global")
GENERATED_NAME = re.compile(r"\$[\w-]+\.(?!export\.|post\.)[\w-]+\.[\w-]+")
GENERATED_GLOBAL = re.compile(r"\$[\w-]+\.[\w-]+\.(?:free|next|borrows)\b")


@dataclasses.dataclass
class Function:
    """`lines` are the numbers of its instructions' lines."""
    index: int
    name: str
    signature: str
    lines: range
    generated: bool


class NothingToChange(Exception):
    """This file has no place for a mutant of this kind."""


def leb(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def provenance(binary):
    """Fused indices of functions that came from a component, by meld's section; nothing without one."""
    mark = binary.find(b"component-provenanceSCPV")
    if mark < 0:
        return None
    at = mark + len(b"component-provenance") + 4 + 3 + 32

    def u32():
        nonlocal at
        at += 4
        return int.from_bytes(binary[at - 4:at], "little")

    own = set()
    for _ in range(u32()):
        fused, length = u32(), u32()
        component = binary[at:at + length]
        at += length
        original = u32()
        at += 1 + 8
        # The last number there is stands for none.
        if original != 0xffffffff and not component.endswith(b"18446744073709551615"):
            own.add(fused)
    return own


class Text:
    """The printed text of a fused file, and where things stand in it."""

    def __init__(self, path):
        self.lines = programs.wasm_tools("print", path).splitlines()
        binary = pathlib.Path(path).read_bytes()
        self.own = provenance(binary)
        self.functions, self.globals = [], []
        module = max(self.modules(), key=lambda part: part[1] - part[0])
        self.begin, self.end = module
        self.read_module()

    def modules(self):
        opening = [i for i, line in enumerate(self.lines) if re.match(r"\s*\(core module ", line)] or [0]
        for i in opening:
            depth = len(self.lines[i]) - len(self.lines[i].lstrip())
            yield i, next((j for j in range(i + 1, len(self.lines)) if self.lines[j] == " " * depth + ")"), len(self.lines) - 1)

    def read_module(self):
        head = re.compile(r"\(func (\$\S+ )?\(;(\d+);\)(.*)")
        globals_ = 0
        indent = len(self.lines[self.begin]) - len(self.lines[self.begin].lstrip()) + 2
        for i in range(self.begin + 1, self.end):
            line = self.lines[i]
            if len(line) - len(line.lstrip()) != indent:
                continue
            text = line.strip()
            if text.startswith("(global"):
                self.globals.append((i, text.split()[1] if text.split()[1].startswith("$") else str(globals_)))
                globals_ += 1
            found = head.search(text) if text.startswith(("(func ", "(import ")) else None
            if not found:
                continue
            name, index, rest = (found[1] or "").strip(), int(found[2]), found[3]
            signature = re.sub(r"\$\S+ ", "", " ".join(re.findall(r"\((?:param|result)[^()]*\)", rest)))
            stop = i
            if text.startswith("(func ") and self.lines[i + 1].startswith(" " * (indent + 1)):
                stop = next((j for j in range(i + 1, self.end) if self.lines[j] == " " * indent + ")"), i)
            body = range(i + 1, stop)
            imported = text.startswith("(import ")
            generated = not imported and (index not in self.own if self.own is not None else bool(GENERATED_NAME.fullmatch(name)))
            self.functions.append(Function(index, name, signature, body, generated))
        self.by_reference = {}
        for function in self.functions:
            self.by_reference[str(function.index)] = function
            if function.name:
                self.by_reference[function.name] = function

    def generated(self, pattern):
        """(line number, match) of instructions of generated functions."""
        found = []
        for function in self.functions:
            if function.generated:
                for i in function.lines:
                    match = re.fullmatch(r"\s*" + pattern, self.lines[i])
                    if match:
                        found.append((i, match, function))
        return found


def pick(rng, places):
    if not places:
        raise NothingToChange
    return rng.choice(places)


def replace_word(line, old, new):
    at = line.rindex(old)
    return line[:at] + new + line[at + len(old):]


def swap_calls(text, rng):
    calls = text.generated(r"call (\S+)")
    by_function = {}
    for i, match, function in calls:
        by_function.setdefault(function.index, []).append((i, match[1]))
    groups = [group for group in by_function.values() if len({target for _, target in group}) > 1]
    group = pick(rng, groups)
    (i, first), (j, second) = rng.sample(group, 2)
    if first == second:
        raise NothingToChange
    return {i: replace_word(text.lines[i], first, second), j: replace_word(text.lines[j], second, first)}


def redirect_call(text, rng):
    i, match, _ = pick(rng, text.generated(r"call (\S+)"))
    target = text.by_reference[match[1]]
    others = [f for f in text.functions if f.signature == target.signature and f is not target]
    # What handles go through, rather than a guest's own functions.
    likely = [f for f in others if f.generated or not f.lines] or others
    other = pick(rng, likely if rng.random() < 0.8 else others)
    return {i: replace_word(text.lines[i], match[1], other.name or str(other.index))}


def drop_conversion(text, rng):
    calls = [(i, m) for i, m, _ in text.generated(r"call (\S+)")
             if text.by_reference[m[1]].signature == "(param i32) (result i32)"]
    i, _ = pick(rng, calls)
    return {i: "nop"}


def drop_call(text, rng):
    calls = [(i, m) for i, m, _ in text.generated(r"call (\S+)") if text.by_reference[m[1]].signature == "(param i32)"]
    i, _ = pick(rng, calls)
    return {i: "drop"}


def change_offset(text, rng):
    i, match, _ = pick(rng, text.generated(r"[if]\d\d\.(?:load|store)\w*.*"))
    line = text.lines[i].rstrip()
    found = re.search(r" offset=(\d+)", line)
    offset = int(found[1]) if found else 0
    other = rng.choice([o for o in (offset + 4, offset - 4, offset + 8, offset + 1, 0) if o >= 0 and o != offset])
    line = line.replace(found[0], "") if found else line
    # The memory comes before the offset, the alignment after it.
    words = line.split()
    at = next((n for n, word in enumerate(words) if word.startswith("align=")), len(words))
    return {i: " ".join([*words[:at], f"offset={other}", *words[at:]])}


def change_constant(text, rng):
    i, match, _ = pick(rng, text.generated(r"i32\.const (-?\d+)"))
    value = int(match[1])
    return {i: f"i32.const {rng.choice([v for v in (value + 1, value - 1, value + 4, value * 2, 0) if v != value])}"}


def change_copy(text, rng):
    i, match, _ = pick(rng, text.generated(r"memory\.copy (\S+) (\S+)"))
    other = rng.choice((f"{match[2]} {match[1]}", f"{match[1]} {match[1]}", f"{match[2]} {match[2]}"))
    return {i: f"memory.copy {other}"}


def change_local(text, rng):
    places = text.generated(r"local\.get (\S+)")
    i, match, function = pick(rng, places)
    others = sorted({m[1] for _, m, f in places if f is function} - {match[1]})
    return {i: f"local.get {pick(rng, others)}"}


def change_condition(text, rng):
    i, match, _ = pick(rng, text.generated(r"((?:br_if|if)\b.*)"))
    return {i: f"i32.eqz {match[1]}"}


def change_global(text, rng):
    used = {}
    for function in text.functions:
        for i in function.lines:
            match = re.match(r"\s*global\.[gs]et (\S+)", text.lines[i])
            if match:
                used.setdefault(match[1], set()).add(function.generated)
    places = [(i, name) for i, name in text.globals if used.get(name) == {True}]
    i, _ = pick(rng, places)
    match = re.search(r"i32\.const (-?\d+)", text.lines[i])
    if not match or "(mut" not in text.lines[i]:
        raise NothingToChange
    value = int(match[1])
    other = rng.choice([v for v in (value + 1, value + 4, value + 65536, 0, value - 4) if v != value])
    return {i: text.lines[i].replace(match[0], f"i32.const {other}")}


def change_intrinsic(text, rng):
    """Two entries of the instance that fills the table of intrinsics change places."""
    places = [i for i, line in enumerate(text.lines) if re.fullmatch(r'\s*\(export "\d+" \(func (\S+)\)\)', line) and i > text.end]
    if len(places) < 2:
        raise NothingToChange
    i, j = rng.sample(places, 2)
    first, second = (re.search(r"\(func (\S+?)\)", text.lines[k])[1] for k in (i, j))
    return {i: text.lines[i].replace(f"(func {first})", f"(func {second})"),
            j: text.lines[j].replace(f"(func {second})", f"(func {first})")}


def change_built_in(text, rng):
    """A canonical built-in becomes one of another type, or an alias of an export becomes one of another export."""
    canons = [i for i, line in enumerate(text.lines) if re.search(r"\(canon resource\.(new|rep|drop) ", line) and i > text.end]
    resources = [m[1] for line in text.lines for m in [re.search(r"\(type (?:\$\S+ )?\(;(\d+);\) \(resource ", line)] if m]
    aliases = [i for i, line in enumerate(text.lines) if re.search(r'alias core export \S+ "\$ht_', line) and i > text.end]
    if aliases and rng.random() < 0.5:
        i = rng.choice(aliases)
        name = re.search(r'"(\$ht_[^"]*)"', text.lines[i])[1]
        word = re.match(r"\$ht_(new|rep|drop)", name)[1]
        others = sorted({m[1] for line in text.lines for m in [re.search(r'\(export "(\$ht_[^"]*)"', line)] if m
                         and m[1] != name and (m[1].startswith(f"$ht_{word}") or word != "drop" and not m[1].startswith("$ht_drop"))})
        return {i: text.lines[i].replace(name, pick(rng, others))}
    i = pick(rng, canons)
    match = re.search(r"canon resource\.(\w+) (\S+?)\)", text.lines[i])
    word, resource = match[1], match[2]
    changes = [(word, other) for other in resources if other != resource]
    if word != "drop":
        changes.append(("rep" if word == "new" else "new", resource))
    word, resource = pick(rng, changes)
    return {i: text.lines[i].replace(match[0], f"canon resource.{word} {resource})")}


def change_destructor(text, rng):
    i = pick(rng, [i for i, line in enumerate(text.lines) if re.search(r"\(resource \(rep i32\) \(dtor (\S+)\)\)", line)])
    dtor = re.search(r" \(dtor (\S+?)\)", text.lines[i])
    others = sorted({m[1] for line in text.lines for m in [re.search(r"\(dtor (\S+?)\)", line)] if m} - {dtor[1]})
    if others and rng.random() < 0.6:
        return {i: text.lines[i].replace(dtor[0], f" (dtor {rng.choice(others)})")}
    return {i: text.lines[i].replace(dtor[0], "")}


def beginning(text, function):
    """The number of its first instruction's line."""
    return next((i for i in function.lines if not text.lines[i].strip().startswith("(local")), function.lines.start)


def add_trap(text, rng):
    """A function traps where its first word is a small number."""
    function = pick(rng, [f for f in text.functions if f.generated and f.signature.startswith("(param i32") and f.lines])
    i = beginning(text, function)
    return {i: f"local.get 0 i32.const {rng.randrange(1, 4)} i32.eq if unreachable end\n{text.lines[i]}"}


def set_global(text, rng):
    """A function sets a global that is another one's."""
    function = pick(rng, [f for f in text.functions if f.generated and f.lines])
    own = {m[1] for i in function.lines for m in [re.match(r"\s*global\.[gs]et (\S+)", text.lines[i])] if m}
    places = [name for i, name in text.globals if "(mut i32)" in text.lines[i] and name not in own]
    i = beginning(text, function)
    return {i: f"i32.const {rng.choice((0, 1, 2, 65536))} global.set {pick(rng, places)}\n{text.lines[i]}"}


CHANGES = dict(zip(KINDS, (swap_calls, redirect_call, drop_conversion, drop_call, change_offset, change_constant, change_copy,
                           change_local, change_condition, change_global, change_intrinsic, change_built_in, change_destructor, add_trap,
                           set_global)))


def mutant(text, kind, rng, out):
    """Writes one mutant of a kind that is valid; what was changed. Raises NothingToChange."""
    for _ in range(12):
        changed = CHANGES[kind](text, rng)
        lines = [changed.get(i, line) for i, line in enumerate(text.lines)]
        with tempfile.NamedTemporaryFile("w", suffix=".wat", encoding="utf-8") as source:
            source.write("\n".join(lines) + "\n")
            source.flush()
            try:
                programs.wasm_tools("parse", source.name, "-o", out)
                programs.wasm_tools("validate", "--features", "all", out)
            except ValueError:
                continue
        places = []
        for i, line in changed.items():
            where = next((f for f in text.functions if i in f.lines), None)
            inside = f" in func {where.index}{' ' + where.name if where.name else ''}" if where else ""
            places.append(f"`{text.lines[i].strip()[:80]}` → `{' '.join(line.split())[:80]}`{inside}")
        return f"{kind}: " + "; ".join(places)
    raise NothingToChange


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    rng = random.Random(int(sys.argv[2]))
    kinds = list(KINDS)
    rng.shuffle(kinds)
    text = Text(sys.argv[1])
    for kind in kinds:
        try:
            print(mutant(text, kind, rng, sys.argv[3]))
            return 0
        except NothingToChange:
            continue
    print("nothing in this file can be changed", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
