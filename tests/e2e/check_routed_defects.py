#!/usr/bin/env python3
"""Plants named defects in files that the router writes, one at a time: none may be proved.

usage: check_routed_defects.py MELD_VERIFY [--only DEFECT] [--file NAME]… [--each N] [--keep FOLDER]
  --only DEFECT   defects with DEFECT in their name
  --file NAME     of files with NAME in their path
  --each N        at most so many places of one defect in one file (default: 2)

The files are what `MELD_VERIFY route` makes of composed files of fixtures/, and where MELD_VERIFY_SHARED names them of some of
the real ones. The router's names are gone by only here, to find the place. Prints which have no place in these files.
Exit 0: none is proved; 1: some, or none could be planted; 77: a tool is missing.
"""
import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import fused_side
import mutate_fused
import verdict_side

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = ("fixtures/components/*.wasm", "fixtures/fused/*/composed.wasm")
# Small ones that have of everything; real ones where they are there.
NAMES = ("hand-right-lists", "hand-right-instances", "right-borrows-in-list", "two-instances", "place-two-lists", "right-spilled", "cases-in-list",
         "names-suffix", "resource-with-lists", "resource-aggregates", "resource-import-and-export")
# May be proved where an assumption says it: of what it speaks.
ASSUMED = {"check-traps": "valid ones pass", "grows-late": "handles live", "full-at-entry": "handles live", "memory-of-one-page": "handles live",
           "memory-of-many-pages": "handles live", "full-at-one-page": "handles live", "full-at-sixteen-pages": "handles live",
           "traps-on-length-5": "lists of up to", "traps-on-length-100000": "lists of up to"}
# May be proved: no program that keeps to the ABI can tell.
HARMLESS = {
    "take-not-cleared": "only a handle that is used after it was given away meets the entry",
    "drop-not-cleared": "only a handle that is used after it was dropped meets the entry",
    "counter-with-zero": "looser or equal where calls are not nested", "counter-off-by-one": "looser: only borrows that are kept are missed",
    "borrows-at-start": "it is compared with what it was before the call", "data-in-table": "new entries are written whole",
    "data-in-links": "links are read only where they were written", "elements-over-destructors": "later segments write over it",
    "flag-back-wrong": "set again before a guest runs", "flag-stays-up": "set again before a guest runs", "flag-never-back": "set again before a guest runs",
    "lend-over-link": "the link of a live entry is not read, and what is lent is given back",
    "unlend-of-link": "the link of a live entry is not read",
}
# Change code that only entries of borrows reach.
OF_BORROWS = ("counter-", "borrow-as-own", "no-check-of-kind", "destructor-of-borrow", "tag-of-borrow")


class Routed(mutate_fused.Text):
    """A routed file, with the imports of its generated modules: (module, function's index) → (instance, name)."""

    def __init__(self, routed, composed):
        super().__init__(routed, composed)
        self.imports = {}
        for number, (begin, end, _) in enumerate(self.parts):
            for line in self.lines[begin:end]:
                found = re.match(r'\s*\(import "([^"]*)" "([^"]*)" \((?:func|global) (?:\$\S+ |\$"[^"]*" )?\(;(\d+);\)', line)
                if found:
                    kind = "func" if "(func" in line else "global"
                    self.imports[number, kind, found[3]] = (found[1], found[2])

    def calls(self, wanted):
        """(line number, function, index) of calls of imports for which `wanted(instance, name)` holds."""
        for i, match, function in self.generated(r"call (\d+)"):
            one = self.imports.get((function.module, "func", match[1]))
            if one and wanted(*one):
                yield i, function, match[1]

    def table(self, *names):
        """The functions of the module of tables that have one of the names."""
        return [f for f in self.functions if f.generated and f.name.lstrip("$") in names and
                self.lines[self.parts[f.module][0]].strip().startswith('(core module $"handle table"')]

    def run_of(self, function, *words):
        """First line numbers of runs of instructions in a function; a word may end in `*`."""
        def is_(line, word):
            line = line.strip()
            return line.startswith(word[:-1]) if word.endswith("*") else line == word
        for i in function.lines:
            if i + len(words) <= function.lines.stop and all(is_(self.lines[i + k], word) for k, word in enumerate(words)):
                yield i


def is_table(name):
    return lambda instance, called: instance.startswith("table ") and called == name


def is_callee(instance, name):
    return instance.startswith("core instance ") and "#" in name and not name.startswith("cabi_")


def without(first, count):
    return {i: "" for i in range(first, first + count)}


def before(text, i, words):
    return {i: f"{words}\n{text.lines[i]}"}


def behind(text, i, words):
    return {i: f"{text.lines[i]}\n{words}"}


def in_table(names, words, change):
    """Of functions of the table: at each run of `words`, what `change(text, first line)` gives."""
    def defect(text):
        for function in text.table(*names):
            if all(one[1] != function.name.lstrip("$") for one in text.imports.values()):
                continue  # nobody calls it
            for i in text.run_of(function, *words):
                yield change(text, i)
    return defect


def at_calls(wanted, change):
    def defect(text):
        for i, function, index in text.calls(wanted):
            made = change(text, i, function, index)
            if made:
                yield made
    return defect


def in_bridges(words, change):
    def defect(text):
        for function in text.functions:
            if function.generated and "->" in function.name:
                for i in text.run_of(function, *words):
                    yield change(text, i)
    return defect


def params(function):
    return re.findall(r"\b(?:i32|i64|f32|f64)\b", (re.search(r"\(param ([^)]*)\)", function.signature) or [""])[0])


def argument_before(text, i, change):
    """The constant that stands some lines before a call becomes another one."""
    for j in range(i - 1, i - 4, -1):
        match = re.fullmatch(r"\s*i32\.const (\d+)", text.lines[j])
        if match:
            return {j: f"i32.const {change(int(match[1]))}"}
    return None


def other_argument(offset):
    """Bridges whose last argument is where the results belong write them elsewhere."""
    def defect(text):
        for function in text.functions:
            kinds = params(function)
            if function.generated and "->" in function.name and kinds and "result" not in function.signature:
                i = mutate_fused.beginning(text, function)
                last = len(kinds) - 1
                yield before(text, i, f"local.get {last} i32.const {offset} i32.add local.set {last}")
    return defect


def trap_on(value):
    """Each of the first words of a bridge, where it has this value."""
    def defect(text):
        for function in text.functions:
            kinds = params(function)
            if function.generated and "->" in function.name:
                for i, kind in enumerate(kinds[:4]):
                    if kind in ("i32", "i64"):
                        at = mutate_fused.beginning(text, function)
                        yield before(text, at, f"local.get {i} {kind}.const {value} {kind}.eq if unreachable end")
    return defect


def trap_on_length(value):
    def defect(text):
        for function in text.functions:
            if function.generated and "->" in function.name:
                for limit in ("i32.ge_u", "i32.gt_u"):
                    for i in text.run_of(function, "local.get *", "i32.const *", limit, "if*"):
                        if int(text.lines[i + 1].split()[1]) > 1000:
                            yield before(text, i, f"{text.lines[i].strip()} i32.const {value} i32.eq if unreachable end")
    return defect


def loop_begins(text):
    for function in text.functions:
        if function.generated and "->" in function.name:
            for i in text.run_of(function, "i32.const 0", "local.set *", "block*", "loop*"):
                yield {i: "i32.const 1"}


def loop_ends(text):
    for function in text.functions:
        if function.generated and "->" in function.name:
            for i in text.run_of(function, "local.get *", "i32.ge_u", "br_if*"):
                yield behind(text, i, "i32.const 1 i32.sub")


def swapped_arguments(text):
    """A generated module gets two of its tables in the other's place."""
    outer = mutate_fused.outside(text)
    found = [(i, m[1]) for i in outer for m in [re.search(r'\(with "table \d+" \(instance (\$"[^"]*"|\S+?)\)\)', text.lines[i])] if m]
    for (i, one), (j, other) in zip(found, found[1:]):
        if j == i + 1 and one != other:
            yield {i: mutate_fused.replace_word(text.lines[i], one, other), j: mutate_fused.replace_word(text.lines[j], other, one)}


def other_instance(text):
    """A bridge gets its callee from another instance."""
    outer = mutate_fused.outside(text)
    found = [(i, m[1]) for i in outer for m in [re.search(r'\(with "core instance \d+" \(instance (\$"[^"]*"|\S+?)\)\)', text.lines[i])] if m]
    for i, one in found:
        for other in sorted({name for _, name in found} - {one}):
            yield {i: mutate_fused.replace_word(text.lines[i], one, other)}


def moved_slot(text):
    for begin, end, _ in text.parts:
        for i in range(begin, end):
            match = re.match(r"\s*\(elem .*\(i32\.const (\d+)\)", text.lines[i])
            if match and int(match[1]) > 0:
                for other in (int(match[1]) - 1, int(match[1]) + 1):
                    yield {i: text.lines[i].replace(f"(i32.const {match[1]})", f"(i32.const {other})")}


def swapped_slots(text):
    """The functions that fill slots change places."""
    outer = mutate_fused.outside(text)
    found = [(i, m[1]) for i in outer for m in [re.search(r'\(export "destructor" \(func (\S+)\)\)', text.lines[i])] if m]
    for (i, one), (j, other) in zip(found, found[1:]):
        yield {i: text.lines[i].replace(f"(func {one})", f"(func {other})") if i < j else "", j: text.lines[j]}


def memory_with_end(pages):
    def defect(text):
        for function in text.table("new"):
            begin, end, _ = text.parts[function.module]
            for i in range(begin, end):
                if re.fullmatch(r"\s*\(memory \(;0;\) 1\)", text.lines[i]):
                    yield {i: f"(memory (;0;) 1 {pages})"}
    return defect


def counter_places(text, words):
    """Where a bridge works on a count of borrows: a global that a table gives it."""
    for i, match, function in text.generated(r"global\.get (\d+)"):
        if text.imports.get((function.module, "global", match[1]), ("", ""))[1] == "borrows":
            made = words(text, i, function, match[1])
            if made:
                yield made


def counter(words):
    return lambda text: counter_places(text, words)


def compared_with_zero(text, i, function, index):
    for j in range(i, min(i + 4, function.lines.stop)):
        if text.lines[j].strip() in ("i32.ne", "i32.eq"):
            return {j: f"drop i32.const 0 {text.lines[j].strip()}"}
    return None


def flag_places(text, value):
    """Where a bridge sets a flag of `may_leave` to a value."""
    for i, match, function in text.generated(r"global\.set (\d+)"):
        if text.imports.get((function.module, "global", match[1]), ("", ""))[1].startswith("may_leave") and \
                text.lines[i - 1].strip() == f"i32.const {value}":
            yield i, function, match[1]


def flag_around_callee(text):
    for i, function, _ in text.calls(is_callee):
        flags = [index for (module, kind, index), one in text.imports.items()
                 if module == function.module and kind == "global" and one[1].startswith("may_leave")]
        for flag in flags:
            yield {i: f"i32.const 0 global.set {flag}\n{text.lines[i]}\ni32.const 1 global.set {flag}"}


def lend_twice(text, i, function, index):
    again = "\n".join(line.strip() for line in text.lines[i - 2:i])
    if not re.fullmatch(r"i32\.const \d+\nlocal\.get \d+", again):
        return None
    return {i: f"{text.lines[i]}\ndrop\n{again}\ncall {index}"}


def guest_traps(text):
    """A function that only looks at values traps at once, on a length that is valid."""
    for function in text.functions:
        body = [text.lines[i].strip() for i in function.lines]
        if function.generated and function.signature == "(param i32 i32)" and any(line.startswith("loop") for line in body) and \
                not any(line.startswith(("i32.store", "memory.", "global.set")) for line in body):
            yield before(text, mutate_fused.beginning(text, function), "local.get 1 i32.const 2 i32.eq if unreachable end")


def combined(*defects):
    """The first place of each, at once."""
    def defect(text):
        changed = {}
        for one in defects:
            for part in one(text):
                changed |= part
        if changed:
            yield changed
    return defect


def in_wrappers(words_of):
    """At the beginning of a function that stands for a canonical built-in, or for a call: for each flag of the module."""
    def defect(text):
        for function in text.functions:
            if function.generated and function.name and text.lines[text.parts[function.module][0]].strip().startswith('(core module $"router '):
                for (module, kind, index), one in text.imports.items():
                    if module == function.module and kind == "global" and one[1].startswith("may_leave"):
                        yield before(text, mutate_fused.beginning(text, function), words_of(index))
    return defect


def in_modules(name, words):
    """Another field at the end of a generated module, once for each."""
    def defect(text):
        for begin, end, _ in text.parts:
            if name in text.lines[begin]:
                yield {end: f"{words}\n{text.lines[end]}"}
    return defect


def noted_lends(change):
    """Where a bridge moves the top of the noted handles: before the callee is called, or at its end."""
    def defect(text):
        for i, match, function in text.generated(r"global\.set (\d+)"):
            if text.imports.get((function.module, "global", match[1]), ("", ""))[1] == "staging.top":
                yield change(text, i)
    return defect


def grows_guest(text):
    for function in text.functions:
        if function.generated and "->" in function.name:
            memories = [line for line in text.lines[text.parts[function.module][0]:text.parts[function.module][1]]
                        if re.match(r'\s*\(import "core instance \d+" "memory"', line)]
            if memories:
                yield before(text, mutate_fused.beginning(text, function), "i32.const 1 memory.grow 0 drop")


DEFECTS = {
    "counter-of-all-entries": combined(
        in_table(("new",), ("i32.store offset=8", "local.get 2"), lambda text, i: behind(
            text, i, "global.get $borrows i32.const 1 i32.add global.set $borrows")),
        in_table(("drop",), ("local.get 5", "local.get 2", "call_indirect*"), lambda text, i: before(
            text, i, "global.get $borrows i32.const 1 i32.sub global.set $borrows")),
        in_table(("take",), ("local.get 3", "i32.const 0", "i32.store"), lambda text, i: before(
            text, i, "global.get $borrows i32.const 1 i32.sub global.set $borrows"))),
    "flag-by-wrapper": in_wrappers(lambda index: f"i32.const 0 global.set {index}"),
    "flag-raised-by-wrapper": in_wrappers(lambda index: f"i32.const 3 global.set {index}"),
    "flag-at-start": in_modules("router base", '(func $begin i32.const 0 global.set $"may_leave 2" i32.const 0 global.set $"may_leave 3") (start $begin)'),
    "flag-at-start-of-all": in_modules("router base", "".join(
        ["(func $begin "] + [f'i32.const 0 global.set $"may_leave {n}" ' for n in (2, 3)] + [") (start $begin)"])),
    "top-at-start": in_modules("handle table", "(func $begin i32.const 5000 global.set $top) (start $begin)"),
    "top-near-end-at-start": in_modules("handle table", "(func $begin i32.const -2 global.set $top) (start $begin)"),
    "borrows-at-start": in_modules("handle table", "(func $begin i32.const 1 global.set $borrows) (start $begin)"),
    "free-at-start": in_modules("handle table", "(func $begin i32.const 3 global.set $free) (start $begin)"),
    "traps-at-start": in_modules("handle table", "(func $begin unreachable) (start $begin)"),
    "traps-at-start-of-base": in_modules("router base", "(func $begin i32.const 0 i32.load drop unreachable) (memory 1) (start $begin)"),
    "data-beyond": in_modules("handle table", '(data (i32.const 70000) "x")'),
    "data-in-table": in_modules("handle table", '(data (i32.const 16) "\\ff\\ff\\ff\\ff")'),
    "data-in-links": in_modules("handle table", '(data (i32.const 28) "\\ff\\ff\\ff\\ff")'),
    "elements-beyond": in_modules("router base", '(elem (table 0) (i32.const 99) func $"no destructor")'),
    "elements-over-destructors": in_modules("router base", '(elem (table 0) (i32.const 1) func $"no destructor")'),
    "slots-emptied-at-start": in_modules("handle table", "(func $begin i32.const 1 ref.null func table.set 0) (start $begin)"),
    "noted-lends-not-kept": noted_lends(lambda text, i: {i: "drop"}),
    "noted-lends-over-others": noted_lends(lambda text, i: {i: f"drop i32.const 0 {text.lines[i].strip()}"}),
    "grows-guest-memory": grows_guest,
    "unlend-removed": at_calls(is_table("unlend"), lambda text, i, f, n: {i: "drop"}),
    "unlend-of-another": at_calls(is_table("unlend"), lambda text, i, f, n: {i: f"drop i32.const 1 call {n}"}),
    "unlend-of-next": at_calls(is_table("unlend"), lambda text, i, f, n: {i: f"i32.const 1 i32.add call {n}"}),
    "unlend-before-callee": at_calls(is_table("lend"), lambda text, i, f, n: behind(
        text, i, "".join(f"{text.lines[i - 1].strip()} call {m}" for (module, kind, m), one in text.imports.items()
                         if (module, kind) == (f.module, "func") and one[1] == "unlend"))),
    "lend-twice": at_calls(is_table("lend"), lend_twice),
    "unlend-twice": at_calls(is_table("unlend"), lambda text, i, f, n: {
        i: f"{text.lines[i]}\n{text.lines[i - 1].strip()}\n{text.lines[i]}"}),
    "lend-of-another": at_calls(is_table("lend"), lambda text, i, f, n: {i - 1: f"{text.lines[i - 1]} i32.const 1 i32.xor"}),
    "flag-never-back": lambda text: (without(i - 1, 2) for i, _, _ in flag_places(text, 1)),
    "flag-back-wrong": lambda text: ({i - 1: "i32.const 2"} for i, _, _ in flag_places(text, 1)),
    "flag-stays-up": lambda text: ({i - 1: "i32.const 0"} for i, _, _ in flag_places(text, 1)),
    "flag-around-callee": flag_around_callee,
    "counter-with-zero": counter(compared_with_zero),
    "counter-off-by-one": counter(lambda text, i, f, n: behind(text, i, "i32.const 1 i32.add")),
    "counter-of-nothing": counter(lambda text, i, f, n: {i: "i32.const 0"}),
    "counter-down-twice": in_table(("drop", "drop_alike"), ("global.get $borrows", "i32.const -1"),
                                   lambda text, i: {i + 1: "i32.const -2"}),
    "counter-not-down": in_table(("drop", "drop_alike"), ("global.get $borrows", "i32.const -1"),
                                 lambda text, i: {i + 1: "i32.const 0"}),
    "counter-up-by-own": in_table(("new",), ("i32.store offset=8", "local.get 2"), lambda text, i: behind(
        text, i, "global.get $borrows i32.const 1 i32.add global.set $borrows")),
    "counter-up-twice": in_table(("borrow",), ("global.get $borrows", "i32.const 1"), lambda text, i: {i + 1: "i32.const 2"}),
    "counter-down-by-own": in_table(("drop", "drop_alike"), ("local.get 4", "i32.const 2", "i32.and"), lambda text, i: before(
        text, i, "global.get $borrows i32.const 1 i32.sub global.set $borrows")),
    "counter-down-by-take": in_table(("take",), ("local.get 3", "i32.const 0", "i32.store"), lambda text, i: before(
        text, i, "global.get $borrows i32.const 1 i32.sub global.set $borrows")),
    "lend-over-tag": in_table(("lend",), ("i32.store offset=8",), lambda text, i: {i: "i32.store"}),
    "lend-over-rep": in_table(("lend",), ("i32.store offset=8",), lambda text, i: {i: "i32.store offset=4"}),
    "lend-over-link": in_table(("lend",), ("i32.store offset=8",), lambda text, i: {i: "i32.store offset=12"}),
    "lend-over-next": in_table(("lend",), ("i32.store offset=8",), lambda text, i: {i: "i32.store offset=16"}),
    "lend-by-two": in_table(("lend",), ("i32.const 1", "i32.add", "local.tee 4"), lambda text, i: {i: "i32.const 2"}),
    "unlend-of-link": in_table(("unlend",), ("i32.store offset=8",), lambda text, i: {i: "i32.store offset=12"}),
    "unlend-by-two": in_table(("unlend",), ("i32.const 1", "i32.sub"), lambda text, i: {i: "i32.const 2"}),
    "unlend-to-zero": in_table(("unlend",), ("i32.const 1", "i32.sub"), lambda text, i: {i: "drop", i + 1: "i32.const 0"}),
    "take-not-cleared": in_table(("take",), ("local.get 3", "i32.const 0", "i32.store"), lambda text, i: without(i, 3)),
    "drop-not-cleared": in_table(("drop", "drop_alike"), ("local.get 3", "i32.const 0", "i32.store"), lambda text, i: without(i, 3)),
    "new-keeps-lends": in_table(("new", "borrow"), ("i32.const 0", "i32.store offset=8"), lambda text, i: {i: "i32.const 1"}),
    "wrong-index-freed": in_table(("take", "drop", "drop_alike"), ("local.get 1", "global.set $free"), lambda text, i: {i: "i32.const 1"}),
    "place-freed": in_table(("take", "drop", "drop_alike"), ("local.get 1", "global.set $free"), lambda text, i: {i: "local.get 3"}),
    "link-lost": in_table(("take", "drop", "drop_alike"), ("local.get 3", "global.get $free", "i32.store offset=12"),
                          lambda text, i: {i + 1: "i32.const 7"}),
    "freed-twice": in_table(("new", "borrow"), ("i32.load offset=12", "global.set $free"), lambda text, i: {i + 1: "drop"}),
    "grows-late": in_table(("new", "borrow"), ("memory.size", "i32.const 12"), lambda text, i: {i + 1: "i32.const 13"}),
    "full-at-one-page": in_table(("new", "borrow"), ("memory.grow", "i32.const -1", "i32.eq"), lambda text, i: {
        i: "drop memory.size", i + 1: "i32.const 1"}),
    "full-at-sixteen-pages": in_table(("new", "borrow"), ("memory.grow", "i32.const -1", "i32.eq"), lambda text, i: {
        i + 1: "i32.const 16", i + 2: "i32.ge_u"}),
    "full-at-entry": in_table(("new", "borrow"), ("local.get 2", "global.set $top"), lambda text, i: before(
        text, i, "local.get 2 i32.const 5000 i32.eq if unreachable end")),
    "memory-of-one-page": memory_with_end(1),
    "memory-of-many-pages": memory_with_end(64),
    "top-moves-twice": in_table(("new", "borrow"), ("local.get 2", "global.set $top"), lambda text, i: behind(
        text, i, "i32.const 1 i32.add")),
    "rep-of-next": in_table(("rep", "lend", "take", "drop"), ("i32.load offset=4",), lambda text, i: {i: "i32.load offset=20"}),
    "rep-of-tag": in_table(("rep", "lend", "take", "drop"), ("i32.load offset=4",), lambda text, i: {i: "i32.load"}),
    "own-as-borrow": in_table(("new",), ("i32.const 1", "i32.or"), lambda text, i: {i: "i32.const 3"}),
    "borrow-as-own": in_table(("borrow",), ("i32.const 3", "i32.or"), lambda text, i: {i: "i32.const 1"}),
    "no-check-of-kind": in_table(("drop",), ("i32.const 2", "i32.and", "if*"), lambda text, i: {i: "i32.const 0"}),
    "destructor-of-borrow": in_table(("drop",), ("global.set $borrows",), lambda text, i: behind(
        text, i, "local.get 5 local.get 2 call_indirect (type 2)")),
    "destructor-twice": in_table(("drop", "drop_alike"), ("call_indirect*",), lambda text, i: behind(
        text, i, "local.get 5 local.get 2 call_indirect (type 2)")),
    "destructor-of-index": in_table(("drop", "drop_alike"), ("local.get 5", "local.get 2", "call_indirect*"),
                                    lambda text, i: {i: "local.get 1"}),
    "no-destructor": in_table(("drop", "drop_alike"), ("call_indirect*",), lambda text, i: {i: "drop drop"}),
    "destructor-slot-off": in_table(("drop", "drop_alike"), ("local.get 2", "call_indirect*"), lambda text, i: behind(
        text, i, "i32.const 1 i32.xor")),
    "destructor-of-even": in_table(("drop", "drop_alike"), ("call_indirect*",), lambda text, i: {
        i: f"i32.const 0 local.get 5 i32.const 1 i32.and select\n{text.lines[i]}"}),
    "tables-swapped": swapped_arguments,
    "other-instance": other_instance,
    "slot-moved": moved_slot,
    "slots-swapped": swapped_slots,
    "tag-of-new": at_calls(is_table("new"), lambda text, i, f, n: argument_before(text, i, lambda v: v ^ 1)),
    "tag-of-take": at_calls(is_table("take"), lambda text, i, f, n: argument_before(text, i, lambda v: v ^ 1)),
    "tag-of-lend": at_calls(is_table("lend"), lambda text, i, f, n: argument_before(text, i, lambda v: v ^ 1)),
    "tag-of-borrow": at_calls(is_table("borrow"), lambda text, i, f, n: argument_before(text, i, lambda v: v ^ 1)),
    "slot-of-drop": at_calls(is_table("drop"), lambda text, i, f, n: argument_before(text, i, lambda v: v - 1 if v else v + 1)),
    "slot-of-drop-up": at_calls(is_table("drop"), lambda text, i, f, n: argument_before(text, i, lambda v: v + 1)),
    "check-traps": guest_traps,
    "traps-on-length-2": trap_on_length(2),
    "traps-on-length-5": trap_on_length(5),
    "traps-on-length-0": trap_on_length(0),
    "traps-on-length-100000": trap_on_length(100000),
    "traps-on-value-7": trap_on(7),
    "traps-on-value-0": trap_on(0),
    "loop-begins-at-1": loop_begins,
    "loop-ends-early": loop_ends,
    "results-four-later": other_argument(4),
    "results-at-null": other_argument(-4),
    "post-return-dropped": at_calls(lambda instance, name: name.startswith("cabi_post_"), lambda text, i, f, n: {i: "drop"}),
    "post-return-moved": at_calls(lambda instance, name: name.startswith("cabi_post_"),
                                  lambda text, i, f, n: {i: f"i32.const 4 i32.add {text.lines[i].strip()}"}),
    "post-return-twice": at_calls(lambda instance, name: name.startswith("cabi_post_"), lambda text, i, f, n: {
        i: f"{text.lines[i]}\n{text.lines[i - 1].strip()}\n{text.lines[i]}"}),
    "callee-twice": at_calls(is_callee, lambda text, i, f, n: {i: f"{text.lines[i]}\n{text.lines[i - 1].strip()}\n{text.lines[i]}"}
                             if text.target(n, f).signature == "(param i32)" else None),
    "realloc-one-byte-less": at_calls(lambda instance, name: name == "cabi_realloc",
                                      lambda text, i, f, n: {i: f"i32.const 1 i32.sub {text.lines[i].strip()}"}),
    "copy-one-byte-less": in_bridges(("memory.copy*",), lambda text, i: {i: f"i32.const 1 i32.sub {text.lines[i].strip()}"}),
    "own-not-taken": at_calls(is_table("take"), lambda text, i, f, n: {
        i: "".join(f"call {m}" for (module, kind, m), one in text.imports.items()
                   if (module, kind) == (f.module, "func") and one[1] == "lend")}),
    "handle-raw": at_calls(is_table("take"), lambda text, i, f, n: {i: "i32.add"}),
}


def routed_files(program, folder, names):
    shared = os.environ.get("MELD_VERIFY_SHARED")
    files = sorted(path for pattern in FILES for path in ROOT.glob(pattern))
    files += sorted(pathlib.Path(shared).glob("real/*/composed.wasm")) if shared else []
    files = [path for path in files if any(name in str(path) for name in names or NAMES)]
    seen = set()
    for composed in files:
        binary = composed.read_bytes()
        name = composed.parent.name if composed.stem == "composed" else composed.stem
        routed = pathlib.Path(folder) / f"{name}.routed.wasm"
        if binary not in seen and subprocess.run([program, "route", composed, "-o", routed], capture_output=True, timeout=120).returncode == 0:
            seen.add(binary)
            yield name, composed, routed


def check(program, only, each, folder, names):
    counts = {name: collections.Counter() for name in DEFECTS if only in name}
    proved = 0
    for base, composed, routed in routed_files(program, folder, names):
        text = Routed(routed, composed)
        borrows = any(one[1] == "borrow" for one in text.imports.values())
        end = None
        for name in counts:
            made = 0
            if name.startswith(OF_BORROWS) and not borrows:
                continue
            for changed in DEFECTS[name](text):
                out = pathlib.Path(folder) / f"{base}.{name}.{made}.wasm"
                if made == each or not mutate_fused.written(text, changed, out):
                    break
                made += 1
                verdict = verdict_side.ask(program, composed, out)
                if verdict.word == "proved" and verdict_side.ask(program, composed, out, "--latent").word != "proved":
                    counts[name]["latent"] += 1  # nothing reaches it
                    out.unlink()
                    continue
                counts[name][verdict.word] += 1
                assumed = name in ASSUMED and any(ASSUMED[name] in str(one) for one in verdict.report.get("assumptions", ()))
                if verdict.word not in ("proved", "broken"):
                    out.unlink()
                elif verdict.word == "broken" or not assumed and name not in HARMLESS:
                    proved += 1
                    end = end or fused_side.end_of(composed.read_bytes())
                    where = next((f.name for f in text.functions if set(changed) & set(f.lines)), "")
                    print(f"{verdict}: {name} in {base} {where}: {changed}; the run {fused_side.end_of(out.read_bytes())}, composed {end}", flush=True)
    for name, count in counts.items():
        print(f"{name}: " + ("; ".join(f"{n} {word}" for word, n in count.most_common()) or "NOT PLANTED"))
    return 1 if proved or not any(counts.values()) else 0


def main():
    arguments, program, only, each, keep, names = sys.argv[1:], None, "", 2, None, []
    while arguments:
        word = arguments.pop(0)
        if word == "--only" and arguments:
            only = arguments.pop(0)
        elif word == "--file" and arguments:
            names.append(arguments.pop(0))
        elif word == "--each" and arguments:
            each = int(arguments.pop(0))
        elif word == "--keep" and arguments:
            keep = pathlib.Path(arguments.pop(0))
            keep.mkdir(parents=True, exist_ok=True)
        elif program is None and not word.startswith("--"):
            program = word
        else:
            print(__doc__, file=sys.stderr)
            return 2
    if program is None:
        print(__doc__, file=sys.stderr)
        return 2
    if missing := fused_side.missing():
        print(f"SKIPPED: {missing}")
        return 77
    with tempfile.TemporaryDirectory() as scratch:
        return check(program, only, each, keep or scratch, names)


if __name__ == "__main__":
    sys.exit(main())
