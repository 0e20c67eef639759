#include "engine/wasm/module.h"

#include <fmt/format.h>

#include "engine/wasm/instruction.h"
#include "engine/wasm/reader.h"
#include "engine/wasm/section.h"

namespace meld_verify::wasm {
namespace {

constexpr std::uint64_t kMostLocals = 50'000;

class ModuleDecoder {
 public:
  ModuleDecoder(std::span<const std::uint8_t> bytes, ByteOffset base) : bytes_(bytes), base_(base) {}

  bool section(Section& section, Reader& in);
  /// What can only be checked at the end.
  void finish(Reader& in);
  Module take() { return std::move(module_); }

 private:
  /// Whether one more entry may be kept.
  bool entry(Reader& in);
  /// For each item of the list that comes next.
  template <class Read>
  void list(Reader& in, std::string_view what, Read&& read);
  void check(Reader& in, ByteOffset at, std::string_view what, std::uint64_t index, std::size_t count);
  std::uint32_t index(Reader& in, std::string_view what, std::size_t count);
  std::uint32_t function(Reader& in, std::string_view what);

  void contents(std::uint8_t id, Reader& in);
  void types(Reader& in);
  void sub_type(Reader& in);
  void composite_type(Reader& in, std::uint8_t form, ByteOffset at);
  void import(Reader& in);
  void table(Reader& in);
  void global(Reader& in);
  void exported(Reader& in);
  void element(Reader& in);
  void bodies(Reader& in);
  void data(Reader& in);
  ConstExpr expression(Reader& in);

  std::span<const std::uint8_t> bytes_;
  ByteOffset base_;
  Module module_;
  std::size_t entries_ = 0;
  int last_rank_ = 0;
  std::size_t bodies_ = 0;
  std::optional<std::uint32_t> data_count_;
};

bool ModuleDecoder::entry(Reader& in) {
  if (++entries_ > kMostEntries) {
    in.unsupported(in.offset(), "too-large", "a core module has more entries than this tool takes");
  }
  return in.ok();
}

template <class Read>
void ModuleDecoder::list(Reader& in, std::string_view what, Read&& read) {
  const std::uint32_t count = in.count(what);
  for (std::uint32_t i = 0; i < count && entry(in); ++i) {
    read(in);
  }
}

void ModuleDecoder::check(Reader& in, ByteOffset at, std::string_view what, std::uint64_t index,
                          std::size_t count) {
  if (in.ok() && index >= count) {
    in.fail(at, "index-out-of-range", fmt::format("{} is number {} of {}", what, index, count));
  }
}

std::uint32_t ModuleDecoder::index(Reader& in, std::string_view what, std::size_t count) {
  const ByteOffset at = in.offset();
  const std::uint32_t value = in.u32(what);
  check(in, at, what, value, count);
  return in.ok() ? value : 0;
}

std::uint32_t ModuleDecoder::function(Reader& in, std::string_view what) {
  const ByteOffset begin = in.offset();
  const std::uint32_t value = index(in, what, module_.function_types.size());
  module_.references.push_back({value, {begin, in.offset()}});
  return value;
}

bool ModuleDecoder::section(Section& section, Reader& in) {
  if (section.id != section::kCustom) {
    if (section_rank(section.id) <= last_rank_) {
      in.fail(section.extent.begin, "section-order",
              fmt::format("section {} stands twice or behind one that must follow it", section.id));
    }
    last_rank_ = section_rank(section.id);
  }
  if (entry(in)) {
    contents(section.id, in);
  }
  const bool whole = section.id != section::kCustom && section.id <= section::kTag;
  module_.sections.push_back(std::move(section));
  return whole;
}

void ModuleDecoder::contents(std::uint8_t id, Reader& in) {
  Module& m = module_;
  switch (id) {
    case section::kType:
      types(in);
      break;
    case section::kImport:
      list(in, "the list of imports", [&](Reader&) { import(in); });
      break;
    case section::kFunction:
      list(in, "the list of functions", [&](Reader&) {
        const std::uint32_t type = index(in, "a function's type", m.types.size());
        m.function_types.push_back(type);
        m.functions.push_back({.type = type, .body = {}, .code = {}, .locals = {}});
      });
      break;
    case section::kTable:
      list(in, "the list of tables", [&](Reader&) { table(in); });
      break;
    case section::kMemory:
      list(in, "the list of memories", [&](Reader&) { m.memories.push_back(read_limits(in)); });
      break;
    case section::kTag:
      list(in, "the list of tags", [&](Reader&) {
        in.byte("a tag's attribute");
        m.tags.push_back(index(in, "a tag's type", m.types.size()));
      });
      break;
    case section::kGlobal:
      list(in, "the list of globals", [&](Reader&) { global(in); });
      break;
    case section::kExport:
      list(in, "the list of exports", [&](Reader&) { exported(in); });
      break;
    case section::kStart:
      m.start = function(in, "the start function");
      break;
    case section::kElement:
      list(in, "the list of element segments", [&](Reader&) { element(in); });
      break;
    case section::kDataCount:
      data_count_ = in.u32("the number of data segments");
      break;
    case section::kCode:
      bodies(in);
      break;
    case section::kData:
      list(in, "the list of data segments", [&](Reader&) { data(in); });
      break;
    default:
      break;
  }
}

void ModuleDecoder::finish(Reader& in) {
  if (!in.ok()) {
    return;
  }
  if (bodies_ != module_.functions.size()) {
    in.fail("count", fmt::format("{} function bodies for {} functions", bodies_, module_.functions.size()));
  }
  if (data_count_ && *data_count_ != module_.data.size()) {
    in.fail("count",
            fmt::format("{} data segments, where {} are announced", module_.data.size(), *data_count_));
  }
}

void ModuleDecoder::types(Reader& in) {
  constexpr std::uint8_t kRecursive = 0x4e;
  list(in, "the list of types", [&](Reader&) {
    if (in.peek() == kRecursive) {
      in.byte("a type");
      list(in, "a group of types", [&](Reader&) { sub_type(in); });
    } else {
      sub_type(in);
    }
  });
}

void ModuleDecoder::sub_type(Reader& in) {
  constexpr std::uint8_t kSub = 0x50, kSubFinal = 0x4f;
  ByteOffset at = in.offset();
  std::uint8_t form = in.byte("a type");
  if (form == kSub || form == kSubFinal) {
    const std::uint32_t count = in.count("a list of supertypes");
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
      in.u32("a supertype");
    }
    at = in.offset();
    form = in.byte("a type");
  }
  composite_type(in, form, at);
}

void ModuleDecoder::composite_type(Reader& in, std::uint8_t form, ByteOffset at) {
  constexpr std::uint8_t kFunction = 0x60, kStruct = 0x5f, kArray = 0x5e;
  FuncType type;
  const auto field = [&] {
    read_value_type(in);  // or a packed one, which is one byte, too
    in.byte("a field's mutability");
  };
  switch (form) {
    case kFunction:
      for (std::vector<ValueType>* types : {&type.params, &type.results}) {
        const std::uint32_t count = in.count("a list of value types");
        for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
          types->push_back(read_value_type(in));
        }
      }
      break;
    case kStruct: {
      const std::uint32_t count = in.count("a list of fields");
      for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        field();
      }
      break;
    }
    case kArray:
      field();
      break;
    default:
      in.unsupported(at, "type-form", fmt::format("a type of the form 0x{:02x} is not known", form));
  }
  module_.types.push_back(std::move(type));
}

void ModuleDecoder::import(Reader& in) {
  const ByteOffset at = in.offset();
  Import import = read_import(in);
  Module& m = module_;
  switch (import.kind) {
    case ExternKind::kFunc:
      check(in, at, "a function's type", import.type, m.types.size());
      m.function_types.push_back(import.type);
      ++m.imported_functions;
      break;
    case ExternKind::kTable:
      m.tables.push_back(import.table);
      ++m.imported_tables;
      break;
    case ExternKind::kMemory:
      m.memories.push_back(import.memory);
      ++m.imported_memories;
      break;
    case ExternKind::kGlobal:
      m.globals.push_back({.type = import.global, .init = std::nullopt});
      ++m.imported_globals;
      break;
    case ExternKind::kTag:
      check(in, at, "a tag's type", import.type, m.types.size());
      m.tags.push_back(import.type);
      ++m.imported_tags;
      break;
  }
  m.imports.push_back(std::move(import));
}

void ModuleDecoder::table(Reader& in) {
  constexpr std::uint8_t kInitialised = 0x40;
  const bool initialised = in.peek() == kInitialised;
  if (initialised) {
    in.byte("a table");
    const ByteOffset at = in.offset();
    if (in.byte("a table") != 0) {
      in.fail(at, "table", "the byte after 0x40 of a table is not zero");
    }
  }
  const TableType type = read_table_type(in);
  if (initialised) {
    expression(in);
  }
  module_.tables.push_back(type);
}

void ModuleDecoder::global(Reader& in) {
  const GlobalType type = read_global_type(in);
  const ConstExpr init = expression(in);
  module_.globals.push_back({.type = type, .init = init});
}

void ModuleDecoder::exported(Reader& in) {
  const ByteOffset at = in.offset();
  Extent index_at;
  CoreExport item = read_export(in, index_at);
  const Module& m = module_;
  const std::size_t counts[] = {m.function_types.size(), m.tables.size(), m.memories.size(), m.globals.size(),
                                m.tags.size()};
  if (in.ok()) {
    check(in, at, "an export", item.index, counts[static_cast<std::size_t>(item.kind)]);
    if (item.kind == ExternKind::kFunc) {
      module_.references.push_back({item.index, index_at});
    }
  }
  module_.exports.push_back(std::move(item));
}

ConstExpr ModuleDecoder::expression(Reader& in) {
  ConstExpr expr;
  const ByteOffset begin = in.offset();
  if (!in.ok()) {
    return expr;
  }
  InstructionReader reader(bytes_.subspan(begin.value - base_.value, in.left()), begin, in.file());
  Instruction instruction;
  std::size_t before = 0;
  while (reader.next(instruction) && reader.depth() != 0) {
    for (const IndexImmediate& one : instruction.indices) {
      if (one.space == IndexSpace::kFunc) {
        check(in, one.begin, "a function in a constant expression", one.value, module_.function_types.size());
        module_.references.push_back({one.value, {one.begin, one.end}});
      } else if (one.space == IndexSpace::kGlobal) {
        check(in, one.begin, "a global in a constant expression", one.value, module_.globals.size());
      }
    }
    if (++before != 1) {
      expr = {};
      continue;
    }
    constexpr Opcode kRefNull = 0xd0;
    switch (instruction.opcode) {
      case op::kI32Const:
      case op::kI64Const:
      case op::kF32Const:
      case op::kF64Const:
        expr.kind = ConstExpr::Kind::kConst;
        expr.bits = instruction.constant;
        break;
      case op::kGlobalGet:
        expr.kind = ConstExpr::Kind::kGlobal;
        expr.index = instruction.index(IndexSpace::kGlobal);
        break;
      case op::kRefFunc:
        expr.kind = ConstExpr::Kind::kFunc;
        expr.index = instruction.index(IndexSpace::kFunc);
        break;
      case kRefNull:
        expr.kind = ConstExpr::Kind::kNull;
        break;
      default:
        break;
    }
  }
  if (!reader.ok()) {
    in.fail(reader.failure());
    return expr;
  }
  in.take(instruction.end.value - begin.value, "a constant expression");
  expr.extent = {begin, instruction.end};
  return expr;
}

void ModuleDecoder::element(Reader& in) {
  constexpr std::uint32_t kNotActive = 1, kExplicit = 2, kExpressions = 4;
  const ByteOffset at = in.offset();
  const std::uint32_t flags = in.u32("an element segment");
  if (flags > 7) {
    in.fail(at, "segment-flags", fmt::format("an element segment has flags {}; 0 to 7 are defined", flags));
  }
  ElementSegment segment;
  if ((flags & kNotActive) != 0) {
    segment.mode =
        (flags & kExplicit) != 0 ? ElementSegment::Mode::kDeclarative : ElementSegment::Mode::kPassive;
  } else {
    const ByteOffset table_at = in.offset();
    segment.table = (flags & kExplicit) != 0 ? in.u32("an element segment's table") : 0;
    check(in, table_at, "an element segment's table", segment.table, module_.tables.size());
    segment.offset = expression(in);
  }
  if ((flags & (kNotActive | kExplicit)) != 0) {
    if ((flags & kExpressions) != 0) {
      read_value_type(in);
    } else {
      const ByteOffset kind_at = in.offset();
      if (in.byte("an element segment's kind") != 0) {
        in.fail(kind_at, "element-kind", "an element segment's kind is not that of functions");
      }
    }
  }
  list(in, "an element segment's items", [&](Reader&) {
    if ((flags & kExpressions) == 0) {
      segment.functions.emplace_back(function(in, "a function in an element segment"));
      return;
    }
    const ConstExpr item = expression(in);
    if (item.kind == ConstExpr::Kind::kFunc) {
      segment.functions.emplace_back(item.index);
    } else if (item.kind == ConstExpr::Kind::kNull) {
      segment.functions.emplace_back(std::nullopt);
    } else {
      segment.opaque = true;
    }
  });
  if (segment.opaque) {
    segment.functions.clear();
  }
  module_.elements.push_back(std::move(segment));
}

void ModuleDecoder::bodies(Reader& in) {
  read_bodies(in, [&](std::uint32_t number, Extent extent, Reader& body) {
    if (number >= module_.functions.size()) {
      body.fail("count", fmt::format("more function bodies than the {} functions", module_.functions.size()));
      return;
    }
    Function& function = module_.functions[number];
    function.body = extent;
    const std::uint32_t groups = body.count("a function's locals");
    std::uint64_t all = 0;
    for (std::uint32_t i = 0; i < groups && body.ok(); ++i) {
      const ByteOffset at = body.offset();
      const std::uint32_t count = body.u32("a number of locals");
      const ValueType type = read_value_type(body);
      all += count;
      if (body.ok() && all > kMostLocals) {
        body.unsupported(at, "too-large", "a function has more than 50,000 locals");
      }
      function.locals.emplace_back(count, type);
    }
    function.code = {body.offset(), extent.end};
    ++bodies_;
  });
}

void ModuleDecoder::data(Reader& in) {
  const ByteOffset at = in.offset();
  const std::uint32_t flags = in.u32("a data segment");
  if (flags > 2) {
    in.fail(at, "segment-flags", fmt::format("a data segment has flags {}; 0 to 2 are defined", flags));
  }
  DataSegment segment;
  segment.active = flags != 1;
  if (segment.active) {
    const ByteOffset memory_at = in.offset();
    segment.memory = flags == 2 ? in.u32("a data segment's memory") : 0;
    check(in, memory_at, "a data segment's memory", segment.memory, module_.memories.size());
    segment.offset = expression(in);
  }
  const std::uint32_t size = in.u32("a data segment's size");
  const ByteOffset begin = in.offset();
  in.take(size, "a data segment");
  segment.bytes = {begin, in.offset()};
  module_.data.push_back(std::move(segment));
}

}  // namespace

Expected<Module> decode_module(std::span<const std::uint8_t> bytes, ByteOffset base, std::string_view file) {
  Reader in(bytes, base, file, "core module");
  ModuleDecoder decoder(bytes, base);
  read_sections(in, [&](Section& section, Reader& inner) { return decoder.section(section, inner); });
  decoder.finish(in);
  if (!in.ok()) {
    return tl::unexpected(in.failure());
  }
  return decoder.take();
}

}  // namespace meld_verify::wasm
