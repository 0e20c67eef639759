#include "engine/run/event_log.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

namespace meld_verify::run {
namespace {

using Json = nlohmann::ordered_json;
using spec::Crossing;
using spec::Destruction;
using spec::HandleSeen;
using spec::LiveObject;
using spec::TableChange;

Json crossing_json(const Names& names, const char* event, const Crossing& crossing) {
  return {{"event", event},
          {"caller", names.party(crossing.caller)},
          {"callee", names.party(crossing.callee)},
          {"function", crossing.name}};
}

Json destruction_json(const Names& names, const char* event, const Destruction& destruction) {
  return {{"event", event},
          {"dropper", names.party(destruction.dropper)},
          {"definer", names.party(destruction.definer)},
          {"type", names.type(destruction.type)},
          {"rep", destruction.rep.value},
          {"object", destruction.object.value},
          {"code", destruction.has_code}};
}

Json live_json(const Names& names, const char* event, const LiveObject& object) {
  return {{"event", event},
          {"holder", names.party(object.holder)},
          {"index", object.index.value},
          {"kind", object.own ? "own" : "borrow"},
          {"type", names.type(object.type)},
          {"rep", object.rep.value},
          {"object", object.object.value}};
}

void write(std::ostream& out, const Json& json) {
  // Names come from a file: what is not UTF-8 in them must not stop the log.
  out << json.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
}

}  // namespace

std::string_view to_string(spec::EntryKind kind) {
  switch (kind) {
    case spec::EntryKind::kEmpty:
      return "empty";
    case spec::EntryKind::kOwn:
      return "own";
    case spec::EntryKind::kBorrow:
      return "borrow";
    case spec::EntryKind::kOther:
      return "other";
  }
  return {};
}

std::string_view to_string(spec::Transfer transfer) {
  switch (transfer) {
    case spec::Transfer::kLiftOwn:
      return "lift-own";
    case spec::Transfer::kLiftBorrow:
      return "lift-borrow";
    case spec::Transfer::kLowerOwn:
      return "lower-own";
    case spec::Transfer::kLowerBorrow:
      return "lower-borrow";
  }
  return {};
}

std::string_view to_string(spec::TableOperation operation) {
  switch (operation) {
    case spec::TableOperation::kNew:
      return "new";
    case spec::TableOperation::kRep:
      return "rep";
    case spec::TableOperation::kDrop:
      return "drop";
    case spec::TableOperation::kAdd:
      return "add";
    case spec::TableOperation::kRemove:
      return "remove";
    case spec::TableOperation::kLend:
      return "lend";
    case spec::TableOperation::kReturn:
      return "return";
  }
  return {};
}

// --- JSON

void JsonEvents::entered(const Crossing& crossing) {
  write(out_, crossing_json(names_, "enter", crossing));
}

void JsonEvents::left(const Crossing& crossing) {
  write(out_, crossing_json(names_, "leave", crossing));
}

void JsonEvents::handle_seen(const HandleSeen& seen) {
  Json json{
      {"event", "handle"}, {"instance", names_.party(seen.instance)}, {"transfer", to_string(seen.transfer)}};
  if (!seen.as_rep) {
    json["index"] = seen.seen;
  }
  json["rep"] = seen.rep.value;
  json["type"] = names_.type(seen.type);
  json["object"] = seen.object.value;
  write(out_, json);
}

void JsonEvents::table_changed(const TableChange& change) {
  write(out_, {{"event", "table"},
               {"instance", names_.party(change.instance)},
               {"operation", to_string(change.operation)},
               {"index", change.index.value},
               {"kind", to_string(change.entry.kind)},
               {"type", names_.type(change.entry.tag)},
               {"rep", change.entry.rep.value},
               {"lends", change.entry.lends},
               {"object", change.entry.object.value}});
}

void JsonEvents::destructor_entered(const Destruction& destruction) {
  write(out_, destruction_json(names_, "destructor", destruction));
}

void JsonEvents::destructor_left(const Destruction& destruction) {
  write(out_, destruction_json(names_, "destructor-end", destruction));
}

void JsonEvents::host_made(const LiveObject& object) {
  write(out_, live_json(names_, "made", object));
}

void JsonEvents::trapped(const spec::Trap& trap) {
  write(out_, {{"event", "trap"}, {"class", to_string(trap.trap_class)}, {"sentence", trap.sentence}});
}

void JsonEvents::still_live(const LiveObject& object) {
  write(out_, live_json(names_, "live", object));
}

// --- text

std::ostream& TraceText::line() {
  return out_ << std::string(2 * depth_, ' ');
}

void TraceText::entered(const Crossing& crossing) {
  line() << fmt::format("{} → {}  {}\n", names_.party(crossing.caller), names_.party(crossing.callee),
                        crossing.name);
  ++depth_;
}

void TraceText::left(const Crossing& crossing) {
  --depth_;
  line() << fmt::format("{} ← {}  {}\n", names_.party(crossing.caller), names_.party(crossing.callee),
                        crossing.name);
}

void TraceText::handle_seen(const HandleSeen& seen) {
  line() << fmt::format(
      "{}  {} {}: {} of {} #{}\n", names_.party(seen.instance), to_string(seen.transfer),
      seen.as_rep ? fmt::format("rep 0x{:x}", seen.seen) : fmt::format("index {}", seen.seen),
      seen.transfer == spec::Transfer::kLiftOwn || seen.transfer == spec::Transfer::kLowerOwn ? "own"
                                                                                              : "borrow",
      names_.type(seen.type), seen.object.value);
}

void TraceText::table_changed(const TableChange& change) {
  line() << fmt::format("{}  {} index {}: {} of {} #{}, rep 0x{:x}{}\n", names_.party(change.instance),
                        to_string(change.operation), change.index.value, to_string(change.entry.kind),
                        names_.type(change.entry.tag), change.entry.object.value, change.entry.rep.value,
                        change.entry.lends == 0 ? "" : fmt::format(", lent {} times", change.entry.lends));
}

void TraceText::destructor_entered(const Destruction& destruction) {
  line() << fmt::format("{} drops {} #{}: {}\n", names_.party(destruction.dropper),
                        names_.type(destruction.type), destruction.object.value,
                        destruction.has_code
                            ? fmt::format("destructor of {} on rep 0x{:x}", names_.party(destruction.definer),
                                          destruction.rep.value)
                            : std::string("no destructor"));
  ++depth_;
}

void TraceText::destructor_left(const Destruction&) {
  --depth_;
}

void TraceText::host_made(const LiveObject& object) {
  line() << fmt::format("{} makes {} #{}, rep 0x{:x}\n", names_.party(object.holder),
                        names_.type(object.type), object.object.value, object.rep.value);
}

void TraceText::trapped(const spec::Trap& trap) {
  line() << fmt::format("trap {}: {}\n", to_string(trap.trap_class), trap.sentence);
}

void TraceText::still_live(const LiveObject& object) {
  line() << fmt::format("still live: {} of {} #{}, rep 0x{:x}, with {}{}\n", object.own ? "own" : "borrow",
                        names_.type(object.type), object.object.value, object.rep.value,
                        names_.party(object.holder),
                        object.index.value == 0 ? "" : fmt::format(" at index {}", object.index.value));
}

// --- several

void Observers::entered(const Crossing& crossing) {
  for (spec::Observer* one : all_) {
    one->entered(crossing);
  }
}
void Observers::left(const Crossing& crossing) {
  for (spec::Observer* one : all_) {
    one->left(crossing);
  }
}
void Observers::handle_seen(const HandleSeen& seen) {
  for (spec::Observer* one : all_) {
    one->handle_seen(seen);
  }
}
void Observers::table_changed(const TableChange& change) {
  for (spec::Observer* one : all_) {
    one->table_changed(change);
  }
}
void Observers::destructor_entered(const Destruction& destruction) {
  for (spec::Observer* one : all_) {
    one->destructor_entered(destruction);
  }
}
void Observers::destructor_left(const Destruction& destruction) {
  for (spec::Observer* one : all_) {
    one->destructor_left(destruction);
  }
}
void Observers::host_made(const LiveObject& object) {
  for (spec::Observer* one : all_) {
    one->host_made(object);
  }
}
void Observers::trapped(const spec::Trap& trap) {
  for (spec::Observer* one : all_) {
    one->trapped(trap);
  }
}
void Observers::still_live(const LiveObject& object) {
  for (spec::Observer* one : all_) {
    one->still_live(object);
  }
}

}  // namespace meld_verify::run
