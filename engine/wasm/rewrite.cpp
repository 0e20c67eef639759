#include "engine/wasm/rewrite.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/wasm/instruction.h"
#include "engine/wasm/reader.h"
#include "engine/wasm/section.h"

namespace meld_verify::wasm {
namespace {

using Bytes = std::vector<std::uint8_t>;

void append_u32(Bytes& to, std::uint32_t value) {
  for (; value >= 0x80; value >>= 7) {
    to.push_back(static_cast<std::uint8_t>(value | 0x80));
  }
  to.push_back(static_cast<std::uint8_t>(value));
}

void append_count(Bytes& to, std::size_t value) {
  append_u32(to, static_cast<std::uint32_t>(value));
}

void append(Bytes& to, std::span<const std::uint8_t> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

void append_name(Bytes& to, std::string_view name) {
  append_count(to, name.size());
  to.insert(to.end(), name.begin(), name.end());
}

void append_types(Bytes& to, const std::vector<ValueType>& types) {
  append_count(to, types.size());
  for (const ValueType type : types) {
    to.push_back(static_cast<std::uint8_t>(type));
  }
}

void append_indexed(Bytes& to, Opcode opcode, std::size_t index) {
  to.push_back(static_cast<std::uint8_t>(opcode));
  append_count(to, index);
}

bool has_other(const std::vector<ValueType>& types) {
  return std::find(types.begin(), types.end(), ValueType::kOther) != types.end();
}

class Rewriter {
 public:
  Rewriter(std::span<const std::uint8_t> bytes, ByteOffset base, std::string_view file,
           std::span<const Probe> probes, std::string_view import_module)
      : bytes_(bytes), base_(base), file_(file), probes_(probes), import_module_(import_module) {}

  Expected<Bytes> run();

 private:
  /// A function with probes: what stands in its place, and what is put behind all functions.
  struct Probed {
    std::vector<std::size_t> probes;
    std::uint32_t appended = 0;  // new index: the original if it is defined, else the forwarding function
  };

  void plan();
  void fail(std::string code, ByteOffset at, std::string within, std::string sentence);
  std::uint32_t probe_type(const std::vector<ValueType>& params);
  [[nodiscard]] std::span<const std::uint8_t> at(Extent extent) const {
    return bytes_.subspan(extent.begin.value - base_.value, extent.end.value - extent.begin.value);
  }
  [[nodiscard]] bool imported(std::uint32_t function) const { return function < module_.imported_functions; }
  [[nodiscard]] std::uint32_t added_imports() const { return static_cast<std::uint32_t>(2 * probes_.size()); }
  /// Where the definition of a function is now.
  [[nodiscard]] std::uint32_t moved(std::uint32_t function) const {
    return imported(function) ? function : function + added_imports();
  }
  /// Where its callers go now.
  [[nodiscard]] std::uint32_t led(std::uint32_t function) const;

  Bytes contents(std::uint8_t id, std::optional<Extent> old);
  void with_references(Bytes& to, Extent extent) const;
  void list(Bytes& to, std::optional<Extent> old, std::size_t more) const;
  void imports(Bytes& to) const;
  void code(Bytes& to);
  Bytes body(const Function& function);
  [[nodiscard]] Bytes around(std::uint32_t function, const Probed& probed) const;

  std::span<const std::uint8_t> bytes_;
  ByteOffset base_;
  std::string_view file_;
  std::span<const Probe> probes_;
  std::string_view import_module_;
  Module module_;
  std::map<std::uint32_t, Probed> probed_;
  std::map<std::vector<ValueType>, std::uint32_t> probe_types_;
  std::vector<std::uint32_t> enter_types_;  // of each probe
  std::vector<std::uint32_t> leave_types_;
  Bytes types_;  // added ones
  std::optional<Diagnostic> failure_;
};

std::uint32_t Rewriter::probe_type(const std::vector<ValueType>& params) {
  const auto number = static_cast<std::uint32_t>(module_.types.size() + probe_types_.size());
  const auto [place, added] = probe_types_.emplace(params, number);
  if (added) {
    constexpr std::uint8_t kFunction = 0x60;
    types_.push_back(kFunction);
    append_types(types_, params);
    append_types(types_, {});
  }
  return place->second;
}

void Rewriter::fail(std::string code, ByteOffset at, std::string within, std::string sentence) {
  failure_ = Diagnostic{
      .kind = DiagnosticKind::kBadInput,
      .code = std::move(code),
      .place = {.file = std::string(file_), .offset = at, .within = std::move(within), .pointer = {}},
      .sentence = std::move(sentence)};
}

void Rewriter::plan() {
  for (std::size_t i = 0; i < probes_.size(); ++i) {
    const std::uint32_t function = probes_[i].function;
    if (function >= module_.function_types.size()) {
      fail("index-out-of-range", base_, "probes",
           fmt::format("function {} of {} is to be probed", function, module_.function_types.size()));
      return;
    }
    const FuncType& type = module_.type_of(function);
    if (has_other(type.params) || has_other(type.results)) {
      fail("probe-type", base_, "probes",
           fmt::format("function {} takes or gives a reference that no probe takes", function));
      failure_->kind = DiagnosticKind::kUnsupported;
      return;
    }
    probed_[function].probes.push_back(i);
    enter_types_.push_back(probe_type(type.params));
    leave_types_.push_back(probe_type(type.results));
  }
  auto next = static_cast<std::uint32_t>(module_.function_types.size()) + added_imports();
  for (auto& [function, probed] : probed_) {
    probed.appended = next++;
  }
}

std::uint32_t Rewriter::led(std::uint32_t function) const {
  if (imported(function)) {
    const auto probed = probed_.find(function);
    return probed == probed_.end() ? function : probed->second.appended;
  }
  return moved(function);
}

/// `old` with the functions that it names led to where they are now.
void Rewriter::with_references(Bytes& to, Extent extent) const {
  const auto& all = module_.references;
  auto next =
      std::lower_bound(all.begin(), all.end(), extent.begin,
                       [](const FunctionReference& one, ByteOffset offset) { return one.at.begin < offset; });
  ByteOffset from = extent.begin;
  for (; next != all.end() && next->at.begin < extent.end; ++next) {
    if (led(next->function) != next->function) {
      append(to, at({from, next->at.begin}));
      append_u32(to, led(next->function));
      from = next->at.end;
    }
  }
  append(to, at({from, extent.end}));
}

/// The start of a list of which `more` items follow: the new count, and the old items as they were.
void Rewriter::list(Bytes& to, std::optional<Extent> old, std::size_t more) const {
  if (!old) {
    append_count(to, more);
    return;
  }
  Reader in(at(*old), old->begin, file_, "section");
  const std::uint32_t count = in.u32("a count");
  append_count(to, count + more);
  append(to, at({in.offset(), old->end}));
}

void Rewriter::imports(Bytes& to) const {
  for (std::size_t i = 0; i < probes_.size(); ++i) {
    const auto import = [&](std::string_view name, std::uint32_t type) {
      append_name(to, import_module_);
      append_name(to, name);
      to.push_back(static_cast<std::uint8_t>(ExternKind::kFunc));
      append_u32(to, type);
    };
    import(probes_[i].enter, enter_types_[i]);
    import(probes_[i].leave, leave_types_[i]);
  }
}

/// Tells the probes and calls the function, whose definition is at a new place if it is not imported.
Bytes Rewriter::around(std::uint32_t function, const Probed& probed) const {
  const FuncType& type = module_.type_of(function);
  const std::size_t params = type.params.size();
  const std::size_t results = type.results.size();
  Bytes made;
  append_count(made, results);  // locals, each a group of its own
  for (const ValueType result : type.results) {
    append_u32(made, 1);
    made.push_back(static_cast<std::uint8_t>(result));
  }
  const auto get = [&](std::size_t first, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      append_indexed(made, op::kLocalGet, first + i);
    }
  };
  for (const std::size_t probe : probed.probes) {
    get(0, params);
    append_indexed(made, op::kCall, module_.imported_functions + 2 * probe);
  }
  get(0, params);
  append_indexed(made, op::kCall, imported(function) ? function : probed.appended);
  for (std::size_t i = results; i-- > 0;) {
    append_indexed(made, op::kLocalSet, params + i);
  }
  for (auto probe = probed.probes.rbegin(); probe != probed.probes.rend(); ++probe) {
    get(params, results);
    append_indexed(made, op::kCall, module_.imported_functions + 2 * *probe + 1);
  }
  get(params, results);
  made.push_back(static_cast<std::uint8_t>(op::kEnd));
  return made;
}

/// The body of a defined function with the functions that it names led to where they are now.
Bytes Rewriter::body(const Function& function) {
  Bytes made;
  ByteOffset from = function.body.begin;
  InstructionReader reader(at(function.code), function.code.begin, file_);
  Instruction instruction;
  while (reader.next(instruction)) {
    for (const IndexImmediate& one : instruction.indices) {
      if (one.space != IndexSpace::kFunc) {
        continue;
      }
      if (one.value >= module_.function_types.size()) {
        fail("index-out-of-range", one.begin, "function body",
             fmt::format("function {} of {} is named", one.value, module_.function_types.size()));
        return {};
      }
      if (led(one.value) == one.value) {
        continue;
      }
      append(made, at({from, one.begin}));
      append_u32(made, led(one.value));
      from = one.end;
    }
  }
  if (!reader.ok()) {
    failure_ = reader.failure();
    return {};
  }
  append(made, at({from, function.body.end}));
  return made;
}

void Rewriter::code(Bytes& to) {
  append_count(to, module_.functions.size() + probed_.size());
  const auto append_body = [&](const Bytes& made) {
    append_count(to, made.size());
    append(to, made);
  };
  for (std::uint32_t i = 0; i < module_.functions.size() && !failure_; ++i) {
    const auto probed = probed_.find(module_.imported_functions + i);
    append_body(probed == probed_.end() ? body(module_.functions[i]) : around(probed->first, probed->second));
  }
  for (const auto& [function, probed] : probed_) {
    if (failure_) {
      return;
    }
    append_body(imported(function) ? around(function, probed) : body(module_.defined(function)));
  }
}

Bytes Rewriter::contents(std::uint8_t id, std::optional<Extent> old) {
  Bytes made;
  switch (id) {
    case section::kType:
      list(made, old, probe_types_.size());
      append(made, types_);
      break;
    case section::kImport:
      list(made, old, 2 * probes_.size());
      imports(made);
      break;
    case section::kFunction:
      list(made, old, probed_.size());
      for (const auto& [function, probed] : probed_) {
        append_u32(made, module_.function_types[function]);
      }
      break;
    case section::kCode:
      code(made);
      break;
    default:
      with_references(made, *old);
      break;
  }
  return made;
}

Expected<Bytes> Rewriter::run() {
  auto module = decode_module(bytes_, base_, file_);
  if (!module) {
    return tl::unexpected(module.error());
  }
  module_ = std::move(*module);
  plan();
  if (failure_) {
    return tl::unexpected(*failure_);
  }
  constexpr std::size_t kPreamble = 8;
  Bytes made(bytes_.begin(), bytes_.begin() + kPreamble);
  made.reserve(bytes_.size() + bytes_.size() / 8);
  const auto append_section = [&](std::uint8_t id, std::span<const std::uint8_t> contents) {
    made.push_back(id);
    append_count(made, contents.size());
    append(made, contents);
  };
  // Sections that are not there and must be now, in their order; a type section there is, for some function.
  std::vector<std::uint8_t> missing;
  if (!probes_.empty()) {
    for (const std::uint8_t id : {section::kImport, section::kFunction, section::kCode}) {
      if (std::none_of(module_.sections.begin(), module_.sections.end(),
                       [&](const Section& one) { return one.id == id; })) {
        missing.push_back(id);
      }
    }
  }
  const auto append_missing = [&](int below) {
    while (!missing.empty() && section_rank(missing.front()) < below) {
      append_section(missing.front(), contents(missing.front(), std::nullopt));
      missing.erase(missing.begin());
    }
  };
  for (const Section& section : module_.sections) {
    if (section.id == section::kCustom) {
      if (section.name != "name") {
        append_section(section.id, at(section.extent));
      }
      continue;
    }
    append_missing(section_rank(section.id));
    append_section(section.id, contents(section.id, section.extent));
  }
  append_missing(section_rank(section::kData));
  if (failure_) {
    return tl::unexpected(*failure_);
  }
  return made;
}

}  // namespace

Expected<std::vector<std::uint8_t>> with_probes(std::span<const std::uint8_t> bytes, ByteOffset base,
                                                std::string_view file, std::span<const Probe> probes,
                                                std::string_view import_module) {
  return Rewriter(bytes, base, file, probes, import_module).run();
}

}  // namespace meld_verify::wasm
