#include "engine/report/json.h"

#include "engine/report/finding_text.h"
#include "engine/report/fused.h"
#include "engine/report/verdict_json.h"

namespace meld_verify::report {
namespace {

Json whole_json(const check::Whole& whole) {
  static constexpr const char* kKinds[] = {"boundary", "instance", "file"};
  return Json{{"kind", kKinds[static_cast<std::size_t>(whole.kind)]}, {"number", whole.id}};
}

Json unit_json(const check::Unit& unit) {
  static constexpr const char* kKinds[] = {"position", "view", "table", "type"};
  return Json{{"kind", kKinds[static_cast<std::size_t>(unit.kind)]}, {"number", unit.id}};
}

Json rules_json(const std::vector<smt::RuleText::Rule>& broken) {
  Json rules = Json::array();
  for (const smt::RuleText::Rule& rule : broken) {
    rules.push_back({{"name", rule.name}, {"sentence", rule.sentence}});
  }
  return rules;
}

Json finding_json(const check::Finding& finding, const topology::Topology& topology) {
  Json json{{"code", code_name(finding.code)},
            {"name", finding.headline},
            {"family", check::to_string(check::info_of(finding.code).family)},
            {"harm", check::to_string(finding.harm)},
            {"reachable", finding.reachable},
            {"refutes", finding.refutes},
            {"place", finding.place},
            {"unit", finding.whole ? whole_json(*finding.whole) : unit_json(finding.unit)}};
  if (!finding.pointer.empty()) {
    json["pointer"] = finding.pointer;
  }
  Json& also = json["also"] = Json::array();
  for (const std::uint8_t code : finding.also) {
    also.push_back(code_name(code));
  }
  Json& others = json["others"] = Json::array();
  for (const check::Unit& unit : finding.others) {
    others.push_back(unit_json(unit));
  }
  json["rules"] = rules_json(finding.rules);
  json["gets"] = finding.gets;
  json["belongs"] = finding.belongs;
  json["because"] = finding.because;
  json["mend"] = finding.mend;
  Json& repair = json["repair"] = Json::array();
  for (const check::PatchOp& op : finding.repair) {
    Json line{{"op", op.op}, {"path", op.path}};
    if (!op.value.empty()) {
      line["value"] = Json::parse(op.value);
    }
    repair.push_back(std::move(line));
  }
  Json& instances = json["instances"] = Json::array();
  for (const topology::InstanceId instance : finding.involved) {
    instances.push_back(
        {{"instance", instance.value}, {"name", topology.text(topology.instances[instance.value].name)}});
  }
  Json& way = json["way"] = Json::array();
  for (const check::WayStep& step : finding.way) {
    Json line{{"step", step.verb}, {"where", step.where}};
    for (const auto& [key, value] :
         {std::pair("what", &step.what), {"space", &step.space}, {"belongs", &step.belongs}}) {
      if (!value->empty()) {
        line[key] = *value;
      }
    }
    way.push_back(std::move(line));
  }
  return json;
}

Json code_place_json(const lift::CodePlace& place, const lift::Image* image) {
  if (!is_code(place, image)) {
    return {{"name", place.name}};
  }
  Json json{{"module", place.module.value}, {"function", place.index}};
  if (!place.name.empty()) {
    json["name"] = place.name;
  }
  json["offset"] = place.offset.value;
  if (const auto length = code_length(place, image)) {
    json["length"] = *length;
  }
  return json;
}

Json open_json(const check::OpenNote& open, bool reachable, const lift::Image* image) {
  Json json{
      {"sentence", open.note.sentence}, {"unsupported", open.note.unsupported}, {"reachable", reachable}};
  if (!open.place.empty()) {
    json["place"] = open.place;
  }
  if (open.note.place) {
    json["code-place"] = code_place_json(*open.note.place, image);
  }
  return json;
}

}  // namespace

Json verdict_json(const check::Report& report, const topology::Topology& topology, const routing::Plan& plan,
                  std::string_view subject) {
  Json json{{"version", 1},
            {"subject", subject},
            {"verdict", check::to_string(report.verdict)},
            {"instances", topology.instances.size() - 1},
            {"resource-types", topology.resources.size()},
            {"boundaries", topology.boundaries.size()},
            {"positions", topology.positions.size()},
            {"tables", plan.tables.size() - 1},
            {"shapes", report.shapes},
            {"judged", report.judged},
            {"assumptions", report.assumptions}};
  if (!report.error.empty()) {
    json["error"] = report.error;
  }
  Json& unsupported = json["unsupported"] = Json::array();
  for (const topology::Unsupported& item : report.unsupported) {
    unsupported.push_back({{"code", item.code},
                           {"instance", item.instance.value},
                           {"name", topology.text(topology.instances[item.instance.value].name)},
                           {"sentence", item.sentence}});
  }
  Json& findings = json["findings"] = Json::array();
  for (const check::Finding& finding : report.findings) {
    findings.push_back(finding_json(finding, topology));
  }
  json["further-places"] = report.unnamed;
  json["unproved-places"] = report.unproved.size();
  Json& unproved = json["unproved"] = Json::array();
  for (const check::Unproved& item : report.unproved) {
    Json line{{"place", item.place}, {"unit", unit_json(item.unit)}};
    if (!item.pointer.empty()) {
      line["pointer"] = item.pointer;
    }
    line["rules"] = rules_json(item.rules);
    unproved.push_back(std::move(line));
  }
  return json;
}

std::string text_of(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string report_json(const check::Report& report, const topology::Topology& topology,
                        const routing::Plan& plan, std::string_view subject) {
  return text_of(verdict_json(report, topology, plan, subject));
}

std::string fused_json(const FusedReport& subject) {
  const check::ArtefactReport& artefact = subject.artefact;
  const lift::Lifted& lifted = subject.lifted;
  Json json = verdict_json(artefact.report, lifted.topology, lifted.plan, subject.fused);
  json["composed"] = subject.composed;
  json["functions"] = {{"aligned", lifted.aligned_functions}, {"all", lifted.all_functions}};
  json["paths"] = lifted.paths;
  json["questions"] = lifted.questions;
  for (std::size_t i = 0; i < artefact.sites.size(); ++i) {
    Json& places = json["findings"][i]["code-places"] = Json::array();
    const check::FindingSite& site = artefact.sites[i];
    for (std::size_t k = 0; k < site.way.size(); ++k) {
      if (site.way[k]) {
        json["findings"][i]["way"][k]["code-place"] = code_place_json(*site.way[k], subject.image);
      }
    }
    for (std::size_t k = 0; k < site.code.size(); ++k) {
      Json place{{"role", site.roles[k]}};
      place.update(code_place_json(site.code[k], subject.image));
      places.push_back(std::move(place));
    }
  }
  if (subject.replay) {
    const ReplayWords& replay = *subject.replay;
    Json& run = json["replay"] = {{"call", replay.call},
                                  {"driver", replay.driver},
                                  {"differs", replay.differs},
                                  {"compared", replay.compared},
                                  {"difference", replay.difference}};
    if (replay.finding) {
      run["finding"] = *replay.finding + 1;
    }
  }
  Json& open = json["open"] = Json::array();
  for (const check::OpenNote& note : artefact.open) {
    open.push_back(open_json(note, true, subject.image));
  }
  for (const check::OpenNote& note : artefact.aside) {
    open.push_back(open_json(note, false, subject.image));
  }
  return text_of(json);
}

}  // namespace meld_verify::report
