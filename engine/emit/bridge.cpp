#include "engine/emit/bridge.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/emit/arithmetic.h"
#include "engine/emit/handle_way.h"
#include "engine/emit/passed_values.h"
#include "engine/emit/value_mover.h"

namespace meld_verify::emit {

using component::kHost;
using component::TypeId;
using routing::TableId;
using topology::TypeLayout;
using wasm::FuncType;
using wasm::ValueType;
using namespace arithmetic;
using Passes = ValueMover::Passes;
using Phase = ValueMover::Phase;

namespace {

constexpr ValueType kI32 = ValueType::kI32;

bool meet(const std::vector<TableId>& left, const std::vector<TableId>& right) {
  return std::any_of(left.begin(), left.end(), [&](TableId table) {
    return std::find(right.begin(), right.end(), table) != right.end();
  });
}

/// A table that one handle is read or taken from, and another one's entry is made in.
bool share_tables(std::span<const HandleWay> ways) {
  std::vector<TableId> reads, makes;
  for (const HandleWay& way : ways) {
    for (const TableId table : way.reads) {
      if (std::find(reads.begin(), reads.end(), table) == reads.end()) {
        reads.push_back(table);
      }
    }
    for (const TableId table : way.makes) {
      if (std::find(makes.begin(), makes.end(), table) == makes.end()) {
        makes.push_back(table);
      }
    }
  }
  return meet(reads, makes);
}

class BridgeMaker {
 public:
  BridgeMaker(const BridgeJob& job, BridgeShared& shared, std::vector<HandleWay> ways, std::uint32_t first)
      : job_(job),
        type_(job.composition->types[job.type]),
        boundary_(job.topology->boundaries[job.boundary.value]),
        pool_(first),
        context_{.types = job.composition->types,
                 .layouts = shared.layouts,
                 .traits = shared.traits,
                 .functions = pool_,
                 .texts = shared.texts,
                 .name = job.name},
        ways_(std::move(ways)),
        params_(passed_params(type_, shared.layouts)),
        results_(passed_results(type_, shared.layouts)),
        made_type_(core_type(params_, results_, job.made_is_lowered)),
        target_type_(core_type(params_, results_, job.target_is_lowered)),
        host_calls_(job.caller.instance == kHost),
        calls_host_(job.callee.instance == kHost),
        passes_through_((host_calls_ || calls_host_) && job.caller.memory == job.callee.memory),
        code_(made_type_) {}

  wasm::Expected<Bridge> make() {
    const RouterFunction self = pool_.reserve();
    if (params_.size >= topology::kMostBytes || results_.size >= topology::kMostBytes) {
      context_.fail("too-large", "a value type in its signature takes 256 MiB or more");
    }
    const std::size_t params = static_cast<std::size_t>(
        std::find_if(ways_.begin(), ways_.end(), [&](const HandleWay& way) { return is_result(way); }) -
        ways_.begin());
    const std::span<const HandleWay> all(ways_);
    look_for_borrows(all.first(params));
    ValueMover params_mover(context_, job_.caller, job_.callee, all.first(params),
                            passes_of_params(all.first(params)));
    ValueMover results_mover(context_, job_.callee, job_.caller, all.subspan(params),
                             passes_of_results(all.subspan(params)));
    // With no results in memory nothing is written to the caller's while the call is on: neither the bridge
    // nor any code of the caller's runs.
    if (!results_.in_memory && params_mover.can_reread()) {
      params_mover.reread();
    }
    if (!context_.failure) {
      write(params_mover, results_mover);
    }
    params_mover.write_functions();
    results_mover.write_functions();
    Bridge bridge;
    if (post_return_ && !context_.failure) {
      const RouterFunction made = pool_.reserve();
      bridge.post_return = made.index - self.index;
      pool_.fill(made, {job_.name + ": post-return", *std::move(post_return_)});
    }
    if (context_.failure) {
      return tl::unexpected(std::move(*context_.failure));
    }
    pool_.fill(self, {job_.name, std::move(code_)});
    bridge.functions = pool_.take();
    return bridge;
  }

 private:
  bool is_result(const HandleWay& way) const {
    const auto number = static_cast<std::uint32_t>(&way - ways_.data());
    return job_.topology->positions[boundary_.first_position + number].result;
  }

  void look_for_borrows(std::span<const HandleWay> ways) {
    if (!job_.plan->boundaries[job_.boundary.value].checks_borrows_remain) {
      return;
    }
    for (const HandleWay& way : ways) {
      for (const TableId table : way.borrows) {
        if (std::none_of(borrows_.begin(), borrows_.end(),
                         [&](const auto& one) { return one.first == table; })) {
          borrows_.emplace_back(table, 0);
        }
      }
    }
  }

  Passes passes_of_params(std::span<const HandleWay> ways) const {
    if (passes_through_) {
      return Passes::kOne;
    }
    if (share_tables(ways)) {
      return Passes::kTwo;
    }
    // Notes of handles must lie together: not among what is put into the same memory for the host.
    return calls_host_ && std::any_of(ways.begin(), ways.end(),
                                      [](const HandleWay& way) { return way.in_list && way.aftermath.any(); })
               ? Passes::kTwoUnevenly
               : Passes::kOne;
  }

  /// A handle that is the result itself is lifted before what the callee was lent is counted.
  Passes passes_of_results(std::span<const HandleWay> ways) const {
    const bool counted_between = !results_.in_memory && !borrows_.empty() && !ways.empty();
    return !passes_through_ && (share_tables(ways) || counted_between) ? Passes::kTwo : Passes::kOne;
  }

  void write(ValueMover& params, ValueMover& results) {
    check_may_leave();
    std::optional<std::uint32_t> saved_top;
    if (params.uses_notes() || results.uses_notes() || (calls_host_ && uses_staging())) {
      saved_top = code_.local(kI32);
      code_.get(BaseItem::kStagingTop);
      code_.set(*saved_top);
    }
    for (auto& [table, saved] : borrows_) {
      saved = code_.local(kI32);
      code_.get(Borrows{table});
      code_.set(saved);
    }
    for (std::uint32_t i = 0; i < made_type_.params.size(); ++i) {
      made_.push_back(i);
    }
    call_target(params, move_params(params));
    const std::vector<std::uint32_t> outcome = move_results(results);
    hand_back();
    params.finish_handles();
    if (params.rereads()) {
      const std::vector<std::uint32_t> from(made_);
      pass(params, Phase::kReturn, params_, from, {}, 0);
    }
    results.finish_handles();
    reset_staging(saved_top);
    for (const std::uint32_t local : outcome) {
      code_.get(local);
    }
  }

  /// One side of the boundary is the staging memory.
  bool uses_staging() const {
    const Side& outside = host_calls_ ? job_.caller : job_.callee;
    return !passes_through_ && (host_calls_ || calls_host_) && outside.memory.has_value();
  }

  void check_may_leave() {
    if (host_calls_ || !job_.plan->boundaries[job_.boundary.value].checks_may_leave) {
      return;
    }
    code_.get(MayLeave{job_.caller.instance});
    code_.op(kI32Eqz);
    code_.begin_if();
    code_.trap(TrapReason::kCannotLeave);
    code_.end();
  }

  static void set_may_leave(Code& code, component::InstanceId instance, bool may) {
    code.i32(may ? 1 : 0);
    code.set(MayLeave{instance});
  }

  // --- values

  /// One pass over parameters or results, in slots or in an area.
  void pass(ValueMover& mover, Phase phase, const PassedValues& what, std::span<const std::uint32_t> from,
            const Slots& to, std::uint32_t area) {
    mover.start(code_, phase);
    std::uint64_t offset = 0;
    std::size_t slot = 0;
    for (const TypeId type : what.types) {
      const TypeLayout& layout = context_.layouts[type];
      if (what.in_memory) {
        offset = topology::aligned(offset, layout.alignment);
        mover.memory(type, {from[0], offset}, {area, offset});
        offset += layout.size;
      } else {
        mover.flat(type, from.subspan(slot), to.from(slot));
        slot += layout.slots.size();
      }
      if (context_.failure) {
        return;
      }
    }
    mover.expect_all_handles();
  }

  /// Moves parameters or results. `prepare` is for what comes between lifting and lowering, as far as they
  /// are apart, and gives the address of the area on the other side.
  template <class Prepare>
  std::vector<std::uint32_t> move(ValueMover& mover, const PassedValues& what,
                                  std::span<const std::uint32_t> from, const Prepare& prepare) {
    std::vector<std::uint32_t> locals(what.in_memory ? 0 : what.slots.size(), kNoLocal);
    const Slots slots{.locals = locals, .types = what.slots};
    mover.start(code_, Phase::kMove);
    mover.begin_notes();
    if (mover.passes() == Passes::kOne) {
      const std::uint32_t area = prepare();
      pass(mover, Phase::kMove, what, from, slots, area);
      mover.end_notes();
    } else {
      pass(mover, Phase::kLift, what, from, slots, 0);
      mover.end_notes();
      const std::uint32_t area = prepare();
      pass(mover, Phase::kLower, what, from, slots, area);
    }
    return locals;
  }

  /// The same slots, but that handles are converted.
  std::vector<std::uint32_t> pass_through(ValueMover& mover, const PassedValues& what, bool results,
                                          std::span<const std::uint32_t> from) {
    std::vector<std::uint32_t> locals(from.begin(), from.end());
    if (what.in_memory) {
      return locals;
    }
    for (std::uint32_t i = 0; i < boundary_.position_count; ++i) {
      const topology::Position& position = job_.topology->positions[boundary_.first_position + i];
      const std::uint32_t slot = job_.topology->layouts[position.layout.value].caller.slot;
      if (position.result == results && slot < locals.size() && locals[slot] == from[slot]) {
        locals[slot] = code_.local(what.slots[slot]);
        code_.get(from[slot]);
        code_.set(locals[slot]);
      }
    }
    mover.pass_through();
    pass(mover, Phase::kMove, what, from, {.locals = locals, .types = what.slots}, 0);
    return locals;
  }

  std::vector<std::uint32_t> move_params(ValueMover& mover) {
    const std::size_t count = params_.in_memory ? 1 : params_.slots.size();
    const std::span<const std::uint32_t> from = std::span<const std::uint32_t>(made_).first(count);
    if (passes_through_) {
      return pass_through(mover, params_, false, from);
    }
    mover.start(code_, Phase::kMove);
    if (params_.in_memory) {
      mover.check_area(job_.caller, from[0], params_.size, params_.alignment);
    }
    std::uint32_t area = 0;
    std::vector<std::uint32_t> slots = move(mover, params_, from, [&] {
      area = params_.in_memory ? mover.allocate_area(params_.size, params_.alignment) : 0;
      return area;
    });
    return params_.in_memory ? std::vector{area} : slots;
  }

  void call_target(ValueMover& params, const std::vector<std::uint32_t>& arguments) {
    std::uint32_t out_pointer = 0;
    if (results_.in_memory && job_.target_is_lowered) {
      out_pointer = passes_through_ ? made_.back() : params.allocate_area(results_.size, results_.alignment);
    }
    if (context_.failure) {
      return;
    }
    if (calls_host_) {
      set_may_leave(code_, job_.caller.instance, false);
    }
    for (const std::uint32_t local : arguments) {
      code_.get(local);
    }
    if (results_.in_memory && job_.target_is_lowered) {
      code_.get(out_pointer);
      returned_ = {out_pointer};
    }
    code_.call(job_.target, target_type_);
    for (const ValueType type : target_type_.results) {
      returned_.push_back(code_.local(type));
      code_.set(returned_.back());
    }
    if (calls_host_) {
      set_may_leave(code_, job_.caller.instance, true);
    }
  }

  void check_borrows() {
    for (const auto& [table, saved] : borrows_) {
      code_.get(Borrows{table});
      code_.get(saved);
      code_.op(kI32GtU);
      code_.begin_if();
      code_.trap(TrapReason::kBorrowsRemain);
      code_.end();
    }
  }

  /// What the function made returns.
  std::vector<std::uint32_t> move_results(ValueMover& mover) {
    if (context_.failure) {
      return {};
    }
    if (passes_through_) {
      check_borrows();
      const bool nothing = results_.in_memory && job_.made_is_lowered;
      return nothing ? std::vector<std::uint32_t>{} : pass_through(mover, results_, true, returned_);
    }
    if (!results_.in_memory) {
      const bool apart = mover.passes() != Passes::kOne;
      std::vector<std::uint32_t> slots = move(mover, results_, returned_, [&] {
        if (apart) {
          check_borrows();
        }
        return 0;
      });
      if (!apart) {
        check_borrows();
      }
      return slots;
    }
    mover.start(code_, Phase::kMove);
    if (!calls_host_) {
      mover.check_area(job_.callee, returned_[0], results_.size, results_.alignment);
    }
    std::uint32_t area = 0;
    move(mover, results_, returned_, [&] {
      check_borrows();
      if (job_.made_is_lowered) {
        area = made_.back();
        mover.check_area(job_.caller, area, results_.size, results_.alignment);
      } else {
        area = mover.allocate_area(results_.size, results_.alignment);
      }
      return area;
    });
    return job_.made_is_lowered ? std::vector<std::uint32_t>{} : std::vector{area};
  }

  // --- afterwards

  /// The callee's post-return: at once where its results were copied; else by the function made for that.
  void hand_back() {
    if (results_.in_memory && host_calls_) {
      if (!passes_through_) {
        post_return_.emplace(FuncType{{kI32}, {}});
        post_return_->i32(kStagingStart);
        post_return_->set(BaseItem::kStagingTop);
      } else if (job_.post_return) {
        post_return_.emplace(FuncType{{kI32}, {}});
        call_post_return(*post_return_, {0});
        return;
      }
    }
    if (job_.post_return) {
      call_post_return(code_, returned_);
    }
  }

  void call_post_return(Code& code, const std::vector<std::uint32_t>& returned) {
    set_may_leave(code, job_.callee.instance, false);
    for (const std::uint32_t local : returned) {
      code.get(local);
    }
    code.call(*job_.post_return, {target_type_.results, {}});
    set_may_leave(code, job_.callee.instance, true);
  }

  /// Whatever is in the staging memory when the host calls was put there for this call.
  void reset_staging(std::optional<std::uint32_t> saved_top) {
    if (host_calls_ && uses_staging()) {
      if (!results_.in_memory) {
        code_.i32(kStagingStart);
        code_.set(BaseItem::kStagingTop);
      }
    } else if (saved_top) {
      code_.get(*saved_top);
      code_.set(BaseItem::kStagingTop);
    }
  }

  const BridgeJob& job_;
  const component::FuncType& type_;
  const topology::Boundary& boundary_;
  FunctionPool pool_;
  MoverContext context_;
  std::vector<HandleWay> ways_;
  const PassedValues params_, results_;
  const FuncType made_type_, target_type_;
  const bool host_calls_, calls_host_, passes_through_;
  Code code_;
  std::vector<std::uint32_t> made_;                         ///< parameters of the function made
  std::vector<std::uint32_t> returned_;                     ///< locals: what the callee gave, or where it is
  std::vector<std::pair<TableId, std::uint32_t>> borrows_;  ///< table, local with its count at the beginning
  std::optional<Code> post_return_;
};

}  // namespace

bool needs_staging(const topology::Topology& topology, topology::BoundaryId boundary) {
  const topology::Boundary& of = topology.boundaries[boundary.value];
  for (std::uint32_t i = 0; i < of.position_count; ++i) {
    const topology::Position& position = topology.positions[of.first_position + i];
    const topology::Location& location = topology.layouts[position.layout.value].caller;
    if (location.root != topology::Root::kFlat || !location.lists.empty()) {
      return true;
    }
  }
  return false;
}

wasm::Expected<Bridge> make_bridge(const BridgeJob& job, std::uint32_t first) {
  auto ways = handle_ways(*job.topology, *job.plan, job.boundary);
  if (!ways) {
    return tl::unexpected(std::move(ways.error()));
  }
  if (job.shared != nullptr) {
    return BridgeMaker(job, *job.shared, *std::move(ways), first).make();
  }
  BridgeShared own(job.composition->types);
  return BridgeMaker(job, own, *std::move(ways), first).make();
}

}  // namespace meld_verify::emit
