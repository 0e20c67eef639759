// Bytes that were a core module once: whatever is done to them, reading and rewriting them ends; and what
// wabt calls valid is read.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "engine/wasm/instruction.h"
#include "engine/wasm/rewrite.h"
#include "engine/wasm/validate.h"
#include "engine/wasm/wabt_text.h"
#include "spec/property.h"

namespace meld_verify::wasm {
namespace {

using Bytes = std::vector<std::uint8_t>;

const Bytes& original() {
  static const Bytes bytes = assemble(R"((module
    (type $binary (func (param i32 i32) (result i32)))
    (import "a" "f" (func $f (param i32 i64) (result f32 f64)))
    (import "a" "g" (global i32))
    (import "a" "t" (table 3 funcref))
    (import "a" "e" (tag (param i32)))
    (memory 1 4) (memory 1)
    (table 4 8 funcref)
    (global (mut i64) (i64.const -5))
    (global funcref (ref.func $h))
    (export "h" (func $h)) (export "memory" (memory 0)) (export "s" (func $start))
    (start $start)
    (elem (i32.const 1) $h $f)
    (elem (table 1) (global.get 0) funcref (ref.func $h) (ref.null func))
    (elem $passive funcref (ref.func $f))
    (elem declare func $f)
    (func $h (type $binary) (local i64 f64 v128)
      (block $out (result i32)
        (loop $again
          (br_if $again (i32.eqz (local.get 0)))
          (br_table $again $again (local.get 1)))
        (if (result i32) (local.get 0)
          (then (call $h (i32.load offset=300 (local.get 0)) (i32.const -70000)))
          (else (call_indirect (type $binary) (i32.const 1) (i32.const 2) (i32.const 3))))))
    (func $start
      (memory.copy 1 0 (i32.const 1) (i32.const 2) (i32.const 3))
      (memory.init 1 $d (i32.const 1) (i32.const 2) (i32.const 3))
      (table.init 1 $passive (i32.const 1) (i32.const 0) (i32.const 1))
      (drop (i32x4.extract_lane 1 (v128.const i32x4 1 2 3 4)))
      (drop (i32.atomic.rmw.add offset=4 (i32.const 0) (i32.const 1)))
      (try (do (throw 0 (i32.const 1))) (catch 0 drop) (catch_all))
      (drop (select (result i32) (i32.const 1) (i32.const 2) (i32.trunc_sat_f64_s (f64.const 1.5))))
      (drop (ref.func $f))
      (return_call $start))
    (data (i32.const 8) "some data")
    (data $d "passive")))");
  return bytes;
}

/// Changes a byte, puts one in, or takes some away; more often in the middle of what matters.
void edit(Bytes& bytes) {
  const std::size_t at = spec::below(bytes.size() + 1);
  const auto here = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  const auto byte = [] {
    return spec::below(2) == 0 ? static_cast<std::uint8_t>(spec::below(256))
                               : *rc::gen::element<std::uint8_t>(0, 1, 2, 3, 0x0b, 0x40, 0x7f, 0x80, 0xff);
  };
  switch (spec::below(8)) {
    case 0:
      bytes.insert(here, byte());
      break;
    case 1:
      bytes.erase(here, here + std::min<std::ptrdiff_t>(bytes.end() - here, spec::below(20)));
      break;
    case 2:
      bytes.erase(here, bytes.end());
      break;
    default:
      if (at < bytes.size()) {
        *here = byte();
      }
  }
}

/// Whether wabt 1.0.32 calls modules valid that have this fault and are invalid.
bool wabt_does_not_mind(const Diagnostic& fault) {
  const std::string& within = fault.place.within;
  return within == "section 0 of a core module" ||              // names of custom sections
         (within == "core module" && fault.code == "count") ||  // data announced and no data section
         (within == "section 11 of a core module" && fault.code == "segment-flags") ||
         within == "instructions";  // a prefix in the place of ref.func or ref.null in an element segment
}

enum class Code { kReadable, kUnreadable, kUnclosed };

/// Reads all instructions. kUnclosed: blocks are open at the end of a body, which wabt 1.0.32 does not mind.
Code read_all(const Bytes& bytes, const Module& module) {
  Instruction instruction;
  for (const Function& function : module.functions) {
    RC_ASSERT(function.body.begin <= function.code.begin && function.code.begin <= function.code.end &&
              function.code.end.value <= bytes.size());
    InstructionReader reader(
        std::span<const std::uint8_t>(bytes).subspan(function.code.begin.value,
                                                     function.code.end.value - function.code.begin.value),
        function.code.begin, "mutant");
    ByteOffset last = function.code.begin;
    while (reader.next(instruction)) {
      RC_ASSERT(instruction.begin == last && instruction.end > last && instruction.end <= function.code.end);
      last = instruction.end;
    }
    if (!reader.ok()) {
      RC_LOG() << to_string(reader.failure());
      RC_ASSERT(reader.failure().place.offset->value <= bytes.size());
      RC_ASSERT(!reader.next(instruction));
      return last == function.code.end ? Code::kUnclosed : Code::kUnreadable;
    }
    RC_ASSERT(last == function.code.end);
  }
  return Code::kReadable;
}

TEST(Mutation, EndsAndReadsWhatIsValid) {
  ASSERT_EQ(validate_module(original(), {}).validity, Validity::kValid)
      << validate_module(original(), {}).sentence;
  spec::Tally met;
  spec::hold("mutants of a module are read to the end or refused", 10'000, [&] {
    Bytes bytes = original();
    for (std::uint32_t edits = 1 + spec::below(3); edits > 0; --edits) {
      edit(bytes);
    }
    bool valid = validate_module(bytes, {}).validity == Validity::kValid;
    const auto module = decode_module(bytes, {}, "mutant");
    if (!module) {
      RC_LOG() << to_string(module.error());
      RC_ASSERT(!valid || wabt_does_not_mind(module.error()));
      RC_ASSERT(module.error().place.offset->value <= bytes.size());
      ++met["refused"];
      return;
    }
    const Code code = read_all(bytes, *module);
    const bool readable = code == Code::kReadable;
    valid = valid && code != Code::kUnclosed;
    RC_ASSERT(readable || !valid);
    ++met[readable ? "readable" : "unreadable"];
    std::vector<Probe> probes;
    for (std::uint32_t i = 0; i < 2 && !module->function_types.empty(); ++i) {
      probes.push_back({spec::below(module->function_types.size()), "enter", "leave"});
    }
    const auto made = with_probes(bytes, {}, "mutant", probes, "probe");
    if (made && valid) {
      RC_ASSERT(validate_module(*made, {}).validity == Validity::kValid);
      ++met["valid with probes"];
    }
    if (!made) {
      RC_ASSERT(!valid || made.error().code == "probe-type");
    }
  });
  spec::expect_met(met,
                   {{"refused", 1000}, {"unreadable", 100}, {"readable", 1000}, {"valid with probes", 300}});
}

TEST(Mutation, OfCodeEnds) {
  spec::Tally met;
  spec::hold("any bytes are instructions or not", 20'000, [&] {
    const auto bytes =
        *rc::gen::resize(60, rc::gen::container<Bytes>(rc::gen::oneOf(
                                 rc::gen::arbitrary<std::uint8_t>(),
                                 rc::gen::element<std::uint8_t>(0x0b, 0x02, 0x41, 0x10, 0x0e, 0x1f, 0xfb,
                                                                0xfc, 0xfd, 0xfe, 0, 1, 2))));
    InstructionReader reader(bytes, {}, "bytes");
    Instruction instruction;
    std::size_t count = 0;
    while (reader.next(instruction)) {
      ++count;
    }
    RC_ASSERT(count <= bytes.size());
    RC_ASSERT(reader.ok() == (reader.depth() == 0 && instruction.end.value == bytes.size()));
    ++met[reader.ok() ? "read" : "refused"];
    met["instructions"] += static_cast<int>(count);
  });
  spec::expect_met(met, {{"read", 10}, {"refused", 1000}, {"instructions", 20'000}});
}

}  // namespace
}  // namespace meld_verify::wasm
