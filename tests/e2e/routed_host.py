"""Components whose world has resources, and a host that drives them: it keeps what it is handed, lends, gives back, drops
and passes handles in values of random types, and writes down all that it sees. The same host under the composed component
and under the routed one must see the same.

A component here is a definer with a chain of re-exporters (make_programs.py) whose last end the root exports as `out`:
`served`: the definer is a guest, and the root exports it too, as `base`; `hosted`: the definer is the host, which the
root imports as `in`.
"""
import random

import make_programs
import program_types
import wasmtime_side as side
from program_types import Type

HOST_TYPE = 7
# Of make_programs.MEMORY.
NO_ROOM_BACK = "(if (local.get $old-size) (then (unreachable)))"
TOP_GIVEN = "(global.set $top (i32.add (global.get $top) (local.get $size)))"
ROOM_COPIED = "(memory.copy (global.get $top) (local.get $old) (select (local.get $old-size) (local.get $size) " \
              "(i32.lt_u (local.get $old-size) (local.get $size))))"
UNKNOWN_TO_PACKAGE = ("map", "fixed")


def world(seed):
    """(text, whether the host is the definer, what it is), or None where the types are beyond Wasmtime's package."""
    rng = random.Random(seed)
    names = []
    p = make_programs.random_type(rng, (make_programs.OWN, make_programs.BORROW), names)
    r = make_programs.random_type(rng, (make_programs.OWN,), names) if rng.random() < 0.8 else Type("tuple", (make_programs.OWN,))
    if any(program_types.holds(ty, *UNKNOWN_TO_PACKAGE) for ty in (p, r)):
        return None
    hosted = rng.random() < 0.5
    interface = make_programs.Interface(p, r)
    # One that forgets to drop its borrows traps when it is lent some.
    links = [rng.choice(("alias",) * 5 + ("wrap",) * 5 + ("forgets",)) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
    if hosted and not links:
        links = ["alias"]
    given = make_programs.random_value(rng, r, iter(range(500, 1 << 20, 3)))
    parts = [make_programs.link(interface, "alias", False), make_programs.link(interface, "wrap", True),
             make_programs.link(interface, "forgets", False, forgets=True)]
    lines = []
    if hosted:
        lines += interface.imported("in")
        last = "$in"
    else:
        parts.append(make_programs.leaf(interface, given))
        last = "$leaf"
    lines += [line for part in parts for line in part]
    if not hosted:
        lines.append("(instance $leaf (instantiate $leaf))")
    for number, kind in enumerate(links):
        lines.append(f'(instance $link{number} (instantiate ${kind} (with "in" (instance {last}))))')
        last = f"$link{number}"
    lines.append(f'(export "out" (instance {last}))')
    if not hosted and links:
        lines.append('(export "base" (instance $leaf))')
    encoding = rng.choice(("", "", "", "string-encoding=latin1+utf16 ", "string-encoding=utf16 "))
    about = f"{'hosted' if hosted else 'served'} {encoding}, P = {program_types.text(p, 'thing', '')}, R = {program_types.text(r, 'thing', '')}, " \
            f"{' '.join(links) or 'nothing'} between"
    text = "\n".join(["(component", *make_programs.indent(lines), ")", ""])
    # Who makes a string of another encoding may ask for room first, and give some back.
    text = text.replace(make_programs.OPTIONS, encoding + make_programs.OPTIONS).replace(NO_ROOM_BACK, "").replace(
        TOP_GIVEN, f"{ROOM_COPIED}\n{TOP_GIVEN}")
    return text, hosted, about


class Beyond(Exception):
    """The package cannot tell the cases of a value apart."""


# Wasmtime 50 says so where an export with a borrow of a guest's resource type calls a host function that takes borrows in
# a list; so it does of components of one guest, which nobody has made flat.
WASMTIMES_BUG = "This is a bug in Wasmtime"


class Stop(Exception):
    """The run ended with an error."""


class Host:
    """One run. `log` is what it saw."""

    def __init__(self, binary, seed, hosted):
        self.rng, self.log, self.own, self.live, self.next = random.Random(seed), [], [], 0, 1000
        wasmtime, component = side.wasmtime, side.component
        self.engine = side.engine()
        loaded = component.Component(self.engine, binary)
        self.store = wasmtime.Store(self.engine)
        linker = component.Linker(self.engine)
        if hosted:
            self.define(linker, loaded)
        self.instance = linker.instantiate(self.store, loaded)
        self.functions = {}
        for interface in ("out", "base"):
            at = self.instance.get_export_index(self.store, interface)
            for name in ("make", "value", "end", "live", "carry", "give") if at else ():
                self.functions[interface, name] = self.instance.get_func(self.store, self.instance.get_export_index(self.store, name, at))

    # --- the host as the definer

    def define(self, linker, loaded):
        kinds = {name: item.ty for name, item in loaded.type.imports(self.engine)["in"].ty.exports(self.engine).items()} \
            if "in" in loaded.type.imports(self.engine) else {}
        give = kinds["give"].result if "give" in kinds else None
        rng = random.Random(1)
        resource = side.component.ResourceHost

        def destroyed(store, rep):
            self.live -= 1
            self.log.append(("destroyed", rep))

        def made(rep):
            self.live += 1
            return resource.own(rep, HOST_TYPE)

        def fresh():
            self.next += 1
            return made(self.next)

        def rep_of(store, handle):
            host = handle.to_host(store)
            rep, owned = host.rep, host.owned
            self.log.append(("arrived", rep, owned))
            if owned:
                self.live -= 1
            return rep

        def end(store, handle):
            return rep_of(store, handle)

        def carry(store, value):
            seen = []
            self.visit(value, lambda handle: seen.append(rep_of(store, handle)))
            self.log.append(("carried", seen, self.text(value)))
            return sum(seen) % 1000003

        with linker.root() as root, root.add_instance("in") as inner:
            inner.add_resource("thing", side.component.ResourceType.host(HOST_TYPE), destroyed)
            inner.add_func("make", lambda store, v: made(v))
            inner.add_func("value", rep_of)
            inner.add_func("end", end)
            inner.add_func("live", lambda store: self.live)
            inner.add_func("carry", carry)
            inner.add_func("give", lambda store: self.value(give, fresh, None, rng))

    # --- values

    def value(self, ty, own, borrow, rng):
        """A random value of a type of the package's."""
        kind = type(ty).__name__
        variant = side.component.Variant

        def again(part):
            return self.value(part, own, borrow, rng)

        if kind == "OwnType":
            return own()
        if kind == "BorrowType":
            return borrow()
        if kind == "Bool":
            return rng.random() < 0.5
        if kind in ("F32", "F64"):
            return float(rng.randint(0, 120))
        if kind == "Char":
            return chr(rng.randint(32, 120))
        if kind == "String":
            return "".join(rng.choice("abcé€") for _ in range(rng.randint(0, 5)))
        if kind == "ListType":
            items = [again(ty.element) for _ in range(rng.choice((0, 1, 2, 3, 7)))]
            return bytes(items) if ty._is_bytes() else items
        if kind == "TupleType":
            return tuple(again(part) for part in ty.elements)
        if kind == "RecordType":
            made = side.component.Record()
            for name, part in ty.fields:
                setattr(made, name, again(part))
            return made
        if kind in ("OptionType", "ResultType", "VariantType"):
            name, part = rng.choice(ty._cases())
            payload = again(part) if part else None
            return variant(name, payload) if ty._tagged() else payload
        return rng.randint(0, 120)

    def visit(self, value, visitor):
        """Each handle in a value."""
        if isinstance(value, side.component.ResourceAny):
            visitor(value)
        elif isinstance(value, (list, tuple)):
            for item in value:
                self.visit(item, visitor)
        elif isinstance(value, side.component.Variant):
            self.visit(value.payload, visitor)
        elif isinstance(value, side.component.Record):
            for item in vars(value).values():
                self.visit(item, visitor)

    def text(self, value):
        if isinstance(value, (side.component.ResourceAny, side.component.ResourceHost)):
            return "thing"
        if isinstance(value, (list, tuple)):
            return [self.text(item) for item in value]
        if isinstance(value, side.component.Variant):
            return value.tag, self.text(value.payload)
        if isinstance(value, side.component.Record):
            return {name: self.text(item) for name, item in vars(value).items()}
        return repr(value)

    # --- steps

    def call(self, interface, name, *arguments):
        function = self.functions[interface, name]
        try:
            result = function(self.store, *arguments)
            function.post_return(self.store)
        except (side.wasmtime.WasmtimeError, side.wasmtime.Trap) as error:
            self.log.append((name, "error"))
            self.error = side.one_line(error)
            raise Stop from None
        return result

    def number(self, interface, name, *arguments):
        self.log.append((interface, name, self.call(interface, name, *arguments)))

    def new(self, interface):
        return self.call(interface, "make", self.rng.randint(1, 100000))

    def taken(self, interface):
        """An own handle of that interface's, and no longer the host's."""
        mine = [item for item in self.own if item[0] == interface]
        if mine and self.rng.random() < 0.7:
            item = self.rng.choice(mine)
            self.own.remove(item)
            return item[1]
        return self.new(interface)

    def lent(self, interface):
        mine = [item for item in self.own if item[0] == interface]
        if not mine or self.rng.random() < 0.3:
            self.own.append((interface, self.new(interface)))
            mine = [self.own[-1]]
        return self.rng.choice(mine)[1]

    def keep(self, interface, handle):
        self.own.append((interface, handle))
        self.number(interface, "value", handle)

    def step(self):
        interface = self.rng.choice(sorted({interface for interface, _ in self.functions}))
        what = self.rng.choice(("make", "value", "end", "live", "carry", "carry", "give", "give", "drop"))
        if what == "make":
            self.keep(interface, self.new(interface))
        elif what == "value":
            self.number(interface, "value", self.lent(interface))
        elif what == "end":
            self.number(interface, "end", self.taken(interface))
        elif what == "live":
            self.number(interface, "live")
        elif what == "carry":
            # What is lent in the same call must not be given away in it, but for the rare mistake.
            kind = self.functions[interface, "carry"].type(self.store).params[0][1]
            used = []

            def borrow():
                used.append(self.lent(interface))
                return used[-1]

            def own():
                handle = self.taken(interface)
                return handle if all(handle is not other for other in used) or self.rng.random() < 0.1 else self.new(interface)

            value = self.value(kind, own, borrow, self.rng)
            self.log.append(("pass", self.text(value)))
            self.number(interface, "carry", value)
        elif what == "give":
            result = self.call(interface, "give")
            self.log.append(("give", self.text(result)))
            self.visit(result, lambda handle: self.keep(interface, handle))
        else:
            self.log.append(("drop", interface))
            try:
                self.taken(interface).drop(self.store)
            except (side.wasmtime.WasmtimeError, side.wasmtime.Trap) as error:
                self.log.append(("drop", "error"))
                self.error = side.one_line(error)
                raise Stop from None
            self.number(interface, "live")

    def run(self, steps=40):
        self.error = ""
        try:
            for _ in range(steps):
                self.step()
        except Stop:
            pass
        except (TypeError, ValueError) as error:
            raise Beyond(str(error)) from error
        return self.log


def difference(composed, routed, seed, hosted):
    """What differs between a host's runs of both; None where nothing does. Also how many steps it saw."""
    left, right = Host(composed, seed, hosted), Host(routed, seed, hosted)
    left.run()
    right.run()
    if WASMTIMES_BUG in left.error + right.error:
        shorter = min(len(left.log), len(right.log)) - 1
        left.log, right.log = left.log[:shorter], right.log[:shorter]
        while left.log and left.log[-1] != right.log[-1]:  # what was seen in the call that ran into it
            left.log.pop()
            right.log.pop()
    for at, (one, other) in enumerate(zip(left.log, right.log)):
        if one != other:
            return f"observation {at}: composed {one}, routed {other} {right.error} {left.error}", at
    if len(left.log) != len(right.log):
        return f"composed ends after {len(left.log)} observations, routed after {len(right.log)} {right.error} {left.error}", 0
    return None, len(left.log)
