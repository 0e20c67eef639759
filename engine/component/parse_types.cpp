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

void TypeParser::count_item(Reader& in) {
  if (++items_ > kMostItems) {
    in.fail("too-large", fmt::format("more than {} definitions and declarations in one file", kMostItems));
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

std::string_view TypeParser::extern_name(Reader& in) {
  const ByteOffset at = in.offset();
  const std::uint8_t form = in.byte("a name");
  if (form > 2) {
    unknown(in, at, "the form of a name", form);
  }
  const std::string_view name = in.name("a name");
  if (form == 2) {
    const std::uint32_t attributes = in.count("the attributes of a name");
    for (std::uint32_t i = 0; i < attributes && in.ok(); ++i) {
      const ByteOffset attribute_at = in.offset();
      const std::uint8_t kind = in.byte("an attribute");
      if (kind > 2) {
        unknown(in, attribute_at, "an attribute of a name", kind);
      }
      (void)in.name("an attribute");
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
  list.reserve(count);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
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
      type.members.push_back({.label = "none", .type = {}});
      type.members.push_back({.label = "some", .type = val_type(in)});
      type.members.erase(type.members.begin());
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
  count_item(in);
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
    count_item(in);
    switch (const std::uint8_t code = in.byte("a declaration")) {
      case 0x00:
        core_type(in, depth);
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

// --- core types: passed over
// ------------------------------------------------------------------------------------

void TypeParser::core_value_type(Reader& in) {
  const std::uint8_t code = in.byte("a core value type");
  if (code == 0x63 || code == 0x64) {
    in.s33("a heap type");
  }
}

void TypeParser::core_field_type(Reader& in) {
  core_value_type(in);
  in.byte("a field's mutability");
}

void TypeParser::core_extern_type(Reader& in) {
  const auto limits = [&] {
    const std::uint8_t flags = in.byte("limits");
    for (int bound = 0; bound < ((flags & 1) != 0 ? 2 : 1); ++bound) {
      for (int i = 0; i < 10 && (in.byte("a limit") & 0x80) != 0; ++i) {
      }
    }
    if ((flags & 8) != 0) {
      in.u32("a page size");
    }
  };
  const ByteOffset at = in.offset();
  switch (const std::uint8_t kind = in.byte("a core extern type")) {
    case 0x00:
      in.u32("a type index");
      break;
    case 0x01:
      core_value_type(in);
      limits();
      break;
    case 0x02:
      limits();
      break;
    case 0x03:
      core_field_type(in);
      break;
    case 0x04:
      in.byte("a tag's attribute");
      in.u32("a type index");
      break;
    case 0x20:
      in.u32("a type index");
      break;
    default:
      unknown(in, at, "a core extern type", kind);
  }
}

void TypeParser::core_type(Reader& in, unsigned depth) {
  if (depth > kMostNesting) {
    in.fail("too-deep", fmt::format("types are nested more than {} deep", kMostNesting));
    return;
  }
  const ByteOffset at = in.offset();
  std::uint8_t code = in.byte("a core type");
  if (code == 0x00) {  // a non-final sub type is written with a zero before it
    code = in.byte("a core type");
    if (code != 0x50) {
      unknown(in, at, "a core type", code);
      return;
    }
    code = 0x4f;
  }
  switch (code) {
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
    case 0x4f: {
      const std::uint32_t count = in.count("the supertypes of a core type");
      for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        in.u32("a type index");
      }
      core_type(in, depth + 1);
      break;
    }
    case 0x4e: {
      const std::uint32_t count = in.count("the types of a recursive group");
      for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        core_type(in, depth + 1);
      }
      break;
    }
    case 0x50: {
      const std::uint32_t count = in.count("the declarations of a module type");
      for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        const ByteOffset decl_at = in.offset();
        switch (const std::uint8_t decl = in.byte("a declaration of a module type")) {
          case 0x00:
            (void)in.name("a module name");
            (void)in.name("an import's name");
            core_extern_type(in);
            break;
          case 0x01:
            core_type(in, depth + 1);
            break;
          case 0x02:
            in.byte("an alias");
            in.byte("an alias");
            in.u32("a number of scopes");
            in.u32("an index");
            break;
          case 0x03:
            (void)in.name("an export's name");
            core_extern_type(in);
            break;
          default:
            unknown(in, decl_at, "a declaration of a module type", decl);
        }
      }
      break;
    }
    default:
      unknown(in, at, "a core type", code);
  }
}

}  // namespace meld_verify::component
