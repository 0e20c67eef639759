#!/usr/bin/env python3
"""Breaks the reference machine in one place at a time and demands that its properties notice.

usage: mutants.py --root SOURCE --library LIB --objects OBJECT... [--compiler C++] [--only WORD]

Each mutant is one source of spec/ with one text replaced, compiled and linked before the library, so that it takes
the place of the library's own. A mutant that the properties pass is printed, exit 1; so is a text that is no longer
there.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

# name: file, text, text in its place
MUTANTS = {
    "I1: index 0 is handed out": ("handle_table.cpp", "free_.push_back(index);",
                                  "free_.push_back(index.value == 1 ? HandleIndex(0u) : index);"),
    "I2: a freed index is not reused": ("handle_table.cpp", "free_.push_back(index);", ""),
    "2.2: the index freed first is reused": ("handle_table.cpp", "free_.push_back(index);",
                                             "free_.insert(free_.begin(), index);"),
    "2.2: a gone index is known": ("handle_table.cpp", "**entry = Entry{};",
                                   "**entry = Entry{}; (*entry)->kind = taken.kind;"),
    "2.2: one index more than there is room for": ("handle_table.cpp", "index.value > max_index_",
                                                   "index.value > max_index_ + 1"),
    "2.2: types are not compared": ("machine.cpp", "if (entry.tag != type)", "if (false)"),
    "I3: an own is copied, not moved": ("instance_side.cpp", "const auto taken = table().take(index);",
                                        "const auto found = table().look(index);\n"
                                        "  if (!found) { return machine_.entry_trap(found.error(), instance_, index); }\n"
                                        "  tl::expected<Entry, TrapClass> taken = **found;"),
    "I4: a borrow is not counted": ("instance_side.cpp", "task_->borrows += 1;", ""),
    "I4: a dropped borrow counts on": ("resource.cpp", "taken->scope->borrows -= 1;", ""),
    "I5: a lend is not counted": ("instance_side.cpp", "entry.lends += 1;", ""),
    "I5: a lend does not come back": ("call.cpp", "entry.lends -= 1;", ""),
    "I5: the host's lend does not come back": ("call.cpp", "host_owned_.at(object).lends -= 1;", ""),
    "I6: remaining borrows pass": ("call.cpp", "if (task.borrows > 0)", "if (false)"),
    "I7: what is lent can be given away": ("instance_side.cpp", "if (taken->lends > 0)", "if (false)"),
    "I8: the definer gets a borrow entry": ("instance_side.cpp",
                                            "if (machine_.definer(handle.type) == instance_)", "if (false)"),
    "I8: everybody gets the rep": ("instance_side.cpp",
                                   "if (machine_.definer(handle.type) == instance_)", "if (true)"),
    "I9: no destructor": ("resource.cpp", "if (taken->kind == EntryKind::kOwn)", "if (false)"),
    "I9: a destructor for borrows too": ("resource.cpp", "if (taken->kind == EntryKind::kOwn)", "if (true)"),
    "I9: the destructor gets the index": ("resource.cpp",
                                          "destruction_of(instance, type, taken->rep, taken->object)",
                                          "destruction_of(instance, type, Rep(index.value), taken->object)"),
    "I12: a trapped machine goes on": ("machine.cpp", "if (first_trap_) {\n    return trap(TrapClass::kDead",
                                       "if (false) {\n    return trap(TrapClass::kDead"),
    "2.4: a borrow passes for an own": ("instance_side.cpp", "if (taken->kind == EntryKind::kBorrow)",
                                        "if (false)"),
    "2.5 step 2: an instance on the stack is entered": ("call.cpp", "return one.may_enter\n", "return true\n"),
    "2.5 step 10: post-return may leave": ("call.cpp", "at(instance).may_leave = false;", ""),
    "2.5 step 11: leaving restores nothing": ("call.cpp", "one.may_enter = true;", ""),
    "P2: a joined slot keeps its upper half": ("lift.cpp", "half ? slot.bits & 0xffffffff : slot.bits", "slot.bits"),
    "P4: discriminants are not checked": ("lift.cpp", "if (chosen >= type.parts.size())", "if (false)"),
    "section 3: fields are not aligned": ("types.cpp", "align_to(type.size, field.type->alignment)", "type.size + 0"),
    "section 3: the tail is not padded": ("types.cpp",
                                          "type.size = align_to(type.payload_offset + payload_size, type.alignment);",
                                          "type.size = type.payload_offset + payload_size;"),
    "section 3: lists are not bounds checked": ("lift.cpp",
                                                'SPEC_CHECK(check_area(*memory_, address, bytes, element.alignment, "the list"));',
                                                ""),
    "section 3: surrogates are chars": ("lift.cpp", "if (!is_scalar_value(point))", "if (point >= 0x110000)"),
}


def run(command):
    environment = os.environ | {"RC_PARAMS": "noshrink=1"}
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)


def verdict(options, folder, name, mutant):
    """Nothing if the properties notice; else what went wrong."""
    file, text, replacement = mutant
    source = (options.root / "spec" / file).read_text(encoding="utf-8")
    if source.count(text) < 1:
        return f"{file} has no longer the text {text!r}"
    changed = folder / "spec" / file
    changed.parent.mkdir(exist_ok=True)
    changed.write_text(source.replace(text, replacement, 1), encoding="utf-8")
    binary = folder / "mutant"
    compiled = run([options.compiler, "-std=c++20", "-O1", "-w", "-I", str(folder), "-I", str(options.root), str(changed),
                    *map(str, options.objects), str(options.library), "-lrapidcheck", "-lgtest_main", "-lgtest",
                    "-lpthread", "-o", str(binary)])
    changed.unlink()
    if compiled.returncode != 0:
        return "does not compile:\n" + compiled.stdout
    try:
        tested = run([str(binary)])
    except subprocess.TimeoutExpired:
        return None  # an endless loop is noticed too
    if tested.returncode == 0:
        return "the properties pass"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=pathlib.Path, required=True)
    parser.add_argument("--library", type=pathlib.Path, required=True)
    parser.add_argument("--objects", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--compiler", default="c++")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, mutant in MUTANTS.items():
            if options.only in name:
                wrong = verdict(options, pathlib.Path(folder), name, mutant)
                print(f"{name}: {wrong or 'noticed'}", flush=True)
                failed += wrong is not None
    return 1 if failed else 0


sys.exit(main())
