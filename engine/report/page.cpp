#include "engine/report/page.h"

#include <algorithm>

namespace meld_verify::report {
namespace {

constexpr std::size_t kColumns = 100;

}  // namespace

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xc0) != 0x80; }));
}

std::string padded(std::string_view text, std::size_t width) {
  std::string result(text);
  const std::size_t used = width_of(text);
  result.append(used < width ? width - used : 0, ' ');
  return result;
}

std::string wrapped(std::string_view line, std::size_t indent) {
  std::string result;
  std::size_t used = 0;
  std::size_t at = 0;
  while (at < line.size()) {
    std::size_t word = at;
    while (word < line.size() && line[word] == ' ') {
      ++word;
    }
    const std::size_t end = std::min(line.find(' ', word), line.size());
    const std::string_view piece = line.substr(at, end - at);
    if (used + width_of(piece) > kColumns && used > indent) {
      result += "\n" + std::string(indent, ' ');
      result += line.substr(word, end - word);
      used = indent + width_of(line.substr(word, end - word));
    } else {
      result += piece;
      used += width_of(piece);
    }
    at = end;
  }
  return result + "\n";
}

std::string painted(std::string_view text, Paint paint, bool colour) {
  if (!colour) {
    return std::string(text);
  }
  const char* code = "";
  switch (paint) {
    case Paint::kWrong:
      code = "\x1b[31m";
      break;
    case Paint::kRight:
      code = "\x1b[32m";
      break;
    case Paint::kDim:
      code = "\x1b[2m";
      break;
    case Paint::kBold:
      code = "\x1b[1m";
      break;
  }
  return code + std::string(text) + "\x1b[0m";
}

}  // namespace meld_verify::report
