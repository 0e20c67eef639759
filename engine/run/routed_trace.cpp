#include "engine/run/routed_trace.h"

#include <algorithm>
#include <set>

#include "engine/wasm/module.h"
#include "engine/wasm/rewrite.h"

namespace meld_verify::run {
namespace {

using component::CanonId;
using component::Composition;
using component::ResourceId;
using emit::TableFunction;
using emit::TablePart;
using spec::EntryKind;
using spec::TableOperation;

std::pair<std::uint32_t, std::uint32_t> key(const spec::Entry& entry) {
  return {entry.tag.value, entry.rep.value};
}

spec::Party party(component::InstanceId id) {
  return id == component::kHost ? spec::Party() : spec::Party(spec::InstanceId(id.value - 1));
}

/// Resource types of the flat component in the composed one's numbers. Types of the host come in the same
/// order; types of guests are told by their destructors.
std::vector<std::optional<spec::ResourceTypeId>> flat_types(const RoutedProgram& routed) {
  std::vector<std::uint32_t> hosts;
  for (std::uint32_t i = 0; i < routed.composed().resources.size(); ++i) {
    if (routed.composed().resources[i].definer == component::kHost) {
      hosts.push_back(i);
    }
  }
  const auto symbol_of = [&](const component::CoreItem& item) -> std::optional<emit::Symbol> {
    const auto* place = std::get_if<std::pair<component::CoreInstanceId, std::string>>(&item.source);
    if (place == nullptr) {
      return std::nullopt;
    }
    for (const auto& [symbol, name] : routed.core_instances()[place->first.value].exports) {
      if (name == place->second) {
        return symbol;
      }
    }
    return std::nullopt;
  };
  std::vector<std::optional<spec::ResourceTypeId>> types;
  std::size_t next_host = 0;
  for (const component::Resource& resource : routed.composition().resources) {
    std::optional<spec::ResourceTypeId>& type = types.emplace_back();
    if (resource.definer == component::kHost) {
      if (next_host < hosts.size()) {
        type = spec::ResourceTypeId(hosts[next_host++]);
      }
      continue;
    }
    const auto symbol = resource.destructor ? symbol_of(*resource.destructor) : std::nullopt;
    for (const emit::OuterResource& outer : routed.router().resources) {
      if (symbol && *symbol == emit::Symbol(outer.destructor)) {
        type = spec::ResourceTypeId(outer.resource.value);
      }
    }
  }
  return types;
}

}  // namespace

void RoutedTrace::listen_to(RoutedProgram& routed) {
  routed_ = &routed;
  words_ = std::make_unique<Program>(routed.composed(), std::span<const std::uint8_t>());
  const auto& by_canon = routed.router().by_canon;
  for (std::uint32_t i = 0; i < by_canon.size(); ++i) {
    if (by_canon[i]) {
      canon_of_function_.emplace(by_canon[i]->index, CanonId{i});
    }
    const auto* lower = std::get_if<component::Lower>(&routed.composed().canons[i].what);
    canon_names_.push_back(lower != nullptr ? words_->name_of(lower->callee) : "");
  }
  types_ = flat_types(routed);
  routed.program().set_probes(*this);
}

spec::Result<std::optional<ProbedModule>> RoutedTrace::module(component::CoreInstanceId instance) {
  const auto& exports = routed_->core_instances().at(instance.value).exports;
  const auto is_heard = [&](const emit::Symbol& symbol) {
    const auto* function = std::get_if<emit::RouterFunction>(&symbol);
    return std::holds_alternative<TablePart>(symbol) ||
           (function != nullptr && canon_of_function_.contains(function->index));
  };
  if (std::none_of(exports.begin(), exports.end(), [&](const auto& item) { return is_heard(item.first); })) {
    return std::optional<ProbedModule>{};
  }
  const Composition& flat = routed_->composition();
  const component::CoreModule& where = flat.modules[flat.core_instances[instance.value].module.value];
  const auto bytes = routed_->bytes().subspan(where.begin.value, where.end.value - where.begin.value);
  const auto decoded = wasm::decode_module(bytes, where.begin, "router");
  std::vector<wasm::Probe> probes;
  ProbedModule made;
  for (const auto& [symbol, name] : exports) {
    const auto found =
        std::find_if(decoded->exports.begin(), decoded->exports.end(),
                     [&name = name](const wasm::CoreExport& item) { return item.name == name; });
    if (!is_heard(symbol) || found == decoded->exports.end()) {
      continue;
    }
    const std::string number = std::to_string(probes.size());
    probes.push_back({found->index, "enter" + number, "leave" + number});
    for (const bool leaves : {false, true}) {
      made.probes.emplace_back(
          [this, symbol = symbol, leaves](const CoreStore::Values& values, CoreStore::Values&) {
            Words words;
            for (const CoreValue& value : values) {
              words.push_back(static_cast<std::uint32_t>(value.bits));
            }
            hear(symbol, leaves, words);
            return std::unique_ptr<CoreTrap>();
          });
    }
  }
  auto probed = wasm::with_probes(bytes, where.begin, "router", probes, "meld-verify:probes");
  if (!probed) {
    return spec::trap(spec::TrapClass::kUnsupported,
                      "the router cannot be given probes: " + wasm::to_string(probed.error()));
  }
  made.bytes = *std::move(probed);
  return std::optional(std::move(made));
}

void RoutedTrace::hear(const emit::Symbol& symbol, bool leaves, const Words& values) {
  if (const auto* function = std::get_if<emit::RouterFunction>(&symbol)) {
    canon_function(canon_of_function_.at(function->index), leaves);
  } else if (const auto& part = std::get<TablePart>(symbol); leaves) {
    table_left(part, values);
  } else {
    table_entered(part, values);
  }
}

// --- calls

void RoutedTrace::hand_on_call() {
  if (beginning_) {
    target_.entered(*std::exchange(beginning_, std::nullopt));
  }
}

std::optional<spec::Crossing> RoutedTrace::crossing_of_canon(CanonId canon) {
  const component::Canon& what = routed_->composed().canons[canon.value];
  const auto* lower = std::get_if<component::Lower>(&what.what);
  if (lower == nullptr) {
    return std::nullopt;
  }
  const auto* lift = std::get_if<CanonId>(&lower->callee);
  return spec::Crossing{
      .caller = party(what.owner),
      .callee = lift == nullptr ? spec::Party() : party(routed_->composed().canons[lift->value].owner),
      .function = {},
      .name = canon_names_[canon.value]};
}

void RoutedTrace::canon_function(CanonId canon, bool leaves) {
  hand_on_call();
  const auto crossing = crossing_of_canon(canon);
  if (leaves) {
    running_.pop_back();
    if (crossing) {
      target_.left(*crossing);
    }
    return;
  }
  running_.push_back(canon);
  beginning_ = crossing;
}

/// Of a call by the host.
std::optional<spec::Crossing> RoutedTrace::crossing_of_export(const spec::Crossing& crossing) {
  if (crossing.caller) {
    return std::nullopt;  // a bridge calls the host
  }
  for (const component::WorldExport& item : routed_->composed().exports) {
    const auto* lift = std::get_if<CanonId>(&item.func);
    if (lift != nullptr && Program::name_of(item) == crossing.name) {
      return spec::Crossing{.caller = {},
                            .callee = party(routed_->composed().canons[lift->value].owner),
                            .function = {},
                            .name = crossing.name};
    }
  }
  return std::nullopt;
}

void RoutedTrace::entered(const spec::Crossing& crossing) {
  hand_on_call();
  if (const auto ours = crossing_of_export(crossing)) {
    target_.entered(*ours);
  }
}

void RoutedTrace::left(const spec::Crossing& crossing) {
  if (const auto ours = crossing_of_export(crossing)) {
    target_.left(*ours);
  }
}

// --- tables

bool RoutedTrace::in_builtin() const {
  return !running_.empty() && std::holds_alternative<component::ResourceBuiltin>(
                                  routed_->composed().canons[running_.back().value].what);
}

spec::InstanceId RoutedTrace::instance_of(routing::TableId table) const {
  return *party(routed_->plan().tables[table.value].instances.at(0));
}

spec::ResourceTypeId RoutedTrace::type_of(std::uint32_t tag) const {
  return spec::ResourceTypeId(routed_->plan().types.at(tag).resource.value);
}

void RoutedTrace::changed(const TablePart& part, std::uint32_t index, TableOperation operation,
                          const spec::Entry& entry) {
  target_.table_changed({.instance = instance_of(part.table),
                         .index = spec::HandleIndex(index),
                         .operation = operation,
                         .entry = entry});
}

spec::Destruction RoutedTrace::destruction(spec::Party dropper, const spec::Entry& entry) const {
  const component::Resource& resource = routed_->composed().resources[entry.tag.value];
  return {.dropper = dropper,
          .definer = party(resource.definer),
          .type = entry.tag,
          .rep = entry.rep,
          .object = entry.object,
          .has_code = resource.definer != component::kHost && resource.has_destructor};
}

spec::ObjectId RoutedTrace::made(const spec::Entry& entry) {
  return objects_.emplace(key(entry), spec::ObjectId{next_object_++})->second;
}

spec::ObjectId RoutedTrace::arriving(const spec::Entry& entry) {
  const auto found = away_.lower_bound(key(entry));
  if (found == away_.end() || found->first != key(entry)) {
    return made(entry);
  }
  const spec::ObjectId id = found->second;
  away_.erase(found);
  return id;
}

spec::ObjectId RoutedTrace::lent(const spec::Entry& entry) const {
  const auto found = objects_.lower_bound(key(entry));
  return found == objects_.end() || found->first != key(entry) ? spec::ObjectId{} : found->second;
}

void RoutedTrace::destroyed(const spec::Entry& entry) {
  const auto [first, last] = objects_.equal_range(key(entry));
  const auto found = std::find_if(first, last, [&](const auto& one) { return one.second == entry.object; });
  if (found != last) {
    objects_.erase(found);
  }
}

void RoutedTrace::table_entered(const TablePart& part, const Words& arguments) {
  hand_on_call();
  Asked asked{.arguments = arguments, .destruction = {}};
  const bool makes = part.function == TableFunction::kNew || part.function == TableFunction::kBorrow;
  if (!makes && part.function != TableFunction::kUnlend) {
    asked_ = spec::HandlePlace{instance_of(part.table), spec::HandleIndex(arguments[1])};
  }
  if (part.function == TableFunction::kDrop) {  // told before the destructor runs
    const auto found = entries_.find({part.table.value, arguments[1]});
    if (found != entries_.end() && found->second.tag == type_of(arguments[0]) && found->second.lends == 0) {
      asked_.reset();
      const spec::Entry entry = found->second;
      entries_.erase(found);
      changed(part, arguments[1], TableOperation::kDrop, entry);
      if (entry.kind == EntryKind::kOwn) {
        destroyed(entry);
        asked.destruction = destruction(instance_of(part.table), entry);
        target_.destructor_entered(*asked.destruction);
      }
    }
  }
  asked_for_.push_back(std::move(asked));
}

void RoutedTrace::table_left(const TablePart& part, const Words& results) {
  const Asked asked = std::move(asked_for_.back());
  asked_for_.pop_back();
  asked_.reset();
  const Words& arguments = asked.arguments;
  const auto entry_at = [&](std::uint32_t index) { return entries_.find({part.table.value, index}); };
  switch (part.function) {
    case TableFunction::kNew:
    case TableFunction::kBorrow: {
      spec::Entry entry;
      entry.kind = part.function == TableFunction::kNew ? EntryKind::kOwn : EntryKind::kBorrow;
      entry.tag = type_of(arguments[0]);
      entry.rep = spec::Rep(arguments[1]);
      entry.object = entry.kind == EntryKind::kBorrow ? lent(entry)
                     : in_builtin()                   ? made(entry)
                                                      : arriving(entry);
      entries_[{part.table.value, results[0]}] = entry;
      changed(part, results[0], in_builtin() ? TableOperation::kNew : TableOperation::kAdd, entry);
      return;
    }
    case TableFunction::kRep:
    case TableFunction::kLend:
      if (const auto found = entry_at(arguments[1]); found != entries_.end()) {
        const bool lends = part.function == TableFunction::kLend;
        found->second.lends += lends ? 1 : 0;
        changed(part, arguments[1], lends ? TableOperation::kLend : TableOperation::kRep, found->second);
      }
      return;
    case TableFunction::kUnlend:
      if (const auto found = entry_at(arguments[0]); found != entries_.end()) {
        --found->second.lends;
        changed(part, arguments[0], TableOperation::kReturn, found->second);
      }
      return;
    case TableFunction::kTake:
      if (const auto found = entry_at(arguments[1]); found != entries_.end()) {
        const spec::Entry entry = found->second;
        entries_.erase(found);
        away_.emplace(key(entry), entry.object);
        changed(part, arguments[1], TableOperation::kRemove, entry);
      }
      return;
    case TableFunction::kDrop:
    case TableFunction::kDropAlike:
      if (asked.destruction) {
        target_.destructor_left(*asked.destruction);
      }
      return;
  }
}

// --- the host's side

void RoutedTrace::destructor_entered(const spec::Destruction& destruction) {
  const auto type = types_.at(destruction.type.value);
  // One that the router drops is told by its table, or is on its way.
  const bool by_host = !destruction.dropper && destruction.definer && type;
  host_destructions_.push_back(by_host);
  if (by_host) {
    spec::Entry entry;
    entry.tag = *type;
    entry.rep = destruction.rep;
    entry.object = arriving(entry);
    destroyed(entry);
    target_.destructor_entered(this->destruction({}, entry));
  }
}

void RoutedTrace::destructor_left(const spec::Destruction& destruction) {
  const bool handed_on = host_destructions_.back();
  host_destructions_.pop_back();
  if (handed_on) {
    target_.destructor_left(destruction);
  }
}

void RoutedTrace::trapped(const spec::Trap& trap) {
  if (trap.trap_class == spec::TrapClass::kCannotLeave) {
    beginning_.reset();
  }
  hand_on_call();
  target_.trapped(trap);
}

void RoutedTrace::still_live(const spec::LiveObject& object) {
  const auto type = types_.at(object.type.value);
  if (!object.holder && type) {
    spec::LiveObject ours = object;
    ours.type = *type;
    target_.still_live(ours);
  }
}

void RoutedTrace::finish() {
  for (const auto& [place, entry] : entries_) {
    target_.still_live({.holder = instance_of(routing::TableId(place.first)),
                        .index = spec::HandleIndex(place.second),
                        .own = entry.kind == EntryKind::kOwn,
                        .type = entry.tag,
                        .rep = entry.rep,
                        .object = entry.object});
  }
}

}  // namespace meld_verify::run
