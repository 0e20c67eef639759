#include "engine/run/core_log.h"

#include <fmt/format.h>

#include <memory>
#include <set>
#include <utility>

#include "engine/wasm/module.h"
#include "engine/wasm/rewrite.h"

namespace meld_verify::run {

CoreLog::CoreLog(const component::Composition& running, std::span<const std::uint8_t> bytes,
                 std::vector<std::optional<component::CoreInstanceId>> guests, std::size_t most)
    : running_(running), bytes_(bytes), guests_(std::move(guests)), most_(most) {}

CoreStore::HostFunction CoreLog::probe(component::CoreInstanceId instance, std::uint32_t function,
                                       bool leaves) {
  return [this, instance, function, leaves](const CoreStore::Values& values,
                                            CoreStore::Values&) -> std::unique_ptr<CoreTrap> {
    if (calls_.size() >= most_) {
      return std::make_unique<CoreTrap>(CoreTrap{CoreTrap::Kind::kHost, "the run has too many calls",
                                                 static_cast<std::uint8_t>(spec::TrapClass::kUnsupported)});
    }
    CoreCall call{instance, function, leaves, {}};
    for (const CoreValue& value : values) {
      call.values.push_back(value.bits);
    }
    calls_.push_back(std::move(call));
    return nullptr;
  };
}

spec::Result<std::optional<ProbedModule>> CoreLog::module(component::CoreInstanceId instance) {
  const auto guest = guests_.at(instance.value);
  if (!guest) {
    return std::optional<ProbedModule>{};
  }
  const component::CoreModule& where = running_.modules[running_.core_instances[instance.value].module.value];
  const auto bytes = bytes_.subspan(where.begin.value, where.end.value - where.begin.value);
  const auto refused = [](const wasm::Diagnostic& why) {
    return spec::trap(spec::TrapClass::kUnsupported,
                      "a core module cannot be given probes: " + wasm::to_string(why));
  };
  const auto decoded = wasm::decode_module(bytes, where.begin, "module");
  if (!decoded) {
    return refused(decoded.error());
  }
  std::set<std::uint32_t> functions;
  for (std::uint32_t i = 0; i < decoded->imported_functions; ++i) {
    functions.insert(i);
  }
  for (const wasm::CoreExport& item : decoded->exports) {
    if (item.kind == wasm::ExternKind::kFunc) {
      functions.insert(item.index);
    }
  }
  std::vector<wasm::Probe> probes;
  ProbedModule made;
  for (const std::uint32_t function : functions) {
    const std::string number = std::to_string(function);
    probes.push_back({function, "enter" + number, "leave" + number});
    made.probes.push_back(probe(*guest, function, false));
    made.probes.push_back(probe(*guest, function, true));
  }
  auto probed = wasm::with_probes(bytes, where.begin, "module", probes, "meld-verify:probes");
  if (!probed) {
    return refused(probed.error());
  }
  made.bytes = *std::move(probed);
  return std::optional(std::move(made));
}

std::string to_string(const CoreCall& call) {
  std::string values;
  for (const std::uint64_t value : call.values) {
    values += fmt::format("{}{:#x}", values.empty() ? "" : ", ", value);
  }
  return fmt::format("core instance {} {} function {} ({})", call.instance.value,
                     call.leaves ? "leaves" : "enters", call.function, values);
}

}  // namespace meld_verify::run
