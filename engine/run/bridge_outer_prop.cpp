// Emitted bridges at the outer boundary against the law: the host calls a guest, or is called. The test plays
// the run time: it lowers the host's values into whatever memory the fused component names, lifts them from
// there, and keeps the canonical handles.

#include <gtest/gtest.h>

#include "engine/run/random_call_by_test.h"

namespace meld_verify::run {
namespace {

using component::StringEncoding;
using component::TypeId;
using emit::CanonicalCall;
using spec::below;

/// A canonical handle of a guest's type is its rep and this; one of the host's is its token.
constexpr std::uint32_t kCanonical = 5'000;

/// What the run time reads and writes for the host.
class HostSide : public spec::GuestSide {
 public:
  using Realloc = std::function<std::uint32_t(std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t)>;
  HostSide(std::array<bool, kBridgeResources> of_host, Realloc realloc)
      : of_host_(of_host), realloc_(std::move(realloc)) {}

  spec::Result<spec::Handle> lift_own(spec::ResourceTypeId type, spec::HandleIndex index) override {
    return spec::Handle{type, true, spec::Rep(index.value - base(type)), {}};
  }
  spec::Result<spec::Handle> lift_borrow(spec::ResourceTypeId type, spec::HandleIndex index) override {
    return spec::Handle{type, false, spec::Rep(index.value - base(type)), {}};
  }
  spec::Result<std::uint32_t> lower_own(const spec::Handle& handle) override {
    if (!of_host_[handle.type.value]) {
      dropped.emplace_back(handle.type.value, handle.rep.value + kCanonical);
    }
    return handle.rep.value + base(handle.type);
  }
  /// A guest's type is the fused component's own: its borrow comes as a rep.
  spec::Result<std::uint32_t> lower_borrow(const spec::Handle& handle) override {
    if (of_host_[handle.type.value]) {
      dropped.emplace_back(handle.type.value, handle.rep.value);
    }
    return handle.rep.value;
  }
  spec::Result<std::uint32_t> reallocate(std::uint32_t old, std::uint32_t old_size, std::uint32_t alignment,
                                         std::uint32_t size) override {
    return realloc_(old, old_size, alignment, size);
  }

  /// Type and canonical handle of what must be dropped for what was lowered: owns are detached, the host's
  /// borrows are given back.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> dropped;

 private:
  [[nodiscard]] std::uint32_t base(spec::ResourceTypeId type) const {
    return of_host_[type.value] ? 0 : kCanonical;
  }
  std::array<bool, kBridgeResources> of_host_;
  Realloc realloc_;
};

/// Random values as the host has them: any rep or token.
spec::Sequence host_values(const spec::Type& tuple, spec::Encoding encoding) {
  spec::Sequence values;
  for (const spec::Part& part : tuple.parts) {
    values.items.push_back(spec::random_value(*part.type, encoding));
  }
  return values;
}

/// As the host has it: an object is its rep, and a text has no spelling.
void as_the_hosts(spec::Value& value) {
  if (auto* text = std::get_if<spec::Text>(&value.content)) {
    text->spelling.reset();
  } else if (auto* handle = std::get_if<spec::Handle>(&value.content)) {
    handle->object = {};
  } else if (auto* sequence = std::get_if<spec::Sequence>(&value.content)) {
    std::for_each(sequence->items.begin(), sequence->items.end(), as_the_hosts);
  } else if (auto* choice = std::get_if<spec::Choice>(&value.content)) {
    std::for_each(choice->payload.begin(), choice->payload.end(), as_the_hosts);
  }
}

emit::GuestItem guest_item(component::CoreSort sort, const std::string& name) {
  return {component::CoreItem{sort, std::pair(component::CoreInstanceId(0u), name)}};
}
const emit::Symbol kMemory = guest_item(component::CoreSort::kMemory, "memory");
const emit::Symbol kRealloc = guest_item(component::CoreSort::kFunc, "realloc");
const emit::Symbol kTarget = guest_item(component::CoreSort::kFunc, "f");
const emit::Symbol kPost = guest_item(component::CoreSort::kFunc, "post");
const emit::Symbol kFirst = emit::RouterFunction{0};

CoreType core_type(spec::CoreType type) {
  return static_cast<CoreType>(type);
}

/// One call across the outer boundary, by a bridge and by the law.
class OuterCall : public EmittedModules {
 public:
  explicit OuterCall(bool host_calls)
      : host_calls_(host_calls),
        world_(host_calls ? BridgeWorld::Definers::kCalleeAndHost : BridgeWorld::Definers::kHost),
        guest_(host_calls ? world_.callee : world_.caller),
        law_(host_calls ? 0 : kBridgeResources, law_memory_) {}

  void run(spec::Tally& tally) {
    choose();
    if (!make()) {
      tally["refused"]++;
      return;
    }
    instantiate();
    tally[passes_through_ ? "passed through" : "staged"]++;
    const bool ends_well = host_calls_ ? host_calls(tally) : calls_host(tally);
    for (const std::string& complaint : complaints_) {
      RC_LOG() << complaint << "\n";
    }
    RC_ASSERT(complaints_.empty());
    if (ends_well) {
      tally["ends well"]++;
      compare_after();
    }
  }

 private:
  void choose() {
    RandomTypes types(world_, true);
    const RandomFunction function(world_, types, 3, 2);
    type_ = function.type;
    encoding_ = static_cast<StringEncoding>(below(3));
    params_ = function.params;
    results_ = function.results;
    tables_ = stocked();
    guest_writes_ = random_written(host_calls_ ? *results_ : *params_, spelling(), tables_[0]);
    guest_writes_.damages.clear();
    host_gives_ = host_values(host_calls_ ? *params_ : *results_, spelling());
    std::for_each(host_gives_.items.begin(), host_gives_.items.end(), as_the_hosts);
    drops_borrows_ = below(8) != 0;
  }

  spec::Encoding spelling() const { return encoding_of(encoding_); }

  bool make() {
    if (host_calls_) {
      world_.small.world_export("i", "f", world_.small.lift(guest_, type_), type_);
    } else {
      world_.small.lower(guest_, world_.small.host_func("i", "f", type_), type_, "i", "f");
    }
    topology_ = topology::topology_of(world_.small.made);
    if (!topology_.unsupported.empty()) {
      return false;
    }
    plan_ = routing::required_plan(topology_);
    emit::BridgeJob job;
    job.composition = &world_.small.made;
    job.topology = &topology_;
    job.plan = &plan_;
    job.boundary = topology::BoundaryId(0u);
    job.type = type_;
    job.name = "bridge";
    passes_through_ = !emit::needs_staging(topology_, job.boundary);
    const emit::Side inside{guest_, encoding_, kMemory, kRealloc};
    emit::Side outside = inside;
    outside.instance = topology::kHost;
    if (!passes_through_) {
      outside.memory = emit::BaseItem::kStaging;
      outside.realloc = emit::BaseItem::kStagingRealloc;
    }
    job.caller = host_calls_ ? outside : inside;
    job.callee = host_calls_ ? inside : outside;
    job.target = host_calls_ ? kTarget : emit::Symbol(CanonicalCall{CanonicalCall::Kind::kLower, 0});
    job.made_is_lowered = !host_calls_;
    job.target_is_lowered = !host_calls_;
    if (host_calls_ && below(2) == 0) {
      job.post_return = kPost;
      has_post_return_ = true;
    }
    auto bridge = emit::make_bridge(job, 0);
    if (!bridge) {
      RC_LOG() << bridge.error().sentence << "\n";
      RC_ASSERT(bridge.error().code == "too-large");
      return false;
    }
    post_return_ = bridge->post_return;
    router_.functions = std::move(bridge->functions);
    router_.uses_staging = true;
    return true;
  }

  void instantiate() {
    add(emit::package_base(router_, static_cast<std::uint32_t>(topology_.instances.size())));
    for (std::uint32_t i = 1; i < plan_.tables.size(); ++i) {
      emit::HandleTable table;
      table.table = routing::TableId(i);
      table.name = plan_.tables[i].id;
      add(emit::package_table(table));
    }
    add_memory(guest_item(component::CoreSort::kMemory, "memory"), kBridgePages, kBridgePages);
    memory_ = std::make_unique<StoreMemory>(store, known.at(kMemory));
    std::memset(memory_->bytes(), 0xaa, memory_->size());
    staging_ = std::make_unique<StoreMemory>(store, known.at(emit::BaseItem::kStaging));
    const std::vector<CoreType> four(4, CoreType::kI32);
    known[kRealloc] =
        store.host_function({four, {CoreType::kI32}}, [this](const auto& arguments, auto& results) {
          const auto word = [&](std::size_t i) { return static_cast<std::uint32_t>(arguments[i].bits); };
          expect(!may_leave(), "realloc may leave");
          results[0].bits = bump_.allocate(*memory_, word(0), word(1), word(2), word(3));
          return nullptr;
        });
    for (std::uint32_t i = 0; i < kBridgeResources; ++i) {
      canonical(CanonicalCall::Kind::kNew, i);
      canonical(CanonicalCall::Kind::kRep, i);
      canonical(CanonicalCall::Kind::kDrop, i);
    }
    known[kTarget] = store.host_function(signature(false), [this](const auto& arguments, auto& results) {
      return guest_runs(arguments, results);
    });
    known[CanonicalCall{CanonicalCall::Kind::kLower, 0}] = store.host_function(
        signature(true),
        [this](const auto& arguments, auto& results) { return host_runs(arguments, results); });
    known[kPost] = store.host_function({signature(false).results, {}}, [this](const auto& arguments, auto&) {
      expect(!may_leave(), "post-return may leave");
      expect(arguments.empty() || arguments[0].bits == guest_returned_, "post-return gets something else");
      ++post_returned_;
      return nullptr;
    });
    std::vector<std::uint32_t> all;
    for (std::uint32_t i = 0; i < router_.functions.size(); ++i) {
      all.push_back(i);
    }
    add(emit::package_functions(router_, all));
    stock();
    *law_.table = tables_[0];
    store.limit_steps(20'000'000);
  }

  void canonical(CanonicalCall::Kind kind, std::uint32_t type) {
    const bool drops = kind == CanonicalCall::Kind::kDrop;
    known[CanonicalCall{kind, type}] = store.host_function(
        {{CoreType::kI32}, drops ? std::vector<CoreType>{} : std::vector{CoreType::kI32}},
        [this, kind, type, drops](const auto& arguments, auto& results) {
          const auto value = static_cast<std::uint32_t>(arguments[0].bits);
          expect(drops || !of_host()[type], "a built-in that only a definer has");
          if (drops) {
            dropped_.emplace_back(type, value);
            expect(of_host()[type] || number(emit::BaseItem::kQuiet) == 1, "a destructor runs");
            expect(!of_host()[type] || ran_, "a borrow is given back before the call");
          } else {
            results[0].bits = kind == CanonicalCall::Kind::kNew ? value + kCanonical : value - kCanonical;
          }
          return nullptr;
        });
  }

  std::array<bool, kBridgeResources> of_host() const {
    return host_calls_ ? std::array{false, false, true} : std::array{true, true, true};
  }

  CoreSignature signature(bool lowered) const {
    CoreSignature made;
    for (const spec::CoreType type : params_->flat) {
      made.params.push_back(core_type(type));
    }
    if (params_->flat.size() > spec::kMaxFlatParams) {
      made.params = {CoreType::kI32};
    }
    if (results_->flat.size() > spec::kMaxFlatResults) {
      (lowered ? made.params : made.results).push_back(CoreType::kI32);
    } else if (!results_->flat.empty()) {
      made.results = {core_type(results_->flat[0])};
    }
    return made;
  }

  HostSide host_side() {
    return HostSide(of_host(), [this](std::uint32_t old, std::uint32_t old_size, std::uint32_t alignment,
                                      std::uint32_t size) {
      return passes_through_ ? bump_.allocate(*memory_, old, old_size, alignment, size)
                             : call(emit::BaseItem::kStagingRealloc, {old, old_size, alignment, size}).value;
    });
  }
  TestMemory& outside() { return passes_through_ ? *memory_ : *staging_; }

  bool may_leave() { return number(emit::MayLeave{guest_}) == 1; }
  void expect(bool condition, const std::string& complaint) {
    if (!condition) {
      complaints_.push_back(complaint);
    }
  }
  routing::TableId table() const {
    for (std::uint32_t i = 1; i < plan_.tables.size(); ++i) {
      if (plan_.tables[i].instances.front() == guest_) {
        return routing::TableId(i);
      }
    }
    throw std::logic_error("no table");
  }
  Emitted on_table(emit::TableFunction function, std::initializer_list<std::uint32_t> arguments) {
    return call(emit::TablePart{table(), function}, arguments);
  }

  void stock() {
    const auto slots = tables_[0].slots();
    for (std::uint32_t i = 1; i < slots.size(); ++i) {
      const bool borrow = slots[i].kind == spec::EntryKind::kBorrow;
      (void)on_table(borrow ? emit::TableFunction::kBorrow : emit::TableFunction::kNew,
                     {slots[i].tag.value, slots[i].rep.value});
    }
    for (const spec::HandleIndex index : tables_[0].free()) {
      (void)on_table(emit::TableFunction::kDrop, {0, index.value, 0});
    }
  }

  static CoreStore::Values core_values(const std::vector<spec::CoreValue>& slots) {
    CoreStore::Values values;
    for (const spec::CoreValue& slot : slots) {
      values.push_back({core_type(slot.type), slot.bits});
    }
    return values;
  }
  static std::vector<spec::CoreValue> slots_of(const CoreStore::Values& values) {
    std::vector<spec::CoreValue> slots;
    for (const CoreValue& value : values) {
      slots.push_back({static_cast<spec::CoreType>(value.type), value.bits});
    }
    return slots;
  }

  // --- the guest's and the host's functions

  std::unique_ptr<CoreTrap> guest_runs(const CoreStore::Values& arguments, CoreStore::Values& results) {
    ran_ = true;
    expect(may_leave(), "the callee may not leave");
    for (const CoreValue& value : arguments) {
      arrived_.push_back(value.bits);
    }
    if (drops_borrows_) {
      for (const auto& [type, index] : law_.borrowed) {
        expect(!on_table(emit::TableFunction::kDrop, {type, index, 0}).trapped, "cannot drop a borrow");
      }
    }
    const auto returned =
        written(guest_writes_, *results_, spec::kMaxFlatResults, *memory_, bump_, spelling());
    for (std::size_t i = 0; i < results.size(); ++i) {
      guest_returned_ = results[i].bits = returned[i].bits;
    }
    return nullptr;
  }

  std::unique_ptr<CoreTrap> host_runs(const CoreStore::Values& arguments, CoreStore::Values& results) {
    ran_ = true;
    expect(!may_leave(), "the caller may leave while the host runs");
    HostSide side = host_side();
    auto slots = slots_of(arguments);
    std::optional<std::uint32_t> out;
    if (results_->flat.size() > spec::kMaxFlatResults) {
      out = static_cast<std::uint32_t>(slots.back().bits);
      slots.pop_back();
    }
    auto lifted = spec::Lift(&outside(), spelling(), side).values(slots, *params_, spec::kMaxFlatParams);
    expect(lifted.has_value(), "the host cannot read its parameters");
    if (lifted) {
      host_got_.items = *std::move(lifted);
    }
    const auto lowered =
        spec::Lower(&outside(), spelling(), side).values(host_gives_, *results_, spec::kMaxFlatResults, out);
    expect(lowered.has_value(), "the host cannot write its results");
    for (std::size_t i = 0; i < results.size() && lowered; ++i) {
      results[i].bits = (*lowered)[i].bits;
    }
    return nullptr;
  }

  // --- calls, by the law and by the bridge; whether they end well

  bool host_calls(spec::Tally& tally) {
    const auto expected_slots = spec::Lower(&law_memory_, spelling(), law_)
                                    .values(host_gives_, *params_, spec::kMaxFlatParams, std::nullopt)
                                    .value();
    if (drops_borrows_) {
      for (const auto& [type, index] : law_.borrowed) {
        (void)law_.table->take(spec::HandleIndex(index));
      }
    }
    const auto returned =
        written(guest_writes_, *results_, spec::kMaxFlatResults, law_memory_, law_.bump, spelling());
    const auto expected =
        spec::Lift(&law_memory_, spelling(), law_).values(returned, *results_, spec::kMaxFlatResults);
    const bool remain = !drops_borrows_ && !law_.borrowed.empty();

    HostSide side = host_side();
    const auto given = spec::Lower(&outside(), spelling(), side)
                           .values(host_gives_, *params_, spec::kMaxFlatParams, std::nullopt)
                           .value();
    const auto done = store.call(known.at(kFirst), core_values(given));
    if (std::holds_alternative<CoreTrap>(done) || remain || !expected) {
      RC_ASSERT(std::holds_alternative<CoreTrap>(done));
      RC_ASSERT(remain || !expected);
      tally[std::string(to_string(static_cast<emit::TrapReason>(number(emit::BaseItem::kTrap))))]++;
      return false;
    }
    std::vector<std::uint64_t> slots;
    for (const spec::CoreValue& slot : expected_slots) {
      slots.push_back(slot.bits);
    }
    RC_ASSERT(arrived_ == slots);
    const auto& core = std::get<CoreStore::Values>(done);
    const auto got =
        spec::Lift(&outside(), spelling(), side).values(slots_of(core), *results_, spec::kMaxFlatResults);
    RC_ASSERT(got.has_value());
    RC_ASSERT(*got == *expected);
    if (post_return_) {
      const emit::Symbol function = emit::RouterFunction{*post_return_};
      RC_ASSERT(std::holds_alternative<CoreStore::Values>(store.call(known.at(function), core)));
    }
    expect(post_returned_ == (has_post_return_ ? 1 : 0), "post-return did not run once");
    std::sort(dropped_.begin(), dropped_.end());
    std::sort(side.dropped.begin(), side.dropped.end());
    RC_ASSERT(dropped_ == side.dropped);
    return true;
  }

  bool calls_host(spec::Tally& tally) {
    const auto given =
        written(guest_writes_, *params_, spec::kMaxFlatParams, law_memory_, law_.bump, spelling());
    auto slots = written(guest_writes_, *params_, spec::kMaxFlatParams, *memory_, bump_, spelling());
    std::optional<std::uint32_t> out;
    if (results_->flat.size() > spec::kMaxFlatResults) {
      const auto size = static_cast<std::uint32_t>(results_->size);
      out = law_.bump.allocate(law_memory_, 0, 0, results_->alignment, size);
      slots.push_back(spec::i32(bump_.allocate(*memory_, 0, 0, results_->alignment, size)));
    }
    const auto expected =
        spec::Lift(&law_memory_, spelling(), law_).values(given, *params_, spec::kMaxFlatParams);
    const auto done = store.call(known.at(kFirst), core_values(slots));
    if (std::holds_alternative<CoreTrap>(done) || !expected) {
      const auto reason = static_cast<emit::TrapReason>(number(emit::BaseItem::kTrap));
      RC_ASSERT(std::holds_alternative<CoreTrap>(done));
      RC_ASSERT(!expected.has_value());
      RC_ASSERT(std::string(to_string(reason)) == spec::to_string(expected.error().trap_class));
      tally[std::string(to_string(reason))]++;
      return false;
    }
    RC_ASSERT(host_got_.items == *expected);
    const auto returned = spec::Lower(&law_memory_, spelling(), law_)
                              .values(host_gives_, *results_, spec::kMaxFlatResults, out)
                              .value();
    const auto& core = std::get<CoreStore::Values>(done);
    RC_ASSERT(core.size() == returned.size());
    for (std::size_t i = 0; i < core.size(); ++i) {
      RC_ASSERT(core[i].bits == returned[i].bits);
    }
    for (const spec::HandleIndex index : law_.lenders) {
      (*law_.table->look(index))->lends -= 1;
    }
    return true;
  }

  void compare_after() {
    RC_ASSERT(std::equal(memory_->bytes(), memory_->bytes() + memory_->size(), law_memory_.bytes()));
    RC_ASSERT(may_leave());
    RC_ASSERT(number(emit::BaseItem::kStagingTop) == emit::kStagingStart);
    const auto slots = law_.table->slots();
    for (std::uint32_t i = 0; i < slots.size() + 3; ++i) {
      const spec::Entry entry = i < slots.size() ? slots[i] : spec::Entry{};
      const Emitted rep = on_table(emit::TableFunction::kRep, {entry.tag.value, i});
      if (entry.kind == spec::EntryKind::kEmpty) {
        RC_ASSERT(rep.trap == emit::TrapReason::kUnknownHandle);
        continue;
      }
      RC_ASSERT(!rep.trapped);
      RC_ASSERT(rep.value == entry.rep.value);
      RC_ASSERT(!on_table(emit::TableFunction::kDrop, {entry.tag.value, i, 0}).trapped);
    }
  }

  const bool host_calls_;
  BridgeWorld world_;
  const topology::InstanceId guest_;
  OwnMemory law_memory_;
  LawSide law_;
  component::FuncTypeId type_;
  StringEncoding encoding_ = StringEncoding::kUtf8;
  spec::TypeRef params_, results_;
  Stocked tables_;
  Written guest_writes_;
  spec::Sequence host_gives_, host_got_;
  bool drops_borrows_ = true, has_post_return_ = false, passes_through_ = false, ran_ = false;
  topology::Topology topology_;
  routing::Plan plan_;
  emit::Router router_;
  std::optional<std::uint32_t> post_return_;
  std::unique_ptr<StoreMemory> memory_, staging_;
  Bump bump_;
  std::vector<std::uint64_t> arrived_;
  std::uint64_t guest_returned_ = 0;
  int post_returned_ = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> dropped_;
  std::vector<std::string> complaints_;
};

int cases() {
  const char* const text = std::getenv("MELD_VERIFY_BRIDGE_CASES");
  return text != nullptr ? std::stoi(text) : 500;
}

void hold(const std::string& name, bool host_calls) {
  spec::Tally tally;
  spec::hold(name, cases(), [&] { OuterCall(host_calls).run(tally); });
  spec::expect_met(tally, {{"ends well", 200}, {"staged", 50}, {"passed through", 50}});
  for (const auto& [word, count] : tally) {
    std::cout << count << " " << word << "\n";
  }
}

TEST(OuterBridge, TheHostCallsAGuestAsTheLawHasIt) {
  hold("a bridge converts what the host hands over and gets", true);
}

TEST(OuterBridge, AGuestCallsTheHostAsTheLawHasIt) {
  hold("a bridge converts what it hands to the host and gets", false);
}

}  // namespace
}  // namespace meld_verify::run
