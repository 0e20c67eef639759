#include "engine/run/value_types.h"

#include <string>
#include <utility>

namespace meld_verify::run {
namespace {

using component::Member;
using component::TypeKind;
using component::TypeNode;

std::vector<std::string> labels_of(const TypeNode& node) {
  std::vector<std::string> labels;
  for (const Member& member : node.members) {
    labels.push_back(member.label);
  }
  return labels;
}

spec::Kind plain_kind(TypeKind kind) {
  switch (kind) {
    case TypeKind::kBool:
      return spec::Kind::kBool;
    case TypeKind::kS8:
      return spec::Kind::kS8;
    case TypeKind::kU8:
      return spec::Kind::kU8;
    case TypeKind::kS16:
      return spec::Kind::kS16;
    case TypeKind::kU16:
      return spec::Kind::kU16;
    case TypeKind::kS32:
      return spec::Kind::kS32;
    case TypeKind::kU32:
      return spec::Kind::kU32;
    case TypeKind::kS64:
      return spec::Kind::kS64;
    case TypeKind::kU64:
      return spec::Kind::kU64;
    case TypeKind::kF32:
      return spec::Kind::kF32;
    case TypeKind::kF64:
      return spec::Kind::kF64;
    case TypeKind::kChar:
      return spec::Kind::kChar;
    case TypeKind::kString:
      return spec::Kind::kString;
    case TypeKind::kStream:
      return spec::Kind::kStream;
    case TypeKind::kFuture:
      return spec::Kind::kFuture;
    default:
      return spec::Kind::kErrorContext;
  }
}

}  // namespace

spec::TypeRef ValueTypes::of(component::TypeId id) {
  spec::TypeRef& made = made_[id.value];  // members have smaller numbers: what is made below is another
  if (!made) {
    made = make(arena_[id]);
  }
  return made;
}

spec::FunctionType ValueTypes::of(component::FuncTypeId id) {
  const component::FuncType& function = arena_[id];
  spec::FunctionType made;
  for (const component::Parameter& param : function.params) {
    made.params.push_back(of(param.type));
  }
  if (function.result) {
    made.result = of(*function.result);
  }
  return made;
}

spec::TypeRef ValueTypes::make(const TypeNode& node) {
  const auto member = [&](std::size_t i) {
    return node.members[i].type ? of(*node.members[i].type) : spec::TypeRef{};
  };
  const auto labelled = [&] {
    std::vector<std::pair<std::string, spec::TypeRef>> parts;
    for (std::size_t i = 0; i < node.members.size(); ++i) {
      parts.emplace_back(node.members[i].label, member(i));
    }
    return parts;
  };
  namespace types = spec::types;
  const spec::ResourceTypeId resource(node.resource.value);
  switch (node.kind) {
    case TypeKind::kRecord:
      return types::record(labelled());
    case TypeKind::kTuple: {
      std::vector<spec::TypeRef> elements;
      for (std::size_t i = 0; i < node.members.size(); ++i) {
        elements.push_back(member(i));
      }
      return types::tuple(std::move(elements));
    }
    case TypeKind::kVariant:
      return types::variant(labelled());
    case TypeKind::kOption:
      return types::option(member(0));
    case TypeKind::kResult:
      return types::result(member(0), member(1));
    case TypeKind::kEnum:
      return types::enumeration(labels_of(node));
    case TypeKind::kFlags:
      return types::flags(labels_of(node));
    case TypeKind::kList:
      return types::list(member(0));
    case TypeKind::kFixedList:
      return types::fixed_list(member(0), node.length);
    case TypeKind::kMap:
      return types::map(member(0), member(1));
    case TypeKind::kOwn:
      return types::own(resource);
    case TypeKind::kBorrow:
      return types::borrow(resource);
    default:
      return types::plain(plain_kind(node.kind));
  }
}

spec::Encoding encoding_of(component::StringEncoding encoding) {
  switch (encoding) {
    case component::StringEncoding::kUtf8:
      return spec::Encoding::kUtf8;
    case component::StringEncoding::kUtf16:
      return spec::Encoding::kUtf16;
    case component::StringEncoding::kLatin1Utf16:
      return spec::Encoding::kLatin1OrUtf16;
  }
  return spec::Encoding::kUtf8;
}

}  // namespace meld_verify::run
