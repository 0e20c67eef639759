#include "engine/routing/plan_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "engine/routing/json_path.h"

namespace meld_verify::routing {
namespace {

using nlohmann::json;

/// `text` in printable characters, its end if it is long.
std::string shown(std::string_view text) {
  constexpr std::size_t kLongest = 24;
  std::string out = text.size() > kLongest ? "'…" : "'";
  text.remove_prefix(text.size() > kLongest ? text.size() - kLongest : 0);
  for (const char c : text) {
    if (c >= 0x20 && c < 0x7f) {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out + "'";
}

wasm::Diagnostic not_json(std::string_view text, std::string_view file, std::size_t offset) {
  const bool at_end = offset >= text.size();
  offset = std::min(offset, text.size());
  return {
      .kind = wasm::DiagnosticKind::kBadInput,
      .code = "not-json",
      .place = {.file = std::string(file), .offset = wasm::ByteOffset{offset}, .within = {}, .pointer = {}},
      .sentence = at_end ? "the text ends inside a JSON value; expected the rest of it"
                         : fmt::format("expected JSON in UTF-8 after {}, found {}",
                                       shown(text.substr(0, offset)), shown(text.substr(offset, 1)))};
}

/// Takes the parser's events and builds the value, within the bounds.
class DocumentBuilder {
 public:
  DocumentBuilder(std::string_view text, std::string_view file) : text_(text), file_(file) {}

  // The parser's interface.
  bool null() { return add(json()); }
  bool boolean(bool value) { return add(json(value)); }
  bool number_integer(json::number_integer_t value) { return add(json(value)); }
  bool number_unsigned(json::number_unsigned_t value) { return add(json(value)); }
  bool number_float(json::number_float_t value, const json::string_t&) { return add(json(value)); }
  bool string(json::string_t& value) { return add(json(std::move(value))); }
  bool binary(json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(json::object()); }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(json::array()); }
  bool end_array() { return close(); }
  bool key(json::string_t& name) {
    const auto [place, fresh] = open_.back()->get_ref<json::object_t&>().emplace(name, json());
    if (!fresh) {
      member_ = nullptr;
      problem_ = bad_json("schema", file_, pointer() + "/" + token(name),
                          "this member occurs twice in its object; expected it once");
      return false;
    }
    member_ = &place->second;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const json::exception&) {
    // The parser tells how many bytes it has read, with one more for the end of the text.
    problem_ = not_json(text_, file_, position == 0 ? 0 : position - 1);
    return false;
  }

  wasm::Expected<json> finish() && {
    if (problem_) {
      return tl::unexpected(std::move(*problem_));
    }
    return std::move(root_);
  }

 private:
  static std::string token(std::string_view name) {
    std::string text;
    JsonPath::append_token(text, name);
    return text;
  }

  /// Of the innermost array or object that is open.
  std::string pointer() const {
    std::string text;
    for (std::size_t i = 1; i < open_.size(); ++i) {
      const json& parent = *open_[i - 1];
      text += '/';
      if (parent.is_array()) {
        text += std::to_string(parent.size() - 1);
        continue;
      }
      for (const auto& [name, value] : parent.get_ref<const json::object_t&>()) {
        if (&value == open_[i]) {
          text += token(name);
        }
      }
    }
    return text;
  }

  /// Puts the value where it belongs and tells where; null if there are too many.
  json* put(json value) {
    if (++count_ > kMaxPlanValues) {
      problem_ = bad_json("too-large", file_, pointer(),
                          fmt::format("the plan has more than {} values; expected fewer", kMaxPlanValues));
      return nullptr;
    }
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_array()) {
      return &open_.back()->get_ref<json::array_t&>().emplace_back(std::move(value));
    }
    *member_ = std::move(value);
    return member_;
  }

  bool add(json value) { return put(std::move(value)) != nullptr; }

  bool open(json empty) {
    json* const place = put(std::move(empty));
    if (place == nullptr) {
      return false;
    }
    open_.push_back(place);
    if (open_.size() > kMaxPlanDepth) {
      problem_ = bad_json("schema", file_, pointer(),
                          fmt::format("arrays and objects inside each other more than {} deep; expected what "
                                      "spec/plan.schema.json describes",
                                      kMaxPlanDepth));
      return false;
    }
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  std::string_view file_;
  json root_;
  /// Arrays and objects that are open. An array grows only while it is the innermost, so these stay valid.
  std::vector<json*> open_;
  json* member_ = nullptr;  ///< of the innermost object: where the next value goes
  std::size_t count_ = 0;
  std::optional<wasm::Diagnostic> problem_;
};

}  // namespace

wasm::Diagnostic bad_json(std::string code, std::string_view file, std::string pointer,
                          std::string sentence) {
  return {.kind = wasm::DiagnosticKind::kBadInput,
          .code = std::move(code),
          .place = {.file = std::string(file), .offset = {}, .within = {}, .pointer = std::move(pointer)},
          .sentence = std::move(sentence)};
}

wasm::Expected<json> parse_json(std::string_view text, std::string_view file) {
  if (text.size() > kMaxPlanBytes) {
    return tl::unexpected(
        bad_json("too-large", file, "",
                 fmt::format("the plan has {} bytes; expected at most {}", text.size(), kMaxPlanBytes)));
  }
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {  // ends the parser's input
    return tl::unexpected(not_json(text, file, nul));
  }
  DocumentBuilder builder(text, file);
  json::sax_parse(text.begin(), text.end(), &builder);
  return std::move(builder).finish();
}

}  // namespace meld_verify::routing
