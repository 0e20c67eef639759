// A verdict on a fused file as SARIF 2.1.0.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/check/words.h"
#include "engine/report/finding_text.h"
#include "engine/report/fused.h"
#include "engine/report/verdict_json.h"
#include "engine/wasm/instruction.h"
#include "engine/wasm/printable.h"

namespace meld_verify::report {
namespace {

using check::Finding;
using check::Verdict;

constexpr const char* kSchema =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The rule of places that could not be read.
constexpr const char* kOpenRule = "open";

/// A file's name as a URI reference: a relative one stays relative.
std::string uri_of(const std::string& file) {
  std::string uri = file.starts_with('/') ? "file://" : "";
  for (const char c : file) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || c == '-' || c == '.' || c == '_' || c == '~' ||
                       c == '/';
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return uri;
}

/// FNV-1a: the same in every build.
std::string fingerprint(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return fmt::format("{:016x}", hash);
}

std::string one_line(const std::vector<std::string>& parts) {
  std::string line;
  for (const std::string& part : parts) {
    if (!part.empty()) {
      line += (line.empty() ? "" : "   ") + part;
    }
  }
  return wasm::printable(line);
}

Json text_json(const std::string& text) {
  return {{"text", text}};
}

class Log {
 public:
  Log(const FusedReport& subject, const Invocation& invocation)
      : subject_(subject), invocation_(invocation), report_(subject.artefact.report) {}

  Json write() {
    Json results = Json::array();
    for (std::size_t i = 0; i < report_.findings.size(); ++i) {
      results.push_back(finding(i));
    }
    for (const check::Unproved& item : report_.unproved) {
      results.push_back(open_result(
          "no leak has a name there, but the fused code does not do it in a form that is known to be right",
          item.place, {}, true));
    }
    for (const check::OpenNote& note : subject_.artefact.open) {
      results.push_back(open_result(note.note.sentence, note.place, note.note.place, true));
    }
    for (const check::OpenNote& note : subject_.artefact.aside) {
      results.push_back(open_result(note.note.sentence, note.place, note.note.place, false));
    }
    Json run{{"tool",
              {{"driver",
                {{"name", "meld-verify"},
                 {"version", invocation_.version},
                 {"semanticVersion", invocation_.version},
                 {"rules", rules()}}}}},
             {"invocations", Json::array({invocation()})},
             {"artifacts",
              Json::array({artifact(subject_.fused, "analysisTarget"), artifact(subject_.composed, {})})},
             {"results", std::move(results)},
             {"properties", properties()}};
    return {{"$schema", kSchema}, {"version", "2.1.0"}, {"runs", Json::array({std::move(run)})}};
  }

 private:
  std::size_t rule(const std::string& id) {
    return rule_index_.try_emplace(id, rule_index_.size()).first->second;
  }

  Json rules() const {
    std::vector<Json> list(rule_index_.size());
    for (const auto& [id, index] : rule_index_) {
      list[index] = id == kOpenRule ? open_rule() : code_rule(*check::find_code(id));
    }
    return list;
  }

  static Json open_rule() {
    return {
        {"id", kOpenRule},
        {"name", "CouldNotBeTold"},
        {"shortDescription", text_json("What the fused code does here could not be told.")},
        {"help", text_json("The verdict is unknown or unsupported, never proved, where such a place can be "
                           "reached from an export of the world.")},
        {"defaultConfiguration", {{"level", "none"}}}};
  }

  static Json code_rule(const check::CodeInfo& code) {
    std::string name;
    bool upper = true;
    for (const char c : code.name) {  // "another's destructor": AnothersDestructor
      if (c == ' ') {
        upper = true;
      } else if (c != '\'') {
        name += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        upper = false;
      }
    }
    const std::string mend = code.shown_by == check::ShownBy::kPlan
                                 ? fmt::format("To mend it: {}.", code.mend)
                                 : fmt::format("({}.)", code.mend);
    const bool misbehaving = code.harm == check::Harm::kGuard || code.harm == check::Harm::kIsolation;
    return {
        {"id", code_name(code.code)},
        {"name", name},
        {"shortDescription", text_json(std::string(code.name))},
        {"fullDescription", text_json(fmt::format("Expected, and found: {}.", code.expects))},
        {"help", text_json(fmt::format("At run time: {}. Smallest example: {}. {} (meld-verify explain {})",
                                       code.symptom, code.example, mend, code_name(code.code)))},
        {"defaultConfiguration", {{"level", misbehaving ? "warning" : "error"}}},
        {"properties",
         {{"family", check::to_string(code.family)},
          {"harm", check::to_string(code.harm)},
          {"tags", {"resource-handles", check::to_string(code.family), check::to_string(code.harm)}}}}};
  }

  static Json artifact(const std::string& file, const std::string& role) {
    Json json{{"location", {{"uri", uri_of(file)}}}, {"mimeType", "application/wasm"}};
    if (!role.empty()) {
      json["roles"] = {role};
    }
    return json;
  }

  Json invocation() const {
    Json json{{"executionSuccessful", report_.verdict != Verdict::kError},
              {"arguments", invocation_.arguments},
              {"exitCode", invocation_.exit_code},
              {"exitCodeDescription", check::to_string(report_.verdict)}};
    Json notifications = Json::array();
    const auto notify = [&](const std::string& level, const std::string& text) {
      notifications.push_back({{"level", level}, {"message", text_json(wasm::printable(text))}});
    };
    if (!report_.error.empty()) {
      notify(report_.verdict == Verdict::kError ? "error" : "warning", report_.error);
    }
    for (const topology::Unsupported& item : report_.unsupported) {
      notify("warning", item.code + ": " + item.sentence);
    }
    if (report_.unnamed != 0) {
      notify("note", fmt::format("{} looked suspicious too", counted(report_.unnamed, "further place")));
    }
    json["toolExecutionNotifications"] = std::move(notifications);
    return json;
  }

  Json properties() const {
    const lift::Lifted& lifted = subject_.lifted;
    return {{"verdict", check::to_string(report_.verdict)},
            {"assumptions", report_.assumptions},
            {"alignedFunctions", lifted.aligned_functions},
            {"functions", lifted.all_functions}};
  }

  Json physical(const lift::CodePlace* place) const {
    Json json{{"artifactLocation", {{"uri", uri_of(subject_.fused)}, {"index", 0}}}};
    if (place != nullptr && is_code(*place, subject_.image)) {
      json["region"] = {{"byteOffset", place->offset.value}};
      if (const auto length = code_length(*place, subject_.image)) {
        json["region"]["byteLength"] = *length;
      }
    }
    return json;
  }

  static Json logical(const std::string& place) {
    return Json::array({{{"fullyQualifiedName", wasm::printable(place)}, {"kind", "function"}}});
  }

  Json location(const lift::CodePlace* code, const std::string& place) const {
    Json json{{"physicalLocation", physical(code)}};
    if (!place.empty()) {
      json["logicalLocations"] = logical(place);
    }
    return json;
  }

  static std::string message(const Finding& finding) {
    std::string text = finding.headline;
    if (!finding.place.empty()) {
      text += " at " + finding.place;
    }
    if (!finding.gets.empty()) {
      text += "; gets: " + finding.gets;
    }
    if (!finding.belongs.empty()) {
      text += "; belongs: " + finding.belongs;
    }
    return wasm::printable(text + "; because " + finding.because);
  }

  Json finding(std::size_t i) {
    const Finding& finding = report_.findings[i];
    const check::FindingSite& site = subject_.artefact.sites[i];
    const std::string id = code_name(finding.code);
    Json json{{"ruleId", id},
              {"ruleIndex", rule(id)},
              {"kind", "fail"},
              {"level", finding.refutes     ? "error"
                        : finding.reachable ? "warning"
                                            : "note"},
              {"message", text_json(message(finding))},
              {"locations",
               Json::array({location(site.code.empty() ? nullptr : &site.code.front(), finding.place)})},
              {"partialFingerprints", {{"meldVerifyFinding/v1", fingerprint(id + "|" + finding.place)}}}};
    Json related = Json::array();
    for (std::size_t k = 1; k < site.code.size(); ++k) {
      Json other = location(&site.code[k], {});
      other["id"] = k;
      other["message"] = text_json(site.roles[k] + " " + code_place_words(site.code[k], subject_.image));
      related.push_back(std::move(other));
    }
    if (!related.empty()) {
      json["relatedLocations"] = std::move(related);
    }
    if (!finding.way.empty()) {
      json["codeFlows"] = Json::array({way(finding, site)});
    }
    Json also = Json::array(), instances = Json::array();
    for (const std::uint8_t code : finding.also) {
      also.push_back(code_name(code));
    }
    for (const topology::InstanceId instance : finding.involved) {
      instances.push_back(
          subject_.lifted.topology.text(subject_.lifted.topology.instances[instance.value].name));
    }
    json["properties"] = {{"harm", check::to_string(finding.harm)},
                          {"family", check::to_string(check::info_of(finding.code).family)},
                          {"reachable", finding.reachable},
                          {"refutes", finding.refutes},
                          {"also", std::move(also)},
                          {"instances", std::move(instances)}};
    return json;
  }

  Json way(const Finding& finding, const check::FindingSite& site) const {
    Json locations = Json::array();
    for (std::size_t i = 0; i < finding.way.size(); ++i) {
      const check::WayStep& step = finding.way[i];
      const bool wrong = !step.belongs.empty() && step.belongs != step.space;
      const std::string line = one_line({step.verb, step.where, step.what, step.space,
                                         wrong ? "(belongs: " + step.belongs + ")" : std::string()});
      Json here = location(i < site.way.size() && site.way[i] ? &*site.way[i] : nullptr, step.where);
      here["message"] = text_json(line);
      locations.push_back({{"location", std::move(here)},
                           {"executionOrder", locations.size() + 1},
                           {"importance", wrong ? "essential" : "important"}});
    }
    return {{"threadFlows", Json::array({{{"locations", std::move(locations)}}})}};
  }

  Json open_result(const std::string& sentence, const std::string& place,
                   const std::optional<lift::CodePlace>& code, bool reachable) {
    return {
        {"ruleId", kOpenRule},
        {"ruleIndex", rule(kOpenRule)},
        {"kind", "open"},
        {"level", "none"},
        {"message", text_json(wasm::printable(sentence))},
        {"locations", Json::array({location(code ? &*code : nullptr, place)})},
        {"partialFingerprints", {{"meldVerifyFinding/v1", fingerprint("open|" + place + "|" + sentence)}}},
        {"properties", {{"reachable", reachable}}}};
  }

  const FusedReport& subject_;
  const Invocation& invocation_;
  const check::Report& report_;
  std::map<std::string, std::size_t> rule_index_;
};

}  // namespace

std::optional<std::uint64_t> code_length(const lift::CodePlace& place, const lift::Image* image) {
  if (image == nullptr || place.function.value >= image->functions.size()) {
    return std::nullopt;
  }
  const lift::LinkedFunction& function = image->functions[place.function.value];
  if (function.kind != lift::LinkedFunction::Kind::kDefined) {
    return std::nullopt;
  }
  const wasm::Function& defined = image->module_of(function.instance).defined(function.index);
  const std::uint64_t offset = place.offset.value;
  if (offset == defined.body.begin.value) {
    return defined.body.end.value - offset;
  }
  if (offset < defined.code.begin.value || offset >= defined.code.end.value ||
      defined.code.end.value > image->bytes.size()) {
    return std::nullopt;
  }
  wasm::InstructionReader reader(image->bytes.subspan(offset, defined.code.end.value - offset), place.offset,
                                 image->file);
  wasm::Instruction instruction;
  return reader.next(instruction) ? std::optional(instruction.end.value - instruction.begin.value)
                                  : std::nullopt;
}

std::string fused_sarif(const FusedReport& subject, const Invocation& invocation) {
  return text_of(Log(subject, invocation).write());
}

}  // namespace meld_verify::report
