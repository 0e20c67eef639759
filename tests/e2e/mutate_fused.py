#!/usr/bin/env python3
"""Makes mutants of fused files: one change each in what the fuser wrote, never in a guest's own code.

usage: mutate_fused.py FUSED.wasm SEED OUT.wasm [COMPOSED.wasm]      writes one mutant and says what was changed

Works on the text that `wasm-tools print` gives, one instruction a line. What the fuser wrote is what meld's provenance section
does not give to a component, and in files of right_fuser.py what has the name of an adapter or of a table's function. With
COMPOSED the file is one of several core modules, as the router writes them: a guest's is what the composed file has too.
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
# Of files of several core modules.
WIRES = ("argument", "alias", "slot", "part")
ROUTED_KINDS = tuple(kind for kind in KINDS if kind not in ("intrinsic", "built-in", "destructor")) + WIRES
REFERENCE = r'(\$"[^"]*"|\S+)'
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
    module: int = 0


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
    """The printed text of a fused file, and where things stand in it. `parts`: the lines of each core module that is looked
    at, and whether a fuser wrote all of it."""

    def __init__(self, path, composed=None):
        self.lines = programs.wasm_tools("print", path).splitlines()
        self.own = provenance(pathlib.Path(path).read_bytes())
        self.functions, self.globals, self.by_reference = [], [], {}
        modules = list(self.modules(self.lines))
        if composed is None:
            self.parts = [(*max(modules, key=lambda part: part[1] - part[0]), False)]
        else:
            lines = programs.wasm_tools("print", composed).splitlines()
            guests = {self.body(lines, part) for part in self.modules(lines)}
            self.parts = [(*part, True) for part in modules if self.body(self.lines, part) not in guests]
        self.whole = composed is not None
        self.end = max((end for _, end, _ in self.parts), default=0)
        for number, part in enumerate(self.parts):
            self.read_module(number, *part)

    @staticmethod
    def body(lines, part):
        return "\n".join(line.strip() for line in lines[part[0] + 1:part[1]])

    @staticmethod
    def modules(lines):
        opening = [i for i, line in enumerate(lines) if re.match(r"\s*\(core module ", line) and line.count("(") > line.count(")")] or [0]
        for i in opening:
            depth = len(lines[i]) - len(lines[i].lstrip())
            yield i, next((j for j in range(i + 1, len(lines)) if lines[j] == " " * depth + ")"), len(lines) - 1)

    def read_module(self, number, begin, end, all_generated):
        head = re.compile(r'\(func (\$"[^"]*" |\$\S+ )?\(;(\d+);\)(.*)')
        globals_ = 0
        indent = len(self.lines[begin]) - len(self.lines[begin].lstrip()) + 2
        for i in range(begin + 1, end):
            line = self.lines[i]
            if len(line) - len(line.lstrip()) != indent:
                continue
            text = line.strip()
            if text.startswith("(global"):
                name = re.match(r'\(global (\$"[^"]*"|\$\S+)', text)
                count = re.search(r"\(;(\d+);\)", text)
                self.globals.append((i, name[1] if name else count[1] if count else str(globals_), number))
                globals_ += 1
            elif text.startswith("(import") and self.whole:
                count = re.search(r'\(global (?:(\$"[^"]*"|\$\S+) )?\(;(\d+);\)', text)
                if count:
                    self.globals.append((i, count[1] or count[2], number))
            found = head.search(text) if text.startswith(("(func ", "(import ")) else None
            if not found:
                continue
            name, index, rest = (found[1] or "").strip(), int(found[2]), found[3]
            signature = re.sub(r"\$\S+ ", "", " ".join(re.findall(r"\((?:param|result)[^()]*\)", rest)))
            stop = i
            if text.startswith("(func ") and self.lines[i + 1].startswith(" " * (indent + 1)):
                stop = next((j for j in range(i + 1, end) if self.lines[j] == " " * indent + ")"), i)
            body = range(i + 1, stop)
            imported = text.startswith("(import ")
            generated = not imported and (all_generated or
                                          (index not in self.own if self.own is not None else bool(GENERATED_NAME.fullmatch(name))))
            self.functions.append(Function(index, name, signature, body, generated, number))
        for function in self.functions:
            self.by_reference[function.module, str(function.index)] = function
            if function.name:
                self.by_reference[function.module, function.name] = function

    def target(self, reference, function):
        """The function that a call in `function` names."""
        return self.by_reference[function.module, reference]

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
    calls = text.generated("call " + REFERENCE)
    by_function = {}
    for i, match, function in calls:
        by_function.setdefault((function.module, function.index), []).append((i, match[1]))
    groups = [group for group in by_function.values() if len({target for _, target in group}) > 1]
    group = pick(rng, groups)
    (i, first), (j, second) = rng.sample(group, 2)
    if first == second:
        raise NothingToChange
    return {i: replace_word(text.lines[i], first, second), j: replace_word(text.lines[j], second, first)}


def redirect_call(text, rng):
    i, match, function = pick(rng, text.generated("call " + REFERENCE))
    target = text.target(match[1], function)
    others = [f for f in text.functions if f.module == target.module and f.signature == target.signature and f is not target]
    # What handles go through, rather than a guest's own functions.
    likely = [f for f in others if f.generated or not f.lines] or others
    other = pick(rng, likely if rng.random() < 0.8 else others)
    return {i: replace_word(text.lines[i], match[1], other.name or str(other.index))}


def drop_conversion(text, rng):
    calls = [(i, text.target(m[1], f)) for i, m, f in text.generated("call " + REFERENCE)]
    calls = [(i, f) for i, f in calls if f.signature == "(param i32) (result i32)" or text.whole and f.signature == "(param i32 i32) (result i32)"]
    i, function = pick(rng, calls)
    # A table's function that is told the type first.
    return {i: "nop" if function.signature == "(param i32) (result i32)" else rng.choice(("drop", "i32.add"))}


def drop_call(text, rng):
    calls = [(i, text.target(m[1], f)) for i, m, f in text.generated("call " + REFERENCE)]
    drops = [(i, f.signature.count("i32")) for i, f in calls if re.fullmatch(r"\(param( i32)+\)", f.signature)]
    i, words = pick(rng, drops)
    return {i: " ".join(["drop"] * words)}


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
    places = text.generated("local.get " + REFERENCE)
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
            match = re.match(r"\s*global\.[gs]et " + REFERENCE, text.lines[i])
            if match:
                used.setdefault((function.module, match[1]), set()).add(function.generated)
    i = pick(rng, [i for i, name, module in text.globals if text.whole or used.get((module, name)) == {True}])
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
    own = {m[1] for i in function.lines for m in [re.match(r"\s*global\.[gs]et " + REFERENCE, text.lines[i])] if m}
    places = [name for i, name, module in text.globals
              if module == function.module and "(mut i32)" in text.lines[i] and (name not in own or text.whole)]
    i = beginning(text, function)
    return {i: f"i32.const {rng.choice((0, 1, 2, 65536))} global.set {pick(rng, places)}\n{text.lines[i]}"}


def outside(text):
    """The numbers of the lines that are in no core module."""
    inside = set()
    for begin, end in text.modules(text.lines):
        inside.update(range(begin, end + 1))
    return [i for i in range(len(text.lines)) if i not in inside]


def change_argument(text, rng):
    """A core instance gets another instance for one of its imports."""
    with_ = r'\(with "[^"]*" \(instance (\$"[^"]*"|[^)\s]+)\)\)'
    found = [(i, m[1]) for i in outside(text) for m in [re.search(with_, text.lines[i])] if m]
    i, name = pick(rng, found)
    return {i: replace_word(text.lines[i], f"(instance {name})", f"(instance {pick(rng, sorted({n for _, n in found} - {name}))})")}


def change_alias(text, rng):
    """A name of an export, or of the function that is exported under it, becomes another one."""
    lines = outside(text)
    aliases = [(i, m[1]) for i in lines for m in [re.search(r'\(alias core export (?:\$"[^"]*"|\S+) ("[^"]*")', text.lines[i])] if m]
    exports = [(i, m[1]) for i in lines for m in [re.fullmatch(r'\s*\(export "[^"]*" \(func (\S+)\)\)', text.lines[i])] if m]
    i, name = pick(rng, aliases + exports)
    at = text.lines[i].rindex(name)
    other = pick(rng, sorted({n for _, n in (aliases if (i, name) in aliases else exports)} - {name}))
    return {i: text.lines[i][:at] + other + text.lines[i][at + len(name):]}


def change_slot(text, rng):
    """Functions of generated modules lie elsewhere in a table."""
    places = [i for begin, end, _ in text.parts for i in range(begin, end)
              if re.match(r"\s*\(elem .*\(i32\.const \d+\)", text.lines[i])]
    places += [i for i in outside(text) if re.search(r'\(core instance \$"destructor', text.lines[i])]
    i = pick(rng, places)
    match = re.search(r"\(i32\.const (\d+)\)", text.lines[i])
    if not match:
        stop = next(j for j in range(i, len(text.lines)) if text.lines[j] == "  )")
        return {j: "" for j in range(i, stop + 1)}
    return {i: text.lines[i].replace(match[0], f"(i32.const {rng.choice([v for v in (0, 1, 2, 3) if v != int(match[1])])})")}


def drop_part(text, rng):
    """Some instructions of a generated function that go together are left out."""
    function = pick(rng, [f for f in text.functions if f.generated and len(f.lines) > 2])
    begin = beginning(text, function)
    first = rng.randrange(begin, function.lines.stop)
    count = rng.choice((2, 3, 4, 5, 6))
    return {i: "" for i in range(first, min(first + count, function.lines.stop))}


CHANGES = dict(zip(KINDS, (swap_calls, redirect_call, drop_conversion, drop_call, change_offset, change_constant, change_copy,
                           change_local, change_condition, change_global, change_intrinsic, change_built_in, change_destructor, add_trap,
                           set_global)))
CHANGES |= dict(zip(WIRES, (change_argument, change_alias, change_slot, drop_part)))


def written(text, changed, out):
    """Whether the text with these lines in place of its own is valid; then it is written to `out`."""
    lines = [changed.get(i, line) for i, line in enumerate(text.lines)]
    with tempfile.NamedTemporaryFile("w", suffix=".wat", encoding="utf-8") as source:
        source.write("\n".join(lines) + "\n")
        source.flush()
        try:
            programs.wasm_tools("parse", source.name, "-o", out)
            programs.wasm_tools("validate", "--features", "all", out)
        except ValueError:
            return False
    return True


def mutant(text, kind, rng, out):
    """Writes one mutant of a kind that is valid; what was changed. Raises NothingToChange."""
    for _ in range(40 if kind == "part" else 12):
        changed = CHANGES[kind](text, rng)
        if not written(text, changed, out):
            continue
        places = []
        for i, line in changed.items():
            where = next((f for f in text.functions if i in f.lines), None)
            module = f" of module {text.parts[where.module][0] + 1}" if where and text.whole else ""
            inside = f" in func {where.index}{' ' + where.name if where.name else ''}{module}" if where else ""
            places.append(f"`{text.lines[i].strip()[:80]}` → `{' '.join(line.split())[:80]}`{inside}")
        return f"{kind}: " + "; ".join(places)
    raise NothingToChange


def main():
    if len(sys.argv) not in (4, 5):
        print(__doc__, file=sys.stderr)
        return 2
    rng = random.Random(int(sys.argv[2]))
    text = Text(sys.argv[1], *sys.argv[4:])
    kinds = list(ROUTED_KINDS if text.whole else KINDS)
    rng.shuffle(kinds)
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
