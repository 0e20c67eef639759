#include "engine/wasm/section.h"

#include <fmt/format.h>

namespace meld_verify::wasm {

void read_sections(Reader& in, const std::function<bool(Section&, Reader&)>& visit) {
  static constexpr std::uint8_t kPreamble[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
  for (const std::uint8_t expected : kPreamble) {
    const ByteOffset at = in.offset();
    if (in.byte("the preamble of a core module") != expected) {
      in.fail(at, "not-a-core-module", "not a core module: it must start with 00 61 73 6d 01 00 00 00");
    }
  }
  while (!in.at_end()) {
    const ByteOffset at = in.offset();
    Section section{.id = in.byte("a section"), .name = {}, .extent = {}};
    const std::uint32_t size = in.u32("a section's size");
    Reader inner = in.slice(size, "a section", fmt::format("section {} of a core module", section.id));
    section.extent = {inner.offset(), {inner.offset().value + inner.left()}};
    if (section.id == section::kCustom) {
      section.name = inner.name("a custom section's name");
    }
    const bool whole = visit(section, inner);
    if (inner.ok() && whole && !inner.at_end()) {
      inner.fail("section-size", fmt::format("{} more bytes than the section's contents need", inner.left()));
    }
    if (in.ok() && section.id > 14) {
      in.fail(at, "unknown-section",
              fmt::format("a core module's section has the unknown number {}", section.id));
    }
    if (!inner.ok()) {
      in.fail(inner.failure());
    }
  }
}

ValueType read_value_type(Reader& in) {
  const std::uint8_t code = in.byte("a value type");
  switch (code) {
    case 0x7f:
    case 0x7e:
    case 0x7d:
    case 0x7c:
    case 0x7b:
    case 0x70:
    case 0x6f:
      return static_cast<ValueType>(code);
    case 0x63:
    case 0x64:                                       // (ref null? heap type)
      if (in.peek() == 0x62 || in.peek() == 0x65) {  // exact, shared
        in.byte("a heap type");
      }
      in.s33("a heap type");
      return ValueType::kOther;
    default:
      return ValueType::kOther;
  }
}

GlobalType read_global_type(Reader& in) {
  GlobalType type;
  type.type = read_value_type(in);
  type.is_mutable = (in.byte("a global's mutability") & 1) != 0;
  return type;
}

Limits read_limits(Reader& in) {
  const std::uint8_t flags = in.byte("limits");
  Limits limits;
  limits.shared = (flags & 0x02) != 0;
  limits.is_64 = (flags & 0x04) != 0;
  const auto bound = [&] { return in.u64("a limit"); };
  limits.min = bound();
  if ((flags & 0x01) != 0) {
    limits.max = bound();
  }
  if ((flags & 0x08) != 0) {
    in.u32("a page size");
  }
  return limits;
}

TableType read_table_type(Reader& in) {
  TableType type;
  type.element = read_value_type(in);
  type.limits = read_limits(in);
  return type;
}

Import read_import(Reader& in) {
  Import import;
  import.module = in.name("a module name");
  import.name = in.name("an import's name");
  const ByteOffset at = in.offset();
  std::uint8_t kind = in.byte("an import's kind");
  if (kind == 0x20) {  // a function of exactly this type
    kind = 0;
  }
  switch (kind) {
    case 0:
      import.type = in.u32("a function's type");
      break;
    case 1:
      import.table = read_table_type(in);
      break;
    case 2:
      import.memory = read_limits(in);
      break;
    case 3:
      import.global = read_global_type(in);
      break;
    case 4:
      in.byte("a tag's attribute");
      import.type = in.u32("a tag's type");
      break;
    default:
      in.fail(at, "extern-kind", fmt::format("an import has kind {}; 0 to 4 are defined", kind));
  }
  import.kind = static_cast<ExternKind>(kind);
  return import;
}

CoreExport read_export(Reader& in, Extent& index_at) {
  CoreExport item;
  item.name = in.name("an export's name");
  const ByteOffset at = in.offset();
  const std::uint8_t kind = in.byte("an export's kind");
  if (kind > 4) {
    in.fail(at, "extern-kind", fmt::format("an export has kind {}; 0 to 4 are defined", kind));
  }
  item.kind = static_cast<ExternKind>(kind);
  index_at.begin = in.offset();
  item.index = in.u32("an export's index");
  index_at.end = in.offset();
  return item;
}

void read_bodies(Reader& in, const std::function<void(std::uint32_t, Extent, Reader&)>& visit) {
  const std::uint32_t count = in.count("the list of function bodies");
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    const std::uint32_t size = in.u32("a function body's size");
    const ByteOffset begin = in.offset();
    if (size < 2) {  // no locals, end
      in.fail("truncated", fmt::format("a function body of {} bytes, where 2 are the least", size));
    }
    Reader body = in.slice(size, "a function body", "function body");
    visit(i, {begin, in.offset()}, body);
    if (!body.ok()) {
      in.fail(body.failure());
    }
  }
}

}  // namespace meld_verify::wasm
