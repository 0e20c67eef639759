#pragma once

// For tests: one call across an emitted bridge in the interpreter, beside the same call by the law's own lift
// and lower (spec/), with the same guests' behaviour.

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/emit/bridge.h"
#include "engine/run/emitted_by_test.h"
#include "engine/run/value_types.h"
#include "engine/topology/small_composition.h"
#include "spec/handle_table.h"
#include "spec/lift.h"
#include "spec/lower.h"
#include "spec/random_value.h"

namespace meld_verify::run {

inline constexpr std::uint32_t kBridgeResources = 3;
inline constexpr std::uint64_t kBridgePages = 4;

/// A caller and a callee that define one resource type each; a third instance defines another. `outer`: the
/// callee, the third and the host do; or only the host, where it is the one that is called.
struct BridgeWorld {
  enum class Definers { kGuests, kCalleeAndHost, kHost };

  explicit BridgeWorld(Definers who = Definers::kGuests) {
    using topology::kHost;
    const topology::InstanceId definers[3][kBridgeResources] = {
        {caller, callee, third}, {callee, third, kHost}, {kHost, kHost, kHost}};
    for (std::uint32_t i = 0; i < kBridgeResources; ++i) {
      const topology::InstanceId definer = definers[static_cast<std::size_t>(who)][i];
      const std::string name = "r" + std::to_string(i);
      resources[i] = small.resource(definer, "i", name);
      for (const topology::InstanceId one : {caller, callee, third}) {
        small.known_as(one, resources[i], "i", name, one == definer);
        small.builtin(one, component::ResourceOp::kDrop, resources[i], "i", name, one == definer);
      }
    }
  }
  component::TypeId own(std::uint32_t i) { return small.own(resources[i], "r" + std::to_string(i)); }
  component::TypeId borrow(std::uint32_t i) { return small.borrow(resources[i], "r" + std::to_string(i)); }

  topology::SmallComposition small;
  topology::InstanceId caller = small.instance("caller"), callee = small.instance("callee"),
                       third = small.instance("third");
  std::array<topology::ResourceId, kBridgeResources> resources;
};

/// A memory as bytes, or that of a store.
class TestMemory : public spec::Memory {
 public:
  void read(std::uint32_t address, std::span<std::byte> into) const override {
    std::copy_n(bytes() + address, into.size(), into.begin());
  }
  void write(std::uint32_t address, std::span<const std::byte> from) override {
    std::copy(from.begin(), from.end(), bytes() + address);
  }
  [[nodiscard]] virtual std::byte* bytes() const = 0;
};

class OwnMemory : public TestMemory {
 public:
  OwnMemory() : bytes_(kBridgePages * 65'536, std::byte{0xaa}) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] std::byte* bytes() const override { return bytes_.data(); }

 private:
  mutable std::vector<std::byte> bytes_;
};

class StoreMemory : public TestMemory {
 public:
  StoreMemory(CoreStore& store, CoreExtern memory) : store_(store), memory_(memory) {}
  [[nodiscard]] std::uint64_t size() const override { return store_.size(memory_); }
  [[nodiscard]] std::byte* bytes() const override {
    return reinterpret_cast<std::byte*>(store_.bytes(memory_));
  }

 private:
  CoreStore& store_;
  CoreExtern memory_;
};

/// A guest's realloc that never frees, and its log.
struct Bump {
  std::uint64_t next = 64;
  std::vector<std::array<std::uint32_t, 4>> calls;
  std::optional<std::uint32_t> bad_from;  ///< the call from which on it gives what is no area

  std::uint32_t allocate(TestMemory& memory, std::uint32_t old, std::uint32_t old_size,
                         std::uint32_t alignment, std::uint32_t size) {
    calls.push_back({old, old_size, alignment, size});
    if (bad_from && calls.size() > *bad_from) {
      return calls.size() % 2 == 0 ? 0xffff'fff1 : 0xffff'0000;
    }
    const std::uint64_t address = spec::align_to(next, alignment);
    if (address + size > memory.size()) {
      return 0xffff'0000;
    }
    next = address + size;
    std::memmove(memory.bytes() + address, memory.bytes() + old, std::min(old_size, size));
    return static_cast<std::uint32_t>(address);
  }
};

/// An instance by the law: semantics.md 2.2 and 2.4.
class LawSide : public spec::GuestSide {
 public:
  LawSide(std::uint32_t defines, TestMemory& its_memory) : memory(its_memory), defines_(defines) {}

  spec::HandleTable own_table;
  spec::HandleTable* table = &own_table;  ///< or that of another, whom it shares one with

  spec::Result<spec::Handle> lift_own(spec::ResourceTypeId type, spec::HandleIndex index) override {
    const auto entry = table->take(index);
    if (!entry) {
      return spec::trap(entry.error(), "");
    }
    SPEC_CHECK(check(*entry, type));
    if (entry->lends > 0) {
      return spec::trap(spec::TrapClass::kLent, "");
    }
    if (entry->kind == spec::EntryKind::kBorrow) {
      return spec::trap(spec::TrapClass::kNotOwn, "");
    }
    return spec::Handle{type, true, entry->rep, {}};
  }
  spec::Result<spec::Handle> lift_borrow(spec::ResourceTypeId type, spec::HandleIndex index) override {
    const auto entry = table->look(index);
    if (!entry) {
      return spec::trap(entry.error(), "");
    }
    SPEC_CHECK(check(**entry, type));
    (*entry)->lends += 1;
    lenders.push_back(index);
    return spec::Handle{type, false, (*entry)->rep, {}};
  }
  spec::Result<std::uint32_t> lower_own(const spec::Handle& handle) override {
    return table->add({spec::EntryKind::kOwn, handle.type, handle.rep, 0, nullptr, {}})->value;
  }
  spec::Result<std::uint32_t> lower_borrow(const spec::Handle& handle) override {
    if (handle.type.value == defines_) {
      return handle.rep.value;
    }
    const std::uint32_t index =
        table->add({spec::EntryKind::kBorrow, handle.type, handle.rep, 0, nullptr, {}})->value;
    borrowed.emplace_back(handle.type.value, index);
    return index;
  }
  spec::Result<std::uint32_t> reallocate(std::uint32_t old, std::uint32_t old_size, std::uint32_t alignment,
                                         std::uint32_t size) override {
    return bump.allocate(memory, old, old_size, alignment, size);
  }

  TestMemory& memory;
  Bump bump;
  std::vector<spec::HandleIndex> lenders;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> borrowed;  ///< type and index of what a call lent it

 private:
  static spec::Result<void> check(const spec::Entry& entry, spec::ResourceTypeId type) {
    return entry.tag == type ? spec::Result<void>{} : spec::trap(spec::TrapClass::kWrongType, "");
  }
  std::uint32_t defines_;
};

/// How a guest writes a value that it made up: each handle is the next of `handles`.
class GuestWriter : public spec::GuestSide {
 public:
  GuestWriter(TestMemory& memory, Bump& bump, std::vector<std::uint32_t> handles)
      : memory_(memory), bump_(bump), handles_(std::move(handles)) {}
  spec::Result<spec::Handle> lift_own(spec::ResourceTypeId type, spec::HandleIndex index) override {
    return spec::Handle{type, true, spec::Rep(index.value), {}};
  }
  spec::Result<spec::Handle> lift_borrow(spec::ResourceTypeId type, spec::HandleIndex index) override {
    return spec::Handle{type, false, spec::Rep(index.value), {}};
  }
  spec::Result<std::uint32_t> lower_own(const spec::Handle&) override {
    return next_ < handles_.size() ? handles_[next_++] : 0;
  }
  spec::Result<std::uint32_t> lower_borrow(const spec::Handle& handle) override { return lower_own(handle); }
  spec::Result<std::uint32_t> reallocate(std::uint32_t old, std::uint32_t old_size, std::uint32_t alignment,
                                         std::uint32_t size) override {
    return bump_.allocate(memory_, old, old_size, alignment, size);
  }

 private:
  TestMemory& memory_;
  Bump& bump_;
  std::vector<std::uint32_t> handles_;
  std::size_t next_ = 0;
};

/// What a guest does to the bytes or slots that it wrote.
struct Damage {
  bool in_slot = false;
  std::uint32_t where = 0;  ///< slot, or number of a byte among those that were written
  std::uint64_t bits = 0;   ///< to flip, or
  bool replaces = false;    ///< to put there
};

/// One guest's values: what it writes, and how.
struct Written {
  spec::Sequence values;
  std::vector<std::uint32_t> handles;
  std::vector<Damage> damages;
};

/// A call, all of it decided beforehand.
struct BridgeCall {
  component::FuncTypeId type;
  component::StringEncoding encoding = component::StringEncoding::kUtf8;
  Written params, results;
  bool drops_borrows = true;
  bool has_post_return = false;
  std::optional<std::uint32_t> out_pointer;  ///< in place of an area of the caller's
  std::optional<std::uint32_t> bad_realloc_callee;
  bool shares_table = false;  ///< a wrong plan: one table for both
};

/// What came of it.
struct BridgeOutcome {
  std::string trap;                    ///< "" for none
  bool reached = false;                ///< the callee ran
  std::vector<std::uint64_t> arrived;  ///< its slots
  std::vector<std::uint64_t> returned;
  std::vector<std::array<std::uint32_t, 4>> caller_reallocs, callee_reallocs;
  std::vector<std::byte> caller_memory, callee_memory;
  std::vector<std::string> complaints;
};

inline std::vector<spec::CoreValue> written(const Written& what, const spec::Type& tuple,
                                            std::size_t max_flat, TestMemory& memory, Bump& bump,
                                            spec::Encoding encoding) {
  const std::uint64_t begin = bump.next;
  GuestWriter side(memory, bump, what.handles);
  spec::Lower lower(&memory, encoding, side);
  auto slots = lower.values(what.values, tuple, max_flat, std::nullopt).value();
  for (const Damage& damage : what.damages) {
    if (damage.in_slot && !slots.empty()) {
      spec::CoreValue& slot = slots[damage.where % slots.size()];
      const bool half = slot.type == spec::CoreType::kI32 || slot.type == spec::CoreType::kF32;
      const std::uint64_t bits = half ? damage.bits & 0xffff'ffff : damage.bits;
      slot.bits = damage.replaces ? bits : slot.bits ^ bits;
    } else if (!damage.in_slot && bump.next > begin) {
      const std::uint64_t at = begin + damage.where % (bump.next - begin);
      if (damage.replaces) {
        const auto word = static_cast<std::uint32_t>(damage.bits);
        std::memcpy(memory.bytes() + at / 4 * 4, &word, 4);
      } else {
        memory.bytes()[at] ^= static_cast<std::byte>(damage.bits);
      }
    }
  }
  return slots;
}

}  // namespace meld_verify::run
