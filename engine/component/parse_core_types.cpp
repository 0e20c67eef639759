// Core types inside a component: passed over, as only their number matters to what follows.

#include <fmt/format.h>

#include "engine/component/parse.h"
#include "engine/component/parse_types.h"

namespace meld_verify::component {

using wasm::ByteOffset;
using wasm::Reader;

namespace {

constexpr std::uint8_t kModule = 0x50, kSub = 0x50, kFinalSub = 0x4f, kGroup = 0x4e, kDescribes = 0x4c,
                       kDescriptor = 0x4d, kShared = 0x65;

void unknown(Reader& in, ByteOffset at, const char* what, unsigned code) {
  in.fail(at, "unknown-code", fmt::format("{} has the unknown code 0x{:02x}", what, code));
}

void limits(Reader& in) {
  const std::uint8_t flags = in.byte("limits");
  for (int bound = 0; bound < ((flags & 1) != 0 ? 2 : 1); ++bound) {
    for (int i = 0; i < 10 && (in.byte("a limit") & 0x80) != 0; ++i) {
    }
  }
  if ((flags & 8) != 0) {
    in.u32("a page size");
  }
}

}  // namespace

void TypeParser::core_value_type(Reader& in) {
  const std::uint8_t code = in.byte("a core value type");
  if (code == 0x63 || code == 0x64) {
    if (in.peek() == 0x62 || in.peek() == kShared) {  // exact, shared
      in.byte("a heap type");
    }
    in.s33("a heap type");
  }
}

void TypeParser::core_field_type(Reader& in) {
  core_value_type(in);
  in.byte("a field's mutability");
}

void TypeParser::core_extern_type(Reader& in) {
  const ByteOffset at = in.offset();
  switch (const std::uint8_t kind = in.byte("a core extern type")) {
    case 0x00:
    case 0x20:  // a function of exactly this type
      in.u32("a type index");
      break;
    case 0x01:
      core_value_type(in);
      limits(in);
      break;
    case 0x02:
      limits(in);
      break;
    case 0x03:
      core_field_type(in);
      break;
    case 0x04:
      in.byte("a tag's attribute");
      in.u32("a type index");
      break;
    default:
      unknown(in, at, "a core extern type", kind);
  }
}

/// A function, struct, array or continuation type, or a sub type; 0x50 is a sub type here, never a module.
void TypeParser::core_sub_type(Reader& in) {
  if (in.peek() == kSub || in.peek() == kFinalSub) {
    in.byte("a core type");
    const std::uint32_t count = in.count("the supertypes of a core type");
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
      in.u32("a type index");
    }
  }
  if (in.peek() == kShared) {
    in.byte("a core type");
  }
  for (const std::uint8_t prefix : {kDescribes, kDescriptor}) {
    if (in.peek() == prefix) {
      in.byte("a core type");
      in.u32("a type index");
    }
  }
  const ByteOffset at = in.offset();
  switch (const std::uint8_t code = in.byte("a core type")) {
    case 0x60:
      for (int side = 0; side < 2; ++side) {
        const std::uint32_t count = in.count("the types of a core function");
        for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
          core_value_type(in);
        }
      }
      break;
    case 0x5f: {
      const std::uint32_t count = in.count("the fields of a struct");
      for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        core_field_type(in);
      }
      break;
    }
    case 0x5e:
      core_field_type(in);
      break;
    case 0x5d:
      in.s33("a function type's index");
      break;
    default:
      unknown(in, at, "a core type", code);
  }
}

void TypeParser::core_module_type(Reader& in, unsigned depth) {
  const std::uint32_t count = in.count("the declarations of a module type");
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    const ByteOffset at = in.offset();
    switch (const std::uint8_t decl = in.byte("a declaration of a module type")) {
      case 0x00:
        (void)in.name("a module name");
        (void)in.name("an import's name");
        core_extern_type(in);
        break;
      case 0x01:
        if (in.peek() == kModule) {
          core_sub_type(in);
        } else {
          (void)core_type(in, depth + 1);
        }
        break;
      case 0x02:
        if (const std::uint8_t sort = in.byte("an alias"); sort != 0x10) {
          unknown(in, at, "an alias of a module type", sort);
        }
        if (const std::uint8_t of = in.byte("an alias"); of != 0x01) {
          unknown(in, at, "an alias of a module type", of);
        }
        in.u32("a number of scopes");
        in.u32("an index");
        break;
      case 0x03:
        (void)in.name("an export's name");
        core_extern_type(in);
        break;
      default:
        unknown(in, at, "a declaration of a module type", decl);
    }
  }
}

std::uint32_t TypeParser::core_type(Reader& in, unsigned depth) {
  if (depth > kMostNesting) {
    in.fail("too-deep", fmt::format("types are nested more than {} deep", kMostNesting));
    return 1;
  }
  if (in.peek() == kGroup) {
    in.byte("a core type");
    const std::uint32_t count = in.count("the types of a recursive group");
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
      core_sub_type(in);
    }
    return count;
  }
  if (in.peek() == kModule) {
    in.byte("a core type");
    core_module_type(in, depth);
    return 1;
  }
  if (in.peek() == 0x00 && !in.at_end()) {  // before a non-final sub type, to tell it from a module type
    in.byte("a core type");
    const ByteOffset at = in.offset();
    if (const std::uint8_t code = in.peek(); code != kSub) {
      unknown(in, at, "a core type", code);
    }
  }
  core_sub_type(in);
  return 1;
}

}  // namespace meld_verify::component
