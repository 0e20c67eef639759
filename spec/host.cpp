// The host's side of calls: it has no table, so it holds resources themselves.

#include <algorithm>

#include "spec/machine.h"

namespace meld_verify::spec {

namespace {

LiveObject at_host(const Handle& handle) {
  return {std::nullopt, HandleIndex{}, handle.own, handle.type, handle.rep, handle.object};
}

}  // namespace

/// The host's values on their way to a guest; stands where a guest's are lifted (2.5 steps 4 and 7).
Result<void> Machine::release_from_host(const Sequence& values, const Type& tuple, Subtask* subtask) {
  const bool fits = std::ranges::equal(values.items, tuple.parts, [](const Value& item, const Part& part) {
    return conforms(item, *part.type);
  });
  if (!fits) {
    return trap(TrapClass::kHostFault, "the host's values are not of the function's type");
  }
  Result<void> released;
  for (const Value& value : values.items) {
    for_each_handle(value, [&](const Handle& handle) {
      if (released) {
        released = release_from_host(handle, subtask);
      }
      if (released && observer_ != nullptr) {
        observer_->host_gave(at_host(handle));
      }
    });
  }
  return released;
}

/// An own leaves the host; a borrow is lent until the call resolves.
Result<void> Machine::release_from_host(const Handle& handle, Subtask* subtask) {
  const auto held = host_owned_.find(handle.object);
  const bool owned =
      held != host_owned_.end() && held->second.type == handle.type && held->second.rep == handle.rep;
  if (!handle.own && owned && subtask != nullptr) {
    held->second.lends += 1;
    subtask->host_lenders.push_back(handle.object);
    return {};
  }
  if (!handle.own && std::ranges::count(host_borrowed_, handle.object) > 0) {
    return {};
  }
  if (!owned) {
    return trap(TrapClass::kHostFault,
                "the host gives a handle of " + name(handle.type) + " that it does not hold");
  }
  if (held->second.lends > 0) {
    return trap(TrapClass::kLent,
                "the host gives away a resource of " + name(handle.type) + " while it is lent");
  }
  host_owned_.erase(held);
  return {};
}

/// A guest's values on their way to the host; stands where they are lowered (2.5 steps 5 and 9).
void Machine::grant_to_host(const Sequence& values) {
  for (const Value& value : values.items) {
    for_each_handle(value, [&](const Handle& handle) {
      if (observer_ != nullptr) {
        observer_->host_got(at_host(handle));
      }
      if (handle.own) {
        host_owned_[handle.object] = {handle.type, handle.rep, 0};
      } else {
        host_borrowed_.push_back(handle.object);
      }
    });
  }
}

Handle Machine::host_new(ResourceTypeId type, Rep rep) {
  const Handle handle{type, true, rep, ObjectId{next_object_++}};
  host_owned_[handle.object] = {type, rep, 0};
  if (observer_ != nullptr) {
    observer_->host_made(at_host(handle));
  }
  return handle;
}

Result<void> Machine::host_drop(const Handle& handle) {
  SPEC_CHECK(check_alive());
  return noted([&]() -> Result<void> {
    const Handle own{handle.type, true, handle.rep, handle.object};
    SPEC_CHECK(release_from_host(own, nullptr));
    if (observer_ != nullptr) {
      observer_->host_gave(at_host(own));
    }
    return destroy(destruction_of(std::nullopt, handle.type, handle.rep, handle.object));
  }());
}

}  // namespace meld_verify::spec
