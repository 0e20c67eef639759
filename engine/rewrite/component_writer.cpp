#include "engine/rewrite/component_writer.h"

#include <algorithm>

namespace meld_verify::rewrite {

using component::TypeKind;

namespace {

enum Section : std::uint8_t {
  kCustom = 0,
  kCoreModule = 1,
  kCoreInstance = 2,
  kComponent = 4,
  kInstance = 5,
  kAlias = 6,
  kType = 7,
  kCanon = 8,
  kImport = 10,
  kExport = 11,
};

void put_sort(Bytes& out, Sort sort) {
  const auto core = [&](std::uint8_t code) {
    out.push_back(0x00);
    out.push_back(code);
  };
  switch (sort) {
    case Sort::kCoreFunc:
      return core(0x00);
    case Sort::kCoreTable:
      return core(0x01);
    case Sort::kCoreMemory:
      return core(0x02);
    case Sort::kCoreGlobal:
      return core(0x03);
    case Sort::kCoreTag:
      return core(0x04);
    case Sort::kCoreType:
      return core(0x10);
    case Sort::kCoreModule:
      return core(0x11);
    case Sort::kCoreInstance:
      return core(0x12);
    case Sort::kFunc:
      return out.push_back(0x01);
    case Sort::kValue:
      return out.push_back(0x02);
    case Sort::kType:
      return out.push_back(0x03);
    case Sort::kComponent:
      return out.push_back(0x04);
    case Sort::kInstance:
      return out.push_back(0x05);
  }
}

/// The byte after 0x00 of a core sort.
std::uint8_t core_code(Sort sort) {
  Bytes code;
  put_sort(code, sort);
  return code[1];
}

void put_options(Bytes& out, const Options& options) {
  Bytes list;
  std::uint32_t count = 0;
  if (options.encoding != component::StringEncoding::kUtf8) {
    list.push_back(static_cast<std::uint8_t>(options.encoding));
    ++count;
  }
  const auto put = [&](std::uint8_t code, const std::optional<std::uint32_t>& index) {
    if (index) {
      list.push_back(code);
      put_u32(list, *index);
      ++count;
    }
  };
  put(0x03, options.memory);
  put(0x04, options.realloc);
  put(0x05, options.post_return);
  put_u32(out, count);
  out.insert(out.end(), list.begin(), list.end());
}

}  // namespace

Bytes value_type(TypeKind primitive) {
  switch (primitive) {
    case TypeKind::kBool:
      return {0x7f};
    case TypeKind::kS8:
      return {0x7e};
    case TypeKind::kU8:
      return {0x7d};
    case TypeKind::kS16:
      return {0x7c};
    case TypeKind::kU16:
      return {0x7b};
    case TypeKind::kS32:
      return {0x7a};
    case TypeKind::kU32:
      return {0x79};
    case TypeKind::kS64:
      return {0x78};
    case TypeKind::kU64:
      return {0x77};
    case TypeKind::kF32:
      return {0x76};
    case TypeKind::kF64:
      return {0x75};
    case TypeKind::kChar:
      return {0x74};
    case TypeKind::kString:
      return {0x73};
    default:
      return {0x64};  // error-context, the only other one
  }
}

Bytes value_type(std::uint32_t index) {
  Bytes out;
  std::uint64_t left = index;
  while (left > 0x3f) {
    out.push_back(static_cast<std::uint8_t>((left & 0x7f) | 0x80));
    left >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(left));
  return out;
}

void put_u32(Bytes& out, std::uint32_t value) {
  for (; value > 0x7f; value >>= 7) {
    out.push_back(static_cast<std::uint8_t>((value & 0x7f) | 0x80));
  }
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_text(Bytes& out, std::string_view text) {
  put_u32(out, static_cast<std::uint32_t>(text.size()));
  out.insert(out.end(), text.begin(), text.end());
}

void put_name(Bytes& out, std::string_view name, std::string_view attributes) {
  out.push_back(attributes.empty() ? 0x00 : 0x02);
  put_text(out, name);
  out.insert(out.end(), attributes.begin(), attributes.end());
}

void put_description(Bytes& out, const Description& what) {
  switch (what.kind) {
    case Description::Kind::kFunc:
      out.push_back(0x01);
      break;
    case Description::Kind::kTypeEq:
      out.push_back(0x03);
      out.push_back(0x00);
      break;
    case Description::Kind::kTypeSub:
      out.push_back(0x03);
      out.push_back(0x01);
      return;
    case Description::Kind::kInstance:
      out.push_back(0x05);
      break;
  }
  put_u32(out, what.type);
}

std::uint32_t InstanceTypeWriter::type(const Bytes& definition) {
  declarations_.push_back(0x01);
  declarations_.insert(declarations_.end(), definition.begin(), definition.end());
  ++count_;
  return types_++;
}

std::uint32_t InstanceTypeWriter::alias_outer_type(std::uint32_t index) {
  declarations_.insert(declarations_.end(), {0x02, 0x03, 0x02, 0x01});
  put_u32(declarations_, index);
  ++count_;
  return types_++;
}

std::optional<std::uint32_t> InstanceTypeWriter::export_item(std::string_view name, const Description& what) {
  declarations_.push_back(0x04);
  put_name(declarations_, name);
  put_description(declarations_, what);
  ++count_;
  if (what.kind == Description::Kind::kTypeEq || what.kind == Description::Kind::kTypeSub) {
    return types_++;
  }
  return std::nullopt;
}

Bytes InstanceTypeWriter::definition() const {
  Bytes out{0x42};
  put_u32(out, count_);
  out.insert(out.end(), declarations_.begin(), declarations_.end());
  return out;
}

ComponentWriter::ComponentWriter() : out_{0x00, 'a', 's', 'm', 0x0d, 0x00, 0x01, 0x00} {}

void ComponentWriter::section(std::uint8_t id, std::span<const std::uint8_t> content) {
  out_.push_back(id);
  put_u32(out_, static_cast<std::uint32_t>(content.size()));
  out_.insert(out_.end(), content.begin(), content.end());
}

void ComponentWriter::flush() {
  if (entries_ == 0) {
    return;
  }
  Bytes content;
  put_u32(content, entries_);
  content.insert(content.end(), content_.begin(), content_.end());
  section(open_, content);
  entries_ = 0;
  content_.clear();
}

/// Where the next entry of `section` goes.
Bytes& ComponentWriter::entry(std::uint8_t section) {
  if (open_ != section) {
    flush();
    open_ = section;
  }
  ++entries_;
  return content_;
}

void ComponentWriter::name(Sort sort, std::uint32_t index, std::string_view text) {
  if (!text.empty()) {
    names_.push_back({sort, index, std::string(text)});
  }
}

std::uint32_t ComponentWriter::core_module(std::span<const std::uint8_t> bytes, std::string_view text) {
  flush();
  section(kCoreModule, bytes);
  const std::uint32_t index = next(Sort::kCoreModule);
  name(Sort::kCoreModule, index, text);
  return index;
}

std::uint32_t ComponentWriter::component(const Bytes& bytes, std::string_view text) {
  flush();
  section(kComponent, bytes);
  const std::uint32_t index = next(Sort::kComponent);
  name(Sort::kComponent, index, text);
  return index;
}

std::uint32_t ComponentWriter::core_instantiate(
    std::uint32_t module, const std::vector<std::pair<std::string, std::uint32_t>>& arguments,
    std::string_view text) {
  Bytes& out = entry(kCoreInstance);
  out.push_back(0x00);
  put_u32(out, module);
  put_u32(out, static_cast<std::uint32_t>(arguments.size()));
  for (const auto& [label, instance] : arguments) {
    put_text(out, label);
    out.push_back(0x12);
    put_u32(out, instance);
  }
  const std::uint32_t index = next(Sort::kCoreInstance);
  name(Sort::kCoreInstance, index, text);
  return index;
}

std::uint32_t ComponentWriter::core_bag(const std::vector<std::pair<std::string, Item>>& exports) {
  Bytes& out = entry(kCoreInstance);
  out.push_back(0x01);
  put_u32(out, static_cast<std::uint32_t>(exports.size()));
  for (const auto& [label, item] : exports) {
    put_text(out, label);
    out.push_back(core_code(item.sort));
    put_u32(out, item.index);
  }
  return next(Sort::kCoreInstance);
}

std::uint32_t ComponentWriter::instantiate(std::uint32_t component,
                                           const std::vector<std::pair<std::string, Item>>& arguments) {
  Bytes& out = entry(kInstance);
  out.push_back(0x00);
  put_u32(out, component);
  put_u32(out, static_cast<std::uint32_t>(arguments.size()));
  for (const auto& [label, item] : arguments) {
    put_text(out, label);
    put_sort(out, item.sort);
    put_u32(out, item.index);
  }
  return next(Sort::kInstance);
}

std::uint32_t ComponentWriter::bag(const std::vector<std::pair<std::string, Item>>& exports) {
  Bytes& out = entry(kInstance);
  out.push_back(0x01);
  put_u32(out, static_cast<std::uint32_t>(exports.size()));
  for (const auto& [label, item] : exports) {
    put_name(out, label);
    put_sort(out, item.sort);
    put_u32(out, item.index);
  }
  return next(Sort::kInstance);
}

std::uint32_t ComponentWriter::alias_core_export(Sort sort, std::uint32_t instance, std::string_view label) {
  Bytes& out = entry(kAlias);
  put_sort(out, sort);
  out.push_back(0x01);
  put_u32(out, instance);
  put_text(out, label);
  return next(sort);
}

std::uint32_t ComponentWriter::alias_export(Sort sort, std::uint32_t instance, std::string_view label) {
  Bytes& out = entry(kAlias);
  put_sort(out, sort);
  out.push_back(0x00);
  put_u32(out, instance);
  put_text(out, label);
  return next(sort);
}

std::uint32_t ComponentWriter::type(const Bytes& definition) {
  Bytes& out = entry(kType);
  out.insert(out.end(), definition.begin(), definition.end());
  return next(Sort::kType);
}

std::uint32_t ComponentWriter::resource_type(std::optional<std::uint32_t> destructor) {
  Bytes definition{0x3f, 0x7f, static_cast<std::uint8_t>(destructor ? 0x01 : 0x00)};
  if (destructor) {
    put_u32(definition, *destructor);
  }
  return type(definition);
}

std::uint32_t ComponentWriter::lift(std::uint32_t core_function, const Options& options,
                                    std::uint32_t type_index) {
  Bytes& out = entry(kCanon);
  out.insert(out.end(), {0x00, 0x00});
  put_u32(out, core_function);
  put_options(out, options);
  put_u32(out, type_index);
  return next(Sort::kFunc);
}

std::uint32_t ComponentWriter::lower(std::uint32_t function, const Options& options) {
  Bytes& out = entry(kCanon);
  out.insert(out.end(), {0x01, 0x00});
  put_u32(out, function);
  put_options(out, options);
  return next(Sort::kCoreFunc);
}

std::uint32_t ComponentWriter::resource_new(std::uint32_t type_index) {
  Bytes& out = entry(kCanon);
  out.push_back(0x02);
  put_u32(out, type_index);
  return next(Sort::kCoreFunc);
}

std::uint32_t ComponentWriter::resource_drop(std::uint32_t type_index) {
  Bytes& out = entry(kCanon);
  out.push_back(0x03);
  put_u32(out, type_index);
  return next(Sort::kCoreFunc);
}

std::uint32_t ComponentWriter::resource_rep(std::uint32_t type_index) {
  Bytes& out = entry(kCanon);
  out.push_back(0x04);
  put_u32(out, type_index);
  return next(Sort::kCoreFunc);
}

std::uint32_t ComponentWriter::import(std::string_view label, const Description& what,
                                      std::string_view attributes) {
  Bytes& out = entry(kImport);
  put_name(out, label, attributes);
  put_description(out, what);
  switch (what.kind) {
    case Description::Kind::kFunc:
      return next(Sort::kFunc);
    case Description::Kind::kInstance:
      return next(Sort::kInstance);
    case Description::Kind::kTypeEq:
    case Description::Kind::kTypeSub:
      break;
  }
  return next(Sort::kType);
}

std::uint32_t ComponentWriter::export_item(std::string_view label, Item item,
                                           const std::optional<Description>& ascribed,
                                           std::string_view attributes) {
  Bytes& out = entry(kExport);
  put_name(out, label, attributes);
  put_sort(out, item.sort);
  put_u32(out, item.index);
  out.push_back(ascribed ? 0x01 : 0x00);
  if (ascribed) {
    put_description(out, *ascribed);
  }
  return next(item.sort);
}

Bytes ComponentWriter::finish() {
  flush();
  if (!names_.empty()) {
    Bytes content;
    put_text(content, "component-name");
    std::stable_sort(names_.begin(), names_.end(), [](const Name& left, const Name& right) {
      return std::pair(left.sort, left.index) < std::pair(right.sort, right.index);
    });
    for (std::size_t i = 0; i < names_.size();) {
      Bytes names;
      put_sort(names, names_[i].sort);
      std::size_t end = i;
      while (end < names_.size() && names_[end].sort == names_[i].sort) {
        ++end;
      }
      put_u32(names, static_cast<std::uint32_t>(end - i));
      for (; i < end; ++i) {
        put_u32(names, names_[i].index);
        put_text(names, names_[i].text);
      }
      content.push_back(0x01);
      put_u32(content, static_cast<std::uint32_t>(names.size()));
      content.insert(content.end(), names.begin(), names.end());
    }
    section(kCustom, content);
  }
  return std::move(out_);
}

}  // namespace meld_verify::rewrite
