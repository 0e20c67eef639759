#!/usr/bin/env python3
"""Makes composed components that nobody has seen, and what their `run` must give.

usage: make_programs.py SEED FOLDER        writes FOLDER/SEED.wat, and FOLDER/SEED.expect: a number, or `trap`
       make_programs.py --loop N COUNT FOLDER   the same of loop.wat: COUNT objects made and dropped through N re-exporters

A program has one definer or more, chains of re-exporters before each (one component instantiated many times; by alias
or wrapping), and an application that imports the ends of one to three chains: two ends over one definer make a
diamond, over two instances of it two types with one name. The application makes, lends, gives, drops and leaves
objects; some in parameters and results of a random type. Some programs end with a mistake, which must trap. The
expected number is worked out here, from the values alone.
"""
import pathlib
import random
import sys

import program_types as types
from program_types import Type

U32 = 0xffffffff
OWN, BORROW = Type("own"), Type("borrow")


# --- random types and values

def random_type(rng, handles, names, depth=0):
    """With at least one handle in it. `names` counts the records and variants."""
    if depth > 0 and (depth > 3 or rng.random() < 0.3):
        return rng.choice(handles)
    kind = rng.choice(("record", "tuple", "variant", "option", "result", "list", "map", "fixed", "list", "tuple"))

    def inner():
        return random_type(rng, handles, names, depth + 1)

    def side():
        return random_side(rng, handles, names, depth + 1)

    def name():
        names.append(f"t{len(names)}")
        return names[-1]

    if kind in ("list",):
        return Type("list", (inner(),))
    if kind == "map":
        return Type("map", (Type(rng.choice(("u8", "u32", "bool", "char", "string"))), inner()))
    if kind == "fixed":
        # Wasmtime's package has no switch for them: rare.
        return Type("fixed", (inner(),), length=rng.randint(1, 5)) if rng.random() < 0.3 else Type("tuple", (inner(),))
    if kind == "option":
        return Type("option", (None, inner()))
    if kind == "result":
        parts = [inner(), rng.choice((None, side()))]
        rng.shuffle(parts)
        return Type("result", tuple(parts))
    if kind == "variant":
        parts = [inner()] + [rng.choice((None, side())) for _ in range(rng.randint(0, 3))]
        rng.shuffle(parts)
        return Type("variant", tuple(parts), name())
    parts = [inner()] + [side() for _ in range(rng.choice((0, 2, 4, 14)) if depth == 0 else rng.randint(0, 2))]
    rng.shuffle(parts)
    return Type(kind, tuple(parts), name() if kind == "record" else "")


def random_side(rng, handles, names, depth):
    if rng.random() < 0.35:
        return random_type(rng, handles, names, depth)
    return Type(rng.choice((*types.PRIMITIVES, "string")))


def random_value(rng, ty, numbers):
    """A handle is the number that its object has."""
    kind = ty.kind
    if kind in ("own", "borrow"):
        return next(numbers)
    if kind == "bool":
        return rng.randint(0, 1)
    if kind in types.PRIMITIVES:
        return rng.randint(0, 120)
    if kind == "string":
        return "".join(rng.choice("abcé€") for _ in range(rng.randint(0, 5)))
    if kind in types.CASES:
        case = rng.randrange(len(ty.parts))
        return case, random_value(rng, ty.parts[case], numbers) if ty.parts[case] else None
    if kind in ("list", "map"):
        return [random_value(rng, types.element(ty), numbers) for _ in range(rng.choice((0, 1, 2, 3, 7)))]
    if kind == "fixed":
        return [random_value(rng, ty.parts[0], numbers) for _ in range(ty.length)]
    return [random_value(rng, part, numbers) for part in ty.parts]


def digest(before, ty, value):
    """What the leaf, or the application, makes of a value: see `digesting`."""
    for kind, item in types.leaves(ty, value):
        if kind == "string":
            item = len(item.encode()) + (item.encode()[0] if item else 0)
        before = (before * 31 + item) & U32
    return before


# --- text

def indent(lines, by=2):
    return [" " * by + line for line in lines]


class Interface:
    """What leaf, link and application share: functions over `thing` with parameters P and results R of random type."""

    def __init__(self, p, r):
        self.p, self.r = p, r
        self.p_flat = types.flat(p) if len(types.flat(p)) <= types.MAX_FLAT_PARAMS else ["i32"]
        self.p_spilled = len(types.flat(p)) > types.MAX_FLAT_PARAMS
        self.r_spilled = len(types.flat(r)) > 1
        self.named = list(dict.fromkeys(types.named(p) + types.named(r)))

    def functions(self, thing, prefix):
        p, r = (types.text(ty, thing, prefix) for ty in (self.p, self.r))
        return {"make": f'(param "v" u32) (result (own ${thing}))', "value": f'(param "it" (borrow ${thing})) (result u32)',
                "end": f'(param "it" (own ${thing})) (result u32)', "live": "(result u32)",
                "carry": f'(param "it" {p}) (result u32)', "give": f"(result {r})"}

    def core(self, lowered):
        """Core types of the functions, as an import of a caller or an export of a callee."""
        give = " (param i32)" if self.r_spilled and lowered else f" (result {'i32' if self.r_spilled else types.flat(self.r)[0]})"
        return {"make": " (param i32) (result i32)", "value": " (param i32) (result i32)", "end": " (param i32) (result i32)",
                "live": " (result i32)", "carry": f" (param {' '.join(self.p_flat)}) (result i32)", "give": give}

    def imported(self, name, equal_to=None):
        bound = f"(eq ${equal_to})" if equal_to else "(sub resource)"
        lines = [f'(import "{name}" (instance ${name}', f'  (export "thing" (type $thing {bound}))']
        for ty in self.named:
            lines += [f"  (type $d-{ty.name} {types.definition(ty, 'thing', '')})",
                      f'  (export "{ty.name}" (type ${ty.name} (eq $d-{ty.name})))']
        lines += [f'  (export "{function}" (func {signature}))' for function, signature in self.functions("thing", "").items()]
        lines[-1] += "))"
        return lines + [f'(alias export ${name} "thing" (type ${name}-thing))']

    def lowered(self, name):
        return [f'(core func ${name}.{f} (canon lower (func ${name} "{f}") {OPTIONS}))' for f in self.core(True)] + \
               [f"(core func ${name}.drop (canon resource.drop ${name}-thing))"]

    def core_imports(self, name):
        return [f'(import "{name}" "{f}" (func ${name}.{f}{core}))' for f, core in self.core(True).items()] + \
               [f'(import "{name}" "drop" (func ${name}.drop (param i32)))']

    def passed(self, name):
        items = " ".join(f'(export "{f}" (func ${name}.{f}))' for f in (*self.core(True), "drop"))
        return f'(with "{name}" (instance {items}))'

    def exported(self, resource):
        lines = [f'(export $thing "thing" (type {resource}))']
        for ty in self.named:
            lines += [f"(type $d-{ty.name} {types.definition(ty, 'thing', '')})", f'(export ${ty.name} "{ty.name}" (type $d-{ty.name}))']
        return lines + [f'(func (export "{f}") {signature} (canon lift (core func $main "{f}") {OPTIONS}))'
                        for f, signature in self.functions("thing", "").items()]

    def carry_head(self, code):
        slots = [(f"$p{i}", core) for i, core in enumerate(self.p_flat)]
        return slots, f'(func (export "carry") {" ".join(f"(param {n} {c})" for n, c in slots)} (result i32)'

    def walk_p(self, slots, visit, code):
        if self.p_spilled:
            return types.walk_memory(self.p, slots[0][0], 0, visit, code)
        return types.walk_slots(self.p, slots, visit, code)


OPTIONS = '(memory (core memory $mem "memory")) (realloc (core func $mem "realloc"))'
MEMORY = """(core module $Mem
  (memory (export "memory") 2)
  (global $top (mut i32) (i32.const 4096))
  (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (if (local.get $old-size) (then (unreachable)))
    (global.set $top (i32.and (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
                              (i32.sub (i32.const 0) (local.get $align))))
    (global.get $top)
    (global.set $top (i32.add (global.get $top) (local.get $size)))))
(core instance $mem (instantiate $Mem))""".splitlines()
MEMORY_IMPORTS = ['(import "mem" "memory" (memory 2))',
                  '(import "mem" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))']
# An object is a cell: a mark, then a word (of the leaf the value, of a wrapper its handle of the inner object).
CELLS = """(core module $Cells
  (import "mem" "memory" (memory 2))
  (import "mem" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
  IMPORT
  (global $free (mut i32) (i32.const 0))
  (global $live (mut i32) (i32.const 0))
  (func (export "alloc") (param $word i32) (result i32)
    (local $cell i32)
    (local.set $cell (global.get $free))
    (if (local.get $cell)
      (then (global.set $free (i32.load offset=4 (local.get $cell))))
      (else (local.set $cell (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 8)))))
    (global.set $live (i32.add (global.get $live) (i32.const 1)))
    (i32.store (local.get $cell) (i32.const 0x7e57))
    (i32.store offset=4 (local.get $cell) (local.get $word))
    (local.get $cell))
  (func $word (export "word") (param $cell i32) (result i32)
    (if (i32.ne (i32.load (local.get $cell)) (i32.const 0x7e57)) (then (unreachable)))
    (i32.load offset=4 (local.get $cell)))
  (func (export "empty") (param $cell i32) (result i32)
    (call $word (local.get $cell))
    (i32.store offset=4 (local.get $cell) (i32.const 0)))
  (func (export "dtor") (param $cell i32)
    DESTROY
    (i32.store (local.get $cell) (i32.const 0))
    (i32.store offset=4 (local.get $cell) (global.get $free))
    (global.set $free (local.get $cell))
    (global.set $live (i32.sub (global.get $live) (i32.const 1))))
  (func (export "live") (result i32) (global.get $live)))"""
OWN_TYPE = """(type $own-thing (resource (rep i32) (dtor (core func $cells "dtor"))))
(core func $own.new (canon resource.new $own-thing))
(core func $own.rep (canon resource.rep $own-thing))
(core func $own.drop (canon resource.drop $own-thing))""".splitlines()
OWN_IMPORTS = ['(import "own" "new" (func $own.new (param i32) (result i32)))',
               '(import "own" "rep" (func $own.rep (param i32) (result i32)))', '(import "own" "drop" (func $own.drop (param i32)))',
               '(import "cells" "alloc" (func $alloc (param i32) (result i32)))',
               '(import "cells" "word" (func $word (param i32) (result i32)))',
               '(import "cells" "empty" (func $empty (param i32) (result i32)))', '(import "cells" "live" (func $live (result i32)))']
OWN_PASSED = '(with "cells" (instance $cells)) (with "own" (instance (export "new" (func $own.new)) (export "rep" ' \
             '(func $own.rep)) (export "drop" (func $own.drop))))'


def component(name, before, imports, functions, passed, after):
    return [f"(component ${name}", *indent(before), "  (core module $Main", *indent(imports + functions, 4), "  )",
            f"  (core instance $main (instantiate $Main {' '.join(passed)}))", *indent(after), ")"]


def digesting(acc, own, borrow):
    """A visitor that takes a value in: each number goes into the local `acc`; `own` and `borrow` make lines and a number
    of a handle."""
    def take(number):
        return f"(local.set {acc} (i32.add (i32.mul (local.get {acc}) (i32.const 31)) {number}))"

    def visit(kind, get, put):
        if kind in ("own", "borrow"):
            return (own if kind == "own" else borrow)(get, take)
        number = {"u64": "(i32.wrap_i64 {})", "f32": "(i32.trunc_f32_u {})", "f64": "(i32.trunc_f64_u {})"}.get(kind, "{}")
        return [take(number.format(get))]
    return visit


def leaf(interface, given):
    """The definer; `given` is what `give` gives."""
    code = types.Code()
    slots, head = interface.carry_head(code)
    acc, handle = code.local(), code.local()

    def own(get, take):
        return [f"(local.set {handle} {get})", take(f"(call $word (call $own.rep (local.get {handle})))"),
                f"(call $own.drop (local.get {handle}))"]

    def borrow(get, take):
        return [take(f"(call $word {get})")]

    carry = interface.walk_p(slots, digesting(acc, own, borrow), code)
    builder = types.Builder(lambda kind, value: f"(call $own.new (call $alloc (i32.const {value})))", 70000, random.Random(1))
    if interface.r_spilled:
        at = builder.area(types.size(interface.r), types.alignment(interface.r))
        builder.store(interface.r, given, at)
        give = ['(func (export "give") (result i32)', *builder.lines, f"(i32.const {at}))"]
    else:
        expression = builder.slots(interface.r, given)[0]
        give = [f'(func (export "give") (result {types.flat(interface.r)[0]})', *builder.lines, f"{expression})"]
    functions = ['(func (export "make") (param i32) (result i32) (call $own.new (call $alloc (local.get 0))))',
                 '(func (export "value") (param i32) (result i32) (call $word (local.get 0)))',
                 '(func (export "end") (param i32) (result i32) (call $word (call $own.rep (local.get 0))) (call $own.drop (local.get 0)))',
                 '(func (export "live") (result i32) (call $live))',
                 head, *code.locals, *carry, f"(local.get {acc}))", *give]
    cells = CELLS.replace("IMPORT", "").replace("DESTROY", "(drop (call $word (local.get $cell)))").splitlines()
    before = MEMORY + cells + ['(core instance $cells (instantiate $Cells (with "mem" (instance $mem))))'] + OWN_TYPE
    return component("leaf", before, MEMORY_IMPORTS + OWN_IMPORTS, functions, ['(with "mem" (instance $mem))', OWN_PASSED],
                     interface.exported("$own-thing"))


def link(interface, name, wraps, forgets=False):
    """A re-exporter: of the same type (1.4 case 2), or of a fresh one that holds the inner object (case 4)."""
    code = types.Code()
    slots, head = interface.carry_head(code)
    acc = code.local()

    def only(wanted, change):
        return lambda kind, get, put: change(get, put) if kind in wanted else []

    if wraps:
        change = {"own": lambda get, put: [put(f"(call $open {get})")], "borrow": lambda get, put: [put(f"(call $word {get})")]}
        before_call = interface.walk_p(slots, lambda kind, get, put: change[kind](get, put) if kind in change else [], code)
        after_call = []
    else:
        before_call = []
        after_call = [] if forgets else interface.walk_p(slots, only(("borrow",), lambda get, put: [f"(call $in.drop {get})"]), code)
    carry = [head, *code.locals, *before_call, f"(local.set {acc} (call $in.carry {' '.join(f'(local.get {n})' for n, _ in slots)}))",
             *after_call, f"(local.get {acc}))"]

    code = types.Code()
    seal = only(("own",), lambda get, put: [put(f"(call $seal {get})")]) if wraps else only((), None)
    core = "i32" if interface.r_spilled else types.flat(interface.r)[0]
    result = code.local(core)
    if interface.r_spilled:
        area = f"(call $realloc (i32.const 0) (i32.const 0) (i32.const {types.alignment(interface.r)}) (i32.const {types.size(interface.r)}))"
        call = [f"(local.set {result} {area})", f"(call $in.give (local.get {result}))"]
        sealing = types.walk_memory(interface.r, result, 0, seal, code)
    else:
        call = [f"(local.set {result} (call $in.give))"]
        sealing = types.walk_slots(interface.r, [(result, core)], seal, code)
    give = [f'(func (export "give") (result {core})', *code.locals, *call, *sealing, f"(local.get {result}))"]

    imports = MEMORY_IMPORTS + interface.core_imports("in")
    passed = ['(with "mem" (instance $mem))', interface.passed("in")]
    before = interface.imported("in") + MEMORY + interface.lowered("in")
    if wraps:
        functions = ['(func $open (param $h i32) (result i32)', '  (call $empty (call $own.rep (local.get $h)))',
                     '  (call $own.drop (local.get $h)))',
                     '(func $seal (param $h i32) (result i32) (call $own.new (call $alloc (local.get $h))))',
                     '(func (export "make") (param i32) (result i32) (call $seal (call $in.make (local.get 0))))',
                     '(func (export "value") (param i32) (result i32) (call $in.value (call $word (local.get 0))))',
                     '(func (export "end") (param i32) (result i32) (call $in.end (call $open (local.get 0))))',
                     '(func (export "live") (result i32) (call $in.live))']
        cells = CELLS.replace("IMPORT", '(import "in" "drop" (func $in.drop (param i32)))').replace(
            "DESTROY", "(if (call $word (local.get $cell)) (then (call $in.drop (call $word (local.get $cell)))))").splitlines()
        before += cells + ['(core instance $cells (instantiate $Cells (with "mem" (instance $mem)) (with "in" (instance (export "drop" (func $in.drop))))))'] + OWN_TYPE
        imports += OWN_IMPORTS
        passed.append(OWN_PASSED)
    else:
        dropping = "" if forgets else " (call $in.drop (local.get 0))"
        functions = ['(func (export "make") (param i32) (result i32) (call $in.make (local.get 0)))',
                     f'(func (export "value") (param i32) (result i32) (call $in.value (local.get 0)){dropping})',
                     '(func (export "end") (param i32) (result i32) (call $in.end (local.get 0)))',
                     '(func (export "live") (result i32) (call $in.live))']
    return component(name, before, imports, functions + carry + give, passed,
                     interface.exported("$own-thing" if wraps else "$in-thing"))


class Chain:
    def __init__(self, name, leaf_number, links):
        self.name, self.leaf, self.links = name, leaf_number, links

    def pure(self):
        return "wrap" not in self.links


class Application:
    """Writes `run` and works out what it gives."""

    def __init__(self, rng, interface, chains, given):
        self.rng, self.interface, self.chains, self.given = rng, interface, chains, given
        self.code, self.lines, self.acc, self.traps = types.Code(), [], 0, False
        self.sum = self.code.local()
        self.alive = {}
        self.numbers = iter(range(1000, 1 << 30, 7))
        self.base = 70000

    def take(self, expression, number):
        self.lines.append(f"(local.set {self.sum} (i32.add (i32.mul (local.get {self.sum}) (i32.const 31)) {expression}))")
        self.acc = (self.acc * 31 + number) & U32

    def made(self, chain):
        handle, number = self.code.local(), next(self.numbers)
        self.lines.append(f"(local.set {handle} (call ${chain.name}.make (i32.const {number})))")
        self.alive[chain.leaf] = self.alive.get(chain.leaf, 0) + 1
        return handle, number

    def gone(self, chain):
        self.alive[chain.leaf] -= 1

    def value(self, chain, handle, number):
        self.take(f"(call ${chain.name}.value (local.get {handle}))", number)

    def end(self, chain, handle, number):
        """In one of the ways in which an object can end, or not at all."""
        how = self.rng.choice(("drop", "end", "leave"))
        if how == "leave":
            return
        self.gone(chain)
        if how == "drop":
            self.lines.append(f"(call ${chain.name}.drop (local.get {handle}))")
        else:
            self.take(f"(call ${chain.name}.end (local.get {handle}))", number)

    def same_type(self, chain):
        """Chains whose type is this one's: both pass the definer's on."""
        return [c for c in self.chains if c is chain or (c.leaf == chain.leaf and c.pure() and chain.pure())]

    def one(self, chain):
        handle, number = self.made(chain)
        for _ in range(self.rng.randint(0, 2)):
            self.value(self.rng.choice(self.same_type(chain)), handle, number)
        self.end(self.rng.choice(self.same_type(chain)), handle, number)

    def carry(self, chain):
        lent = []
        value = random_value(self.rng, self.interface.p, self.numbers)

        def handle(kind, number):
            local = self.code.local()
            making = f"(local.tee {local} (call ${chain.name}.make (i32.const {number})))"
            if kind == "borrow":
                lent.append((local, number))
                self.alive[chain.leaf] = self.alive.get(chain.leaf, 0) + 1
            return making

        builder = types.Builder(handle, self.base, self.rng)
        if self.interface.p_spilled:
            at = builder.area(types.size(self.interface.p), types.alignment(self.interface.p))
            builder.store(self.interface.p, value, at)
            arguments = f"(i32.const {at})"
        else:
            arguments = " ".join(builder.slots(self.interface.p, value))
        self.base = builder.next
        self.lines += builder.lines
        self.take(f"(call ${chain.name}.carry {arguments})", digest(0, self.interface.p, value))
        for local, number in lent:
            self.value(chain, local, number)
            self.end(chain, local, number)

    def give(self, chain):
        handle = self.code.local()

        def own(get, take):
            return [f"(local.set {handle} {get})", take(f"(call ${chain.name}.value (local.get {handle}))"),
                    f"(call ${chain.name}.drop (local.get {handle}))"]

        visit = digesting(self.sum, own, None)
        if self.interface.r_spilled:
            area = self.code.local()
            at = types.align_to(self.base, 8)
            self.base = at + types.size(self.interface.r)
            self.lines += [f"(local.set {area} (i32.const {at}))", f"(call ${chain.name}.give (local.get {area}))"]
            self.lines += types.walk_memory(self.interface.r, area, 0, visit, self.code)
        else:
            core = types.flat(self.interface.r)[0]
            result = self.code.local(core)
            self.lines.append(f"(local.set {result} (call ${chain.name}.give))")
            self.lines += types.walk_slots(self.interface.r, [(result, core)], visit, self.code)
        self.acc = digest(self.acc, self.interface.r, self.given)

    def mistake(self):
        chain = self.rng.choice(self.chains)
        handle, _ = self.made(chain)
        drop = f"(call ${chain.name}.drop (local.get {handle}))"
        use = f"(drop (call ${chain.name}.value (local.get {handle})))"
        others = [c for c in self.chains if c not in self.same_type(chain)]
        ways = [[drop, drop], [drop, use], [f"(drop (call ${chain.name}.end (local.get {handle})))", use],
                [f"(call ${chain.name}.drop (i32.const 0))"], [f"(drop (call ${chain.name}.value (i32.const 99999)))"]]
        # Two chains over one definer may or may not be one type to those who see both (1.5); over two they are not.
        apart = [c for c in others if c.leaf != chain.leaf or not (c.pure() and chain.pure())]
        if apart:
            ways += [[f"(drop (call ${self.rng.choice(apart).name}.value (local.get {handle})))"]] * 3
        self.lines += self.rng.choice(ways)
        self.traps = True

    def write(self):
        for _ in range(self.rng.randint(3, 12)):
            self.rng.choice((self.one, self.carry, self.give))(self.rng.choice(self.chains))
        for chain in self.chains:
            self.take(f"(call ${chain.name}.live)", self.alive.get(chain.leaf, 0))
        if self.rng.random() < 0.2:
            self.mistake()

    def component(self):
        before, bound = [], []
        for chain in self.chains:
            same = [other for other in bound if other in self.same_type(chain)]
            before += self.interface.imported(chain.name, f"{same[0].name}-thing" if same else None)
            bound.append(chain)
        before += MEMORY
        for chain in self.chains:
            before += self.interface.lowered(chain.name)
        imports = MEMORY_IMPORTS + [line for chain in self.chains for line in self.interface.core_imports(chain.name)]
        run = ['(func (export "run") (result i32)', *self.code.locals, *self.lines, f"(local.get {self.sum}))"]
        passed = ['(with "mem" (instance $mem))'] + [self.interface.passed(chain.name) for chain in self.chains]
        return component("app", before, imports, run, passed, [f'(func (export "run") (result u32) (canon lift (core func $main "run")))'])


def composed(components, leaves, chains):
    lines = [line for one in components for line in indent(one)]
    lines += [f"  (instance $leaf{i} (instantiate $leaf))" for i in range(leaves)]
    for chain in chains:
        last = f"$leaf{chain.leaf}"
        for i, kind in enumerate(chain.links):
            lines.append(f'  (instance ${chain.name}-{i} (instantiate ${kind} (with "in" (instance {last}))))')
            last = f"${chain.name}-{i}"
        chain.end_instance = last
    withs = " ".join(f'(with "{chain.name}" (instance {chain.end_instance}))' for chain in chains)
    lines += [f"  (instance $app (instantiate $app {withs}))", '  (export "run" (func $app "run"))']
    return "\n".join(["(component", *lines, ")", ""])


CONSTRUCTORS = ("record", "tuple", "variant", "option", "result", "list", "map", "fixed")
CLASSES = {f"handles in {kind}" for kind in CONSTRUCTORS} | {
    "a trap", "ten re-exporters or more", "alias", "wrapping", "a diamond", "two definers", "spilled parameters",
    "results in memory", "a result in a slot", "a borrow in a parameter"}


def kinds_of(ty):
    """Constructors with a handle below them."""
    return {ty.kind for _ in [0] if types.holds(ty, "own", "borrow")}.union(*(kinds_of(part) for part in ty.parts if part))


def classes_of(interface, chains, traps):
    """Which of CLASSES a program belongs to."""
    leaves = [chain.leaf for chain in chains]
    links = [kind for chain in chains for kind in chain.links]
    held = {"a trap": traps, "ten re-exporters or more": any(len(chain.links) >= 10 for chain in chains),
            "alias": "alias" in links, "wrapping": "wrap" in links, "a diamond": len(set(leaves)) < len(leaves),
            "two definers": len(set(leaves)) > 1, "spilled parameters": interface.p_spilled,
            "results in memory": interface.r_spilled, "a result in a slot": not interface.r_spilled,
            "a borrow in a parameter": types.holds(interface.p, "borrow")}
    return {name for name, holds in held.items() if holds} | {
        f"handles in {kind}" for kind in (kinds_of(interface.p) | kinds_of(interface.r)) & set(CONSTRUCTORS)}


def program(seed):
    """(text, expected number or None for a trap, what the program is, its classes)."""
    rng = random.Random(seed)
    names = []
    p = random_type(rng, (OWN, BORROW), names)
    r = random_type(rng, (OWN,), names) if rng.random() < 0.8 else Type("tuple", (OWN,))
    interface = Interface(p, r)
    leaves = rng.choice((1, 1, 2, 3))
    chains = []
    for i in range(rng.choice((1, 1, 2, 3))):
        longest = rng.choice((0, 1, 2, 3, 10, 12))
        kinds = rng.choice((("alias",), ("wrap",), ("alias", "wrap")))
        chains.append(Chain(f"s{i}", rng.randrange(leaves), [rng.choice(kinds) for _ in range(longest)]))
    given = random_value(rng, r, iter(range(500, 1 << 20, 3)))
    app = Application(rng, interface, chains, given)
    app.write()
    pure = [chain for chain in chains if "alias" in chain.links]
    if not app.traps and pure and rng.random() < 0.1:
        # One of the re-exporters forgets to drop its borrows.
        chain = rng.choice(pure)
        chain.links[chain.links.index("alias")] = "forgets"
        app.value(chain, *app.made(chain))
        app.traps = True
    components = [leaf(interface, given), link(interface, "alias", False), link(interface, "wrap", True),
                  link(interface, "forgets", False, forgets=True), app.component()]
    about = f"P = {types.text(p, 'thing', '')}, R = {types.text(r, 'thing', '')}, " + "; ".join(
        f"leaf {chain.leaf} → {' '.join(chain.links) or 'nothing'}" for chain in chains)
    return (composed(components, leaves, chains), None if app.traps else app.acc, about,
            classes_of(interface, chains, app.traps))


def loop_program(links, count):
    """Makes and drops `count` objects through a chain, one at a time."""
    interface = Interface(Type("tuple", (BORROW,)), Type("tuple", (OWN,)))
    chain = Chain("s0", 0, [("alias", "wrap")[i % 2] for i in range(links)])
    app = Application(random.Random(0), interface, [chain], [1])
    left = app.code.local()
    app.lines += [f"(local.set {left} (i32.const {count}))", "(loop $more",
                  f"(call $s0.drop (call $s0.make (local.get {left})))",
                  f"(br_if $more (local.tee {left} (i32.sub (local.get {left}) (i32.const 1)))))"]
    app.take("(call $s0.live)", 0)
    components = [leaf(interface, [1]), link(interface, "alias", False), link(interface, "wrap", True), app.component()]
    return composed(components, 1, [chain]), 0, f"{count} objects through {links} re-exporters"


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "--loop":
        name, made, folder = "loop", loop_program(int(sys.argv[2]), int(sys.argv[3])), sys.argv[4]
    elif len(sys.argv) == 3:
        name, made, folder = sys.argv[1], program(int(sys.argv[1]))[:3], sys.argv[2]
    else:
        print(__doc__, file=sys.stderr)
        return 2
    text, expected, about = made
    (pathlib.Path(folder) / f"{name}.wat").write_text(f";; {about}\n{text}", encoding="utf-8")
    (pathlib.Path(folder) / f"{name}.expect").write_text(f"{'trap' if expected is None else expected}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
