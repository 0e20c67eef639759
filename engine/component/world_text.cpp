#include "engine/component/world_text.h"

#include <fmt/format.h>

#include <map>
#include <string_view>

namespace meld_verify::component {
namespace {

constexpr std::string_view kKinds[] = {
    "bool",   "s8",      "u8",   "s16",        "u16",    "s32",    "u32",
    "s64",    "u64",     "f32",  "f64",        "char",   "string", "error-context",
    "record", "variant", "list", "fixed-list", "tuple",  "flags",  "enum",
    "option", "result",  "own",  "borrow",     "stream", "future", "map"};

/// Definitions that are written or looked through again.
constexpr std::size_t kMostVisits = 4'000'000;

class Text {
 public:
  explicit Text(const World& world) : world_(world) {}

  std::optional<std::string> write() {
    items(world_.imports, "import", "");
    items(world_.exports, "export", "");
    return visits_ < kMostVisits ? std::optional(out_ + definitions_) : std::nullopt;
  }

 private:
  using Names = std::map<WrittenId, std::string>;

  void items(const std::vector<WorldItem>& items_of, std::string_view word,
             const std::string& interface_name) {
    Names names;  // of the types of this interface
    written_out_.clear();
    for (const WorldItem& item : items_of) {
      out_ += fmt::format("{} {} {}{}{}", word, interface_name, item.name, item.attributes.empty() ? "" : " ",
                          item.attributes);
      if (const auto* func = std::get_if<WorldFunc>(&item.what)) {
        out_ += ": " + definition(world_.types[func->type.value], names) + "\n";
      } else if (const auto* type = std::get_if<WorldType>(&item.what)) {
        out_ += world_.types[type->type.value].opaque ? ": opaque\n"
                                                      : ": type " + meaning(type->type, names) + "\n";
        name(type->type, item.name, names);
        outer_.emplace(type->type, fmt::format("{} {} of {}", word, item.name, interface_name));
      } else {
        out_ += ":\n";
        items(std::get<WorldInstance>(item.what).items, word, interface_name + item.name + "/");
        written_out_.clear();
      }
    }
  }

  bool is_name(WrittenId id) const {
    return world_.types[id.value].kind == WrittenType::Kind::kImported ||
           world_.types[id.value].kind == WrittenType::Kind::kExported;
  }

  /// From here on the type goes by this name in its interface, and what it names does.
  void name(WrittenId id, const std::string& text, Names& names) {
    written_out_.clear();
    while (names.emplace(id, text).second && is_name(id)) {
      id = *world_.types[id.value].target;
    }
  }

  std::string meaning(WrittenId id, const Names& names) {
    while (true) {
      if (const auto place = names.find(id); place != names.end()) {
        return place->second;
      }
      if (const auto place = outer_.find(id); place != outer_.end()) {
        return place->second;
      }
      if (!is_name(id)) {
        return numbered(id, names);
      }
      id = *world_.types[id.value].target;
    }
  }

  std::string numbered(WrittenId id, const Names& names) {
    if (const auto place = written_out_.find(id); place != written_out_.end()) {
      return place->second;
    }
    const std::string text = definition(world_.types[id.value], names);
    const auto [place, fresh] = numbers_.try_emplace(text, numbers_.size());
    const std::string number = fmt::format("#{}", place->second);
    written_out_.emplace(id, number);
    if (fresh) {
      definitions_ += number + " " + text + "\n";
    }
    return number;
  }

  std::string reference(const WrittenRef& type, const Names& names) {
    return type.type ? meaning(*type.type, names)
                     : std::string(kKinds[static_cast<std::size_t>(type.primitive)]);
  }

  std::string definition(const WrittenType& type, const Names& names) {
    if (++visits_ > kMostVisits) {
      return {};
    }
    if (type.kind == WrittenType::Kind::kResource) {
      const auto [place, fresh] = resources_.try_emplace(type.resource, resources_.size());
      return fmt::format("resource {}", place->second);
    }
    std::string text = type.kind == WrittenType::Kind::kFunc
                           ? (type.async ? "async func" : "func")
                           : std::string(kKinds[static_cast<std::size_t>(type.value)]);
    if (type.target) {
      return text + " " + meaning(*type.target, names);
    }
    text += "(";
    for (const WrittenMember& member : type.members) {
      text += fmt::format("{}: {}, ", member.label, member.type ? reference(*member.type, names) : "_");
    }
    text += type.length == 0 ? ")" : fmt::format("{})", type.length);
    return type.result ? text + " -> " + reference(*type.result, names) : text;
  }

  const World& world_;
  std::string out_;
  std::string definitions_;  ///< of types without a name
  Names outer_;
  std::map<ResourceId, std::size_t> resources_;
  std::map<std::string, std::size_t> numbers_;  ///< of types without a name, by their text
  Names written_out_;                           ///< and their numbers, while no name is new
  std::size_t visits_ = 0;
};

}  // namespace

std::optional<std::string> world_text(const World& world) {
  return Text(world).write();
}

}  // namespace meld_verify::component
