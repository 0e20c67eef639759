#include "engine/lift/call_readings.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "engine/lift/calls.h"
#include "engine/lift/pass_on.h"

namespace meld_verify::lift {
namespace {

using component::Lift;
using component::Lower;
using topology::Boundary;
using topology::BoundaryId;
using topology::PositionId;

constexpr std::uint8_t kMergedImports = 22;     // L22
constexpr std::size_t kMostGenerated = 20'000;  // functions looked through for table functions

class CallReader {
 public:
  CallReader(const Pair& pair, const topology::Topology& topology, ReadingContext& context)
      : pair_(pair), topology_(topology), context_(context) {}

  CallReadings run() {
    read_boundaries();
    return std::move(out_);
  }

 private:
  std::optional<FunctionId> counterpart(const component::CoreItem& item) const {
    const auto original = pair_.composed_image.function_of(item);
    if (!original) {
      return {};
    }
    const FunctionId behind = pair_.composed_image.behind(*original);
    const LinkedFunction& linked = pair_.composed_image.functions[behind.value];
    if (linked.kind == LinkedFunction::Kind::kCanon) {  // a function that only passes its call on
      const std::vector<FunctionId>& wired = pair_.alignment.wired_to[linked.canon.value];
      return wired.size() == 1 ? std::optional(pair_.fused_image.behind(wired.front())) : std::nullopt;
    }
    const auto found = pair_.alignment.counterpart[behind.value];
    return found ? std::optional(pair_.fused_image.behind(*found)) : std::nullopt;
  }

  std::optional<FunctionId> counterpart(const std::optional<component::CoreItem>& item) const {
    return item ? counterpart(*item) : std::nullopt;
  }

  std::optional<MemoryId> memory_counterpart(const component::CoreItem& item) const {
    const auto original = pair_.composed_image.memory_of(item);
    if (!original) {
      return {};
    }
    const LinkedMemory& memory = pair_.composed_image.memories[original->value];
    const AlignedInstance& aligned = pair_.alignment.instances[memory.instance.value];
    return memory.index < aligned.memories.size() ? aligned.memories[memory.index] : std::nullopt;
  }

  BoundarySide side(const component::CanonOptions& options) const {
    BoundarySide side;
    side.memory = options.memory ? memory_counterpart(*options.memory) : std::nullopt;
    side.allocator = counterpart(options.realloc);
    return side;
  }

  void boundary_note(std::uint32_t b, std::string sentence, std::optional<std::uint8_t> code = {},
                     std::optional<FunctionId> function = {}) {
    Note note;
    note.code = code;
    note.boundary = BoundaryId{b};
    note.sentence = std::move(sentence);
    if (function) {
      note.place = place_of(pair_.fused_image, *function);
    }
    out_.notes.push_back(std::move(note));
  }

  void read_boundaries() {
    out_.code.resize(topology_.boundaries.size());
    out_.readings.resize(topology_.boundaries.size());
    std::size_t exported = 0;
    for (std::uint32_t b = 0; b < topology_.boundaries.size(); ++b) {
      const Boundary& boundary = topology_.boundaries[b];
      if (boundary.lower && boundary.lift) {
        read_call(b);
      } else if (boundary.lower) {
        read_host_call(b);
      } else {
        while (!std::holds_alternative<component::CanonId>(pair_.composed.exports[exported].func)) {
          ++exported;
        }
        read_export(b, pair_.composed.exports[exported++]);
      }
    }
  }

  void read_call(std::uint32_t b) {
    const Boundary& boundary = topology_.boundaries[b];
    const auto& lower = std::get<Lower>(pair_.composed.canons[boundary.lower->value].what);
    const auto& lift = std::get<Lift>(pair_.composed.canons[boundary.lift->value].what);
    const std::vector<FunctionId>& wired = pair_.alignment.wired_to[boundary.lower->value];
    if (wired.empty()) {
      return;  // nobody calls it
    }
    out_.code[b] = place_of(pair_.fused_image, wired.front());
    const std::optional<FunctionId> callee = counterpart(lift.core);
    if (!callee) {
      return boundary_note(b, "the called function has no counterpart in the fused file", {}, wired.front());
    }
    for (const FunctionId function : wired) {
      const LinkedFunction& linked = pair_.fused_image.functions[function.value];
      if (linked.kind != LinkedFunction::Kind::kDefined) {
        boundary_note(b, "the call leaves the fused code, to " + pair_.fused_image.name_of(function), {},
                      function);
        continue;
      }
      if (pair_.alignment.is_guest[function.value] && function != *callee) {
        boundary_note(b, "the call reaches another function than the one that was imported", kMergedImports,
                      function);
        continue;
      }
      BoundaryCall call{.type = lift.type,
                        .caller_reaches = function,
                        .callee = *callee,
                        .post_return = counterpart(lift.options.post_return),
                        .caller = side(lower.options),
                        .callee_side = side(lift.options),
                        .encoding = lift.options.encoding,
                        .positions = boundary.position_count};
      know_table_functions(function);
      out_.readings[b].push_back(read_boundary(context_, call));
      take_notes(b, out_.readings[b].back(), function);
    }
  }

  void take_notes(std::uint32_t b, BoundaryReading& reading, FunctionId function) {
    const Boundary& boundary = topology_.boundaries[b];
    out_.paths += reading.paths;
    checks_.insert(reading.checks.begin(), reading.checks.end());
    out_.checks = checks_.size();
    if (reading.has_lists) {
      out_.fewest_elements =
          std::min(out_.fewest_elements.value_or(reading.most_elements), reading.most_elements);
    }
    for (std::size_t i = 0; i < reading.notes.size(); ++i) {
      Note& note = reading.notes[i];
      note.boundary = BoundaryId{b};
      if (reading.note_position[i] && *reading.note_position[i] < boundary.position_count) {
        note.position = PositionId{boundary.first_position + *reading.note_position[i]};
      }
      note.place = note.place ? place_of(pair_.fused_image, note.place->function, note.place->offset)
                              : place_of(pair_.fused_image, function);
      out_.notes.push_back(std::move(note));
    }
  }

  /// Table functions are read before the functions that call them, as both use one executor.
  void know_table_functions(FunctionId function) {
    std::vector<FunctionId> work{function};
    while (!work.empty() && looked_through_.size() < kMostGenerated) {
      const FunctionId next = pair_.fused_image.behind(work.back());
      work.pop_back();
      if (!looked_through_.insert(next).second || pair_.alignment.is_guest[next.value]) {
        continue;
      }
      if (next != function) {
        (void)context_.tables.of(next);
      }
      const LinkedFunction& linked = pair_.fused_image.functions[next.value];
      if (linked.kind != LinkedFunction::Kind::kDefined) {
        continue;
      }
      wasm::InstructionReader reader(pair_.fused_image.code_of(next),
                                     pair_.fused_image.definition_of(next).code.begin,
                                     pair_.fused_image.file);
      wasm::Instruction instruction;
      while (reader.next(instruction)) {
        if (instruction.opcode == wasm::op::kCall || instruction.opcode == wasm::op::kReturnCall) {
          work.push_back(pair_.fused_image.instances[linked.instance.value]
                             .functions[instruction.index(wasm::IndexSpace::kFunc)]);
        }
        if (instruction.opcode == wasm::op::kGlobalSet) {
          sets_global(next, pair_.fused_image.instances[linked.instance.value]
                                .globals[instruction.index(wasm::IndexSpace::kGlobal)]);
        }
      }
    }
  }

  /// Generated code has no business with what a guest's code keeps in its globals.
  void sets_global(FunctionId function, GlobalId global) {
    const auto& instances = pair_.alignment.instances;
    if (std::none_of(instances.begin(), instances.end(), [&](const AlignedInstance& instance) {
          return std::find(instance.globals.begin(), instance.globals.end(), std::optional(global)) !=
                 instance.globals.end();
        })) {
      return;
    }
    Note note;
    note.sentence = "generated code sets a global that a guest's code goes by";
    note.place = place_of(pair_.fused_image, function);
    if (std::none_of(out_.notes.begin(), out_.notes.end(), [&](const Note& other) {
          return other.sentence == note.sentence && other.place && other.place->function == function;
        })) {
      out_.notes.push_back(std::move(note));
    }
  }

  /// A call of the host's function goes through the run time as it did.
  void read_host_call(std::uint32_t b) {
    const Boundary& boundary = topology_.boundaries[b];
    const auto& lower = std::get<Lower>(pair_.composed.canons[boundary.lower->value].what);
    for (const FunctionId function : pair_.alignment.wired_to[boundary.lower->value]) {
      out_.code[b] = place_of(pair_.fused_image, function);
      const LinkedFunction& linked = pair_.fused_image.functions[function.value];
      if (linked.kind == LinkedFunction::Kind::kImport) {
        continue;  // what the embedder gives is the host's function
      }
      const Lower* other = linked.kind == LinkedFunction::Kind::kCanon
                               ? std::get_if<Lower>(&pair_.fused->canons[linked.canon.value].what)
                               : nullptr;
      const component::HostFuncId* host =
          other == nullptr ? nullptr : std::get_if<component::HostFuncId>(&other->callee);
      if (host == nullptr) {
        read_bridged_host_call(b, lower, function);
        continue;
      }
      const component::HostFunc& to = pair_.fused->host_funcs[host->value];
      const component::HostFunc& belongs =
          pair_.composed.host_funcs[std::get<component::HostFuncId>(lower.callee).value];
      if (to.interface_name != belongs.interface_name || to.name != belongs.name) {
        boundary_note(b, "the call reaches another function of the host", kMergedImports, function);
      } else if (!same_options(lower.options, other->options)) {
        boundary_note(b, "the host's function is lowered with another memory, allocator or encoding", {},
                      function);
      }
    }
  }

  const component::HostFunc* host_function(const Lower& lower, const component::Composition& of) const {
    const auto* host = std::get_if<component::HostFuncId>(&lower.callee);
    return host == nullptr ? nullptr : &of.host_funcs[host->value];
  }

  /// A call of the host's function through generated code, which calls the canonical lowering of it.
  void read_bridged_host_call(std::uint32_t b, const Lower& lower, FunctionId function) {
    const component::HostFunc& belongs = *host_function(lower, pair_.composed);
    std::vector<FunctionId> canons;
    for (const FunctionId called : reached_from(function)) {
      const LinkedFunction& linked = pair_.fused_image.functions[called.value];
      const Lower* other = linked.kind == LinkedFunction::Kind::kCanon
                               ? std::get_if<Lower>(&pair_.fused->canons[linked.canon.value].what)
                               : nullptr;
      const component::HostFunc* to = other == nullptr ? nullptr : host_function(*other, *pair_.fused);
      if (to != nullptr && to->interface_name == belongs.interface_name && to->name == belongs.name) {
        canons.push_back(called);
      }
    }
    if (!is_generated(pair_.fused_image, pair_.alignment, function) || canons.size() != 1) {
      return boundary_note(b, "what a call of the host reaches could not be told", {}, function);
    }
    const CanonId canon = pair_.fused_image.functions[canons[0].value].canon;
    const component::CanonOptions& options = std::get<Lower>(pair_.fused->canons[canon.value].what).options;
    if (options.encoding != lower.options.encoding || options.post_return || options.async) {
      return boundary_note(b, "the host's function is lowered with another encoding", {}, function);
    }
    BoundaryCall call{.type = lower.type,
                      .caller_reaches = function,
                      .callee = canons[0],
                      .post_return = {},
                      .caller = side(lower.options),
                      .callee_side = fused_side(options, side(lower.options)),
                      .encoding = options.encoding,
                      .callee_is_lowered = true,
                      .positions = topology_.boundaries[b].position_count};
    know_table_functions(function);
    out_.readings[b].push_back(read_boundary(context_, call));
    take_notes(b, out_.readings[b].back(), function);
  }

  /// Memory and allocator that the fused component's own canonical definition has; an allocator that only
  /// passes its calls on to the guest's is the guest's.
  BoundarySide fused_side(const component::CanonOptions& options, const BoundarySide& guest) {
    BoundarySide side;
    side.memory = options.memory ? pair_.fused_image.memory_of(*options.memory) : std::nullopt;
    side.allocator = pair_.fused_image.function_behind(options.realloc);
    if (side.allocator && guest.allocator && passes_on(context_, *side.allocator, *guest.allocator)) {
      side.allocator = guest.allocator;
    } else if (side.allocator) {
      out_.own_allocators = true;
    }
    return side;
  }

  /// All functions that a generated one calls, through others.
  std::vector<FunctionId> reached_from(FunctionId function) const {
    Walk walk(pair_.fused_image);
    walk.add(function);
    walk.run([this](FunctionId one) { return static_cast<bool>(pair_.alignment.is_guest[one.value]); },
             kMostGenerated);
    return walk.order();
  }

  bool same_options(const component::CanonOptions& composed, const component::CanonOptions& fused) {
    const BoundarySide wanted = side(composed);
    const auto function = [&](const std::optional<component::CoreItem>& item) -> std::optional<FunctionId> {
      const auto found = item ? pair_.fused_image.function_of(*item) : std::nullopt;
      return found ? std::optional(pair_.fused_image.behind(*found)) : std::nullopt;
    };
    const auto memory = fused.memory ? pair_.fused_image.memory_of(*fused.memory) : std::nullopt;
    const auto same = [&](std::optional<FunctionId> there, std::optional<FunctionId> guest) {
      return there.has_value() == guest.has_value() && (!there || passes_on(context_, *there, *guest));
    };
    return memory == wanted.memory && same(function(fused.realloc), wanted.allocator) &&
           same(function(fused.post_return), counterpart(composed.post_return)) &&
           composed.encoding == fused.encoding;
  }

  /// An export of the world: the run time lifts it in the fused component as in the composed one.
  void read_export(std::uint32_t b, const component::WorldExport& what) {
    const Boundary& boundary = topology_.boundaries[b];
    const auto& lift = std::get<Lift>(pair_.composed.canons[boundary.lift->value].what);
    const std::optional<FunctionId> callee = counterpart(lift.core);
    if (!callee) {
      return boundary_note(b, "the exported function has no counterpart in the fused file");
    }
    out_.code[b] = place_of(pair_.fused_image, *callee);
    if (!pair_.fused) {
      out_.embedder_lifts = true;
      return;
    }
    for (const component::WorldExport& other : pair_.fused->exports) {
      if (other.interface_name != what.interface_name || other.name != what.name) {
        continue;
      }
      const component::CanonId* canon = std::get_if<component::CanonId>(&other.func);
      if (canon == nullptr) {
        return boundary_note(b, "the fused component exports a function of the host's here");
      }
      const auto& fused_lift = std::get<Lift>(pair_.fused->canons[canon->value].what);
      const auto core = pair_.fused_image.function_of(fused_lift.core);
      const FunctionId reached = core ? pair_.fused_image.behind(*core) : *callee;
      if (reached == *callee) {
        if (!same_options(lift.options, fused_lift.options)) {
          boundary_note(b, "the export is lifted with another memory, allocator, post-return or encoding", {},
                        *callee);
        }
      } else if (pair_.alignment.is_guest[reached.value]) {
        boundary_note(b, "the export reaches another function", kMergedImports, reached);
      } else {
        read_bridged_export(b, lift, fused_lift, reached, *callee);
      }
      return;
    }
    out_.lost_exports = true;
  }

  /// An export of the world through generated code, which the run time lifts.
  void read_bridged_export(std::uint32_t b, const Lift& lift, const Lift& fused, FunctionId function,
                           FunctionId callee) {
    const std::optional<FunctionId> post_return = counterpart(lift.options.post_return);
    if (fused.options.encoding != lift.options.encoding || fused.options.async) {
      return boundary_note(b, "the export is lifted with another encoding", {}, function);
    }
    BoundaryCall call{.type = lift.type,
                      .caller_reaches = function,
                      .callee = callee,
                      .post_return = post_return,
                      .caller = fused_side(fused.options, side(lift.options)),
                      .callee_side = side(lift.options),
                      .encoding = fused.options.encoding,
                      .made_is_lifted = true,
                      .positions = topology_.boundaries[b].position_count};
    const std::optional<FunctionId> theirs = pair_.fused_image.function_behind(fused.options.post_return);
    call.closing = theirs;
    know_table_functions(function);
    out_.readings[b].push_back(read_boundary(context_, call));
    take_notes(b, out_.readings[b].back(), function);
    const bool done = out_.readings[b].back().posts_return;
    if (post_return && !done && !(theirs && passes_on(context_, *theirs, *post_return))) {
      boundary_note(b, "it could not be told whether the guest's post-return is called", {}, function);
    } else if (theirs && (done || !post_return)) {
      post_return_note(b, *theirs);
    }
  }

  /// A post-return of generated code alone: it may call no guest.
  void post_return_note(std::uint32_t b, FunctionId function) {
    for (const FunctionId called : reached_from(pair_.fused_image.behind(function))) {
      if (pair_.alignment.is_guest[called.value]) {
        return boundary_note(b, "the export's post-return calls a guest, which nothing asks for", {},
                             function);
      }
    }
  }

  const Pair& pair_;
  const topology::Topology& topology_;
  ReadingContext& context_;
  CallReadings out_;
  std::set<FunctionId> looked_through_, checks_;
};

}  // namespace

CodePlace place_of(const Image& fused, FunctionId function, std::optional<wasm::ByteOffset> at) {
  const LinkedFunction& linked = fused.functions[function.value];
  CodePlace place;
  place.function = function;
  place.index = linked.index;
  place.name = fused.name_of(function);
  if (place.name == fmt::format("func {}", place.index)) {
    place.name.clear();  // no name of its own
  }
  if (linked.kind == LinkedFunction::Kind::kDefined) {
    place.module = fused.instances[linked.instance.value].module;
    place.offset = at.value_or(fused.definition_of(function).body.begin);
  }
  return place;
}

CallReadings read_calls(const Pair& pair, const topology::Topology& topology, ReadingContext& context) {
  return CallReader(pair, topology, context).run();
}

}  // namespace meld_verify::lift
