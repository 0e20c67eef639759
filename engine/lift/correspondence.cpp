#include "engine/lift/correspondence.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/lift/initial_memory.h"
#include "engine/wasm/printable.h"

namespace meld_verify::lift {

using wasm::IndexSpace;
namespace op = wasm::op;

namespace {

constexpr std::uint64_t kPage = 65536;

}  // namespace

Correspondence::Correspondence(const component::Composition& composition, const Image& composed,
                               const Image& fused, const std::vector<InstancePlace>& places,
                               Alignment& alignment)
    : composition_(composition),
      composed_(composed),
      fused_(fused),
      places_(places),
      alignment_(alignment),
      memories_(composed.memories.size()),
      tables_(composed.tables.size()),
      globals_(composed.globals.size()) {}

void Correspondence::gap(CoreInstanceId original, const std::string& sentence,
                         std::optional<std::uint32_t> function, bool lost) {
  constexpr std::size_t kMostGaps = 10'000;
  if (alignment_.gaps.size() >= kMostGaps) {
    return;
  }
  const LinkedInstance& instance = composed_.instances[original.value];
  const std::string& name = composition_.modules[instance.module.value].name;
  alignment_.gaps.push_back(
      {.original = original,
       .lost = lost,
       .function = function,
       .sentence =
           fmt::format("core module {}{} of {}: {}", instance.module.value,
                       name.empty() ? "" : fmt::format(" ({})", wasm::printable(name)),
                       wasm::printable(composition_.instances[instance.owner.value].name), sentence)});
}

/// `theirs` by the original module's index space: what its code uses there. Two originals never share one,
/// and one never is two.
template <class Id, class Share>
void Correspondence::relate(std::vector<std::optional<Id>>& by_original, std::map<Id, Id>& back,
                            const std::vector<Id>& originals, const std::vector<std::optional<Id>>& theirs,
                            std::vector<std::optional<Id>>& of_instance, CoreInstanceId instance,
                            const char* word, const Share& may_share) {
  of_instance.assign(originals.size(), {});
  for (std::uint32_t i = 0; i < originals.size(); ++i) {
    if (!theirs[i]) {
      continue;
    }
    const Id original = originals[i];
    const Id there = *theirs[i];
    of_instance[i] = there;
    auto& known = by_original[original.value];
    if (!known) {
      known = there;
    } else if (*known != there && !may_share(original, there)) {
      gap(instance, fmt::format("its {} {} is one with another core module's, and is its own in the fused "
                                "file",
                                word, i));
    }
    const auto [place, is_new] = back.emplace(there, original);
    if (!is_new && place->second != original && !may_share(original, there)) {
      gap(instance, fmt::format("its {} {} is shared with another core module in the fused file", word, i));
    }
  }
}

void Correspondence::relate_all() {
  const auto never = [](auto, auto) { return false; };
  const auto immutable = [&](GlobalId original, GlobalId there) {
    return !composed_.globals[original.value].type.is_mutable && !fused_.globals[there.value].type.is_mutable;
  };
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    const LinkedInstance& instance = composed_.instances[i];
    AlignedInstance& aligned = alignment_.instances[i];
    aligned.functions.assign(instance.functions.size(), {});
    const Match* match = places_[i].match.get();
    if (match == nullptr) {
      aligned.memories.assign(instance.memories.size(), {});
      aligned.tables.assign(instance.tables.size(), {});
      aligned.globals.assign(instance.globals.size(), {});
      continue;
    }
    aligned.found = true;
    const std::size_t imported = match->imports.size();
    for (std::size_t k = 0; k < match->functions.size(); ++k) {
      if (!match->functions[k] || !match->equal[k]) {
        continue;
      }
      const FunctionId there = *match->functions[k];
      const FunctionId original = instance.functions[imported + k];
      aligned.functions[imported + k] = there;
      alignment_.counterpart[original.value] = there;
      alignment_.is_guest[there.value] = true;
      if (!alignment_.original_of[there.value]) {
        alignment_.original_of[there.value] = original;
      }
      ++alignment_.aligned_functions;
    }
    const CoreInstanceId id{i};
    relate(memories_, memory_originals_, instance.memories, match->memories, aligned.memories, id, "memory",
           never);
    relate(tables_, table_originals_, instance.tables, match->tables, aligned.tables, id, "table", never);
    relate(globals_, global_originals_, instance.globals, match->globals, aligned.globals, id, "global",
           immutable);
  }
}

/// Whether what stands for a use of `original` leads where `original` leads.
bool Correspondence::leads_alike(FunctionId original, FunctionId there) {
  const FunctionId end = composed_.behind(original);
  const FunctionId found = fused_.behind(there);
  const LinkedFunction& linked = composed_.functions[end.value];
  if (linked.kind == LinkedFunction::Kind::kCanon) {
    auto& wired = alignment_.wired_to[linked.canon.value];
    if (std::find(wired.begin(), wired.end(), found) == wired.end()) {
      wired.push_back(found);
    }
  }
  for (const FunctionId function : {original, end}) {
    if (const auto& counterpart = alignment_.counterpart[function.value]) {
      return fused_.behind(*counterpart) == found;
    }
  }
  return linked.kind == LinkedFunction::Kind::kCanon;
}

void Correspondence::compare_imports() {
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    const Match* match = places_[i].match.get();
    if (match == nullptr) {
      continue;
    }
    const LinkedInstance& instance = composed_.instances[i];
    for (std::uint32_t k = 0; k < match->imports.size(); ++k) {
      for (const FunctionId there : match->imports[k]) {
        auto& first = alignment_.instances[i].functions[k];
        if (!first) {
          first = fused_.behind(there);
        }
        if (!leads_alike(instance.functions[k], there)) {
          gap(CoreInstanceId{i},
              fmt::format("what it imports as function {} is {} in the fused file, another function", k,
                          fused_.name_of(there)),
              k);
        }
      }
    }
  }
}

void Correspondence::compare_tables() {
  for (std::uint32_t t = 0; t < tables_.size(); ++t) {
    if (!tables_[t]) {
      continue;
    }
    const LinkedTable& original = composed_.tables[t];
    const LinkedTable& there = fused_.tables[tables_[t]->value];
    const CoreInstanceId owner = original.instance;
    if (original.type.element != there.type.element ||
        original.type.limits.is_64 != there.type.limits.is_64 ||
        original.type.element == wasm::ValueType::kOther) {
      gap(owner, fmt::format("its table {} has another type in the fused file", original.index));
      continue;
    }
    if (!original.known || !there.known) {
      gap(owner, fmt::format("what its table {} holds cannot be read", original.index));
      continue;
    }
    if (there.type.limits.min < original.type.limits.min) {
      gap(owner, fmt::format("its table {} is smaller in the fused file", original.index));
    }
    const std::size_t size = std::max(original.entries.size(), there.entries.size());
    for (std::size_t i = 0; i < size; ++i) {
      const auto entry = i < original.entries.size() ? original.entries[i] : std::nullopt;
      const auto found = i < there.entries.size() ? there.entries[i] : std::nullopt;
      if (entry.has_value() != found.has_value() || (entry && !leads_alike(*entry, *found))) {
        gap(owner, fmt::format("entry {} of its table {} is {} in the fused file", i, original.index,
                               found ? "another function, " + fused_.name_of(*found) : "null"));
      }
    }
  }
}

void Correspondence::compare_globals() {
  std::vector<bool> done(globals_.size());
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    const Match* match = places_[i].match.get();
    if (match == nullptr) {
      continue;
    }
    for (std::uint32_t k = 0; k < match->globals.size(); ++k) {
      if (!match->globals[k]) {
        continue;
      }
      const LinkedGlobal& original = composed_.globals[composed_.instances[i].globals[k].value];
      const LinkedGlobal& there = fused_.globals[match->globals[k]->value];
      const bool known = (original.initial || original.function || original.is_null) &&
                         (there.initial || there.function || there.is_null);
      if (original.type != there.type || original.type.type == wasm::ValueType::kOther) {
        gap(CoreInstanceId{i}, fmt::format("its global {} has another type in the fused file", k));
      } else if (!known) {
        gap(CoreInstanceId{i}, fmt::format("what its global {} starts as cannot be read", k));
      } else if (original.initial != there.initial || original.is_null != there.is_null ||
                 original.function.has_value() != there.function.has_value() ||
                 (original.function && !leads_alike(*original.function, *there.function))) {
        gap(CoreInstanceId{i}, fmt::format("its global {} starts as another value in the fused file", k));
      }
    }
  }
}

void Correspondence::compare_element_segment(CoreInstanceId instance, std::uint32_t segment,
                                             const SegmentPlace& there) {
  const wasm::ElementSegment& original = composed_.module_of(instance).elements[segment];
  const wasm::ElementSegment& found = fused_.module_of(there.first).elements[there.second];
  bool equal = !original.opaque && !found.opaque && original.mode == found.mode &&
               original.functions.size() == found.functions.size();
  for (std::size_t i = 0; equal && i < original.functions.size(); ++i) {
    const auto& entry = original.functions[i];
    const auto& other = found.functions[i];
    equal = entry.has_value() == other.has_value() &&
            (!entry || leads_alike(composed_.instances[instance.value].functions[*entry],
                                   fused_.instances[there.first.value].functions[*other]));
  }
  if (!equal) {
    gap(instance, fmt::format("its element segment {} is another one in the fused file", segment));
  }
}

void Correspondence::compare_data_segment(CoreInstanceId instance, std::uint32_t segment,
                                          const SegmentPlace& there) {
  const wasm::DataSegment& original = composed_.module_of(instance).data[segment];
  const wasm::DataSegment& found = fused_.module_of(there.first).data[there.second];
  const auto bytes_of = [](const Image& image, const wasm::DataSegment& of) {
    return image.bytes.subspan(static_cast<std::size_t>(of.bytes.begin.value),
                               static_cast<std::size_t>(of.bytes.end.value - of.bytes.begin.value));
  };
  const auto one = bytes_of(composed_, original);
  const auto other = bytes_of(fused_, found);
  if (original.active != found.active || !std::equal(one.begin(), one.end(), other.begin(), other.end())) {
    gap(instance, fmt::format("its data segment {} is another one in the fused file", segment));
  }
}

void Correspondence::compare_segments() {
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    const Match* match = places_[i].match.get();
    if (match == nullptr) {
      continue;
    }
    std::map<SegmentPlace, std::uint32_t> data, elements;  // one to one, as a segment can be dropped
    for (std::uint32_t k = 0; k < match->data.size(); ++k) {
      if (match->data[k]) {
        compare_data_segment(CoreInstanceId{i}, k, *match->data[k]);
        if (!data.emplace(*match->data[k], k).second) {
          gap(CoreInstanceId{i}, fmt::format("its data segment {} is shared in the fused file", k));
        }
      }
    }
    for (std::uint32_t k = 0; k < match->elements.size(); ++k) {
      if (match->elements[k]) {
        compare_element_segment(CoreInstanceId{i}, k, *match->elements[k]);
        if (!elements.emplace(*match->elements[k], k).second) {
          gap(CoreInstanceId{i}, fmt::format("its element segment {} is shared in the fused file", k));
        }
      }
    }
  }
}

void Correspondence::relate_quiet_memories() {
  std::vector<bool> needed(memories_.size());
  const auto add = [&](const component::CanonOptions& options) {
    if (const auto memory = options.memory ? composed_.memory_of(*options.memory) : std::nullopt) {
      needed[memory->value] = true;
    }
  };
  for (const component::Canon& canon : composition_.canons) {
    if (const auto* lift = std::get_if<component::Lift>(&canon.what)) {
      add(lift->options);
    } else if (const auto* lower = std::get_if<component::Lower>(&canon.what)) {
      add(lower->options);
    }
  }
  std::vector<InitialMemory> originals, found;
  constexpr std::size_t kMostComparisons = 10'000;
  std::size_t comparisons = 0;
  for (std::uint32_t m = 0; m < memories_.size(); ++m) {
    if (!needed[m] || memories_[m]) {
      continue;
    }
    if (originals.empty()) {
      originals = initial_memories(composed_);
      found = initial_memories(fused_);
    }
    const LinkedMemory& original = composed_.memories[m];
    for (std::uint32_t k = 0; k < found.size() && !memories_[m] && comparisons < kMostComparisons; ++k) {
      const LinkedMemory& there = fused_.memories[k];
      if (memory_originals_.count(MemoryId{k}) != 0 || original.limits.is_64 != there.limits.is_64 ||
          original.limits.shared != there.limits.shared || there.limits.min < original.limits.min) {
        continue;
      }
      ++comparisons;
      if (!found[k].unknown && !originals[m].unknown &&
          !difference(originals[m], found[k], original.limits.min * kPage)) {
        memories_[m] = MemoryId{k};
        memory_originals_.emplace(MemoryId{k}, MemoryId{m});
      }
    }
    if (!memories_[m]) {
      gap(original.instance, fmt::format("no memory of the fused file that is not another's holds what its "
                                         "memory {} holds",
                                         original.index));
    }
  }
}

void Correspondence::spread() {
  const auto fill = [](auto& of_instance, const auto& originals, const auto& there) {
    for (std::size_t i = 0; i < originals.size(); ++i) {
      if (!of_instance[i]) {
        of_instance[i] = there[originals[i].value];
      }
    }
  };
  for (std::size_t i = 0; i < composed_.instances.size(); ++i) {
    fill(alignment_.instances[i].memories, composed_.instances[i].memories, memories_);
    fill(alignment_.instances[i].tables, composed_.instances[i].tables, tables_);
    fill(alignment_.instances[i].globals, composed_.instances[i].globals, globals_);
  }
}

void Correspondence::compare_memories() {
  const auto originals = initial_memories(composed_);
  const auto found = initial_memories(fused_);
  for (std::uint32_t m = 0; m < memories_.size(); ++m) {
    if (!memories_[m]) {
      continue;
    }
    const LinkedMemory& original = composed_.memories[m];
    const LinkedMemory& there = fused_.memories[memories_[m]->value];
    if (original.limits.is_64 != there.limits.is_64 || original.limits.shared != there.limits.shared ||
        there.limits.min < original.limits.min) {
      gap(original.instance,
          fmt::format("its memory {} is of another kind, or smaller, in the fused file", original.index));
      continue;
    }
    if (originals[m].unknown || found[memories_[m]->value].unknown) {
      const CoreInstanceId owner = originals[m].unknown ? originals[m].unknown->instance : original.instance;
      gap(owner, fmt::format("where a data segment of its memory {} goes cannot be read, or it does not fit",
                             original.index));
      continue;
    }
    // What lies beyond the original's pages is the fuser's own.
    if (const auto differs =
            difference(originals[m], found[memories_[m]->value], original.limits.min * kPage)) {
      gap(differs->left ? differs->left->instance : original.instance,
          fmt::format("the byte at address 0x{:x} of its memory {} starts as another value in the fused file",
                      differs->address, original.index));
    }
  }
}

/// Whether a function does nothing at all.
bool Correspondence::idle(FunctionId function) const {
  wasm::InstructionReader reader(fused_.code_of(function), fused_.definition_of(function).code.begin,
                                 fused_.file);
  wasm::Instruction now;
  bool idle = true;
  while (reader.next(now)) {
    idle = idle && (now.opcode == op::kEnd || now.opcode == op::kNop || now.opcode == op::kReturn ||
                    now.opcode == op::kDrop || (now.opcode >= op::kI32Const && now.opcode <= op::kF64Const));
  }
  return idle && reader.ok();
}

void Correspondence::check_segments() {
  constexpr std::uint64_t kPage = 65536;
  const auto fits = [&](CoreInstanceId id, const wasm::ConstExpr& place, std::uint64_t size,
                        std::uint64_t room, bool of_guests) {
    const auto offset = fused_.value_of(place, id);
    if (!offset) {
      return of_guests;  // as in the composed file
    }
    const std::uint64_t begin = *offset & 0xffff'ffff;
    return begin <= room && size <= room - begin;
  };
  for (std::uint32_t i = 0; i < fused_.instances.size() && !places_.empty(); ++i) {
    const CoreInstanceId id{i};
    const LinkedInstance& instance = fused_.instances[i];
    const wasm::Module& module = fused_.module_of(id);
    const bool of_guests =
        std::any_of(instance.functions.begin(), instance.functions.end(), [&](FunctionId one) {
          return fused_.functions[one.value].instance == id && alignment_.is_guest[one.value];
        });
    bool all_fit = true;
    for (const wasm::DataSegment& segment : module.data) {
      if (segment.active && segment.memory < instance.memories.size()) {
        const std::uint64_t pages = fused_.memories[instance.memories[segment.memory].value].limits.min;
        all_fit &= fits(id, segment.offset, segment.bytes.end.value - segment.bytes.begin.value,
                        std::min<std::uint64_t>(pages, kPage) * kPage, of_guests);
      }
    }
    for (const wasm::ElementSegment& segment : module.elements) {
      if (segment.mode == wasm::ElementSegment::Mode::kActive && segment.table < instance.tables.size()) {
        all_fit &= fits(id, segment.offset, segment.functions.size(),
                        fused_.tables[instance.tables[segment.table].value].type.limits.min, of_guests) &&
                   (of_guests || !segment.opaque);
      }
    }
    if (!all_fit) {
      gap(CoreInstanceId{}, "a segment of the fused file may lie beyond its memory or table");
    }
  }
}

/// What guests' allocators find in their memories is what they put there.
void Correspondence::check_growth() {
  for (std::uint32_t f = 0; f < fused_.functions.size() && !places_.empty(); ++f) {
    const FunctionId function{f};
    if (!is_generated(fused_, alignment_, function)) {
      continue;
    }
    const LinkedInstance& instance = fused_.instances[fused_.functions[f].instance.value];
    wasm::InstructionReader reader(fused_.code_of(function), fused_.definition_of(function).code.begin,
                                   fused_.file);
    wasm::Instruction now;
    bool grows = false;
    while (reader.next(now)) {
      if (now.opcode == op::kMemoryGrow) {
        const std::uint32_t index = now.indices.empty() ? now.memory : now.index(IndexSpace::kMemory);
        grows = grows || index >= instance.memories.size() ||
                memory_originals_.count(instance.memories[index]) != 0;
      }
    }
    if (grows) {
      gap(CoreInstanceId{}, "generated code of the fused file grows a guest's memory");
    }
  }
}

/// The guests' functions that run when `function` is started: itself, or those that it calls when it does
/// nothing else. Nothing: it cannot be told.
std::optional<std::vector<FunctionId>> Correspondence::started(FunctionId function, std::size_t depth) {
  function = fused_.behind(function);
  if (alignment_.is_guest[function.value]) {
    return std::vector{function};
  }
  if (fused_.functions[function.value].kind != LinkedFunction::Kind::kDefined) {
    return std::nullopt;
  }
  Walk walk(fused_);
  walk.add(function);
  constexpr std::size_t kMost = 10'000;
  walk.run([&](FunctionId reached) { return static_cast<bool>(alignment_.is_guest[reached.value]); }, kMost);
  if (std::none_of(walk.order().begin(), walk.order().end(), [&](FunctionId reached) {
        return static_cast<bool>(alignment_.is_guest[reached.value]);
      })) {
    // Generated code: it may trap, or set what others take to begin as it is declared.
    return idle(function) ? std::optional<std::vector<FunctionId>>{std::in_place} : std::nullopt;
  }
  constexpr std::size_t kMostDepth = 8, kMostStarted = 10'000;
  std::vector<FunctionId> all;
  wasm::InstructionReader reader(fused_.code_of(function), fused_.definition_of(function).code.begin,
                                 fused_.file);
  const LinkedInstance& instance = fused_.instances[fused_.functions[function.value].instance.value];
  wasm::Instruction instruction;
  while (reader.next(instruction)) {
    if (instruction.opcode == op::kEnd) {
      continue;
    }
    const std::uint32_t called = instruction.indices.empty() ? 0 : instruction.index(IndexSpace::kFunc);
    if (instruction.opcode != op::kCall || called >= instance.functions.size() || depth >= kMostDepth) {
      return std::nullopt;
    }
    const auto more = started(instance.functions[called], depth + 1);
    if (!more || all.size() + more->size() > kMostStarted) {
      return std::nullopt;
    }
    all.insert(all.end(), more->begin(), more->end());
  }
  return reader.ok() ? std::optional(all) : std::nullopt;
}

void Correspondence::compare_starts() {
  std::vector<FunctionId> all;
  bool readable = true;
  for (std::uint32_t i = 0; i < fused_.instances.size(); ++i) {
    const auto& start = fused_.module_of(CoreInstanceId{i}).start;
    if (!start || *start >= fused_.instances[i].functions.size()) {
      continue;
    }
    const auto more = started(fused_.instances[i].functions[*start], 0);
    readable = readable && more;
    if (more) {
      all.insert(all.end(), more->begin(), more->end());
    }
  }
  std::size_t next = 0;
  std::optional<CoreInstanceId> last;
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    const CoreInstanceId id{i};
    const wasm::Module& module = composed_.module_of(id);
    const LinkedInstance& instance = composed_.instances[i];
    if (last) {
      for (const wasm::DataSegment& segment : module.data) {
        if (segment.active && segment.memory < module.imported_memories &&
            memories_[instance.memories[segment.memory].value]) {
          gap(id,
              "it writes its data to another core module's memory when a start function has run already, "
              "which is not compared");
          break;
        }
      }
    }
    if (!module.start || *module.start >= instance.functions.size()) {
      continue;
    }
    last = id;
    const auto& counterpart = alignment_.counterpart[instance.functions[*module.start].value];
    if (readable && next < all.size() && counterpart &&
        fused_.behind(*counterpart) == fused_.behind(all[next])) {
      ++next;
    } else {
      gap(id, "its start function is not run in its turn in the fused file, or that cannot be told",
          *module.start);
    }
  }
  if (readable && next < all.size()) {
    const auto& original = alignment_.original_of[all[next].value];
    if (original) {
      const LinkedFunction& linked = composed_.functions[original->value];
      gap(linked.instance, "the fused file runs a function of it at its start that is no start function",
          linked.index);
    }
  }
  if (!readable && !last && !places_.empty()) {
    gap(CoreInstanceId{}, "what runs at the start of the fused file cannot be told");
  }
}

}  // namespace meld_verify::lift
