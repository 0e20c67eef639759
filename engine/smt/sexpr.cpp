#include "engine/smt/sexpr.h"

namespace meld_verify::smt {
namespace {

constexpr std::size_t kMostNested = 1000;

tl::unexpected<wasm::Diagnostic> refuse(std::string_view name, std::size_t at, std::string code,
                                        std::string sentence) {
  wasm::Diagnostic diagnostic;
  diagnostic.code = std::move(code);
  diagnostic.place.file = name;
  diagnostic.place.offset = wasm::ByteOffset{at};
  diagnostic.sentence = std::move(sentence);
  return tl::unexpected(std::move(diagnostic));
}

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

void write(const Sexpr& sexpr, std::string& out) {
  if (!sexpr.is_list) {
    out += sexpr.atom;
    return;
  }
  out += '(';
  for (std::size_t i = 0; i < sexpr.items.size(); ++i) {
    if (i != 0) {
      out += ' ';
    }
    write(sexpr.items[i], out);
  }
  out += ')';
}

}  // namespace

wasm::Expected<std::vector<Sexpr>> read_sexprs(std::string_view text, std::string_view name) {
  std::vector<Sexpr> open(1);  // open[0] gathers what is outside of all lists
  std::size_t i = 0;
  while (i < text.size()) {
    const char c = text[i];
    if (is_space(c)) {
      ++i;
    } else if (c == ';') {
      while (i < text.size() && text[i] != '\n') {
        ++i;
      }
    } else if (c == '(') {
      if (open.size() > kMostNested) {
        return refuse(name, i, "depth", "more than 1000 lists lie in one another");
      }
      open.push_back(Sexpr{"", {}, true, wasm::ByteOffset{i}});
      ++i;
    } else if (c == ')') {
      if (open.size() == 1) {
        return refuse(name, i, "parenthesis", "a closing parenthesis has no opening one");
      }
      Sexpr closed = std::move(open.back());
      open.pop_back();
      open.back().items.push_back(std::move(closed));
      ++i;
    } else {
      const std::size_t begin = i;
      if (c == '"' || c == '|') {
        ++i;
        while (i < text.size() && text[i] != c) {
          ++i;
        }
        if (i == text.size()) {
          return refuse(name, begin, "string", "a quotation has no end");
        }
        ++i;
      } else {
        while (i < text.size() && !is_space(text[i]) && text[i] != '(' && text[i] != ')' && text[i] != ';') {
          ++i;
        }
      }
      open.back().items.push_back(
          Sexpr{std::string(text.substr(begin, i - begin)), {}, false, wasm::ByteOffset{begin}});
    }
  }
  if (open.size() != 1) {
    return refuse(name, static_cast<std::size_t>(open.back().at.value), "parenthesis", "a list has no end");
  }
  return std::move(open[0].items);
}

std::string to_string(const Sexpr& sexpr) {
  std::string out;
  write(sexpr, out);
  return out;
}

}  // namespace meld_verify::smt
