#pragma once

// Decodes what a test has built, and says of a refusal what the test compares.

#include <gtest/gtest.h>

#include "engine/component/binary_builder.h"
#include "engine/component/decode.h"

namespace meld_verify::component::build {

/// The composition; none, and a failure of the test with the diagnostic, where it is refused.
inline Composition decoded(const Component& made) {
  auto composition = decode(made.bytes(), "t.wasm");
  if (!composition) {
    ADD_FAILURE() << wasm::to_string(composition.error());
    return {};
  }
  return std::move(*composition);
}

/// "code: sentence" of a refusal as bad input, with its place checked to be inside the bytes; "" when it is
/// taken.
inline std::string refusal(const Bytes& bytes, wasm::DiagnosticKind kind = wasm::DiagnosticKind::kBadInput) {
  const auto composition = decode(bytes, "t.wasm");
  if (composition) {
    return "";
  }
  const wasm::Diagnostic& wrong = composition.error();
  EXPECT_EQ(wrong.kind, kind) << wasm::to_string(wrong);
  EXPECT_TRUE(wrong.place.offset && wrong.place.offset->value <= bytes.size()) << wasm::to_string(wrong);
  EXPECT_EQ(wrong.place.file, "t.wasm");
  return wrong.code + ": " + wrong.sentence;
}
inline std::string refusal(const Component& made,
                           wasm::DiagnosticKind kind = wasm::DiagnosticKind::kBadInput) {
  return refusal(made.bytes(), kind);
}

/// The codes of what is out of scope, in order.
inline std::vector<std::string> unsupported(const Composition& composition) {
  std::vector<std::string> codes;
  for (const Unsupported& item : composition.unsupported) {
    codes.push_back(item.code);
  }
  return codes;
}

}  // namespace meld_verify::component::build
