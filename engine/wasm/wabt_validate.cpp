#include <wabt/binary-reader-ir.h>
#include <wabt/binary-reader.h>
#include <wabt/error.h>
#include <wabt/feature.h>
#include <wabt/ir.h>
#include <wabt/validator.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "engine/wasm/validate.h"

namespace meld_verify::wasm {
namespace {

/// The number after `mark` in a complaint, as wabt 1.0.32 writes it: "-0x32", "0xfc", "8".
std::optional<std::int64_t> number_after(std::string_view complaint, std::string_view mark) {
  const std::size_t at = complaint.find(mark);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  return std::strtoll(std::string(complaint.substr(at + mark.size())).c_str(), nullptr, 0);
}

/// The feature of a type that wabt does not know, written as a byte; none: no feature has it.
std::string_view feature_of_type(std::uint8_t code) {
  switch (code) {
    case 0x63:
    case 0x64:
      return "typed references";
    case 0x65:
      return "shared-everything threads";
    case 0x69:
    case 0x74:
      return "exception handling with exnref";
    case 0x5d:
    case 0x68:
    case 0x75:
      return "stack switching";
    case 0x4c:
    case 0x4d:
    case 0x62:
      return "custom descriptors";
    default:
      return (code >= 0x4e && code <= 0x50) || code == 0x5e || code == 0x5f ||
                     (code >= 0x6a && code <= 0x6e) || (code >= 0x71 && code <= 0x73)
                 ? "garbage collection"
                 : "";
  }
}

std::string_view feature_of_opcode(std::int64_t opcode, std::int64_t second) {
  switch (opcode) {
    case 0x0a:
    case 0x1f:
      return "exception handling with exnref";
    case 0x14:
    case 0x15:
    case 0xd4:
    case 0xd5:
    case 0xd6:
      return "typed references";
    case 0xd3:
    case 0xfb:
      return "garbage collection";
    case 0xfc:
      return second >= 0x13 && second <= 0x16 ? "wide arithmetic" : "";
    case 0xfe:
      return second >= 0x4f && second <= 0x77 ? "shared-everything threads" : "";
    default:
      return opcode >= 0xe0 && opcode <= 0xe6 ? "stack switching" : "";
  }
}

/// The feature, newer than wabt 1.0.32, that a complaint of its reader is about; empty: the module is wrong.
/// `before` is the byte before the place of the complaint.
std::string_view newer_feature(std::string_view complaint, std::uint8_t before) {
  if (const auto opcode = number_after(complaint, "unexpected opcode: ")) {
    const std::size_t at = complaint.find(" 0x", complaint.find(": ") + 2);
    const std::int64_t second =
        at == std::string_view::npos ? -1 : number_after(complaint.substr(at), " ").value_or(-1);
    return feature_of_opcode(*opcode, second);
  }
  for (const std::string_view mark : {"type form (got ", "type (got ", "global type: ", "invalid type: "}) {
    if (const auto code = number_after(complaint, mark)) {
      return feature_of_type(static_cast<std::uint8_t>(*code & 0x7f));
    }
  }
  if (const auto flags = number_after(complaint, "malformed memory limits flag: ")) {
    return *flags >= 8 && *flags < 16 ? "custom page sizes" : "";
  }
  if (complaint.find("tables may not be 64-bit") != std::string_view::npos) {
    return "tables with 64-bit indices";
  }
  if (complaint.find("tables may not be shared") != std::string_view::npos) {
    return "shared-everything threads";
  }
  if (complaint.find("table elem type must be a reference type") != std::string_view::npos) {
    return before == 0x40 ? "tables with an initial value" : feature_of_type(before);
  }
  if (complaint.find("malformed import kind: 32") != std::string_view::npos) {
    return "custom descriptors";
  }
  return "";
}

}  // namespace

Validation validate_module(std::span<const std::uint8_t> bytes, ByteOffset base) {
  wabt::Features features;
  features.EnableAll();
  features.disable_function_references();  // a draft of it, in which a ref.func is no funcref
  constexpr bool kNames = false, kFirstOnly = true, kCustomSections = false;
  const wabt::ReadBinaryOptions options(features, nullptr, kNames, kFirstOnly, kCustomSections);
  wabt::Errors errors;
  wabt::Module module;
  bool good =
      wabt::Succeeded(wabt::ReadBinaryIr("module", bytes.data(), bytes.size(), options, &errors, &module));
  if (good) {
    good = wabt::Succeeded(wabt::ValidateModule(&module, &errors, wabt::ValidateOptions(features)));
  }
  if (good) {
    return {};
  }
  Validation said{
      .validity = Validity::kInvalid, .offset = base, .sentence = "wabt gives no reason", .feature = {}};
  if (errors.empty()) {
    return said;
  }
  said.offset.value += std::min<std::uint64_t>(errors[0].loc.offset, bytes.size());
  said.sentence = errors[0].message;
  const std::uint64_t at = said.offset.value - base.value;
  said.feature = newer_feature(said.sentence, at == 0 ? std::uint8_t{0} : bytes[at - 1]);
  if (!said.feature.empty()) {
    said.validity = Validity::kLimit;
  }
  return said;
}

}  // namespace meld_verify::wasm
