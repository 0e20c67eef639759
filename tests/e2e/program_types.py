"""Value types of generated programs: their text, their layout (semantics.md section 3), and core code that walks them.

A walk calls `visit(kind, get, put)` for each handle and scalar in depth-first order: `get` is an expression for its core
value, `put(expression)` a statement that replaces it. What it gives back are lines of core text.
"""
import dataclasses
import itertools

PRIMITIVES = {"u8": (1, "i32"), "bool": (1, "i32"), "u16": (2, "i32"), "u32": (4, "i32"), "char": (4, "i32"),
              "u64": (8, "i64"), "f32": (4, "f32"), "f64": (8, "f64")}
LOADS = {"u8": "i32.load8_u", "bool": "i32.load8_u", "u16": "i32.load16_u", "u32": "i32.load", "char": "i32.load",
         "u64": "i64.load", "f32": "f32.load", "f64": "f64.load"}
STORES = {"u8": "i32.store8", "bool": "i32.store8", "u16": "i32.store16", "u32": "i32.store", "char": "i32.store",
          "u64": "i64.store", "f32": "f32.store", "f64": "f64.store"}
# Of the first resource type and, in programs that have one, of the second.
OWNS, BORROWS = ("own", "own2"), ("borrow", "borrow2")
HANDLES = OWNS + BORROWS
LOADS.update(dict.fromkeys(HANDLES, "i32.load"))
STORES.update(dict.fromkeys(HANDLES, "i32.store"))
CASES = ("variant", "option", "result")
MAX_FLAT_PARAMS = 16


@dataclasses.dataclass(frozen=True)
class Type:
    """`parts` are fields, cases (None: no payload) or the element; `name` is that of a record or variant."""
    kind: str
    parts: tuple = ()
    name: str = ""
    length: int = 0


def align_to(offset, alignment):
    return (offset + alignment - 1) // alignment * alignment


def element(ty):
    return Type("tuple", ty.parts) if ty.kind == "map" else ty.parts[0]


def alignment(ty):
    if ty.kind in PRIMITIVES:
        return PRIMITIVES[ty.kind][0]
    if ty.kind in (*HANDLES, "list", "map", "string"):
        return 4
    if ty.kind == "fixed":
        return alignment(ty.parts[0])
    return max([1] + [alignment(part) for part in ty.parts if part])


def offsets(ty):
    at, places = 0, []
    for part in ty.parts:
        at = align_to(at, alignment(part))
        places.append(at)
        at += size(part)
    return places, align_to(at, alignment(ty))


def payload_offset(ty):
    return align_to(1, max([1] + [alignment(part) for part in ty.parts if part]))


def size(ty):
    if ty.kind in PRIMITIVES:
        return PRIMITIVES[ty.kind][0]
    if ty.kind in HANDLES:
        return 4
    if ty.kind in ("list", "map", "string"):
        return 8
    if ty.kind == "fixed":
        return size(ty.parts[0]) * ty.length
    if ty.kind in CASES:
        return align_to(payload_offset(ty) + max([0] + [size(part) for part in ty.parts if part]), alignment(ty))
    return offsets(ty)[1]


def join(left, right):
    if left == right:
        return left
    return "i32" if {left, right} == {"i32", "f32"} else "i64"


def flat(ty):
    if ty.kind in PRIMITIVES:
        return [PRIMITIVES[ty.kind][1]]
    if ty.kind in HANDLES:
        return ["i32"]
    if ty.kind in ("list", "map", "string"):
        return ["i32", "i32"]
    if ty.kind == "fixed":
        return flat(ty.parts[0]) * ty.length
    if ty.kind in CASES:
        slots = []
        for part in ty.parts:
            for i, slot in enumerate(flat(part) if part else []):
                if i < len(slots):
                    slots[i] = join(slots[i], slot)
                else:
                    slots.append(slot)
        return ["i32"] + slots
    return [slot for part in ty.parts for slot in flat(part)]


def holds(ty, *kinds):
    return ty.kind in kinds or any(holds(part, *kinds) for part in ty.parts if part)


def named(ty):
    """Records and variants in it, inner ones first."""
    inner = [found for part in ty.parts if part for found in named(part)]
    return inner + ([ty] if ty.name else [])


def text(ty, thing, prefix):
    """`thing` is the resource type's name, `prefix` that of named types."""
    def of(part):
        return text(part, thing, prefix)

    if ty.name:
        return f"${prefix}{ty.name}"
    if ty.kind in HANDLES:
        return f"({ty.kind} ${thing})"
    if ty.kind == "fixed":
        return f"(list {of(ty.parts[0])} {ty.length})"
    if ty.kind == "result":
        ok, error = ty.parts
        return "(result" + (f" {of(ok)}" if ok else "") + (f" (error {of(error)})" if error else "") + ")"
    if ty.kind == "option":
        return f"(option {of(ty.parts[1])})"
    if ty.parts:
        return f"({ty.kind} {' '.join(of(part) for part in ty.parts)})"
    return ty.kind


def definition(ty, thing, prefix):
    word = "field" if ty.kind == "record" else "case"
    parts = [f'({word} "p{i}"{" " + text(part, thing, prefix) if part else ""})' for i, part in enumerate(ty.parts)]
    return f"({ty.kind} {' '.join(parts)})"


# --- walks

class Code:
    """The locals of one core function."""

    def __init__(self):
        self.locals = []
        self.numbers = itertools.count()

    def local(self, core="i32"):
        name = f"$l{next(self.numbers)}"
        self.locals.append(f"(local {name} {core})")
        return name


def narrow(get, have, want):
    """An expression for a slot of a case: the low half if that is narrower; the same bits if it is a float."""
    if have == want:
        return get
    if have == "i64" and want == "f64":
        return f"(f64.reinterpret_i64 {get})"
    if have == "i64":
        get = f"(i32.wrap_i64 {get})"
    return f"(f32.reinterpret_i32 {get})" if want == "f32" else get


def widen(value, have, want, rubbish=0):
    """The other way round; `rubbish` goes to the upper half where there is one."""
    if have == want:
        return value
    if have == "f64":
        return f"(i64.reinterpret_f64 {value})"
    if have == "f32":
        value = f"(i32.reinterpret_f32 {value})"
    if want == "i64":
        value = f"(i64.extend_i32_u {value})"
        return f"(i64.or (i64.const {rubbish << 32:#x}) {value})" if rubbish else value
    return value


def walk_memory(ty, address, offset, visit, code):
    """`address` is a local that holds the base."""
    at = f"(i32.add (local.get {address}) (i32.const {offset}))"
    if ty.kind in LOADS:
        get = f"({LOADS[ty.kind]} offset={offset} (local.get {address}))"
        return visit(ty.kind, get, lambda value: f"({STORES[ty.kind]} offset={offset} (local.get {address}) {value})")
    if ty.kind in ("list", "map", "string"):
        return walk_list(ty, f"(i32.load {at})", f"(i32.load offset=4 {at})", visit, code)
    if ty.kind == "fixed":
        step = size(ty.parts[0])
        return [line for i in range(ty.length) for line in walk_memory(ty.parts[0], address, offset + i * step, visit, code)]
    if ty.kind in CASES:
        lines = []
        for i, part in enumerate(ty.parts):
            inner = walk_memory(part, address, offset + payload_offset(ty), visit, code) if part else []
            if inner:
                lines += [f"(if (i32.eq (i32.load8_u {at}) (i32.const {i})) (then", *inner, "))"]
        return lines
    return [line for part, place in zip(ty.parts, offsets(ty)[0])
            for line in walk_memory(part, address, offset + place, visit, code)]


def walk_list(ty, begin, count, visit, code):
    if ty.kind == "string":
        first = f"(if (result i32) {count} (then (i32.load8_u {begin})) (else (i32.const 0)))"
        return visit("string", f"(i32.add {count} {first})", None)
    at, left = code.local(), code.local()
    inner = walk_memory(element(ty), at, 0, visit, code)
    if not inner:
        return []
    return [f"(local.set {at} {begin})", f"(local.set {left} {count})", "(block $end (loop $next",
            f"(br_if $end (i32.eqz (local.get {left})))", *inner,
            f"(local.set {at} (i32.add (local.get {at}) (i32.const {size(element(ty))})))",
            f"(local.set {left} (i32.sub (local.get {left}) (i32.const 1)))", "(br $next)))"]


def walk_slots(ty, slots, visit, code):
    """`slots` are (local, its core type)."""
    def get(i, want):
        return narrow(f"(local.get {slots[i][0]})", slots[i][1], want)

    if ty.kind in LOADS:
        core = flat(ty)[0]
        return visit(ty.kind, get(0, core), lambda value: f"(local.set {slots[0][0]} {widen(value, core, slots[0][1])})")
    if ty.kind in ("list", "map", "string"):
        return walk_list(ty, get(0, "i32"), get(1, "i32"), visit, code)
    if ty.kind in CASES:
        lines = []
        for i, part in enumerate(ty.parts):
            inner = walk_slots(part, slots[1:], visit, code) if part else []
            if inner:
                lines += [f"(if (i32.eq {get(0, 'i32')} (i32.const {i})) (then", *inner, "))"]
        return lines
    lines, at = [], 0
    for part in ty.parts * ty.length if ty.kind == "fixed" else ty.parts:
        lines += walk_slots(part, slots[at:at + len(flat(part))], visit, code)
        at += len(flat(part))
    return lines


# --- values that are known when the program is made

def leaves(ty, value):
    """(kind, value) of what a walk visits."""
    if ty.kind in LOADS or ty.kind == "string":
        yield ty.kind, value
    elif ty.kind in CASES:
        case, payload = value
        if ty.parts[case]:
            yield from leaves(ty.parts[case], payload)
    elif ty.kind in ("list", "map", "fixed"):
        for item in value:
            yield from leaves(element(ty), item)
    else:
        for part, item in zip(ty.parts, value):
            yield from leaves(part, item)


class Builder:
    """Makes core code that builds a value; `handle(kind, value)` gives an expression for a handle. Memory is taken from
    `base` upwards, once for each place in the text."""

    def __init__(self, handle, base, rng):
        self.handle, self.next, self.rng, self.lines = handle, base, rng, []

    def area(self, bytes_, align):
        self.next = align_to(self.next, align)
        self.next += bytes_
        return self.next - bytes_

    def scalar(self, ty, value):
        if ty.kind in HANDLES:
            return self.handle(ty.kind, value)
        return f"({flat(ty)[0]}.const {value})"

    def in_memory(self, ty, value):
        """Address and length of a list, map or string."""
        if ty.kind == "string":
            content = value.encode()
            at = self.area(len(content) + 1, 1)
            for i, byte in enumerate(content):
                self.lines.append(f"(i32.store8 (i32.const {at + i}) (i32.const {byte}))")
            return at, len(content)
        step = size(element(ty))
        at = self.area(step * len(value), alignment(element(ty)))
        for i, item in enumerate(value):
            self.store(element(ty), item, at + i * step)
        return at, len(value)

    def store(self, ty, value, at):
        if ty.kind in LOADS:
            self.lines.append(f"({STORES[ty.kind]} (i32.const {at}) {self.scalar(ty, value)})")
        elif ty.kind in ("list", "map", "string"):
            begin, count = self.in_memory(ty, value)
            self.lines += [f"(i32.store (i32.const {at}) (i32.const {begin}))",
                           f"(i32.store (i32.const {at + 4}) (i32.const {count}))"]
        elif ty.kind in CASES:
            case, payload = value
            # What is not of this case is rubbish, which nobody may look at.
            for i in range(size(ty)):
                self.lines.append(f"(i32.store8 (i32.const {at + i}) (i32.const 0x55))")
            self.lines.append(f"(i32.store8 (i32.const {at}) (i32.const {case}))")
            if ty.parts[case]:
                self.store(ty.parts[case], payload, at + payload_offset(ty))
        elif ty.kind == "fixed":
            for i, item in enumerate(value):
                self.store(ty.parts[0], item, at + i * size(ty.parts[0]))
        else:
            for part, item, place in zip(ty.parts, value, offsets(ty)[0]):
                self.store(part, item, at + place)

    def slots(self, ty, value):
        if ty.kind in LOADS:
            return [self.scalar(ty, value)]
        if ty.kind in ("list", "map", "string"):
            return [f"(i32.const {n})" for n in self.in_memory(ty, value)]
        if ty.kind in CASES:
            case, payload = value
            want = flat(ty)[1:]
            part = ty.parts[case]
            have = flat(part) if part else []
            given = self.slots(part, payload) if part else []
            rubbish = self.rng.choice((0, 0x77, 0xffffffff))
            filled = [widen(e, h, w, rubbish) for e, h, w in zip(given, have, want)]
            return [f"(i32.const {case})"] + filled + [f"({w}.const 85)" for w in want[len(have):]]
        if ty.kind == "fixed":
            return [e for item in value for e in self.slots(ty.parts[0], item)]
        return [e for part, item in zip(ty.parts, value) for e in self.slots(part, item)]
