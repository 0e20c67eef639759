// A plan, for people: plan_text and plan_dot.

#include <fmt/format.h>

#include <set>

#include "engine/check/words.h"
#include "engine/report/page.h"
#include "engine/report/places.h"
#include "engine/report/text.h"

namespace meld_verify::report {

using routing::Plan;
using topology::Topology;

std::string plan_text(const Topology& topology, const Plan& plan, const TextOptions& options) {
  std::string text;
  std::string instances;
  std::size_t shims = 0;
  for (std::uint32_t i = 1; i < topology.instances.size(); ++i) {
    if (!topology.instances[i].has_core && !options.all && i != topology::kRoot.value) {
      ++shims;
      continue;
    }
    instances += fmt::format("{} {}   ", i, topology.text(topology.instances[i].name));
  }
  text += wrapped(padded("instances", 16) + instances + "host" +
                      (shims == 0 ? "" : fmt::format("   and {} without code", shims)),
                  16);
  for (std::uint32_t r = 0; r < topology.resources.size(); ++r) {
    const topology::Resource& resource = topology.resources[r];
    const std::string& interface_name = topology.text(resource.interface_name);
    text += wrapped(
        padded(r == 0 ? "resource types" : "", 16) +
            fmt::format(
                "{} {}{}{}", r, check::resource_words(topology, topology::ResourceId{r}),
                interface_name.empty() ? "" : "   " + interface_name + "." + topology.text(resource.name),
                resource.has_destructor ? "" : "   no destructor"),
        18);
  }
  text += "boundaries\n";
  std::size_t without = 0;
  for (const topology::Boundary& boundary : topology.boundaries) {
    if (boundary.position_count == 0 && !options.all) {
      ++without;
      continue;
    }
    text += wrapped(
        fmt::format("  {}   {}{}{}", check::arrow(topology, boundary), topology.text(boundary.interface_name),
                    topology.text(boundary.interface_name).empty() ? "" : "  ",
                    topology.text(boundary.function)) +
            (boundary.reachable ? "" : "   (no export of the world reaches it)"),
        6);
    for (std::uint32_t p = boundary.first_position; p < boundary.first_position + boundary.position_count;
         ++p) {
      const topology::Position& position = topology.positions[p];
      std::string path = topology.layouts[position.layout.value].path;
      if (path.starts_with("params/")) {
        path.erase(0, 7);
      }
      text += wrapped(fmt::format("      {} {} {}   {}", padded(path, 24),
                                  position.kind == topology::HandleKind::kOwn ? "own   " : "borrow",
                                  topology.views[position.sender.value].resource.value,
                                  check::steps_words(plan, plan.positions[p])),
                      41);
      if (options.places) {
        text += wrapped(std::string(8, ' ') + place_words(topology.layouts[position.layout.value]), 10);
      }
    }
  }
  if (without != 0) {
    text += fmt::format("  {} without handles; --all shows them\n",
                        without == 1 ? std::string("1 boundary") : fmt::format("{} boundaries", without));
  }
  std::set<std::string> said;
  for (const topology::Unsupported& item : topology.unsupported) {
    std::string line =
        fmt::format("  {}  {}: {}", item.code, topology.text(topology.instances[item.instance.value].name),
                    item.sentence);
    if (said.insert(line).second) {
      text += (said.size() == 1 ? "out of scope (a check of this component ends `unsupported`)\n" : "") +
              wrapped(line, 4);
    }
  }
  return text;
}

std::string plan_dot(const Topology& topology, const Plan& plan) {
  const auto quoted = [](const std::string& text) {
    std::string result = "\"";
    for (const char c : text) {
      if (c == '\n') {
        result += "\\n";
        continue;
      }
      if (c == '"' || c == '\\') {
        result += '\\';
      }
      result += c;
    }
    return result + "\"";
  };
  std::string text =
      "digraph plan {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n"
      "  edge [fontname=\"sans-serif\", fontsize=10];\n";
  std::set<std::uint32_t> shown;
  std::string edges;
  for (const topology::Boundary& boundary : topology.boundaries) {
    if (boundary.position_count == 0) {
      continue;
    }
    shown.insert(boundary.caller.value);
    shown.insert(boundary.callee.value);
    std::string label = topology.text(boundary.function);
    for (std::uint32_t p = boundary.first_position; p < boundary.first_position + boundary.position_count;
         ++p) {
      label += "\n" + topology.layouts[topology.positions[p].layout.value].path + ": " +
               check::steps_words(plan, plan.positions[p]);
    }
    edges += fmt::format("  i{} -> i{} [label={}];\n", boundary.caller.value, boundary.callee.value,
                         quoted(label));
  }
  for (const std::uint32_t instance : shown) {
    text += fmt::format("  i{} [label={}];\n", instance,
                        quoted(topology.text(topology.instances[instance].name)));
  }
  return text + edges + "}\n";
}

}  // namespace meld_verify::report
