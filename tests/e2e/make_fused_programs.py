#!/usr/bin/env python3
"""Makes composed components that a fuser takes: guests in core text, lifted by wasm-tools as real ones are.

usage: make_fused_programs.py SEED FOLDER      writes FOLDER/SEED.wat (needs wasm-tools); its `run` traps unless all is well

A program is a chain: a leaf that defines one or two resource types, up to three re-exporters (of the same type under
another name, or of a fresh type that holds the inner object, under the same name or another), and an application that
imports the end of the chain and sometimes another link of it. Functions take and give handles in random types, in slots,
spilled, in lists and through out-pointers. The leaf notes what it is given; the application compares every value with
what was worked out here, and traps where one differs. In quiet programs nobody looks at what destructors get.
"""
import dataclasses
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import program_types as types
from make_programs import U32, random_value
from program_types import BORROWS, OWNS, Type

PACKAGE = "ho:gen"
RUN = "wasi:cli/run@0.2.6"
RESOURCES = ("thing", "other")
MARKS = (0x7e57, 0x7e58)
MAX_RESULTS = 1
MOST_TURNS = 12
SCALARS = (*types.PRIMITIVES, "string")


# --- types

def random_type(rng, handles, names, depth=0):
    """With a handle in it. `names` counts the records and variants."""
    if depth and (depth > 2 or rng.random() < 0.4):
        return Type(rng.choice(handles))
    kind = rng.choice(("record", "tuple", "variant", "option", "result", "list", "handle", "list"))

    def inner():
        return random_type(rng, handles, names, depth + 1)

    def side():
        return inner() if rng.random() < 0.3 else Type(rng.choice(SCALARS))

    if kind == "handle":
        return Type(rng.choice(handles))
    if kind == "list":
        return Type("list", (inner(),))
    if kind == "option":
        return Type("option", (None, inner()))
    parts = [inner()]
    if kind == "result":
        parts.append(rng.choice((None, side())))
    elif kind == "variant":
        parts += [rng.choice((None, side())) for _ in range(rng.randint(1, 3))]
    else:
        parts += [side() for _ in range(rng.choice((0, 1, 2, 12)) if depth == 0 else rng.randint(0, 2))]
    rng.shuffle(parts)
    name = ""
    if kind in ("record", "variant"):
        name = f"t{len(names)}"
        names.append(name)
    return Type(kind, tuple(parts), name)


def wit(ty, resources=RESOURCES):
    """A type in WIT; records and variants by name."""
    def of(part):
        return wit(part, resources)

    if ty.kind in OWNS:
        return resources[OWNS.index(ty.kind)]
    if ty.kind in BORROWS:
        return f"borrow<{resources[BORROWS.index(ty.kind)]}>"
    if ty.name:
        return ty.name
    if ty.kind == "option":
        return f"option<{of(ty.parts[1])}>"
    if ty.kind == "result":
        ok, error = (of(part) if part else "_" for part in ty.parts)
        return f"result<{ok}, {error}>" if error != "_" else f"result<{ok}>"
    return f"{ty.kind}<{', '.join(of(part) for part in ty.parts)}>" if ty.parts else ty.kind


def wit_definition(ty, resources):
    def of(part):
        return wit(part, resources)

    if ty.kind == "record":
        return f"record {ty.name} {{ {', '.join(f'p{i}: {of(part)}' for i, part in enumerate(ty.parts))} }}"
    return f"variant {ty.name} {{ {', '.join(f'p{i}({of(part)})' if part else f'p{i}' for i, part in enumerate(ty.parts))} }}"


def digest(before, ty, value):
    """What `digesting` gives of it."""
    for kind, item in types.leaves(ty, value):
        if kind == "string":
            item = len(item.encode()) + (item.encode()[0] if item else 0)
        before = (before * 31 + item) & U32
    return before


def digesting(get_acc, set_acc, handle):
    """A visitor that takes a value in; `handle(kind, get, take)` makes lines of one."""
    def take(number):
        return f"({set_acc} (i32.add (i32.mul ({get_acc}) (i32.const 31)) {number}))"

    def visit(kind, get, put):
        if kind in types.HANDLES:
            return handle(kind, get, take)
        form = {"u64": "(i32.wrap_i64 {})", "f32": "(i32.trunc_f32_u {})", "f64": "(i32.trunc_f64_u {})"}.get(kind, "{}")
        return [take(form.format(get))]
    return visit


@dataclasses.dataclass(frozen=True)
class Function:
    """`role` is what it is where its resource type is declared: free, static or method (then its first parameter is a
    borrow of `thing`). `given` is what the leaf's gives."""
    name: str
    role: str
    params: tuple
    result: Type | None = None
    given: object = None

    def tuple_(self):
        return Type("tuple", self.params)

    def spilled(self):
        return len(types.flat(self.tuple_())) > types.MAX_FLAT_PARAMS

    def result_in_memory(self):
        return self.result is not None and len(types.flat(self.result)) > MAX_RESULTS

    def flat_params(self):
        return ["i32"] if self.spilled() else types.flat(self.tuple_())

    def flat_result(self):
        return [] if self.result is None else ["i32"] if self.result_in_memory() else types.flat(self.result)

    def core(self, lowered):
        """Its core type, as an import of a caller or an export of a callee."""
        pointer = ["i32"] if lowered and self.result_in_memory() else []
        results = [] if lowered and self.result_in_memory() else self.flat_result()
        text = "".join(f" (param {core})" for core in self.flat_params() + pointer)
        return text + "".join(f" (result {core})" for core in results)


class Interface:
    """`name` is its own; `origin` the interface that declares its resource types: itself, or another whose types it uses."""

    def __init__(self, name, functions, resources, origin=None):
        self.name, self.resources, self.origin = name, resources, origin or self
        self.functions = functions

    def id(self):
        return f"{PACKAGE}/{self.name}"

    def declares(self):
        return self.origin is self

    def basic(self):
        """name → Function of what every interface has."""
        made = {}
        for i, resource in enumerate(self.resources):
            made[f"make-{resource}"] = Function(f"make-{resource}", "", (Type("u32"),), Type(OWNS[i]))
            made[f"value-{resource}"] = Function(f"value-{resource}", "", (Type(BORROWS[i]),), Type("u32"))
            made[f"end-{resource}"] = Function(f"end-{resource}", "", (Type(OWNS[i]),), Type("u32"))
        made["live"] = Function("live", "", (), Type("u32"))
        made["seen"] = Function("seen", "", (), Type("u32"))
        return made

    def all(self):
        return list(self.basic().values()) + self.functions

    def core_name(self, function):
        if not self.declares():
            return function.name
        word, _, resource = function.name.partition("-")
        if resource:
            return {"make": f"[constructor]{resource}", "value": f"[method]{resource}.value", "end": f"[static]{resource}.end"}[word]
        return function.name if function.role in ("", "free") else f"[{function.role}]{self.resources[0]}.{function.name}"

    def wit(self):
        named = list(dict.fromkeys(ty for f in self.functions for ty in types.named(f.tuple_()) + (types.named(f.result) if f.result else [])))
        lines = [f"interface {self.name} {{"]
        if not self.declares():
            lines.append(f"  use {self.origin.name}.{{{', '.join(self.resources)}}};")
        for i, resource in enumerate(self.resources if self.declares() else ()):
            lines += [f"  resource {resource} {{", "    constructor(v: u32);", "    value: func() -> u32;",
                      f"    end: static func(it: {resource}) -> u32;"]
            lines += [f"    {signature(f, self.resources)}" for f in self.functions if i == 0 and f.role in ("method", "static")]
            lines.append("  }")
        lines += [f"  {wit_definition(ty, self.resources)}" for ty in named]
        for f in self.all():
            if not self.declares() or f.name in ("live", "seen") or f.role == "free":
                lines.append(f"  {signature(dataclasses.replace(f, role='free'), self.resources)}")
        return [*lines, "}"]

    def imports(self, prefix):
        """Core imports of a caller."""
        lines = [f'(import "{self.id()}" "{self.core_name(f)}" (func ${prefix}.{f.name}{f.core(True)}))' for f in self.all()]
        return lines + [f'(import "{self.origin.id()}" "[resource-drop]{r}" (func ${prefix}.drop-{r} (param i32)))' for r in self.resources]

    def own_imports(self):
        lines = []
        for r in self.resources:
            for what, core in (("new", "(param i32) (result i32)"), ("rep", "(param i32) (result i32)"), ("drop", "(param i32)")):
                lines.append(f'(import "[export]{self.id()}" "[resource-{what}]{r}" (func ${what}-{r} {core}))')
        return lines

    def head(self, function):
        """The opening of its export, and (local, core type) of its parameters."""
        slots = [(f"$p{i}", core) for i, core in enumerate(function.flat_params())]
        params = "".join(f" (param {n} {c})" for n, c in slots)
        results = "".join(f" (result {c})" for c in function.flat_result())
        return slots, f'(func (export "{self.id()}#{self.core_name(function)}"){params}{results}'


def signature(function, resources):
    params = function.params[1:] if function.role == "method" else function.params
    static = "static " if function.role == "static" else ""
    text = f"{function.name}: {static}func({', '.join(f'a{i}: {wit(ty, resources)}' for i, ty in enumerate(params))})"
    return text + (f" -> {wit(function.result, resources)};" if function.result else ";")


# --- guests

MEMORY = """(memory (export "memory") 4)
(global $top (mut i32) (i32.const 4096))
(func $realloc (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
  (if (local.get $old-size) (then (unreachable)))
  (global.set $top (i32.and (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
                            (i32.sub (i32.const 0) (local.get $align))))
  (global.get $top)
  (global.set $top (i32.add (global.get $top) (local.get $size))))""".splitlines()
# An object is a cell: a mark, then a word (of the leaf the value, of a wrapper its handle of the inner object). The
# destructor notes the rep from address 1024 on.
CELLS = """(global $free (mut i32) (i32.const 0))
(global $live (mut i32) (i32.const 0))
(global $ended (mut i32) (i32.const 0))
(func $alloc (param $word i32) (param $mark i32) (result i32)
  (local $cell i32)
  (local.set $cell (global.get $free))
  (if (local.get $cell)
    (then (global.set $free (i32.load offset=4 (local.get $cell))))
    (else (local.set $cell (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 8)))))
  (global.set $live (i32.add (global.get $live) (i32.const 1)))
  (i32.store (local.get $cell) (local.get $mark))
  (i32.store offset=4 (local.get $cell) (local.get $word))
  (local.get $cell))
(func $word (param $cell i32) (param $mark i32) (result i32)
  (if (i32.ne (i32.load (local.get $cell)) (local.get $mark)) (then UNLIKE))
  (i32.load offset=4 (local.get $cell)))
(func $end (param $cell i32)
  (i32.store offset=1024 (i32.shl (i32.and (global.get $ended) (i32.const 255)) (i32.const 2)) (local.get $cell))
  (global.set $ended (i32.add (global.get $ended) (i32.const 1)))
  (i32.store (local.get $cell) (i32.const 0))
  (i32.store offset=4 (local.get $cell) (global.get $free))
  (global.set $free (local.get $cell))
  (global.set $live (i32.sub (global.get $live) (i32.const 1))))"""


def cells(quiet):
    return CELLS.replace("UNLIKE", "(return (i32.const 0))" if quiet else "(unreachable)").splitlines()


def kind_number(kind):
    return (OWNS if kind in OWNS else BORROWS).index(kind)


def post_return(rng, interface, function):
    """Real guests free there what they gave; this one only counts."""
    if not function.result_in_memory() or rng.random() < 0.5:
        return []
    return [f'(func (export "cabi_post_{interface.id()}#{interface.core_name(function)}") (param i32)',
            "  (global.set $posted (i32.add (global.get $posted) (i32.const 1))))"]


def walk_params(function, slots, visit, code):
    if function.spilled():
        return types.walk_memory(function.tuple_(), slots[0][0], 0, visit, code)
    return types.walk_slots(function.tuple_(), slots, visit, code)


def leaf(rng, interface, quiet):
    lines = interface.own_imports() + MEMORY + cells(quiet) + ["(global $seen (mut i32) (i32.const 0))",
                                                              "(global $posted (mut i32) (i32.const 0))"]
    basic = interface.basic()
    for i, r in enumerate(interface.resources):
        mark = f"(i32.const {MARKS[i]})"
        lines += [f'(func (export "{interface.id()}#[dtor]{r}") (param i32)',
                  f"  (drop (call $word (local.get 0) {mark}))", "  (call $end (local.get 0)))"]
        bodies = {"make": [f"(call $new-{r} (call $alloc (local.get $p0) {mark}))"],
                  "value": [f"(call $word (local.get $p0) {mark})"],
                  "end": [f"(call $word (call $rep-{r} (local.get $p0)) {mark})", f"(call $drop-{r} (local.get $p0))"]}
        for word, body in bodies.items():
            lines += [interface.head(basic[f"{word}-{r}"])[1], *body, ")"]
    for name in ("live", "seen"):
        lines += [interface.head(basic[name])[1], f"(global.get ${name}))"]
    base = 70000
    for function in interface.functions:
        code = types.Code()
        slots, head = interface.head(function)
        held = code.local()

        def handle(kind, get, take):
            r, mark = interface.resources[kind_number(kind)], f"(i32.const {MARKS[kind_number(kind)]})"
            if kind in BORROWS:
                return [take(f"(call $word {get} {mark})")]
            return [f"(local.set {held} {get})", take(f"(call $word (call $rep-{r} (local.get {held})) {mark})"),
                    f"(call $drop-{r} (local.get {held}))"]

        body = walk_params(function, slots, digesting("global.get $seen", "global.set $seen", handle), code)
        result = []
        if function.result:
            builder = types.Builder(lambda kind, value: f"(call $new-{interface.resources[kind_number(kind)]} "
                                    f"(call $alloc (i32.const {value}) (i32.const {MARKS[kind_number(kind)]})))", base, rng)
            if function.result_in_memory():
                at = builder.area(types.size(function.result), types.alignment(function.result))
                builder.store(function.result, function.given, at)
                result = [*builder.lines, f"(i32.const {at})"]
            else:
                given = builder.slots(function.result, function.given)
                result = builder.lines + given
            base = builder.next
        lines += [head, *code.locals, *body, *result, ")", *post_return(rng, interface, function)]
    return lines


def link(rng, inner, outer, wraps, quiet):
    """A re-exporter: of the same type, whose borrows it must drop, or of a fresh one that holds the inner object."""
    lines = inner.imports("in") + (outer.own_imports() if wraps else []) + MEMORY + ["(global $posted (mut i32) (i32.const 0))"]
    basic = outer.basic()
    if wraps:
        lines += cells(quiet)
    for i, (r, o) in enumerate(zip(inner.resources, outer.resources)):
        mark = f"(i32.const {MARKS[i]})"
        bodies = {"make": [f"(call $in.make-{r} (local.get $p0))"],
                  "value": [f"(call $in.value-{r} (local.get $p0))", f"(call $in.drop-{r} (local.get $p0))"],
                  "end": [f"(call $in.end-{r} (local.get $p0))"]}
        if wraps:
            lines += [f'(func (export "{outer.id()}#[dtor]{o}") (param i32) (local $h i32)',
                      f"  (local.set $h (call $word (local.get 0) {mark}))",
                      f"  (if (local.get $h) (then (call $in.drop-{r} (local.get $h))))", "  (call $end (local.get 0)))",
                      f"(func $open-{o} (param $h i32) (result i32) (local $cell i32)",
                      f"  (local.set $cell (call $rep-{o} (local.get $h)))", f"  (call $word (local.get $cell) {mark})",
                      "  (i32.store offset=4 (local.get $cell) (i32.const 0))", f"  (call $drop-{o} (local.get $h)))",
                      f"(func $seal-{o} (param $h i32) (result i32) (call $new-{o} (call $alloc (local.get $h) {mark})))"]
            bodies = {"make": [f"(call $seal-{o} (call $in.make-{r} (local.get $p0)))"],
                      "value": [f"(call $in.value-{r} (call $word (local.get $p0) {mark}))"],
                      "end": [f"(call $in.end-{r} (call $open-{o} (local.get $p0)))"]}
        for word, body in bodies.items():
            lines += [outer.head(basic[f"{word}-{o}"])[1], *body, ")"]
    for name in ("live", "seen"):
        lines += [outer.head(basic[name])[1], f"(call $in.{name}))"]

    def before(kind, get, put):
        if not wraps or kind not in types.HANDLES:
            return []
        o, mark = outer.resources[kind_number(kind)], f"(i32.const {MARKS[kind_number(kind)]})"
        return [put(f"(call $open-{o} {get})" if kind in OWNS else f"(call $word {get} {mark})")]

    def after(kind, get, put):
        return [f"(call $in.drop-{inner.resources[kind_number(kind)]} {get})"] if kind in BORROWS and not wraps else []

    def seal(kind, get, put):
        return [put(f"(call $seal-{outer.resources[kind_number(kind)]} {get})")] if kind in OWNS and wraps else []

    for function in outer.functions:
        code = types.Code()
        slots, head = outer.head(function)
        opening = walk_params(function, slots, before, code)
        arguments = "".join(f" (local.get {n})" for n, _ in slots)
        call, closing = [f"(call $in.{function.name}{arguments})"], []
        if function.result:
            core = function.flat_result()[0]
            result = code.local(core)
            if function.result_in_memory():
                area = f"(call $realloc (i32.const 0) (i32.const 0) (i32.const {types.alignment(function.result)}) (i32.const {types.size(function.result)}))"
                call = [f"(local.set {result} {area})", f"(call $in.{function.name}{arguments} (local.get {result}))"]
                sealing = types.walk_memory(function.result, result, 0, seal, code)
            else:
                call = [f"(local.set {result} {call[0]})"]
                sealing = types.walk_slots(function.result, [(result, core)], seal, code)
            closing = [*sealing, f"(local.get {result})"]
        dropping = walk_params(function, slots, after, code)
        lines += [head, *code.locals, *opening, *call, *dropping, *closing, ")", *post_return(rng, outer, function)]
    return lines


class Application:
    """Writes `run`; `ends` are (prefix, interface, type group): ends of one group have one type; group "b" is the second leaf's."""

    def __init__(self, rng, ends, quiet):
        self.rng, self.ends, self.quiet = rng, ends, quiet
        self.code, self.lines = types.Code(), []
        self.sum = self.code.local()
        self.numbers = iter(range(1000, 1 << 30, 7))
        self.never = []     # lines of functions that nobody calls
        self.base = 70000
        self.alive, self.seen = {}, {}     # by leaf

    def expect(self, expression, number):
        self.lines.append(f"(if (i32.ne {expression} (i32.const {number})) (then (unreachable)))")

    def count(self, end, by):
        self.alive[end[2] == "b"] = self.alive.get(end[2] == "b", 0) + by

    def like(self, end):
        return self.rng.choice([other for other in self.ends if other[2] == end[2]])

    def made(self, end, r):
        handle, number = self.code.local(), next(self.numbers)
        self.lines.append(f"(local.set {handle} (call ${end[0]}.make-{r} (i32.const {number})))")
        self.count(end, 1)
        return handle, number

    def value(self, end, r, handle, number):
        self.expect(f"(call ${self.like(end)[0]}.value-{r} (local.get {handle}))", number)

    def end(self, end, r, handle, number, how=None):
        how = how or self.rng.choice(("drop", "drop", "end", "leave"))
        if how == "leave":
            return
        self.count(end, -1)
        if how == "drop":
            self.lines.append(f"(call ${end[0]}.drop-{r} (local.get {handle}))")
        else:
            self.expect(f"(call ${self.like(end)[0]}.end-{r} (local.get {handle}))", number)

    def one(self, end):
        r = self.rng.choice(end[1].resources)
        handle, number = self.made(end, r)
        for _ in range(self.rng.randint(0, 2)):
            self.value(end, r, handle, number)
        self.end(end, r, handle, number)

    def call(self, end, function, turn=None):
        value = random_value_of(self.rng, function.tuple_(), self.numbers, turn)
        lent = []

        def handle(kind, number):
            r = end[1].resources[kind_number(kind)]
            local = self.code.local()
            if kind in BORROWS:
                lent.append((r, local, number))
            return f"(local.tee {local} (call ${end[0]}.make-{r} (i32.const {number})))"

        builder = types.Builder(handle, self.base, self.rng)
        if function.spilled():
            at = builder.area(types.size(function.tuple_()), types.alignment(function.tuple_()))
            builder.store(function.tuple_(), value, at)
            arguments = f"(i32.const {at})"
        else:
            arguments = " ".join(builder.slots(function.tuple_(), value))
        self.base = builder.next
        self.lines += builder.lines
        self.count(end, len(lent))
        called = f"(call ${end[0]}.{function.name} {arguments}"
        if function.result is None:
            self.lines.append(f"{called})")
        else:
            self.results(end, function, called)
        self.seen[end[2] == "b"] = digest(self.seen.get(end[2] == "b", 0), function.tuple_(), value)
        self.expect(f"(call ${end[0]}.seen)", self.seen[end[2] == "b"])
        for r, local, number in lent:
            self.value(end, r, local, number)
            self.end(end, r, local, number)

    def results(self, end, function, called):
        held = self.code.local()

        def handle(kind, get, take):
            r = end[1].resources[kind_number(kind)]
            return [f"(local.set {held} {get})", take(f"(call ${end[0]}.value-{r} (local.get {held}))"),
                    f"(call ${end[0]}.drop-{r} (local.get {held}))"]

        visit = digesting(f"local.get {self.sum}", f"local.set {self.sum}", handle)
        self.lines.append(f"(local.set {self.sum} (i32.const 0))")
        if function.result_in_memory():
            area = self.code.local()
            at = types.align_to(self.base, 8)
            self.base = at + types.size(function.result)
            self.lines += [f"(local.set {area} (i32.const {at}))", f"{called} (local.get {area}))"]
            self.lines += types.walk_memory(function.result, area, 0, visit, self.code)
        else:
            core = function.flat_result()[0]
            result = self.code.local(core)
            self.lines.append(f"(local.set {result} {called}))")
            self.lines += types.walk_slots(function.result, [(result, core)], visit, self.code)
        self.expect(f"(local.get {self.sum})", digest(0, function.result, function.given))

    def write(self, loops, uncalled=()):
        for end in self.ends:
            for r in end[1].resources:
                self.value(end, r, *self.made(end, r))
                for how in ("drop", "end"):
                    made = self.made(end, r)
                    self.value(end, r, *made)
                    self.end(end, r, *made, how)
            for function in end[1].functions:
                if function.name not in uncalled:
                    for turn in range(most_cases(function.tuple_())):
                        self.call(end, function, turn)
                    continue
                given = " ".join(f"({core}.const 0)" for core in re.findall(r"[if]\d\d", function.core(True).split("(result")[0]))
                called = f"(call ${end[0]}.{function.name} {given})"
                self.never.append(f"(func $never.{function.name} {f'(drop {called})' if '(result' in function.core(True) else called})")
        for _ in range(self.rng.randint(1, 4)):
            end = self.rng.choice(self.ends)
            self.rng.choice((self.one, lambda e: self.call(e, self.rng.choice([f for f in e[1].functions if f.name not in uncalled]))))(end)
        if loops:
            end, left = self.rng.choice(self.ends), self.code.local()
            self.lines += [f"(local.set {left} (i32.const {loops}))", "(loop $more",
                           f"(call ${end[0]}.drop-{end[1].resources[0]} (call ${end[0]}.make-{end[1].resources[0]} (local.get {left})))",
                           f"(br_if $more (local.tee {left} (i32.sub (local.get {left}) (i32.const 1)))))"]
        if not self.quiet:
            for end in self.ends:
                self.expect(f"(call ${end[0]}.live)", self.alive.get(end[2] == "b", 0))

    def module(self):
        lines = []
        for prefix, interface, _ in self.ends:
            lines += interface.imports(prefix)
        return [*dict.fromkeys(lines), *MEMORY, *self.never, f'(func (export "{RUN}#run") (result i32)', *self.code.locals, *self.lines, "(i32.const 0))"]


def most_cases(ty):
    """How many values it takes to see every case in every case; an empty list is a case too. At most MOST_TURNS."""
    own = len(ty.parts) if ty.kind in types.CASES else 2 if ty.kind == "list" else 1
    return min(MOST_TURNS, own * max([1] + [most_cases(part) for part in ty.parts if part]))


def random_value_of(rng, ty, numbers, turn=None):
    """As random_value, with either resource's handles. Values of as many turns as `most_cases` have every case."""
    if ty.kind in types.HANDLES:
        return next(numbers)
    def inner(part, cases=1, more=0):
        return random_value_of(rng, part, numbers, None if turn is None else turn // cases + more)

    if ty.kind in types.CASES:
        case = rng.randrange(len(ty.parts)) if turn is None else turn % len(ty.parts)
        return case, inner(ty.parts[case], len(ty.parts)) if ty.parts[case] else None
    if ty.kind == "list":
        count = rng.choice((0, 1, 2, 3)) if turn is None else (3, 0)[turn % 2]
        return [inner(ty.parts[0], 2, i) for i in range(count)]
    if ty.parts:
        return [inner(part) for part in ty.parts]
    return random_value(rng, ty, numbers)


# --- components

def world_text(name, interfaces, imports, exports):
    lines = [f"package {PACKAGE};", *(line for interface in interfaces for line in interface.wit())]
    lines += [f"world {name} {{", *(f"  import {i.name};" for i in imports), *(f"  export {e};" for e in exports), "}"]
    return "\n".join([*lines, "package wasi:cli@0.2.6 { interface run { run: func() -> result; } }", ""])


def wasm_tools(*arguments):
    done = subprocess.run(["wasm-tools", *map(str, arguments)], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise ValueError(f"wasm-tools {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return done.stdout


def component_text(name, world, module, folder):
    """What wit-component makes of a core module, as the text of a nested component."""
    folder = pathlib.Path(folder)
    (folder / "world.wit").write_text(world, encoding="utf-8")
    (folder / "core.wat").write_text("\n".join(["(module", *module, ")", ""]), encoding="utf-8")
    wasm_tools("component", "embed", folder / "world.wit", "-w", name, folder / "core.wat", "-o", folder / "embedded.wasm")
    wasm_tools("component", "new", folder / "embedded.wasm", "-o", folder / "new.wasm")
    text = wasm_tools("print", folder / "new.wasm")
    if not text.startswith("(component\n"):
        raise ValueError(f"{name}: not a component: {text[:80]}")
    return f"(component ${name}\n" + text[len("(component\n"):]


@dataclasses.dataclass(frozen=True)
class Guest:
    """A component: its WIT world, the lines of its core module, what it imports as (prefix of its functions there,
    interface), and what it exports, if that is an interface."""
    world: str
    module: list
    uses: tuple
    gives: Interface | None


class Program:
    """Components and instances of a composition, in order."""

    def __init__(self):
        self.components, self.instances, self.about = {}, [], ""

    def component(self, name, interfaces, imports, exports, module, uses, gives):
        self.components[name] = Guest(world_text(name, interfaces, imports, exports), module, tuple(uses), gives)

    def instance(self, name, component, given):
        """`given` is name of interface → the instance that gives it."""
        self.instances.append((name, component, given))

    def text(self):
        lines = ["(component"]
        with tempfile.TemporaryDirectory() as folder:
            for name, guest in self.components.items():
                lines += ["  " + line for line in component_text(name, guest.world, guest.module, folder).splitlines()]
        for name, component, given in self.instances:
            withs = "".join(f' (with "{PACKAGE}/{i}" (instance ${g}-{i}))' for i, g in given.items())
            lines += [f'  (alias export ${g} "{PACKAGE}/{i}" (instance ${g}-{i}))' for i, g in given.items()
                      if f'  (alias export ${g} "{PACKAGE}/{i}" (instance ${g}-{i}))' not in lines]
            lines.append(f"  (instance ${name} (instantiate ${component}{withs}))")
        last = self.instances[-1][0]
        lines += [f'  (alias export ${last} "{RUN}" (instance $run))', f'  (export "{RUN}" (instance $run))', ")", ""]
        return "\n".join(lines)


def simple_type(rng, handles, names):
    """A handle, or one layer around it."""
    handle = Type(rng.choice(handles))
    kind = rng.choice(("handle", "handle", "list", "option", "tuple", "record"))
    if kind == "handle":
        return handle
    if kind == "option":
        return Type("option", (None, handle))
    if kind == "record":
        names.append(f"t{len(names)}")
        return Type("record", (Type("u32"), handle), names[-1])
    return Type(kind, (handle,))


def random_functions(rng, resources, random_type):
    """Of types that `random_type(rng, handles, names)` gives."""
    owns, borrows = [OWNS[i] for i in range(resources)], [BORROWS[i] for i in range(resources)]
    names, made = [], []
    for i in range(rng.choice((1, 2, 2, 3))):
        role = rng.choice(("free", "static", "method"))
        params = [random_type(rng, [rng.choice(owns), rng.choice(borrows)], names) for _ in range(rng.choice((0, 1, 1, 2)))]
        if role == "method":
            params = [Type("borrow")] + params
        result = random_type(rng, owns, names) if not params or rng.random() < 0.5 else None
        given = random_value_of(rng, result, iter(range(500, 1 << 20, 3))) if result else None
        made.append(Function(f"f{i}", role, tuple(params), result, given))
    return made


KINDS = ("alias", "wrap", "same", "rename", "rename")


def program(seed):
    """The program of a seed: `kinds` of its links (alias: the same type under another name; wrap: a fresh type under
    another interface; same: a fresh type under the same names; rename: a fresh type of another interface and name)."""
    rng = random.Random(seed)
    resources = RESOURCES[:rng.choice((1, 1, 1, 2))]
    kind_of_type = simple_type if rng.random() < 0.5 else random_type
    functions = random_functions(rng, len(resources), kind_of_type)
    quiet = rng.random() < 0.25
    kinds = [rng.choice(KINDS) for _ in range(rng.choice((0, 0, 1, 1, 2, 3)))]
    beside = (random_functions(rng, 1, kind_of_type), rng.choice(("thing", "part"))) if rng.random() < 0.3 else None
    return chain_program(rng, resources, functions, kinds, quiet, loops=20000 if rng.random() < 0.08 else 0,
                         diamond=rng.random() < 0.5, beside=beside)


def chain_program(rng, resources, functions, kinds, quiet=False, loops=0, diamond=False, beside=None, uncalled=()):
    """`uncalled`: functions that the application leaves alone. Two links that are alike may be two instances of one component.
    `beside`: functions of a second leaf, and the name of its resource type, in another interface."""
    made = Program()
    first = Interface("things", functions, resources)
    made.component("leaf", [first], [], ["things"], leaf(rng, first, quiet), [], first)
    made.instance("leaf", "leaf", {})
    gives = {"things": "leaf"}      # interface → the instance that gives it, as seen from the end of the chain
    ends = [("e0", first, 0)]
    second = []
    if beside:
        parts = Interface("parts", beside[0], beside[1:])
        made.component("leaf2", [parts], [], ["parts"], leaf(rng, parts, quiet), [], parts)
        made.instance("leaf2", "leaf2", {})
        gives["parts"] = "leaf2"
        second = [("b", parts, "b")]
    for i, kind in enumerate(kinds, 1):
        inner = ends[-1][1]
        if kind == "alias":
            outer = Interface(f"things{i}", functions, inner.resources, inner.origin)
        else:
            names = tuple(f"{r}{i}" for r in resources) if kind == "rename" else inner.resources
            outer = Interface(inner.name if kind == "same" and inner.declares() else f"things{i}", functions, names)
        name = f"link{i}"
        known = list(dict.fromkeys([inner.origin, inner]))
        imports = [inner]
        interfaces = known + [outer] * (outer.name not in [k.name for k in known])
        component = name
        if i > 1 and kind == kinds[i - 2] == "same" and inner.name == outer.name and rng.random() < 0.7:
            component = made.instances[-1][1]
        else:
            made.component(name, interfaces, imports, [outer.name], link(rng, inner, outer, kind != "alias", quiet),
                           [("in", inner)], outer)
        made.instance(name, component, {k.name: gives[k.name] for k in known})
        if outer.name == inner.name:
            ends = [end for end in ends if end[1].name != inner.name and end[1].origin.name != inner.name]
        gives[outer.name] = name
        ends.append((f"e{i}", outer, ends[-1][2] if kind == "alias" else i))
    last = ends[-1]
    chosen = [last]
    others = [end for end in ends if end is not last and end[1].name != last[1].name]
    if diamond and others:
        chosen.append(rng.choice(others))
    chosen += second
    app = Application(rng, chosen, quiet)
    app.write(loops, uncalled)
    known = list(dict.fromkeys(one for end in chosen for one in (end[1].origin, end[1])))
    made.component("app", known, [end[1] for end in chosen], [RUN], app.module(),
                   [end[:2] for end in chosen], None)
    made.instance("app", "app", {k.name: gives[k.name] for k in known})
    made.about = (f"{len(resources)} resource types, leaf → {' '.join(kinds) or 'nothing'} → app of {len(chosen)}{', two leaves' if beside else ''}"
                  f"{', quiet' if quiet else ''}{', loops' if loops else ''}; " + "; ".join(
                      f"{f.role} {f.name}({', '.join(wit(p) for p in f.params)})" + (f" -> {wit(f.result)}" if f.result else "")
                      for f in functions))
    return made


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    made = program(int(sys.argv[1]))
    (pathlib.Path(sys.argv[2]) / f"{sys.argv[1]}.wat").write_text(f";; {made.about}\n{made.text()}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
