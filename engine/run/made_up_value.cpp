#include "engine/run/made_up_value.h"

#include <algorithm>
#include <utility>

namespace meld_verify::run {

using spec::Kind;
using spec::Type;
using spec::Value;

namespace {

/// Makes one value; of a type with too many parts none.
class Maker {
 public:
  Maker(Filling filling, const HandleSource& handles) : filling_(filling), handles_(handles) {}

  std::optional<Value> value(const Type& type) {
    if (parts_left_ == 0) {
      return std::nullopt;
    }
    --parts_left_;
    const unsigned one = filling_ == Filling::kFull ? 1 : 0;
    switch (type.kind) {
      case Kind::kBool:
        return Value{one == 1};
      case Kind::kS8:
      case Kind::kS16:
      case Kind::kS32:
      case Kind::kS64:
        return Value{std::int64_t{one}};
      case Kind::kU8:
      case Kind::kU16:
      case Kind::kU32:
      case Kind::kU64:
        return Value{std::uint64_t{one}};
      case Kind::kF32:
        return Value{static_cast<float>(one)};
      case Kind::kF64:
        return Value{static_cast<double>(one)};
      case Kind::kChar:
        return Value{U'a'};
      case Kind::kString:
        return Value{spec::Text{std::string(one, 'a'), {}}};
      case Kind::kFlags:
        return Value{spec::FlagSet{one}};
      case Kind::kList:
      case Kind::kMap: {
        if (type.kind == Kind::kList && type.parts[0].type->kind == Kind::kU8) {
          return Value{spec::Bytes{std::vector<std::uint8_t>(one)}};
        }
        std::optional<spec::Sequence> made = parts(type, one);
        return Value{made ? *std::move(made) : spec::Sequence{}};
      }
      case Kind::kRecord:
      case Kind::kTuple:
      case Kind::kFixedList: {
        std::optional<spec::Sequence> made =
            parts(type, type.kind == Kind::kFixedList ? type.length : type.parts.size());
        return made ? std::optional(Value{*std::move(made)}) : std::nullopt;
      }
      case Kind::kVariant:
      case Kind::kOption:
      case Kind::kResult:
      case Kind::kEnum:
        return some_case(type);
      case Kind::kOwn:
      case Kind::kBorrow: {
        const std::optional<spec::Handle> handle = handles_(type);
        return handle ? std::optional(Value{*handle}) : std::nullopt;
      }
      case Kind::kStream:
      case Kind::kFuture:
      case Kind::kErrorContext:
        break;
    }
    return std::nullopt;
  }

 private:
  std::optional<spec::Sequence> parts(const Type& type, std::size_t count) {
    spec::Sequence made;
    const bool one_type = type.kind != Kind::kRecord && type.kind != Kind::kTuple;
    for (std::size_t i = 0; i < count; ++i) {
      std::optional<Value> part = value(*type.parts[one_type ? 0 : i].type);
      if (!part) {
        return std::nullopt;
      }
      made.items.push_back(*std::move(part));
    }
    return made;
  }

  std::optional<Value> some_case(const Type& type) {
    for (std::size_t i = 0; i < type.parts.size(); ++i) {
      spec::Choice made;
      made.chosen = static_cast<std::uint32_t>(filling_ == Filling::kFull ? type.parts.size() - 1 - i : i);
      const spec::TypeRef& payload = type.parts[made.chosen].type;
      std::optional<Value> content = payload ? value(*payload) : std::nullopt;
      if (payload && !content) {
        continue;
      }
      if (content) {
        made.payload.push_back(*std::move(content));
      }
      return Value{std::move(made)};
    }
    return std::nullopt;
  }

  Filling filling_;
  const HandleSource& handles_;
  std::size_t parts_left_ = 10'000;
};

}  // namespace

std::optional<Value> made_up_value(const Type& type, Filling filling, const HandleSource& handles) {
  return Maker(filling, handles).value(type);
}

std::optional<Value> with_handles(
    const Value& value, const std::function<std::optional<spec::Handle>(const spec::Handle&)>& exchange) {
  if (const auto* handle = std::get_if<spec::Handle>(&value.content)) {
    const std::optional<spec::Handle> other = exchange(*handle);
    return other ? std::optional(Value{*other}) : std::nullopt;
  }
  Value made = value;
  std::vector<Value>* parts = nullptr;
  if (auto* sequence = std::get_if<spec::Sequence>(&made.content)) {
    parts = &sequence->items;
  } else if (auto* choice = std::get_if<spec::Choice>(&made.content)) {
    parts = &choice->payload;
  }
  for (std::size_t i = 0; parts != nullptr && i < parts->size(); ++i) {
    std::optional<Value> part = with_handles((*parts)[i], exchange);
    if (!part) {
      return std::nullopt;
    }
    (*parts)[i] = *std::move(part);
  }
  return made;
}

bool flatten_plain(const Value& value, const Type& type, std::vector<spec::CoreValue>& slots) {
  const auto low = [](std::uint64_t bits) { return spec::i32(static_cast<std::uint32_t>(bits)); };
  switch (type.kind) {
    case Kind::kBool:
      slots.push_back(low(std::get<bool>(value.content) ? 1 : 0));
      return true;
    case Kind::kS8:
    case Kind::kS16:
    case Kind::kS32:
      slots.push_back(low(static_cast<std::uint64_t>(std::get<std::int64_t>(value.content))));
      return true;
    case Kind::kU8:
    case Kind::kU16:
    case Kind::kU32:
      slots.push_back(low(std::get<std::uint64_t>(value.content)));
      return true;
    case Kind::kS64:
      slots.push_back(spec::i64(static_cast<std::uint64_t>(std::get<std::int64_t>(value.content))));
      return true;
    case Kind::kU64:
      slots.push_back(spec::i64(std::get<std::uint64_t>(value.content)));
      return true;
    case Kind::kF32:
      slots.push_back(spec::f32(std::get<float>(value.content)));
      return true;
    case Kind::kF64:
      slots.push_back(spec::f64(std::get<double>(value.content)));
      return true;
    case Kind::kChar:
      slots.push_back(low(std::get<char32_t>(value.content)));
      return true;
    case Kind::kEnum:
      slots.push_back(low(std::get<spec::Choice>(value.content).chosen));
      return true;
    case Kind::kFlags:
      slots.push_back(low(std::get<spec::FlagSet>(value.content).bits));
      return true;
    case Kind::kRecord:
    case Kind::kTuple: {
      const auto& items = std::get<spec::Sequence>(value.content).items;
      for (std::size_t i = 0; i < items.size(); ++i) {
        if (!flatten_plain(items[i], *type.parts[i].type, slots)) {
          return false;
        }
      }
      return true;
    }
    default:
      return false;
  }
}

std::optional<std::vector<spec::Value>> made_up_arguments(
    const spec::FunctionType& type, Filling filling, const std::vector<spec::Handle>& handles,
    const std::function<bool(const spec::Handle&)>& holds) {
  std::vector<spec::ObjectId> given;  // an own goes to one parameter only
  const auto source = [&](const spec::Type& wanted) -> std::optional<spec::Handle> {
    for (std::size_t i = handles.size(); i-- > 0;) {
      spec::Handle handle = handles[i];
      if (handle.type == wanted.resource && holds(handle) &&
          std::find(given.begin(), given.end(), handle.object) == given.end()) {
        handle.own = wanted.kind == spec::Kind::kOwn;
        given.push_back(handle.object);
        return handle;
      }
    }
    return std::nullopt;
  };
  std::vector<spec::Value> arguments;
  for (const spec::TypeRef& param : type.params) {
    std::optional<spec::Value> value = made_up_value(*param, filling, source);
    if (!value) {
      return std::nullopt;
    }
    arguments.push_back(*std::move(value));
  }
  return arguments;
}

std::optional<std::vector<spec::Value>> counterparts(const std::vector<spec::Value>& arguments,
                                                     const std::vector<spec::Handle>& ours,
                                                     const std::vector<spec::Handle>& theirs) {
  const auto exchange = [&](const spec::Handle& handle) -> std::optional<spec::Handle> {
    const auto place = std::find_if(ours.begin(), ours.end(),
                                    [&](const spec::Handle& one) { return one.object == handle.object; });
    const auto number = static_cast<std::size_t>(place - ours.begin());
    if (place == ours.end() || number >= theirs.size()) {
      return std::nullopt;
    }
    spec::Handle other = theirs[number];
    other.own = handle.own;
    return other;
  };
  std::vector<spec::Value> made;
  for (const spec::Value& argument : arguments) {
    std::optional<spec::Value> value = with_handles(argument, exchange);
    if (!value) {
      return std::nullopt;
    }
    made.push_back(*std::move(value));
  }
  return made;
}

}  // namespace meld_verify::run
