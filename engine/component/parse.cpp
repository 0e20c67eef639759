#include "engine/component/parse.h"

#include <fmt/format.h>

#include <array>

#include "engine/component/parse_types.h"
#include "engine/wasm/reader.h"

namespace meld_verify::component {
namespace {

using syntax::ComponentDef;
using syntax::Definition;
using syntax::Sort;
using wasm::ByteOffset;
using wasm::Reader;

constexpr std::array<std::string_view, 13> kSections{
    "custom section",    "core module section", "core instance section", "core type section",
    "component section", "instance section",    "alias section",         "type section",
    "canon section",     "start section",       "import section",        "export section",
    "value section"};

/// What follows the opcode of a canonical built-in that only has a name here.
enum class Immediate : std::uint8_t {
  kNone,
  kType,
  kTypeOpts,
  kTypeFlag,
  kFlag,
  kOpts,
  kResultOpts,
  kFlagMemory,
  kValueIndex,
  kTypeTable,
  kFlagType,
  kFlagTypeTable
};
struct Builtin {
  std::uint8_t opcode;
  std::string_view name;
  Immediate immediate;
};
using enum Immediate;
constexpr std::array kBuiltins{
    Builtin{0x05, "task.cancel", kNone},
    Builtin{0x06, "subtask.cancel", kFlag},
    Builtin{0x08, "backpressure.set", kNone},
    Builtin{0x09, "task.return", kResultOpts},
    Builtin{0x0a, "context.get", kValueIndex},
    Builtin{0x0b, "context.set", kValueIndex},
    Builtin{0x0c, "thread.yield", kFlag},
    Builtin{0x0d, "subtask.drop", kNone},
    Builtin{0x0e, "stream.new", kType},
    Builtin{0x0f, "stream.read", kTypeOpts},
    Builtin{0x10, "stream.write", kTypeOpts},
    Builtin{0x11, "stream.cancel-read", kTypeFlag},
    Builtin{0x12, "stream.cancel-write", kTypeFlag},
    Builtin{0x13, "stream.drop-readable", kType},
    Builtin{0x14, "stream.drop-writable", kType},
    Builtin{0x15, "future.new", kType},
    Builtin{0x16, "future.read", kTypeOpts},
    Builtin{0x17, "future.write", kTypeOpts},
    Builtin{0x18, "future.cancel-read", kTypeFlag},
    Builtin{0x19, "future.cancel-write", kTypeFlag},
    Builtin{0x1a, "future.drop-readable", kType},
    Builtin{0x1b, "future.drop-writable", kType},
    Builtin{0x1c, "error-context.new", kOpts},
    Builtin{0x1d, "error-context.debug-message", kOpts},
    Builtin{0x1e, "error-context.drop", kNone},
    Builtin{0x1f, "waitable-set.new", kNone},
    Builtin{0x20, "waitable-set.wait", kFlagMemory},
    Builtin{0x21, "waitable-set.poll", kFlagMemory},
    Builtin{0x22, "waitable-set.drop", kNone},
    Builtin{0x23, "waitable.join", kNone},
    Builtin{0x24, "backpressure.inc", kNone},
    Builtin{0x25, "backpressure.dec", kNone},
    Builtin{0x26, "thread.index", kNone},
    Builtin{0x27, "thread.new-indirect", kTypeTable},
    Builtin{0x28, "thread.resume-later", kNone},
    Builtin{0x29, "thread.suspend", kFlag},
    Builtin{0x2a, "thread.suspend-then-resume", kFlag},
    Builtin{0x2b, "thread.yield-then-resume", kFlag},
    Builtin{0x2c, "thread.suspend-then-promote", kFlag},
    Builtin{0x2d, "thread.yield-then-promote", kFlag},
    Builtin{0x40, "thread.spawn-ref", kFlagType},
    Builtin{0x41, "thread.spawn-indirect", kFlagTypeTable},
    Builtin{0x42, "thread.available-parallelism", kFlag},
};

class Parser {
 public:
  Parser(std::string_view file, Budget& budget) : file_(file), budget_(budget), types_(budget) {}

  /// `in` stands before the preamble.
  std::shared_ptr<const ComponentDef> component(Reader& in, unsigned depth, const std::string& where) {
    auto def = std::make_shared<ComponentDef>();
    def->id = DefinitionId{out_.component_count++};
    preamble(in);
    while (in.ok() && !in.at_end()) {
      const ByteOffset at = in.offset();
      const std::uint8_t id = in.byte("a section");
      const std::uint32_t size = in.u32("a section's size");
      if (in.ok() && id >= kSections.size()) {
        in.fail(at, "unknown-section", fmt::format("a section has the unknown number {}", id));
        break;
      }
      if (!in.ok()) {
        break;
      }
      Reader inner = in.slice(size, kSections[id], fmt::format("{}{}", kSections[id], where));
      section(id, inner, *def, depth);
      if (inner.ok() && !inner.at_end()) {
        inner.fail("section-size",
                   fmt::format("{} more bytes than the section's contents need", inner.left()));
      }
      if (!inner.ok()) {
        in.fail(inner.failure());
      }
    }
    return def;
  }

  syntax::File finish(std::shared_ptr<const ComponentDef> root) {
    out_.root = std::move(root);
    return std::move(out_);
  }

 private:
  void preamble(Reader& in) {
    const ByteOffset at = in.offset();
    const auto bytes = in.take(std::min<std::size_t>(8, in.left()), "the preamble");
    static constexpr std::array<std::uint8_t, 4> kMagic{0, 'a', 's', 'm'};
    if (bytes.size() < 8 || !std::equal(kMagic.begin(), kMagic.end(), bytes.begin())) {
      in.fail(at, "not-wasm", "not a WebAssembly component: it must start with 00 61 73 6d 0d 00 01 00");
    } else if (bytes[6] == 0) {
      in.fail(at, "core-module", "a core module, where a component belongs (layer 0 instead of 1)");
    } else if (bytes[4] != 0x0d || bytes[5] != 0 || bytes[6] != 1 || bytes[7] != 0) {
      in.fail(at, "version",
              fmt::format("component format version {}.{}, where 13.1 is understood",
                          bytes[4] + 256 * bytes[5], bytes[6] + 256 * bytes[7]));
    }
  }

  void section(std::uint8_t id, Reader& in, ComponentDef& def, unsigned depth) {
    const auto list = [&](const char* what, auto&& read) {
      const std::uint32_t count = in.count(what);
      for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        const ByteOffset at = in.offset();
        types_.spend(in, cost::kDefinition);
        def.definitions.push_back({at, read()});
      }
    };
    using What = decltype(Definition::what);
    switch (id) {
      case 0:
        custom(in, def);
        break;
      case 1: {
        const ByteOffset at = in.offset();
        types_.spend(in, cost::kDefinition);
        const auto bytes = in.take(in.left(), "a core module");
        auto index = wasm::index_module(bytes, at, file_, budget_.left() / cost::kEntry);
        if (!index) {
          in.fail(index.error());
          return;
        }
        types_.spend(in, index->bodies.size() * cost::kBody +
                             (index->sections.size() + index->imports.size() + index->exports.size() + 1) *
                                 cost::kEntry);
        def.definitions.push_back({at, syntax::CoreModuleDef{CoreModuleId{out_.modules.size()}}});
        out_.modules.push_back({at, in.offset(), std::move(*index), {}});
        break;
      }
      case 2:
        list("the list of core instances", [&] { return core_instance(in); });
        break;
      case 3:
        list("the list of core types", [&] { return What{syntax::CoreType{types_.core_type(in, 0)}}; });
        break;
      case 4: {
        const ByteOffset at = in.offset();
        types_.spend(in, 2 * cost::kDefinition);
        if (depth + 1 > kMostNesting) {
          in.fail("too-deep", fmt::format("components are nested more than {} deep", kMostNesting));
          return;
        }
        Reader inner = in.slice(in.left(), "a component", in.within());
        auto nested =
            component(inner, depth + 1, fmt::format(" of nested component {}", out_.component_count));
        if (!inner.ok()) {
          in.fail(inner.failure());
        }
        def.definitions.push_back({at, std::move(nested)});
        break;
      }
      case 5:
        list("the list of instances", [&] { return instance(in); });
        break;
      case 6:
        list("the list of aliases", [&] { return What{types_.alias(in)}; });
        break;
      case 7:
        list("the list of types", [&] { return What{types_.type(in, 0)}; });
        break;
      case 8:
        list("the list of canonical definitions", [&] { return canon(in); });
        break;
      case 9: {
        const ByteOffset at = in.offset();
        types_.spend(in, cost::kDefinition);
        syntax::StartDef start;
        start.func = in.u32("a function index");
        const std::uint32_t arguments = in.count("the arguments of the start function");
        for (std::uint32_t i = 0; i < arguments && in.ok(); ++i) {
          types_.spend(in, cost::kMember);
          start.arguments.push_back(in.u32("a value index"));
        }
        start.results = in.u32("a number of results");
        def.definitions.push_back({at, std::move(start)});
        break;
      }
      case 10:
        list("the list of imports", [&] {
          syntax::Import import;
          import.name = types_.extern_name(in, &import.attributes);
          import.what = types_.extern_type(in);
          return What{import};
        });
        break;
      case 11:
        list("the list of exports", [&] { return export_item(in); });
        break;
      case 12:
        list("the list of values", [&] {
          const syntax::ValueDef value{types_.val_type(in)};
          const std::uint32_t size = in.u32("a value's size");
          (void)in.take(size, "a value");
          return What{value};
        });
        break;
      default:
        break;
    }
  }

  std::vector<syntax::NamedCore> core_exports(Reader& in) {
    std::vector<syntax::NamedCore> exports;
    const std::uint32_t count = in.count("the exports of a core instance");
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
      types_.spend(in, cost::kMember);
      syntax::NamedCore item;
      item.name = in.name("an export's name");
      item.item.sort = types_.core_sort(in);
      item.item.index = in.u32("an index");
      exports.push_back(item);
    }
    return exports;
  }

  decltype(Definition::what) core_instance(Reader& in) {
    const ByteOffset at = in.offset();
    const std::uint8_t form = in.byte("a core instance");
    if (form == 1) {
      return syntax::CoreBag{core_exports(in)};
    }
    if (form != 0) {
      in.fail(at, "unknown-code", fmt::format("a core instance has the unknown code 0x{:02x}", form));
    }
    syntax::CoreInstantiate instantiate;
    instantiate.module = in.u32("a module index");
    const std::uint32_t count = in.count("the arguments of a core instantiation");
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
      types_.spend(in, cost::kMember);
      syntax::NamedCore argument;
      argument.name = in.name("an argument's name");
      const ByteOffset sort_at = in.offset();
      if (const std::uint8_t sort = in.byte("an argument"); sort != 0x12) {
        in.fail(sort_at, "unknown-code", "an argument of a core instantiation is not an instance (0x12)");
      }
      argument.item = {Sort::kCoreInstance, in.u32("a core instance index")};
      instantiate.arguments.push_back(argument);
    }
    return instantiate;
  }

  decltype(Definition::what) instance(Reader& in) {
    const ByteOffset at = in.offset();
    const std::uint8_t form = in.byte("an instance");
    std::vector<syntax::NamedCore> items;
    std::uint32_t component = 0;
    if (form > 1) {
      in.fail(at, "unknown-code", fmt::format("an instance has the unknown code 0x{:02x}", form));
    }
    if (form == 0) {
      component = in.u32("a component index");
    }
    const std::uint32_t count =
        in.count(form == 0 ? "the arguments of an instantiation" : "the exports of an instance");
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
      types_.spend(in, cost::kMember);
      syntax::NamedCore item;
      item.name = form == 0 ? in.name("an argument's name") : types_.extern_name(in);
      item.item.sort = types_.sort(in);
      item.item.index = in.u32("an index");
      items.push_back(item);
    }
    if (form == 0) {
      return syntax::Instantiate{component, std::move(items)};
    }
    return syntax::Bag{std::move(items)};
  }

  syntax::CanonOpts options(Reader& in) {
    syntax::CanonOpts options;
    std::uint32_t seen = 0;
    const std::uint32_t count = in.count("the options of a canonical definition");
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
      const ByteOffset at = in.offset();
      const std::uint8_t code = in.byte("an option");
      switch (code) {
        case 0x00:
          options.encoding = StringEncoding::kUtf8;
          break;
        case 0x01:
          options.encoding = StringEncoding::kUtf16;
          break;
        case 0x02:
          options.encoding = StringEncoding::kLatin1Utf16;
          break;
        case 0x03:
          options.memory = in.u32("a memory index");
          break;
        case 0x04:
          options.realloc = in.u32("a core function index");
          break;
        case 0x05:
          options.post_return = in.u32("a core function index");
          break;
        case 0x06:
          options.async = true;
          break;
        case 0x07:
          options.callback = in.u32("a core function index");
          break;
        case 0x08:  // garbage-collected values: read, and out of scope
          in.u32("a core type index");
          options.gc = true;
          break;
        case 0x09:
          options.gc = true;
          break;
        default:
          in.fail(at, "unknown-code", fmt::format("a canonical option has the unknown code 0x{:02x}", code));
          continue;
      }
      const std::uint32_t bit = 1u << (code <= 0x02 ? 0u : code);  // the encodings exclude each other
      if (in.ok() && (seen & bit) != 0) {
        in.fail(
            at, "duplicate-option",
            fmt::format("a canonical definition has the option 0x{:02x} after another of its kind", code));
      }
      seen |= bit;
    }
    return options;
  }

  void flag(Reader& in) {
    const ByteOffset at = in.offset();
    if (const std::uint8_t value = in.byte("a flag"); value > 1) {
      in.fail(at, "unknown-code", fmt::format("a flag is 0x{:02x}, where 0 or 1 belongs", value));
    }
  }

  void immediates(Reader& in, Immediate immediate, syntax::OtherDef& def) {
    switch (immediate) {
      case kNone:
        break;
      case kType:
        def.type = in.u32("a type index");
        break;
      case kTypeOpts:
        def.type = in.u32("a type index");
        def.options = options(in);
        break;
      case kTypeFlag:
        def.type = in.u32("a type index");
        flag(in);
        break;
      case kFlag:
        flag(in);
        break;
      case kOpts:
        def.options = options(in);
        break;
      case kResultOpts:
        if (const auto result = types_.result_list(in)) {
          def.type = result->index;
        }
        def.options = options(in);
        break;
      case kFlagMemory:
        flag(in);
        def.options.memory = in.u32("a memory index");
        break;
      case kValueIndex:
        in.byte("a core value type");
        in.u32("an index");
        break;
      case kTypeTable:
        in.u32("a core type index");
        in.u32("a table index");
        break;
      case kFlagType:
        flag(in);
        in.u32("a core type index");
        break;
      case kFlagTypeTable:
        flag(in);
        in.u32("a core type index");
        in.u32("a table index");
        break;
    }
  }

  decltype(Definition::what) canon(Reader& in) {
    const ByteOffset at = in.offset();
    const std::uint8_t code = in.byte("a canonical definition");
    switch (code) {
      case 0x00:
      case 0x01: {
        const ByteOffset sort_at = in.offset();
        if (const std::uint8_t sort = in.byte("a canonical definition"); sort != 0) {
          in.fail(sort_at, "unknown-code",
                  fmt::format("canon {} has the unknown sort 0x{:02x}", code == 0 ? "lift" : "lower", sort));
        }
        const std::uint32_t func = in.u32("a function index");
        syntax::CanonOpts opts = options(in);
        if (code == 1) {
          return syntax::LowerDef{func, opts};
        }
        return syntax::LiftDef{func, opts, in.u32("a type index")};
      }
      case 0x02:
        return syntax::ResourceDef{ResourceOp::kNew, in.u32("a type index")};
      case 0x03:
        return syntax::ResourceDef{ResourceOp::kDrop, in.u32("a type index")};
      case 0x04:
        return syntax::ResourceDef{ResourceOp::kRep, in.u32("a type index")};
      default:
        for (const Builtin& builtin : kBuiltins) {
          if (builtin.opcode == code) {
            syntax::OtherDef def{.opcode = code, .name = builtin.name, .type = {}, .options = {}};
            immediates(in, builtin.immediate, def);
            return def;
          }
        }
        in.fail(at, "unknown-code",
                fmt::format("a canonical definition has the unknown code 0x{:02x}", code));
        return syntax::OtherDef{};
    }
  }

  decltype(Definition::what) export_item(Reader& in) {
    syntax::Export item;
    item.name = types_.extern_name(in, &item.attributes);
    item.item.sort = types_.sort(in);
    item.item.index = in.u32("an index");
    const ByteOffset at = in.offset();
    const std::uint8_t ascribed = in.byte("an export's type");
    if (ascribed == 1) {
      item.ascribed = types_.extern_type(in);
    } else if (ascribed != 0) {
      in.fail(at, "unknown-code", fmt::format("an export's type has the unknown code 0x{:02x}", ascribed));
    }
    return item;
  }

  /// A malformed name section is ignored, as the specification asks.
  void custom(Reader& in, ComponentDef& def) {
    const std::string_view name = in.name("a custom section's name");
    Reader body = in.slice(in.left(), "a custom section", in.within());
    if (name != "component-name") {
      return;
    }
    while (body.ok() && !body.at_end()) {
      const std::uint8_t id = body.byte("a name subsection");
      const std::uint32_t size = body.u32("a name subsection's size");
      Reader inner = body.slice(size, "a name subsection", body.within());
      if (id == 0) {
        const std::string_view own = inner.name("a component's name");
        def.name = inner.ok() ? own : std::string_view{};
      } else if (id == 1) {
        const Sort sort = types_.sort(inner);
        const std::uint32_t count = inner.count("names");
        auto* names = sort == Sort::kInstance     ? &def.instance_names
                      : sort == Sort::kType       ? &def.type_names
                      : sort == Sort::kCoreModule ? &def.module_names
                                                  : nullptr;
        for (std::uint32_t i = 0; i < count && inner.ok(); ++i) {
          const std::uint32_t index = inner.u32("an index");
          const std::string_view text = inner.name("a name");
          if (inner.ok() && names != nullptr) {
            types_.spend(in, cost::kMember);
            names->emplace(index, text);
          }
        }
      }
    }
  }

  std::string_view file_;
  Budget& budget_;
  TypeParser types_;
  syntax::File out_;
};

}  // namespace

wasm::Expected<syntax::File> parse(std::span<const std::uint8_t> bytes, std::string_view file,
                                   Budget& budget) {
  Reader in(bytes, ByteOffset{0}, file, "component");
  Parser parser(file, budget);
  auto root = parser.component(in, 0, "");
  if (!in.ok()) {
    return tl::unexpected(in.failure());
  }
  return parser.finish(std::move(root));
}

}  // namespace meld_verify::component
