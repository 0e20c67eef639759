#pragma once

// For tests: core modules written as text.

#include <wabt/binary-writer.h>
#include <wabt/error.h>
#include <wabt/feature.h>
#include <wabt/ir.h>
#include <wabt/stream.h>
#include <wabt/wast-lexer.h>
#include <wabt/wast-parser.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace meld_verify::wasm {

/// The binary form of a module in the text format, with all features that wabt knows. Throws where the text
/// is wrong.
inline std::vector<std::uint8_t> assemble(std::string_view text) {
  wabt::Features features;
  features.EnableAll();
  wabt::Errors errors;
  const auto lexer = wabt::WastLexer::CreateBufferLexer("text", text.data(), text.size(), &errors);
  std::unique_ptr<wabt::Module> module;
  wabt::WastParseOptions parse(features);
  wabt::MemoryStream stream;
  constexpr bool kCanonical = true, kRelocatable = false, kNames = true;
  if (wabt::Failed(wabt::ParseWatModule(lexer.get(), &module, &errors, &parse)) ||
      wabt::Failed(wabt::WriteBinaryModule(
          &stream, module.get(), wabt::WriteBinaryOptions(features, kCanonical, kRelocatable, kNames)))) {
    throw std::invalid_argument(errors.empty() ? "wabt gives no reason" : errors[0].message);
  }
  return stream.ReleaseOutputBuffer()->data;
}

}  // namespace meld_verify::wasm
