#pragma once

// Small functions of the router that are no bridges: the built-ins of resource types, and what stands around
// functions that a run time calls or is called by.

#include <string>
#include <vector>

#include "engine/emit/code.h"

namespace meld_verify::emit {

/// Core types of built-ins: (i32) -> (i32) of `resource.new` and `resource.rep`, (i32) -> () of
/// `resource.drop` and of destructors.
[[nodiscard]] wasm::FuncType one_to_one();
[[nodiscard]] wasm::FuncType one_to_none();

/// `resource.new` of an instance: an own entry of the type `tag`.
[[nodiscard]] Function new_intrinsic(std::string name, component::InstanceId instance, routing::TableId table,
                                     std::uint32_t tag);
/// `resource.rep`. It does not ask whether the instance may leave.
[[nodiscard]] Function rep_intrinsic(std::string name, routing::TableId table, std::uint32_t tag);
/// `resource.drop`: of an own entry (with `alike`, of a borrow too) slot `slot` of the destructor table is
/// called.
[[nodiscard]] Function drop_intrinsic(std::string name, component::InstanceId instance,
                                      routing::TableId table, std::uint32_t tag, std::uint32_t slot,
                                      bool alike);
/// `resource.drop` of a wrong plan that calls other destructors for a borrow than for an own.
[[nodiscard]] Function drop_by_kind(std::string name, component::InstanceId instance, routing::TableId table,
                                    std::uint32_t tag, std::uint32_t own_slot, std::uint32_t borrow_slot);
/// A built-in that the run time's own table keeps: asks whether the instance may leave, if it has to.
[[nodiscard]] Function canonical_intrinsic(std::string name, component::InstanceId instance,
                                           CanonicalCall call);
/// Calls several slots of the destructor table with one rep, in order.
[[nodiscard]] Function several_destructors(std::string name, const std::vector<std::uint32_t>& slots);
/// The destructor of an outer resource type: slot `slot`, or nothing when it is to be quiet once.
[[nodiscard]] Function outer_destructor(std::string name, std::uint32_t slot);
/// `target` while `instance` may not leave: a realloc or post-return that the run time calls.
[[nodiscard]] Function kept_in(std::string name, component::InstanceId instance, const Symbol& target,
                               const wasm::FuncType& type);
/// A call of the host that needs no conversion: asks whether `instance` may leave, and does not let it leave
/// during the call.
[[nodiscard]] Function host_call(std::string name, component::InstanceId instance, const Symbol& target,
                                 const wasm::FuncType& type);

}  // namespace meld_verify::emit
