#include "engine/component/parse_types.h"

#include <fmt/format.h>

#include "engine/component/parse.h"

namespace meld_verify::component {

using syntax::DefType;
using syntax::Extern;
using syntax::LabelType;
using syntax::ScopeType;
using syntax::Sort;
using syntax::TypeDecl;
using syntax::ValType;
using wasm::ByteOffset;
using wasm::Reader;

namespace {

std::optional<TypeKind> primitive(std::uint8_t opcode) {
  switch (opcode) {
    case 0x7f:
      return TypeKind::kBool;
    case 0x7e:
      return TypeKind::kS8;
    case 0x7d:
      return TypeKind::kU8;
    case 0x7c:
      return TypeKind::kS16;
    case 0x7b:
      return TypeKind::kU16;
    case 0x7a:
      return TypeKind::kS32;
    case 0x79:
      return TypeKind::kU32;
    case 0x78:
      return TypeKind::kS64;
    case 0x77:
      return TypeKind::kU64;
    case 0x76:
      return TypeKind::kF32;
    case 0x75:
      return TypeKind::kF64;
    case 0x74:
      return TypeKind::kChar;
    case 0x73:
      return TypeKind::kString;
    case 0x64:
      return TypeKind::kErrorContext;
    default:
      return std::nullopt;
  }
}

void unknown(Reader& in, ByteOffset at, const char* what, unsigned code) {
  in.fail(at, "unknown-code", fmt::format("{} has the unknown code 0x{:02x}", what, code));
}

}  // namespace

void TypeParser::spend(Reader& in, std::uint64_t cost) {
  if (in.ok() && !budget_.spend(cost)) {
    in.unsupported(in.offset(), "too-large",
                   "the file has more definitions than this tool takes from a file of its size");
  }
}

Sort TypeParser::core_sort(Reader& in) {
  const ByteOffset at = in.offset();
  switch (const std::uint8_t code = in.byte("a core sort")) {
    case 0x00:
      return Sort::kCoreFunc;
    case 0x01:
      return Sort::kCoreTable;
    case 0x02:
      return Sort::kCoreMemory;
    case 0x03:
      return Sort::kCoreGlobal;
    case 0x04:
      return Sort::kCoreTag;
    case 0x10:
      return Sort::kCoreType;
    case 0x11:
      return Sort::kCoreModule;
    case 0x12:
      return Sort::kCoreInstance;
    default:
      unknown(in, at, "a core sort", code);
      return Sort::kCoreFunc;
  }
}

Sort TypeParser::sort(Reader& in) {
  const ByteOffset at = in.offset();
  switch (const std::uint8_t code = in.byte("a sort")) {
    case 0x00:
      return core_sort(in);
    case 0x01:
      return Sort::kFunc;
    case 0x02:
      return Sort::kValue;
    case 0x03:
      return Sort::kType;
    case 0x04:
      return Sort::kComponent;
    case 0x05:
      return Sort::kInstance;
    default:
      unknown(in, at, "a sort", code);
      return Sort::kFunc;
  }
}

std::string_view TypeParser::extern_name(Reader& in, std::string_view* attributes_written) {
  const ByteOffset at = in.offset();
  const std::uint8_t form = in.byte("a name");
  if (form > 2) {
    unknown(in, at, "the form of a name", form);
  }
  const ByteOffset name_at = in.offset();
  const std::string_view name = in.name("a name");
  if (name.size() > kLongestName) {
    in.unsupported(name_at, "too-large",
                   fmt::format("a name of {} bytes; {} are taken", name.size(), kLongestName));
  }
  if (form == 2) {
    const std::uint32_t attributes = in.count("the attributes of a name");
    for (std::uint32_t i = 0; i < attributes && in.ok(); ++i) {
      const ByteOffset attribute_at = in.offset();
      const std::uint8_t kind = in.byte("an attribute");
      if (kind > 2) {
        unknown(in, attribute_at, "an attribute of a name", kind);
      }
      const std::string_view attribute = in.name("an attribute");
      if (attributes_written != nullptr && in.ok()) {
        const char* begin = name.data() + name.size();
        *attributes_written = {begin, static_cast<std::size_t>(attribute.data() + attribute.size() - begin)};
      }
    }
  }
  return name;
}

ValType TypeParser::val_type(Reader& in) {
  const ByteOffset at = in.offset();
  if (const auto kind = primitive(in.peek()); kind && !in.at_end()) {
    in.byte("a value type");
    return {.index = {}, .primitive = *kind};
  }
  const std::int64_t index = in.s33("a value type");
  if (index < 0) {
    unknown(in, at, "a value type", static_cast<unsigned>(index & 0x7f));
    return {};
  }
  return {.index = static_cast<std::uint32_t>(index), .primitive = TypeKind::kBool};
}

std::optional<ValType> TypeParser::optional_type(Reader& in) {
  const ByteOffset at = in.offset();
  switch (const std::uint8_t flag = in.byte("an optional type")) {
    case 0:
      return std::nullopt;
    case 1:
      return val_type(in);
    default:
      unknown(in, at, "an optional type", flag);
      return std::nullopt;
  }
}

std::vector<LabelType> TypeParser::labelled(Reader& in, const char* what) {
  std::vector<LabelType> list;
  const std::uint32_t count = in.count(what);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    spend(in, cost::kMember);
    LabelType item;
    item.label = in.name("a label");
    item.type = val_type(in);
    list.push_back(item);
  }
  return list;
}

std::optional<ValType> TypeParser::result_list(Reader& in) {
  const ByteOffset at = in.offset();
  switch (const std::uint8_t form = in.byte("a result list")) {
    case 0:
      return val_type(in);
    case 1:
      if (const std::uint32_t named = in.u32("a result list"); named != 0) {
        in.fail(at, "unknown-code", "a function has named results, which the format no longer has");
      }
      return std::nullopt;
    default:
      unknown(in, at, "a result list", form);
      return std::nullopt;
  }
}

DefType TypeParser::def_type(Reader& in, std::uint8_t opcode, ByteOffset at) {
  DefType type;
  const auto element = [&](TypeKind kind) {
    type.kind = kind;
    type.members.push_back({.label = {}, .type = val_type(in)});
  };
  const auto labels = [&](TypeKind kind, const char* what) {
    type.kind = kind;
    const std::uint32_t count = in.count(what);
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
      spend(in, cost::kMember);
      type.members.push_back({.label = in.name("a label"), .type = {}});
    }
  };
  const auto some = [&](const char* what) {
    if (in.ok() && type.members.empty()) {
      in.fail(at, "empty-type", fmt::format("a {} without any members", what));
    }
  };
  switch (opcode) {
    case 0x72:
      type.kind = TypeKind::kRecord;
      type.members = labelled(in, "the fields of a record");
      some("record");
      break;
    case 0x71: {
      type.kind = TypeKind::kVariant;
      const std::uint32_t count = in.count("the cases of a variant");
      for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        spend(in, cost::kMember);
        LabelType item;
        item.label = in.name("a case's label");
        item.type = optional_type(in);
        const ByteOffset refines = in.offset();
        if (const std::uint8_t end = in.byte("a case"); end != 0) {
          unknown(in, refines, "the end of a case", end);
        }
        type.members.push_back(item);
      }
      some("variant");
      break;
    }
    case 0x70:
      element(TypeKind::kList);
      break;
    case 0x67:
      element(TypeKind::kFixedList);
      type.length = in.u32("the length of a list");
      if (in.ok() && type.length == 0) {
        in.fail(at, "empty-type", "a fixed-length list of length 0");
      }
      break;
    case 0x6f: {
      type.kind = TypeKind::kTuple;
      const std::uint32_t count = in.count("the elements of a tuple");
      for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        spend(in, cost::kMember);
        type.members.push_back({.label = {}, .type = val_type(in)});
      }
      some("tuple");
      break;
    }
    case 0x6e:
      labels(TypeKind::kFlags, "the labels of flags");
      some("set of flags");
      if (type.members.size() > 32) {
        in.fail(at, "flags", fmt::format("{} flags; 32 are allowed", type.members.size()));
      }
      break;
    case 0x6d:
      labels(TypeKind::kEnum, "the labels of an enum");
      some("enum");
      break;
    case 0x6b:
      type.kind = TypeKind::kOption;
      type.members.push_back({.label = "some", .type = val_type(in)});
      break;
    case 0x6a:
      type.kind = TypeKind::kResult;
      type.members.push_back({.label = "ok", .type = optional_type(in)});
      type.members.push_back({.label = "error", .type = optional_type(in)});
      break;
    case 0x69:
    case 0x68:
      type.kind = opcode == 0x69 ? TypeKind::kOwn : TypeKind::kBorrow;
      type.resource = in.u32("a resource type's index");
      break;
    case 0x66:
    case 0x65:
      type.kind = opcode == 0x66 ? TypeKind::kStream : TypeKind::kFuture;
      if (const auto payload = optional_type(in)) {
        type.members.push_back({.label = {}, .type = payload});
      }
      break;
    case 0x63:
      type.kind = TypeKind::kMap;
      type.members.push_back({.label = "key", .type = val_type(in)});
      type.members.push_back({.label = "value", .type = val_type(in)});
      break;
    default:
      if (const auto kind = primitive(opcode)) {
        type.kind = *kind;
      } else {
        unknown(in, at, "a type", opcode);
      }
  }
  return type;
}

TypeDecl TypeParser::type(Reader& in, unsigned depth) {
  TypeDecl decl{.offset = in.offset(), .what = DefType{}};
  const std::uint8_t opcode = in.byte("a type");
  switch (opcode) {
    case 0x40:
    case 0x43: {
      syntax::FuncDecl func;
      func.async = opcode == 0x43;
      func.params = labelled(in, "the parameters of a function");
      func.result = result_list(in);
      decl.what = std::move(func);
      break;
    }
    case 0x41:
    case 0x42:
      decl.what = scope_type(in, opcode == 0x41, depth + 1);
      break;
    case 0x3e:
    case 0x3f: {
      const ByteOffset at = in.offset();
      if (const std::uint8_t rep = in.byte("a resource type's representation");
          in.ok() && rep != 0x7f && rep != 0x7e) {
        unknown(in, at, "a resource type's representation", rep);
      }
      syntax::ResourceDecl resource;
      const ByteOffset flag_at = in.offset();
      const std::uint8_t flag = in.byte("a resource type's destructor");
      if (flag == 1) {
        resource.destructor = in.u32("a destructor's index");
      } else if (flag != 0) {
        unknown(in, flag_at, "a resource type's destructor", flag);
      }
      decl.what = resource;
      break;
    }
    default:
      decl.what = def_type(in, opcode, decl.offset);
  }
  return decl;
}

Extern TypeParser::extern_type(Reader& in) {
  using Kind = Extern::Kind;
  const ByteOffset at = in.offset();
  const auto indexed = [&](Kind kind) { return Extern{.kind = kind, .index = in.u32("a type index")}; };
  switch (const std::uint8_t code = in.byte("the type of an import or export")) {
    case 0x00: {
      const ByteOffset sort_at = in.offset();
      if (const std::uint8_t core = in.byte("a core sort"); core != 0x11) {
        unknown(in, sort_at, "the core sort of an import or export", core);
      }
      return indexed(Kind::kModule);
    }
    case 0x01:
      return indexed(Kind::kFunc);
    case 0x02:  // a bound, or the value's type at once, as some tools write it
      if (const std::uint8_t bound = in.peek(); bound == 0) {
        in.byte("a value's bound");
        in.u32("a value index");
      } else {
        if (bound == 1) {
          in.byte("a value's bound");
        }
        (void)val_type(in);
      }
      return {.kind = Kind::kValue, .index = 0};
    case 0x03: {
      const ByteOffset bound_at = in.offset();
      const std::uint8_t bound = in.byte("a type's bound");
      if (bound == 0) {
        return indexed(Kind::kTypeEq);
      }
      if (bound != 1) {
        unknown(in, bound_at, "a type's bound", bound);
      }
      return {.kind = Kind::kTypeSub, .index = 0};
    }
    case 0x04:
      return indexed(Kind::kComponent);
    case 0x05:
      return indexed(Kind::kInstance);
    default:
      unknown(in, at, "the type of an import or export", code);
      return {};
  }
}

syntax::Alias TypeParser::alias(Reader& in) {
  syntax::Alias alias;
  alias.sort = sort(in);
  const ByteOffset at = in.offset();
  switch (const std::uint8_t of = in.byte("an alias")) {
    case 0x00:
    case 0x01:
      alias.of = of == 0 ? syntax::Alias::Of::kExport : syntax::Alias::Of::kCoreExport;
      alias.target = in.u32("an instance index");
      alias.name = in.name("an export's name");
      break;
    case 0x02:
      alias.of = syntax::Alias::Of::kOuter;
      alias.target = in.u32("a number of scopes");
      alias.index = in.u32("an index");
      break;
    default:
      unknown(in, at, "an alias", of);
  }
  return alias;
}

std::shared_ptr<const ScopeType> TypeParser::scope_type(Reader& in, bool component, unsigned depth) {
  auto scope = std::make_shared<ScopeType>();
  scope->component = component;
  if (depth > kMostNesting) {
    in.fail("too-deep", fmt::format("types are nested more than {} deep", kMostNesting));
    return scope;
  }
  const std::uint32_t count = in.count("the declarations of a component or instance type");
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    ScopeType::Decl decl{.offset = in.offset(), .what = syntax::CoreType{}};
    spend(in, cost::kDefinition);
    switch (const std::uint8_t code = in.byte("a declaration")) {
      case 0x00:
        decl.what = syntax::CoreType{core_type(in, depth)};
        break;
      case 0x01:
        decl.what = type(in, depth);
        break;
      case 0x02:
        decl.what = alias(in);
        break;
      case 0x03:
        if (!component) {
          unknown(in, decl.offset, "a declaration of an instance type", code);
        }
        {
          syntax::Import import;
          import.name = extern_name(in);
          import.what = extern_type(in);
          decl.what = import;
        }
        break;
      case 0x04: {
        syntax::ExportDecl item;
        item.name = extern_name(in);
        item.what = extern_type(in);
        decl.what = item;
        break;
      }
      default:
        unknown(in, decl.offset, "a declaration", code);
    }
    scope->decls.push_back(std::move(decl));
  }
  return scope;
}

}  // namespace meld_verify::component
