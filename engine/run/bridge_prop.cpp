// Emitted bridges against the law's lift and lower, over random function types and values, many of them
// damaged: what arrives, what is allocated, what stays in the tables, and why a call traps.

#include <gtest/gtest.h>

#include "engine/run/random_call_by_test.h"

namespace meld_verify::run {
namespace {

using component::StringEncoding;
using component::TypeId;
using spec::below;

// --- the call by the law

class LawCall {
 public:
  LawCall(const BridgeCall& call, const spec::Type& params, const spec::Type& results, const Stocked& tables)
      : call_(call), params_(params), results_(results) {
    *caller.table = tables[0];
    *callee.table = tables[1];
    if (call.shares_table) {
      callee.table = caller.table;
    }
    callee.bump.bad_from = call.bad_realloc_callee;
  }

  BridgeOutcome run() {
    BridgeOutcome outcome;
    const auto done = steps(outcome);
    outcome.trap = done ? "" : std::string(spec::to_string(done.error().trap_class));
    outcome.caller_reallocs = caller.bump.calls;
    outcome.callee_reallocs = callee.bump.calls;
    outcome.caller_memory.assign(caller_memory.bytes(), caller_memory.bytes() + caller_memory.size());
    outcome.callee_memory.assign(callee_memory.bytes(), callee_memory.bytes() + callee_memory.size());
    return outcome;
  }

  OwnMemory caller_memory, callee_memory;
  LawSide caller{0, caller_memory}, callee{1, callee_memory};

 private:
  spec::Result<void> steps(BridgeOutcome& outcome) {
    const spec::Encoding encoding = encoding_of(call_.encoding);
    const auto given =
        written(call_.params, params_, spec::kMaxFlatParams, caller_memory, caller.bump, encoding);
    std::optional<std::uint32_t> out;
    if (results_.flat.size() > spec::kMaxFlatResults) {
      out = call_.out_pointer ? *call_.out_pointer
                              : caller.bump.allocate(caller_memory, 0, 0, results_.alignment,
                                                     static_cast<std::uint32_t>(results_.size));
    }
    spec::Lift lift_params(&caller_memory, encoding, caller);
    spec::Sequence values;
    SPEC_TRY(values.items, lift_params.values(given, params_, spec::kMaxFlatParams));
    spec::Lower lower_params(&callee_memory, encoding, callee);
    SPEC_TRY(const auto slots, lower_params.values(values, params_, spec::kMaxFlatParams, std::nullopt));
    outcome.reached = true;
    callee.bump.bad_from.reset();
    for (const spec::CoreValue& slot : slots) {
      outcome.arrived.push_back(slot.bits);
    }
    if (call_.drops_borrows) {
      for (const auto& [type, index] : callee.borrowed) {
        (void)callee.table->take(spec::HandleIndex(index));
      }
    }
    const auto returned =
        written(call_.results, results_, spec::kMaxFlatResults, callee_memory, callee.bump, encoding);
    spec::Lift lift_results(&callee_memory, encoding, callee);
    spec::Sequence results;
    SPEC_TRY(results.items, lift_results.values(returned, results_, spec::kMaxFlatResults));
    if (!call_.drops_borrows && !callee.borrowed.empty()) {
      return spec::trap(spec::TrapClass::kBorrowsRemain, "");
    }
    spec::Lower lower_results(&caller_memory, encoding, caller);
    SPEC_TRY(const auto got, lower_results.values(results, results_, spec::kMaxFlatResults, out));
    for (const spec::CoreValue& slot : got) {
      outcome.returned.push_back(slot.bits);
    }
    for (const spec::HandleIndex index : caller.lenders) {
      (*caller.table->look(index))->lends -= 1;
    }
    return {};
  }

  const BridgeCall& call_;
  const spec::Type& params_;
  const spec::Type& results_;
};

// --- the call across the bridge

CoreType core_type(spec::CoreType type) {
  return static_cast<CoreType>(type);
}

class BridgeRun : public EmittedModules {
 public:
  BridgeRun(BridgeWorld& world, const BridgeCall& call, const spec::Type& params, const spec::Type& results)
      : world_(world), call_(call), params_(params), results_(results) {}

  /// Why there is no bridge; nothing if there is one.
  std::optional<std::string> make() {
    component::Lift lifted;
    lifted.type = call_.type;
    const auto lift = world_.small.lift(world_.callee, call_.type);
    world_.small.lower(world_.caller, lift, call_.type, "i", "f");
    topology_ = topology::topology_of(world_.small.made);
    if (!topology_.unsupported.empty()) {
      return topology_.unsupported[0].sentence;
    }
    plan_ = routing::required_plan(topology_);
    if (call_.shares_table) {
      for (routing::PositionRoute& route : plan_.positions) {
        for (std::uint32_t i = 0; i < route.count; ++i) {
          route.steps[i].table = table(0);
        }
      }
    }
    emit::BridgeJob job;
    job.composition = &world_.small.made;
    job.topology = &topology_;
    job.plan = &plan_;
    job.boundary = topology::BoundaryId(0u);
    job.type = call_.type;
    job.name = "bridge";
    job.caller = {world_.caller, call_.encoding, guest(component::CoreSort::kMemory, 0, "memory"),
                  guest(component::CoreSort::kFunc, 0, "realloc")};
    job.callee = {world_.callee, call_.encoding, guest(component::CoreSort::kMemory, 1, "memory"),
                  guest(component::CoreSort::kFunc, 1, "realloc")};
    job.target = guest(component::CoreSort::kFunc, 1, "f");
    if (call_.has_post_return) {
      job.post_return = guest(component::CoreSort::kFunc, 1, "post");
    }
    auto bridge = emit::make_bridge(job, 0);
    if (!bridge) {
      return bridge.error().sentence;
    }
    router_.functions = std::move(bridge->functions);
    router_.uses_staging = true;
    return std::nullopt;
  }

  BridgeOutcome run(const Stocked& tables, const LawCall& law) {
    add(emit::package_base(router_, static_cast<std::uint32_t>(topology_.instances.size())));
    for (std::uint32_t i = 1; i < plan_.tables.size(); ++i) {
      emit::HandleTable table;
      table.table = routing::TableId(i);
      table.name = plan_.tables[i].id;
      add(emit::package_table(table));
    }
    for (std::uint32_t i = 0; i < 2; ++i) {
      add_memory(guest_item(component::CoreSort::kMemory, i, "memory"), kBridgePages, kBridgePages);
      memories_[i] =
          std::make_unique<StoreMemory>(store, known.at(guest(component::CoreSort::kMemory, i, "memory")));
      std::memset(memories_[i]->bytes(), 0xaa, memories_[i]->size());
      known[guest(component::CoreSort::kFunc, i, "realloc")] = realloc(i);
    }
    bumps_[1].bad_from = call_.bad_realloc_callee;
    stock(tables);
    const spec::Encoding encoding = encoding_of(call_.encoding);
    auto given = written(call_.params, params_, spec::kMaxFlatParams, *memories_[0], bumps_[0], encoding);
    if (results_.flat.size() > spec::kMaxFlatResults) {
      given.push_back(spec::i32(call_.out_pointer
                                    ? *call_.out_pointer
                                    : bumps_[0].allocate(*memories_[0], 0, 0, results_.alignment,
                                                         static_cast<std::uint32_t>(results_.size))));
    }
    known[guest(component::CoreSort::kFunc, 1, "f")] = target(law);
    known[guest(component::CoreSort::kFunc, 1, "post")] = post_return();
    std::vector<std::uint32_t> all;
    for (std::uint32_t i = 0; i < router_.functions.size(); ++i) {
      all.push_back(i);
    }
    add(emit::package_functions(router_, all));
    CoreStore::Values arguments;
    for (const spec::CoreValue& value : given) {
      arguments.push_back({core_type(value.type), value.bits});
    }
    store.limit_steps(20'000'000);
    const std::uint32_t top = number(emit::BaseItem::kStagingTop);
    const auto done = store.call(known.at(emit::RouterFunction{0}), arguments);
    if (const auto* trap = std::get_if<CoreTrap>(&done)) {
      const auto reason = static_cast<emit::TrapReason>(number(emit::BaseItem::kTrap));
      outcome_.trap =
          reason == emit::TrapReason::kNone ? "no reason: " + trap->message : std::string(to_string(reason));
    } else {
      for (const CoreValue& value : std::get<CoreStore::Values>(done)) {
        outcome_.returned.push_back(value.bits);
      }
      expect(number(emit::BaseItem::kStagingTop) == top, "the staging memory is not given back");
      expect(may_leave(0) && may_leave(1), "an instance may not leave after the call");
      expect(!call_.has_post_return || post_returned_ == 1, "post-return did not run once");
    }
    outcome_.caller_reallocs = bumps_[0].calls;
    outcome_.callee_reallocs = bumps_[1].calls;
    outcome_.caller_memory.assign(memories_[0]->bytes(), memories_[0]->bytes() + memories_[0]->size());
    outcome_.callee_memory.assign(memories_[1]->bytes(), memories_[1]->bytes() + memories_[1]->size());
    return outcome_;
  }

  /// What is wrong with the tables after a call that ended well; it empties them.
  std::vector<std::string> compare_tables(const std::array<const spec::HandleTable*, 2>& law) {
    for (std::uint32_t t = 0; t < (call_.shares_table ? 1 : 2); ++t) {
      for (std::uint32_t i = 0; i < law[t]->slots().size() + 3; ++i) {
        const spec::Entry entry = i < law[t]->slots().size() ? law[t]->slots()[i] : spec::Entry{};
        const std::uint32_t tag = entry.tag.value;
        const Emitted rep = call(part(t, emit::TableFunction::kRep), {tag, i});
        const std::string where = "entry " + std::to_string(i) + " of table " + std::to_string(t);
        if (entry.kind == spec::EntryKind::kEmpty) {
          expect(rep.trap == emit::TrapReason::kUnknownHandle, where + " is there");
          continue;
        }
        expect(!rep.trapped && rep.value == entry.rep.value, where + " has another rep");
        expect(!call(part(t, emit::TableFunction::kDrop), {tag, i, 0}).trapped, where + " is still lent");
      }
      expect(number(emit::Borrows{table(t)}) == 0, "borrows are counted wrongly");
    }
    return outcome_.complaints;
  }

  std::size_t functions() const { return router_.functions.size(); }

 private:
  static emit::GuestItem guest_item(component::CoreSort sort, std::uint32_t side, const std::string& name) {
    return {component::CoreItem{sort, std::pair(component::CoreInstanceId(side), name)}};
  }
  static emit::Symbol guest(component::CoreSort sort, std::uint32_t side, const std::string& name) {
    return guest_item(sort, side, name);
  }

  void expect(bool condition, const std::string& complaint) {
    if (!condition) {
      outcome_.complaints.push_back(complaint);
    }
  }

  routing::TableId table(std::uint32_t side) const {
    const auto instance = side == 0 || call_.shares_table ? world_.caller : world_.callee;
    for (std::uint32_t i = 1; i < plan_.tables.size(); ++i) {
      if (plan_.tables[i].instances.front() == instance) {
        return routing::TableId(i);
      }
    }
    throw std::logic_error("no table");
  }
  emit::Symbol part(std::uint32_t side, emit::TableFunction function) const {
    return emit::TablePart{table(side), function};
  }
  bool may_leave(std::uint32_t side) {
    return number(emit::MayLeave{side == 0 ? world_.caller : world_.callee}) == 1;
  }

  void stock(const Stocked& tables) {
    for (std::uint32_t t = 0; t < (call_.shares_table ? 1 : 2); ++t) {
      const auto slots = tables[t].slots();
      for (std::uint32_t i = 1; i < slots.size(); ++i) {
        const bool empty = slots[i].kind == spec::EntryKind::kEmpty;
        const auto function = slots[i].kind == spec::EntryKind::kBorrow ? emit::TableFunction::kBorrow
                                                                        : emit::TableFunction::kNew;
        expect(call(part(t, function), {empty ? 0 : slots[i].tag.value, slots[i].rep.value}).value == i,
               "the tables differ before the call");
      }
      for (const spec::HandleIndex index : tables[t].free()) {
        (void)call(part(t, emit::TableFunction::kDrop), {0, index.value, 0});
      }
    }
  }

  CoreExtern realloc(std::uint32_t side) {
    return store.host_function(
        {std::vector<CoreType>(4, CoreType::kI32), {CoreType::kI32}},
        [this, side](const auto& arguments, auto& results) {
          expect(!may_leave(side), "realloc may leave");
          const auto word = [&](std::size_t i) { return static_cast<std::uint32_t>(arguments[i].bits); };
          results[0].bits = bumps_[side].allocate(*memories_[side], word(0), word(1), word(2), word(3));
          return nullptr;
        });
  }

  CoreSignature target_signature() const {
    CoreSignature signature;
    for (const spec::CoreType type : params_.flat) {
      signature.params.push_back(core_type(type));
    }
    if (params_.flat.size() > spec::kMaxFlatParams) {
      signature.params = {CoreType::kI32};
    }
    for (const spec::CoreType type : results_.flat) {
      signature.results.push_back(core_type(type));
    }
    if (results_.flat.size() > spec::kMaxFlatResults) {
      signature.results = {CoreType::kI32};
    }
    return signature;
  }

  CoreExtern target(const LawCall& law) {
    return store.host_function(target_signature(), [this, &law](const auto& arguments, auto& results) {
      outcome_.reached = true;
      bumps_[1].bad_from.reset();
      expect(may_leave(1) && may_leave(0), "the callee may not leave");
      for (const CoreValue& value : arguments) {
        outcome_.arrived.push_back(value.bits);
      }
      if (call_.drops_borrows) {
        for (const auto& [type, index] : law.callee.borrowed) {
          expect(!call(part(1, emit::TableFunction::kDrop), {type, index, 0}).trapped,
                 "the callee cannot drop what it was lent");
        }
      }
      const auto returned = written(call_.results, results_, spec::kMaxFlatResults, *memories_[1], bumps_[1],
                                    encoding_of(call_.encoding));
      for (std::size_t i = 0; i < results.size(); ++i) {
        results[i].bits = returned[i].bits;
      }
      returned_ = results;
      return nullptr;
    });
  }

  CoreExtern post_return() {
    const CoreSignature signature{target_signature().results, {}};
    return store.host_function(signature, [this](const auto& arguments, auto&) {
      expect(!may_leave(1), "post-return may leave");
      for (std::size_t i = 0; i < arguments.size(); ++i) {
        expect(arguments[i].bits == returned_[i].bits, "post-return gets something else than was returned");
      }
      ++post_returned_;
      return nullptr;
    });
  }

  BridgeWorld& world_;
  const BridgeCall& call_;
  const spec::Type& params_;
  const spec::Type& results_;
  topology::Topology topology_;
  routing::Plan plan_;
  emit::Router router_;
  std::array<std::unique_ptr<StoreMemory>, 2> memories_;
  std::array<Bump, 2> bumps_;
  CoreStore::Values returned_;
  int post_returned_ = 0;
  BridgeOutcome outcome_;
};

void one_call(spec::Tally& tally, bool handles, bool shares_table) {
  BridgeWorld world;
  RandomTypes types(world, handles);
  BridgeCall call;
  const RandomFunction function(world, types, 4, 3);
  call.type = function.type;
  call.encoding = static_cast<StringEncoding>(below(3));
  call.shares_table = shares_table;
  Stocked tables = stocked();
  if (shares_table) {
    tables[1] = tables[0];
  }
  const spec::Encoding encoding = encoding_of(call.encoding);
  call.params = random_written(*function.params, encoding, tables[0]);
  call.results = random_written(*function.results, encoding, tables[1]);
  call.drops_borrows = below(8) != 0;
  call.has_post_return = below(2) == 0;
  if (below(12) == 0) {
    call.out_pointer = below(2) == 0 ? 0xffff'fff8 : 0x1001 + below(8);
  }
  if (below(12) == 0) {
    call.bad_realloc_callee = below(4);
  }

  LawCall law(call, *function.params, *function.results, tables);
  const BridgeOutcome expected = law.run();
  BridgeRun run(world, call, *function.params, *function.results);
  const auto refused = run.make();
  if (refused) {
    tally["refused"]++;
    RC_LOG() << *refused << "\n";
    RC_ASSERT(refused->find("too much code") != std::string::npos);
    return;
  }
  const BridgeOutcome got = run.run(tables, law);
  RC_LOG() << "expected trap '" << expected.trap << "', got '" << got.trap << "'\n";
  for (const std::string& complaint : got.complaints) {
    RC_LOG() << complaint << "\n";
  }
  RC_ASSERT(got.complaints.empty());
  tally[expected.trap.empty() ? "ends well" : expected.trap]++;
  if (function.params->flat.size() > spec::kMaxFlatParams) {
    tally["spilled"]++;
  }
  // Reallocs may come before something that traps for another reason, and borrows are counted before what
  // lies in memory is lifted; the out-pointer is looked at before that, too. Where one table is shared,
  // handles come before all else.
  const bool both_trap = !expected.trap.empty() && !got.trap.empty();
  const bool realloc_fails = call.bad_realloc_callee || got.trap == "bad_realloc";  // or the memory is full
  const bool order_matters = both_trap && (realloc_fails || expected.reached || shares_table);
  if (!order_matters) {
    RC_ASSERT(got.trap == expected.trap);
  }
  if (order_matters && !realloc_fails && !shares_table) {
    RC_ASSERT(got.trap == expected.trap || function.results->flat.size() > spec::kMaxFlatResults);
  }
  if (both_trap) {
    return;
  }
  RC_ASSERT(got.arrived == expected.arrived);
  RC_ASSERT(got.caller_reallocs == expected.caller_reallocs);
  RC_ASSERT(got.callee_reallocs == expected.callee_reallocs);
  RC_ASSERT(got.returned == expected.returned);
  if (!has_floats(*function.params) && !has_floats(*function.results)) {
    RC_ASSERT(difference(got.callee_memory, expected.callee_memory) == std::nullopt);
    RC_ASSERT(difference(got.caller_memory, expected.caller_memory) == std::nullopt);
  } else if (call.params.damages.empty() && call.results.damages.empty()) {
    RC_ASSERT(difference(got.callee_memory, expected.callee_memory) == std::nullopt);
    RC_ASSERT(difference(got.caller_memory, expected.caller_memory) == std::nullopt);
  }
  if (call.drops_borrows) {
    for (const std::string& complaint : run.compare_tables({law.caller.table, law.callee.table})) {
      RC_LOG() << complaint << "\n";
      RC_ASSERT(complaint.empty());
    }
  }
}

int cases() {
  const char* const text = std::getenv("MELD_VERIFY_BRIDGE_CASES");
  return text != nullptr ? std::stoi(text) : 1500;
}

TEST(Bridge, DoesWhatTheLawDoesWithValues) {
  spec::Tally tally;
  spec::hold("a bridge does what lift and lower do, without handles", cases(),
             [&] { one_call(tally, false, false); });
  spec::expect_met(tally, {{"ends well", 200}, {"out_of_bounds", 5}, {"bad_discriminant", 5}});
  for (const auto& [word, count] : tally) {
    std::cout << count << " " << word << "\n";
  }
}

TEST(Bridge, DoesWhatTheLawDoesWithHandles) {
  spec::Tally tally;
  spec::hold("a bridge does what lift and lower do, with handles", cases(),
             [&] { one_call(tally, true, false); });
  spec::expect_met(tally, {{"ends well", 200}, {"unknown_handle", 3}, {"borrows_remain", 2}});
  for (const auto& [word, count] : tally) {
    std::cout << count << " " << word << "\n";
  }
}

TEST(Bridge, LiftsAllBeforeItLowersAllWhereBothSidesHaveOneTable) {
  spec::Tally tally;
  spec::hold("a bridge lifts before it lowers", cases(), [&] { one_call(tally, true, true); });
  spec::expect_met(tally, {{"ends well", 200}, {"unknown_handle", 3}});
  for (const auto& [word, count] : tally) {
    std::cout << count << " " << word << "\n";
  }
}

}  // namespace
}  // namespace meld_verify::run
