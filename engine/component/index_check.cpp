#include "engine/component/index_check.h"

#include <fmt/format.h>

#include <array>
#include <unordered_set>

namespace meld_verify::component {
namespace {

using syntax::Alias;
using syntax::Extern;
using syntax::Sort;

std::string_view sort_name(Sort sort) {
  static constexpr std::array<std::string_view, 13> kNames{
      "core function", "core table", "core memory", "core global", "core tag",  "core type", "core module",
      "core instance", "function",   "value",       "type",        "component", "instance"};
  return kNames[static_cast<std::size_t>(sort)];
}

/// How many definitions of each sort a scope has so far.
struct Sizes {
  const Sizes* outer = nullptr;
  std::array<std::uint64_t, 13> size{};

  std::uint64_t& operator[](Sort sort) { return size[static_cast<std::size_t>(sort)]; }
  std::uint64_t operator[](Sort sort) const { return size[static_cast<std::size_t>(sort)]; }
};

Sort sort_of(Extern::Kind kind) {
  switch (kind) {
    case Extern::Kind::kModule:
      return Sort::kCoreModule;
    case Extern::Kind::kFunc:
      return Sort::kFunc;
    case Extern::Kind::kValue:
      return Sort::kValue;
    case Extern::Kind::kTypeEq:
    case Extern::Kind::kTypeSub:
      return Sort::kType;
    case Extern::Kind::kComponent:
      return Sort::kComponent;
    case Extern::Kind::kInstance:
      return Sort::kInstance;
  }
  return Sort::kFunc;
}

class IndexCheck {
 public:
  explicit IndexCheck(std::string_view file) : file_(file) {}

  void component(const syntax::ComponentDef& def, const Sizes* outer) {
    Sizes here{.outer = outer};
    std::unordered_set<std::string_view> imports, exports;
    for (const syntax::Definition& definition : def.definitions) {
      at_ = definition.offset;
      std::visit([&](const auto& what) { define(what, here); }, definition.what);
      if (const auto* import = std::get_if<syntax::Import>(&definition.what)) {
        once(imports, import->name, "imported");
      } else if (const auto* exported = std::get_if<syntax::Export>(&definition.what)) {
        once(exports, exported->name, "exported");
      }
      if (failure_) {
        return;
      }
    }
  }

  [[nodiscard]] std::optional<wasm::Diagnostic> failure() && { return std::move(failure_); }

 private:
  void fail(std::string code, std::string sentence) {
    if (!failure_) {
      failure_ =
          wasm::Diagnostic{.kind = wasm::DiagnosticKind::kBadInput,
                           .code = std::move(code),
                           .place = {.file = std::string(file_), .offset = at_, .within = {}, .pointer = {}},
                           .sentence = std::move(sentence)};
    }
  }

  void once(std::unordered_set<std::string_view>& names, std::string_view name, const char* how) {
    if (!names.insert(name).second) {
      fail("duplicate-name", fmt::format("\"{}\" is {} twice", name, how));
    }
  }

  void use(Sort sort, std::uint32_t index, const Sizes& scope) {
    if (const std::uint64_t size = scope[sort]; index >= size) {
      fail("index-out-of-range",
           fmt::format("{} index {} is out of range: {} defined so far", sort_name(sort), index,
                       size == 0   ? "none is"
                       : size == 1 ? "one is"
                                   : fmt::format("{} are", size)));
    }
  }
  void use(const std::optional<std::uint32_t>& index, Sort sort, const Sizes& scope) {
    if (index) {
      use(sort, *index, scope);
    }
  }
  void use(const syntax::ValType& type, const Sizes& scope) { use(type.index, Sort::kType, scope); }
  void use(const std::optional<syntax::ValType>& type, const Sizes& scope) {
    if (type) {
      use(*type, scope);
    }
  }
  /// A component exports core modules, and nothing else of core's.
  void exportable(Sort sort) {
    if (sort < Sort::kFunc && sort != Sort::kCoreModule) {
      fail("core-sort", fmt::format("a {} where a component-level definition belongs", sort_name(sort)));
    }
  }
  void use(const std::vector<syntax::NamedCore>& items, const Sizes& scope) {
    std::unordered_set<std::string_view> names;
    for (const syntax::NamedCore& item : items) {
      once(names, item.name, "given");
      use(item.item.sort, item.item.index, scope);
    }
  }
  void use(const syntax::CanonOpts& options, const Sizes& scope) {
    use(options.memory, Sort::kCoreMemory, scope);
    use(options.realloc, Sort::kCoreFunc, scope);
    use(options.post_return, Sort::kCoreFunc, scope);
    use(options.callback, Sort::kCoreFunc, scope);
  }
  void use(const Extern& what, const Sizes& scope) {
    switch (what.kind) {
      case Extern::Kind::kModule:
        return use(Sort::kCoreType, what.index, scope);
      case Extern::Kind::kFunc:
      case Extern::Kind::kTypeEq:
      case Extern::Kind::kComponent:
      case Extern::Kind::kInstance:
        return use(Sort::kType, what.index, scope);
      case Extern::Kind::kTypeSub:
      case Extern::Kind::kValue:
        return;
    }
  }

  // --- definitions: what they use must be there, then they are there themselves

  void define(const syntax::CoreModuleDef&, Sizes& here) { ++here[Sort::kCoreModule]; }
  void define(const syntax::CoreInstantiate& what, Sizes& here) {
    use(Sort::kCoreModule, what.module, here);
    use(what.arguments, here);
    ++here[Sort::kCoreInstance];
  }
  void define(const syntax::CoreBag& what, Sizes& here) {
    use(what.exports, here);
    ++here[Sort::kCoreInstance];
  }
  void define(const syntax::CoreType& what, Sizes& here) { here[Sort::kCoreType] += what.count; }
  void define(const std::shared_ptr<const syntax::ComponentDef>& what, Sizes& here) {
    component(*what, &here);
    ++here[Sort::kComponent];
  }
  void define(const syntax::Instantiate& what, Sizes& here) {
    use(Sort::kComponent, what.component, here);
    for (const syntax::NamedCore& argument : what.arguments) {
      exportable(argument.item.sort);
    }
    use(what.arguments, here);
    ++here[Sort::kInstance];
  }
  void define(const syntax::Bag& what, Sizes& here) {
    for (const syntax::NamedCore& item : what.exports) {
      exportable(item.item.sort);
    }
    use(what.exports, here);
    ++here[Sort::kInstance];
  }
  void define(const Alias& what, Sizes& here) {
    switch (what.of) {
      case Alias::Of::kExport:
        use(Sort::kInstance, what.target, here);
        break;
      case Alias::Of::kCoreExport:
        use(Sort::kCoreInstance, what.target, here);
        break;
      case Alias::Of::kOuter: {
        const Sizes* target = &here;
        for (std::uint32_t i = 0; i < what.target && target != nullptr; ++i) {
          target = target->outer;
        }
        if (target == nullptr) {
          return fail("index-out-of-range",
                      fmt::format("an alias {} scopes out, where there are not so many", what.target));
        }
        if (what.sort != Sort::kType && what.sort != Sort::kComponent && what.sort != Sort::kCoreModule &&
            what.sort != Sort::kCoreType) {
          return fail("wrong-sort",
                      fmt::format("an outer alias of a {}; only types, components and core modules have them",
                                  sort_name(what.sort)));
        }
        use(what.sort, what.index, *target);
        break;
      }
    }
    ++here[what.sort];
  }
  void define(const syntax::TypeDecl& what, Sizes& here) {
    std::visit([&](const auto& type) { define_type(type, here); }, what.what);
    ++here[Sort::kType];
  }
  void define_type(const syntax::DefType& type, const Sizes& here) {
    for (const syntax::LabelType& member : type.members) {
      use(member.type, here);
    }
    if (type.kind == TypeKind::kOwn || type.kind == TypeKind::kBorrow) {
      use(Sort::kType, type.resource, here);
    }
  }
  void define_type(const syntax::FuncDecl& type, const Sizes& here) {
    for (const syntax::LabelType& param : type.params) {
      use(param.type, here);
    }
    use(type.result, here);
  }
  void define_type(const syntax::ResourceDecl& type, const Sizes& here) {
    use(type.destructor, Sort::kCoreFunc, here);
  }
  void define_type(const std::shared_ptr<const syntax::ScopeType>& type, const Sizes& here) {
    Sizes inner{.outer = &here};
    std::unordered_set<std::string_view> imports, exports;
    for (const syntax::ScopeType::Decl& decl : type->decls) {
      at_ = decl.offset;
      std::visit([&](const auto& what) { define(what, inner); }, decl.what);
      if (const auto* defined = std::get_if<syntax::TypeDecl>(&decl.what);
          defined != nullptr && std::holds_alternative<syntax::ResourceDecl>(defined->what)) {
        fail("type", "a resource type is defined inside a component or instance type");
      }
      if (const auto* import = std::get_if<syntax::Import>(&decl.what)) {
        once(imports, import->name, "imported");
      } else if (const auto* exported = std::get_if<syntax::ExportDecl>(&decl.what)) {
        once(exports, exported->name, "exported");
      }
      if (failure_) {
        return;
      }
    }
  }
  void define(const syntax::LiftDef& what, Sizes& here) {
    use(Sort::kCoreFunc, what.core, here);
    use(what.options, here);
    use(Sort::kType, what.type, here);
    ++here[Sort::kFunc];
  }
  void define(const syntax::LowerDef& what, Sizes& here) {
    use(Sort::kFunc, what.func, here);
    use(what.options, here);
    ++here[Sort::kCoreFunc];
  }
  void define(const syntax::ResourceDef& what, Sizes& here) {
    use(Sort::kType, what.type, here);
    ++here[Sort::kCoreFunc];
  }
  void define(const syntax::OtherDef& what, Sizes& here) {
    use(what.type, Sort::kType, here);
    use(what.options, here);
    ++here[Sort::kCoreFunc];
  }
  void define(const syntax::StartDef& what, Sizes& here) {
    use(Sort::kFunc, what.func, here);
    for (const std::uint32_t value : what.arguments) {
      use(Sort::kValue, value, here);
    }
    here[Sort::kValue] += what.results;
  }
  void define(const syntax::Import& what, Sizes& here) {
    use(what.what, here);
    ++here[sort_of(what.what.kind)];
  }
  void define(const syntax::ExportDecl& what, Sizes& here) {
    use(what.what, here);
    ++here[sort_of(what.what.kind)];
  }
  void define(const syntax::Export& what, Sizes& here) {
    exportable(what.item.sort);
    use(what.item.sort, what.item.index, here);
    if (what.ascribed) {
      use(*what.ascribed, here);
    }
    ++here[what.item.sort];
  }
  void define(const syntax::ValueDef& what, Sizes& here) {
    use(what.type, here);
    ++here[Sort::kValue];
  }

  std::string_view file_;
  wasm::ByteOffset at_;
  std::optional<wasm::Diagnostic> failure_;
};

}  // namespace

std::optional<wasm::Diagnostic> check_indices(const syntax::File& file, std::string_view name) {
  IndexCheck check(name);
  check.component(*file.root, nullptr);
  return std::move(check).failure();
}

}  // namespace meld_verify::component
