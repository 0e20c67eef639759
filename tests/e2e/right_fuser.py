#!/usr/bin/env python3
"""A small fuser that is right: it makes one core module of a program of make_fused_programs.py, in text.

usage: right_fuser.py SEED FOLDER [DEFECT...]      writes FOLDER/SEED.fused.wat, a component that exports `run`

Each component instance has a handle table of its own for each resource type that it can name, in a memory that no guest
can reach: entries of two words (0 free, 1 own, 2 borrow; the rep, or the next free entry), used again last in first out,
growing with the memory, every misuse a trap. Adapters take, give and lend handles one by one wherever a type holds
them. With DEFECTs (see `DEFECTS`) it is wrong in known ways.
"""
import dataclasses
import pathlib
import re
import sys

import make_fused_programs as programs
import program_types as types
from make_fused_programs import RUN
from program_types import BORROWS, OWNS

OWN_STATE, BORROW_STATE = 1, 2
MOST_BYTES = 1 << 28
# Name: (what it does, whether it harms guests that keep to the rules).
DEFECTS = {
    "swap-tables": ("an own goes into the table of another instance than the one that gets it", True),
    "borrow-raw": ("a borrow stays the caller's handle", True),
    "borrow-as-own": ("a borrow becomes an own entry of the callee's, also where that is the definer", True),
    "own-raw": ("an own stays the caller's handle", True),
    "own-kept": ("an own parameter is read and not taken: the caller's entry stays", True),
    "result-raw": ("an own result stays the callee's handle", True),
    "result-kept": ("an own result is read and not taken: the callee's entry stays", True),
    "no-destructor": ("dropping an own calls no destructor", True),
    "destructor-twice": ("dropping an own calls the destructor twice", True),
    "destructor-of-handle": ("the destructor gets the handle, not the rep", True),
    "destructor-of-borrow": ("dropping a borrow calls the destructor", True),
    "wrong-destructor": ("the destructor of another resource type is called", True),
    "never-reuses": ("what is dropped is never used again, and the table holds 1000 entries", True),
    "stride": ("the elements of a list are taken to be four bytes further apart", True),
    "last-element": ("the last element of a list is not converted", True),
    "first-element": ("only the first element of a list is converted", True),
    "no-guard": ("the payload of every case is converted whichever case it is", True),
    "one-guard": ("handles in the first case of a variant that has any are converted, those in others are not", True),
    "spilled-raw": ("handles in spilled parameters are not converted", True),
    "pointer-raw": ("handles in results that go through a pointer are not converted", True),
    "one-table": ("all resource types of an instance share the entries of one table", False),
    "one-key-space": ("all instances share one table for each resource type", False),
    "unchecked": ("tables check nothing", False),
    "stale": ("rep accepts entries that are free", False),
    "zero-dropped": ("dropping handle 0 does nothing", False),
    "borrows-remain": ("a borrow that the callee keeps is not noticed", False),
    "guest-memory": ("tables lie in the memory of a guest, in a page that the fuser adds at its end", False),
    "lost-instance": ("of two instances of one component there is only one", True),
    "overlap": ("the table of the second resource type begins inside that of the first", True),
}


@dataclasses.dataclass(frozen=True)
class ResourceType:
    """Which instance defines it, and as which of its resource types."""
    definer: str
    number: int


class Fuser:
    """`defects` only apply where `where(place)` says so; the places are adapters and tables by name."""

    def __init__(self, program, defects=(), shims=False, where=lambda place: True):
        self.program, self.shims, self.where = program, shims, where
        self.defects = set(defects)
        self.used = set()
        kept, instead = {}, {}
        for name, component, _ in program.instances:
            instead[name] = kept.setdefault(component, name) if "lost-instance" in self.defects else name
            if instead[name] != name:
                self.used.add("lost-instance")
        self.order = [name for name, _, _ in program.instances if instead[name] == name]
        self.instances = {name: (program.components[component], {i: instead[g] for i, g in given.items()})
                          for name, component, given in program.instances if name in self.order}
        self.lines, self.tables, self.counters = [], {}, {}
        self.longer = set()  # memories of guests that get a page more

    def wrong(self, defect, place):
        """Whether to make it; notes that it was made."""
        if defect in self.defects and self.where(place):
            self.used.add(defect)
            return True
        return False

    def type_of(self, instance, interface, number):
        guest, given = self.instances[instance]
        if interface is guest.gives and interface.declares():
            return ResourceType(instance, number)
        return ResourceType(given[interface.origin.name], number)

    def table(self, instance, resource):
        """The prefix of its functions' names."""
        if "one-key-space" in self.defects and self.where("tables"):
            self.used.add("one-key-space")
            instance = "all"
        key = (instance, resource)
        if key not in self.tables:
            self.tables[key] = f"{instance}.{resource.definer}{resource.number}"
            self.write_table(self.tables[key], instance, resource)
        return self.tables[key]

    # --- tables

    def write_table(self, name, instance, resource):
        """All functions of one table."""
        place = name
        memory, base, shared = f"{name}.entries", 0, name
        first = next((t for (i, _), t in self.tables.items() if i == instance and t != name), None)
        head = [f"(memory ${memory} 1)"]
        if first and self.wrong("one-table", place):
            memory, shared, head = f"{first}.entries", first, []
        elif first and self.wrong("overlap", place):
            memory, base, head = f"{first}.entries", 4, []
        elif self.wrong("guest-memory", place):
            room = sum(i == instance for i, _ in self.tables) - 1
            memory, base, head = f"{instance if instance != 'all' else 'leaf'}.memory", 4 * 65536 + room * 16384, []
            self.longer.add(memory)
        if shared == name:
            head += [f"(global ${name}.free (mut i32) (i32.const 0))", f"(global ${name}.next (mut i32) (i32.const 1))",
                     f"(global ${name}.borrows (mut i32) (i32.const 0))"]
        self.counters[name] = shared
        unchecked = self.wrong("unchecked", place)
        stale = self.wrong("stale", place)

        def word(offset, op="load", value=""):
            return f"(i32.{op} ${memory} offset={base + offset} (i32.shl (local.get $i) (i32.const 3)){value})"

        room = ["(if (i32.eq (local.get $i) (i32.const 1000)) (then (unreachable)))"] if self.wrong("never-reuses", place) else [
            f"(if (i32.ge_u (i32.shl (local.get $i) (i32.const 3)) (i32.const {16384 if memory.endswith('.memory') else 1 << 31}))",
            "  (then (unreachable)))"] + ([] if memory.endswith(".memory") else [
                f"(if (i32.ge_u (i32.shl (local.get $i) (i32.const 3)) (i32.shl (memory.size ${memory}) (i32.const 16)))",
                f"  (then (if (i32.eq (memory.grow ${memory} (i32.const 1)) (i32.const -1)) (then (unreachable)))))"])
        free = f"(global.get ${shared}.free)"
        lines = head + [
            f"(func ${name}.add (param $rep i32) (param $state i32) (result i32) (local $i i32)",
            f"  (local.set $i {free})",
            f"  (if (local.get $i) (then (global.set ${shared}.free {word(4)}))",
            f"    (else (local.set $i (global.get ${shared}.next))", *("      " + line for line in room),
            f"      (global.set ${shared}.next (i32.add (local.get $i) (i32.const 1)))))",
            f"  {word(0, 'store', ' (local.get $state)')}", f"  {word(4, 'store', ' (local.get $rep)')}", "  (local.get $i))",
            f"(func ${name}.new (param $rep i32) (result i32) (call ${name}.add (local.get $rep) (i32.const {OWN_STATE})))",
            f"(func ${name}.lend (param $rep i32) (result i32)",
            f"  (global.set ${shared}.borrows (i32.add (global.get ${shared}.borrows) (i32.const 1)))",
            f"  (call ${name}.add (local.get $rep) (i32.const {BORROW_STATE})))",
            f"(func ${name}.state (param $i i32) (result i32)"]
        if not unchecked:
            lines += [f"  (if (i32.ge_u (local.get $i) (global.get ${shared}.next)) (then (unreachable)))"]
            if not stale:
                lines += [f"  (if (i32.eqz {word(0)}) (then (unreachable)))"]
        lines += [f"  {word(0)})",
                  f"(func ${name}.rep (param $i i32) (result i32)", f"  (drop (call ${name}.state (local.get $i)))", f"  {word(4)})",
                  f"(func ${name}.remove (param $i i32)", f"  {word(0, 'store', ' (i32.const 0)')}"]
        if "never-reuses" not in self.defects:
            lines += [f"  {word(4, 'store', ' ' + free)}", f"  (global.set ${shared}.free (local.get $i))"]
        lines += [")",
                  f"(func ${name}.take (param $i i32) (result i32)"]
        if not unchecked:
            lines += [f"  (if (i32.ne (call ${name}.state (local.get $i)) (i32.const {OWN_STATE})) (then (unreachable)))"]
        lines += [f"  {word(4)}", f"  (call ${name}.remove (local.get $i)))",
                  f"(func ${name}.drop (param $i i32) (local $rep i32) (local $state i32)"]
        if self.wrong("zero-dropped", place):
            lines.append("  (if (i32.eqz (local.get $i)) (then (return)))")
        lines += [f"  (local.set $state (call ${name}.state (local.get $i)))", f"  (local.set $rep {word(4)})",
                  f"  (call ${name}.remove (local.get $i))"]
        value = "$i" if self.wrong("destructor-of-handle", place) else "$rep"
        other = self.other_type(resource) if "wrong-destructor" in self.defects else None
        target = other if other and self.wrong("wrong-destructor", place) else resource
        called = f"(call {self.destructor(target)} (local.get {value}))"
        if self.wrong("destructor-twice", place):
            called += f" {called}"
        if self.wrong("no-destructor", place):
            called = "(nop)"
        borrowed = f"(global.set ${shared}.borrows (i32.sub (global.get ${shared}.borrows) (i32.const 1)))"
        if self.wrong("destructor-of-borrow", place):
            borrowed += f" {called}"
        lines += [f"  (if (i32.eq (local.get $state) (i32.const {OWN_STATE}))", f"    (then {called})", f"    (else {borrowed})))"]
        self.lines += lines

    def other_type(self, resource):
        """Of another definer where there is one, else of this one."""
        all_types = [ResourceType(name, i) for name, (guest, _) in self.instances.items() if guest.gives and guest.gives.declares()
                     for i in range(len(guest.gives.resources))]
        others = [one for one in all_types if one != resource]
        return next((one for one in others if one.definer != resource.definer), others[0] if others else None)

    def destructor(self, resource):
        return f"${resource.definer}.{'shim' if self.shims else 'dtor'}{resource.number}"

    # --- guests

    def write_guest(self, instance):
        guest, _ = self.instances[instance]
        names = {}
        for prefix, interface in guest.uses:
            for i, r in enumerate(interface.resources):
                names[f"${prefix}.drop-{r}"] = f"${self.table(instance, self.type_of(instance, interface, i))}.drop"
        gives = guest.gives
        exported = {}
        if gives:
            for f in gives.all():
                exported[f"{gives.id()}#{gives.core_name(f)}"] = f"$export.{f.name}"
                exported[f"cabi_post_{gives.id()}#{gives.core_name(f)}"] = f"$post.{f.name}"
            if gives.declares():
                for i, r in enumerate(gives.resources):
                    exported[f"{gives.id()}#[dtor]{r}"] = f"$dtor{i}"
                    for what in ("new", "rep", "drop"):
                        names[f"${what}-{r}"] = f"${self.table(instance, ResourceType(instance, i))}.{what}"
        exported[f"{RUN}#run"] = "$run"

        def rename(match):
            return names.get(match[0], f"${instance}.{match[0][1:]}" if not re.fullmatch(r"\$(p\d+|l\d+)", match[0]) else match[0])

        for line in guest.module:
            if line.startswith("(import "):
                continue
            line = line.replace('(memory (export "memory")', "(memory $memory").replace(' (export "cabi_realloc")', "")
            line = re.sub(r'\(func \(export "([^"]*)"\)', lambda m: f"(func {exported[m[1]]}", line)
            line = re.sub(r"\$[\w.-]+", rename, line)
            line = re.sub(r"\b((?:i32|i64|f32|f64)\.(?:load|store)\w*)", rf"\1 ${instance}.memory", line)
            self.lines.append(line)
        if self.shims and gives and gives.declares():
            for i in range(len(gives.resources)):
                self.lines += [f"(table ${instance}.shims{i} 1 1 funcref)",
                               f"(elem (table ${instance}.shims{i}) (i32.const 0) func ${instance}.dtor{i})",
                               f"(func ${instance}.shim{i} (param i32)",
                               f"  (call_indirect ${instance}.shims{i} (param i32) (local.get 0) (i32.const 0)))"]

    # --- adapters

    def write_adapters(self, instance):
        guest, given = self.instances[instance]
        for prefix, interface in guest.uses:
            for function in interface.all():
                Adapter(self, instance, given[interface.name], prefix, interface, function).write()

    def text(self):
        """A component around the fused module."""
        for name in self.order:
            self.write_guest(name)
        for name in self.order:
            self.write_adapters(name)
        app = self.order[-1]
        memories = [line.replace(" 4)", " 5)") if any(f"${name} " in line for name in self.longer) else line
                    for line in self.lines if line.startswith("(memory ")]
        others = [line for line in self.lines if not line.startswith("(memory ")]
        return "\n".join([
            "(component", "  (core module $fused", *("    " + line for line in memories + others),
            f'    (export "{RUN}#run" (func ${app}.run)))', "  (core instance $fused (instantiate $fused))",
            f'  (func $run (result (result)) (canon lift (core func $fused "{RUN}#run")))',
            f'  (instance $run (export "run" (func $run)))', f'  (export "{RUN}" (instance $run)))', ""])


class Adapter:
    """Of one function, from instance `x` to instance `y`."""

    def __init__(self, fuser, x, y, prefix, interface, function):
        self.fuser, self.x, self.y, self.interface, self.function = fuser, x, y, interface, function
        self.name = f"{x}.{prefix}.{function.name}"
        self.code = types.Code()
        self.lent = []
        self.has_post = any(f"cabi_post_{interface.id()}#{interface.core_name(function)}" in line
                            for line in fuser.instances[y][0].module)

    def wrong(self, defect):
        return self.fuser.wrong(defect, self.name)

    def table(self, instance, kind):
        number = (OWNS if kind in OWNS else BORROWS).index(kind)
        resource = self.fuser.type_of(self.x, self.interface, number)
        return self.fuser.table(instance, resource), resource

    def param(self, kind, get):
        """The callee's value of the caller's handle."""
        caller, resource = self.table(self.x, kind)
        callee, _ = self.table(self.y, kind)
        if kind in OWNS:
            if self.wrong("own-raw"):
                return None
            if self.wrong("swap-tables"):
                callee = caller
            return f"(call ${callee}.new (call ${caller}.{'rep' if self.wrong('own-kept') else 'take'} {get}))"
        if self.wrong("borrow-raw"):
            return None
        rep = f"(call ${caller}.rep {get})"
        if self.wrong("borrow-as-own"):
            return f"(call ${callee}.new {rep})"
        if resource.definer == self.y:
            return rep
        if callee not in self.lent:
            self.lent.append(callee)
        return f"(call ${callee}.lend {rep})"

    def result(self, kind, get):
        caller, _ = self.table(self.x, kind)
        callee, _ = self.table(self.y, kind)
        if self.wrong("result-raw"):
            return None
        return f"(call ${caller}.new (call ${callee}.{'rep' if self.wrong('result-kept') else 'take'} {get}))"

    def in_memory(self, ty, base, offset, source, target, convert):
        """Of a value that was copied byte by byte from instance `source` to `base` + `offset` in `target`: copies what it
        points to, and converts handles."""
        at = f"(i32.add (local.get {base}) (i32.const {offset}))"
        memory = f"${target}.memory"
        if ty.kind in types.HANDLES:
            value = convert(ty.kind, f"(i32.load {memory} offset={offset} (local.get {base}))") if convert else None
            return [f"(i32.store {memory} offset={offset} (local.get {base}) {value})"] if value else []
        if ty.kind in types.PRIMITIVES:
            return []
        if ty.kind in ("list", "string"):
            copied, lines = self.copied(ty, f"(i32.load {memory} {at})", f"(i32.load {memory} offset=4 {at})", source, target, convert)
            return lines + [f"(i32.store {memory} {at} (local.get {copied}))"]
        if ty.kind in types.CASES:
            return self.cases(ty, f"(i32.load8_u {memory} {at})", lambda part: self.in_memory(
                part, base, offset + types.payload_offset(ty), source, target, convert))
        return [line for part, place in zip(ty.parts, types.offsets(ty)[0])
                for line in self.in_memory(part, base, offset + place, source, target, convert)]

    def cases(self, ty, discriminant, inner):
        lines, first = [], True
        for i, part in enumerate(ty.parts):
            body = inner(part) if part else []
            if not body:
                continue
            if not first and types.holds(part, *types.HANDLES) and self.wrong("one-guard"):
                continue
            first = first and not types.holds(part, *types.HANDLES)
            if self.wrong("no-guard") and not types.holds(part, "list", "string"):
                lines += body
            else:
                lines += [f"(if (i32.eq {discriminant} (i32.const {i})) (then", *body, "))"]
        return lines

    def copied(self, ty, begin, count, source, target, convert):
        """(local with the new address, lines)"""
        element = None if ty.kind == "string" else ty.parts[0]
        size, align = (1, 1) if element is None else (types.size(element), types.alignment(element))
        new, number = self.code.local(), self.code.local()
        bytes_ = f"(i32.mul (local.get {number}) (i32.const {size}))"
        lines = [f"(local.set {number} {count})", f"(if (i32.gt_u (local.get {number}) (i32.const {MOST_BYTES // size})) (then (unreachable)))",
                 f"(local.set {new} (call ${target}.realloc (i32.const 0) (i32.const 0) (i32.const {align}) {bytes_}))",
                 f"(memory.copy ${target}.memory ${source}.memory (local.get {new}) {begin} {bytes_})"]
        if element is None:
            return new, lines
        at, left = self.code.local(), self.code.local()
        inner = self.in_memory(element, at, 0, source, target, convert)
        if inner:
            step = size + 4 if self.wrong("stride") else size
            length = f"(local.get {number})"
            if self.wrong("last-element"):
                length = f"(select (i32.sub {length} (i32.const 1)) (i32.const 0) {length})"
            elif self.wrong("first-element"):
                length = f"(i32.ne {length} (i32.const 0))"
            lines += [f"(local.set {at} (local.get {new}))", f"(local.set {left} {length})", "(block $end (loop $next",
                      f"(br_if $end (i32.eqz (local.get {left})))", *inner,
                      f"(local.set {at} (i32.add (local.get {at}) (i32.const {step})))",
                      f"(local.set {left} (i32.sub (local.get {left}) (i32.const 1)))", "(br $next)))"]
        return new, lines

    def in_slots(self, ty, slots, source, target, convert):
        """The same of (local, core type)s."""
        def get(i, want):
            return types.narrow(f"(local.get {slots[i][0]})", slots[i][1], want)

        def put(value):
            return [f"(local.set {slots[0][0]} {types.widen(value, 'i32', slots[0][1])})"]

        if ty.kind in types.HANDLES:
            value = convert(ty.kind, get(0, "i32")) if convert else None
            return put(value) if value else []
        if ty.kind in types.PRIMITIVES:
            return []
        if ty.kind in ("list", "string"):
            copied, lines = self.copied(ty, get(0, "i32"), get(1, "i32"), source, target, convert)
            return lines + put(f"(local.get {copied})")
        if ty.kind in types.CASES:
            return self.cases(ty, get(0, "i32"), lambda part: self.in_slots(part, slots[1:], source, target, convert))
        lines, at = [], 0
        for part in ty.parts:
            lines += self.in_slots(part, slots[at:at + len(types.flat(part))], source, target, convert)
            at += len(types.flat(part))
        return lines

    def write(self):
        function, x, y = self.function, self.x, self.y
        slots = [(f"$p{i}", core) for i, core in enumerate(function.flat_params())]
        params, body = function.tuple_(), []
        if function.spilled():
            area = self.code.local()
            body += [f"(local.set {area} (call ${y}.realloc (i32.const 0) (i32.const 0) (i32.const {types.alignment(params)}) (i32.const {types.size(params)})))",
                     f"(memory.copy ${y}.memory ${x}.memory (local.get {area}) (local.get $p0) (i32.const {types.size(params)}))"]
            body += self.in_memory(params, area, 0, x, y, None if self.wrong("spilled-raw") else self.param)
            arguments = f"(local.get {area})"
        else:
            body += self.in_slots(params, slots, x, y, self.param)
            arguments = " ".join(f"(local.get {name})" for name, _ in slots)
        call = f"(call ${y}.export.{function.name} {arguments})"
        checks = [(table, self.code.local()) for table in self.lent]
        if checks and self.wrong("borrows-remain"):
            checks = []
        before = [f"(local.set {held} (global.get ${self.fuser.counters[table]}.borrows))" for table, held in checks]
        checked = [f"(if (i32.ne (global.get ${self.fuser.counters[table]}.borrows) (local.get {held})) (then (unreachable)))" for table, held in checks]
        after = []
        if function.result is None:
            body.append(call)
        elif function.result_in_memory():
            given = self.code.local()
            size = types.size(function.result)
            body.append(f"(local.set {given} {call})")
            after = [f"(memory.copy ${x}.memory ${y}.memory (local.get $out) (local.get {given}) (i32.const {size}))"]
            after += self.in_memory(function.result, "$out", 0, y, x, None if self.wrong("pointer-raw") else self.result)
            if self.has_post:
                after.append(f"(call ${y}.post.{function.name} (local.get {given}))")
        else:
            core = function.flat_result()[0]
            given = self.code.local(core)
            body.append(f"(local.set {given} {call})")
            after = [*self.in_slots(function.result, [(given, core)], y, x, self.result), f"(local.get {given})"]
        out = [("$out", "i32")] if function.result_in_memory() else []
        head = "".join(f" (param {name} {core})" for name, core in slots + out)
        results = "" if function.result is None or function.result_in_memory() else f" (result {function.flat_result()[0]})"
        self.fuser.lines += [f"(func ${self.name}{head}{results}", *self.code.locals, *before, *body, *checked, *after, ")"]


def fused(program, defects=(), shims=False, where=lambda place: True):
    """(text, the defects that were made)"""
    fuser = Fuser(program, defects, shims, where)
    return fuser.text(), fuser.used


def main():
    if len(sys.argv) < 3 or set(sys.argv[3:]) - set(DEFECTS):
        print(__doc__, *(f"  {name}: {about}" for name, (about, _) in DEFECTS.items()), sep="\n", file=sys.stderr)
        return 2
    text, used = fused(programs.program(int(sys.argv[1])), sys.argv[3:])
    if missing := set(sys.argv[3:]) - used:
        print(f"this program has no place for {', '.join(sorted(missing))}", file=sys.stderr)
        return 1
    (pathlib.Path(sys.argv[2]) / f"{sys.argv[1]}.fused.wat").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
