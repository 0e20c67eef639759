#include "spec/machine_world.h"

namespace meld_verify::spec {

namespace {

InstanceId instance_of(int place) {
  return InstanceId(static_cast<std::uint32_t>(place));
}

ResourceTypeId type_of(int type) {
  return ResourceTypeId(static_cast<std::uint32_t>(type));
}

bool defines(int place, int type) {
  return kDefiners[static_cast<std::size_t>(type)] == place;
}

}  // namespace

World::World() {
  build();
}

void World::build() {
  functions_.clear();
  lowerings_.clear();
  held_.clear();
  ledger_ = std::make_unique<Ledger>();
  machine_ = std::make_unique<Machine>(Limits{kModelMaxIndex, false, 100}, ledger_.get());
  for (const char* name : {"A", "B", "Consumer", "Parent"}) {
    machine_->add_instance(name);
  }
  machine_->add_instance("Child", instance_of(kParent));
  for (int type = 0; type < kTypes; ++type) {
    const auto destroyed = [this, type](std::uint32_t rep) {
      check();
      seen_.destroyed.emplace_back(type, rep);
    };
    const std::string name = "T" + std::to_string(type);
    if (type == kHostType) {
      machine_->add_host_resource_type(name, [destroyed](Rep rep) -> Result<void> {
        destroyed(rep.value);
        return {};
      });
      continue;
    }
    CoreFunction code = [destroyed](std::span<const CoreValue> args) -> CoreResult {
      destroyed(static_cast<std::uint32_t>(args[0].bits));
      return std::nullopt;
    };
    machine_->add_resource_type(name, instance_of(kDefiners[static_cast<std::size_t>(type)]),
                                type == kTypeWithoutCode ? CoreFunction{} : std::move(code));
  }
}

Seen World::run(const Operation& operation) {
  if (machine_->first_trap()) {
    build();
    replays_ = true;
    for (const Operation& one : log_) {
      perform(one);
    }
    replays_ = false;
  }
  Seen seen = perform(operation);
  if (seen.trap) {
    check_dead();
    return {seen.trap, {}, {}};
  }
  log_.push_back(operation);
  check();
  return seen;
}

void World::check() {
  if (!replays_ && problems_.empty()) {
    problems_ = ledger_->violations(*machine_);
  }
}

void World::check_dead() {
  const auto made = machine_->resource_new(instance_of(kA), type_of(0), Rep(0u));
  if (made || made.error().trap_class != TrapClass::kDead) {
    problems_.emplace_back("I12: the machine goes on after a trap");
  }
}

Seen World::perform(const Operation& operation) {
  now_ = &operation;
  seen_ = {};
  depth_ = 0;
  const Result<void> outcome =
      operation.op >= Op::kHostNew && operation.op <= Op::kHostDrop ? act_as_host(operation) : act(operation);
  if (!outcome) {
    seen_.trap = outcome.error().trap_class;
  }
  return seen_;
}

Result<void> World::act(const Operation& o) {
  switch (o.op) {
    case Op::kNew: {
      SPEC_TRY(const HandleIndex index, machine_->resource_new(instance_of(o.x), type_of(o.type), Rep(o.i)));
      seen_.values.push_back(index.value);
      return {};
    }
    case Op::kRep: {
      SPEC_TRY(const Rep rep, machine_->resource_rep(instance_of(o.x), type_of(o.type), HandleIndex(o.i)));
      seen_.values.push_back(rep.value);
      return {};
    }
    case Op::kDrop:
      return drop(o.x, o.type, o.i);
    case Op::kGive:
      return call_shape(o.x, o.y, o.type, "o", {o.i});
    case Op::kGiveTwo:
      return call_shape(o.x, o.y, o.type, "oo", {o.i, o.j});
    case Op::kFetch:
      return call_shape(o.x, o.y, o.type, "", {});
    case Op::kLend:
      return call_shape(o.x, o.y, o.type, "b", {o.i});
    case Op::kLendTwo:
      return call_shape(o.x, o.y, o.type, "bb", {o.i, o.j});
    case Op::kLendAndGive:
      return call_shape(o.x, o.y, o.type, "bo", {o.i, o.j});
    case Op::kGiveAndLend:
      return call_shape(o.x, o.y, o.type, "ob", {o.i, o.j});
    case Op::kEscape:
      return call_shape(o.x, o.y, o.type, "e", {});
    case Op::kReenter: {
      SPEC_CHECK(machine_->call(lifted(o.x, o.type, "r"), {}));
      return {};
    }
    default:
      return trap(TrapClass::kNotValid, "an operation of the host");
  }
}

Result<void> World::act_as_host(const Operation& o) {
  const auto as_borrow = [](Handle handle) {
    handle.own = false;
    return handle;
  };
  switch (o.op) {
    case Op::kHostNew:
      held_.push_back(machine_->host_new(type_of(kHostType), Rep(o.i)));
      return {};
    case Op::kHostFetch: {
      SPEC_TRY(const std::optional<Value> result, machine_->call(lifted(o.x, o.type, ""), {}));
      held_.push_back(std::get<Handle>(result.value().content));
      seen_.values.push_back(held_.back().rep.value);
      return {};
    }
    case Op::kHostGive: {
      const Handle handle = held_[o.i];
      SPEC_CHECK(machine_->call(lifted(o.x, static_cast<int>(handle.type.value), "o"), {Value{handle}}));
      held_.erase(held_.begin() + o.i);
      return {};
    }
    case Op::kHostLend: {
      const Handle handle = held_[o.i];
      SPEC_CHECK(
          machine_->call(lifted(o.x, static_cast<int>(handle.type.value), "b"), {Value{as_borrow(handle)}}));
      return {};
    }
    case Op::kHostDrop: {
      SPEC_CHECK(machine_->host_drop(held_[o.i]));
      held_.erase(held_.begin() + o.i);
      return {};
    }
    default:
      return trap(TrapClass::kNotValid, "no operation of the host");
  }
}

Result<void> World::call_shape(int caller, int callee, int type, const std::string& shape,
                               std::vector<std::uint32_t> args) {
  std::vector<CoreValue> slots;
  for (const std::uint32_t arg : args) {
    slots.push_back(i32(arg));
  }
  SPEC_TRY(const std::optional<CoreValue> result,
           machine_->call(lowered(caller, callee, type, shape), slots));
  if (result) {
    seen_.values.push_back(static_cast<std::uint32_t>(result->bits));
  }
  return {};
}

/// Shapes: one letter for each parameter, o(wn) or b(orrow); none: a result. e: escapes in post-return; r:
/// reenters.
FunctionId World::lifted(int callee, int type, const std::string& shape) {
  const std::string key = std::to_string(callee) + "." + std::to_string(type) + "." + shape;
  if (const auto known = functions_.find(key); known != functions_.end()) {
    return known->second;
  }
  FunctionType function;
  for (const char letter : shape) {
    if (letter == 'o' || letter == 'b') {
      function.params.push_back(letter == 'o' ? types::own(type_of(type)) : types::borrow(type_of(type)));
    }
  }
  if (shape.empty()) {
    function.result = types::own(type_of(type));
  }
  Options options;
  if (shape == "e") {
    options.post_return = [this, callee, type](std::span<const CoreValue>) -> CoreResult {
      SPEC_CHECK(drop(callee, type, now_->i));
      return std::nullopt;
    };
  }
  const auto code = [this, callee, type, shape](std::span<const CoreValue> args) {
    return this->callee(callee, type, shape, args);
  };
  return functions_[key] = machine_->lift(key, instance_of(callee), function, code, options).value();
}

LoweringId World::lowered(int caller, int callee, int type, const std::string& shape) {
  const std::string key =
      std::to_string(caller) + "->" + std::to_string(callee) + "." + std::to_string(type) + "." + shape;
  if (const auto known = lowerings_.find(key); known != lowerings_.end()) {
    return known->second;
  }
  return lowerings_[key] = machine_->lower(instance_of(caller), lifted(callee, type, shape)).value();
}

CoreResult World::callee(int instance, int type, const std::string& shape, std::span<const CoreValue> args) {
  check();
  if (shape == "r") {
    return reenter(instance, depth_++);
  }
  if (shape.empty()) {
    return i32(now_->i);
  }
  const bool outermost = depth_++ == 0;
  for (const CoreValue& arg : args) {
    seen_.values.push_back(static_cast<std::uint32_t>(arg.bits));
  }
  const bool conducts = outermost && (now_->op == Op::kLend || now_->op == Op::kHostLend);
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (shape[i] != 'b' || defines(instance, type)) {
      continue;
    }
    const auto index = static_cast<std::uint32_t>(args[i].bits);
    if (conducts) {
      SPEC_CHECK(conduct(instance, type, index));
    } else {
      SPEC_CHECK(drop(instance, type, index));
    }
  }
  check();
  return std::nullopt;
}

Result<void> World::conduct(int instance, int type, std::uint32_t index) {
  switch (now_->conduct) {
    case Conduct::kLetGo:
      break;
    case Conduct::kKeep:
      return {};
    case Conduct::kPassOn:
      SPEC_CHECK(call_shape(instance, now_->z, type, "b", {index}));
      break;
    case Conduct::kPassTwice:
      SPEC_CHECK(call_shape(instance, now_->z, type, "bb", {index, index}));
      break;
    case Conduct::kGiveAway:
      SPEC_CHECK(call_shape(instance, now_->z, type, "o", {index}));
      break;
    case Conduct::kMistake:
      return drop(instance, (type + 1) % kTypes, index);
    case Conduct::kDropTwice:
      SPEC_CHECK(drop(instance, type, index));
      break;
  }
  return drop(instance, type, index);
}

Result<void> World::drop(int instance, int type, std::uint32_t index) {
  return machine_->resource_drop(instance_of(instance), type_of(type), HandleIndex(index));
}

CoreResult World::reenter(int instance, int depth) {
  const int next = depth == 0 ? now_->y : now_->x;
  return machine_->call(lowered(instance, next, now_->type, "r"), {});
}

std::string World::difference(const TableModel& model) const {
  std::string text;
  for (int place = 0; place < kInstances; ++place) {
    const HandleTable& table = machine_->instance(instance_of(place)).table;
    const TableModel::Table& expected = model.tables[static_cast<std::size_t>(place)];
    bool same = table.slots().size() == expected.rows.size() && table.free().size() == expected.free.size();
    for (std::size_t i = 0; same && i < expected.rows.size(); ++i) {
      const Entry& entry = table.slots()[i];
      const TableModel::Row& row = expected.rows[i];
      same = row.used ? entry.kind == EntryKind::kOwn && entry.tag == type_of(row.type) &&
                            entry.rep == Rep(row.rep)
                      : entry.kind == EntryKind::kEmpty;
    }
    for (std::size_t i = 0; same && i < expected.free.size(); ++i) {
      same = table.free()[i].value == expected.free[i];
    }
    if (!same) {
      text += "table of " + machine_->describe(instance_of(place)) + " differs; ";
    }
  }
  if (machine_->host_owned().size() != model.host.size()) {
    text += "the host holds another number of resources; ";
  }
  for (int place = 0; place < kInstances; ++place) {
    const Instance& one = machine_->instance(instance_of(place));
    if (!one.may_enter || !one.may_leave) {
      text += "flags of " + one.name + " are not restored; ";
    }
  }
  return text;
}

}  // namespace meld_verify::spec
