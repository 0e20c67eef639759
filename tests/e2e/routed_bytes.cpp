// Writes what `route` would write before it has been checked: for tests of the flat component itself.

#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

#include "engine/rewrite/route.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: routed_bytes COMPOSED.wasm ROUTED.wasm\n";
    return 2;
  }
  std::ifstream in(argv[1], std::ios::binary);
  const std::vector<std::uint8_t> bytes(std::istreambuf_iterator<char>(in), {});
  const auto routed = meld_verify::rewrite::route(bytes, argv[1]);
  if (!routed) {
    std::cerr << meld_verify::wasm::to_string(routed.error()) << '\n';
    return routed.error().kind == meld_verify::wasm::DiagnosticKind::kUnsupported ? 4 : 2;
  }
  std::ofstream out(argv[2], std::ios::binary);
  out.write(reinterpret_cast<const char*>(routed->data()), static_cast<std::streamsize>(routed->size()));
  return out.good() ? 0 : 5;
}
