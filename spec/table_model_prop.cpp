#include "spec/table_model.h"

namespace meld_verify::spec {

namespace {

using Model = TableModel;
using Row = Model::Row;

/// A trap of the model's own world; only used within this file.
struct Stop {
  TrapClass trap_class;
};

/// One operation under way. Traps are thrown, so that the rules read as they are said.
class Play {
 public:
  Play(Model& model, Seen& seen) : model_(model), seen_(seen) {}

  void run(const Operation& o) {
    switch (o.op) {
      case Op::kNew:
        value(add(o.x, {true, true, o.type, o.i}));
        return;
      case Op::kRep:
        value(find(o.x, o.type, o.i).rep);
        return;
      case Op::kDrop:
        drop(o.x, o.type, o.i);
        return;
      case Op::kGive:
        value(add(o.y, take_own(o.x, o.type, o.i)));
        return;
      case Op::kGiveTwo: {
        const Row first = take_own(o.x, o.type, o.i);
        const Row second = take_own(o.x, o.type, o.j);
        value(add(o.y, first));
        value(add(o.y, second));
        return;
      }
      case Op::kFetch:
        value(add(o.x, take_own(o.y, o.type, o.i)));
        return;
      case Op::kLend:
        lend(find(o.x, o.type, o.i), o);
        return;
      case Op::kLendTwo: {
        const Row first = find(o.x, o.type, o.i);
        const Row second = find(o.x, o.type, o.j);
        const std::uint32_t at = arrive(o.y, first);
        const std::uint32_t next = arrive(o.y, second);
        let_go(o.y, o.type, at);
        let_go(o.y, o.type, next);
        return;
      }
      case Op::kLendAndGive: {
        const Row lent = find(o.x, o.type, o.i);
        if (o.i == o.j) {
          throw Stop{TrapClass::kLent};
        }
        const Row given = take_own(o.x, o.type, o.j);
        const std::uint32_t at = arrive(o.y, lent);
        value(add(o.y, given));
        let_go(o.y, o.type, at);
        return;
      }
      case Op::kGiveAndLend: {
        const Row given = take_own(o.x, o.type, o.i);
        const Row lent = find(o.x, o.type, o.j);
        value(add(o.y, given));
        let_go(o.y, o.type, arrive(o.y, lent));
        return;
      }
      case Op::kHostNew:
        model_.host.push_back({kHostType, o.i});
        return;
      case Op::kHostFetch: {
        const Row row = take_own(o.x, o.type, o.i);
        model_.host.push_back({row.type, row.rep});
        value(row.rep);
        return;
      }
      case Op::kHostGive:
        value(add(o.x, host_row(o.i)));
        model_.host.erase(model_.host.begin() + o.i);
        return;
      case Op::kHostLend: {
        Operation inner = o;
        inner.y = o.x;
        inner.type = model_.host[o.i].type;
        lend(host_row(o.i), inner);
        return;
      }
      case Op::kHostDrop: {
        const Row row = host_row(o.i);
        model_.host.erase(model_.host.begin() + o.i);
        destroy(row);
        return;
      }
      case Op::kEscape:
        throw Stop{TrapClass::kCannotLeave};
      case Op::kReenter:
        throw Stop{TrapClass::kCannotEnter};
    }
  }

 private:
  void value(std::uint32_t one) { seen_.values.push_back(one); }

  Row host_row(std::uint32_t i) const { return {true, true, model_.host[i].type, model_.host[i].rep}; }

  std::uint32_t add(int instance, const Row& row) {
    Model::Table& table = model_.tables[static_cast<std::size_t>(instance)];
    if (!table.free.empty()) {
      const std::uint32_t index = table.free.back();
      table.free.pop_back();
      table.rows[index] = row;
      return index;
    }
    if (table.rows.size() > kModelMaxIndex) {
      throw Stop{TrapClass::kTableFull};
    }
    table.rows.push_back(row);
    return static_cast<std::uint32_t>(table.rows.size() - 1);
  }

  Row& find(int instance, int type, std::uint32_t index) {
    Model::Table& table = model_.tables[static_cast<std::size_t>(instance)];
    if (index >= table.rows.size() || !table.rows[index].used) {
      throw Stop{TrapClass::kUnknownHandle};
    }
    if (table.rows[index].type != type) {
      throw Stop{TrapClass::kWrongType};
    }
    return table.rows[index];
  }

  Row remove(int instance, int type, std::uint32_t index) {
    Row& row = find(instance, type, index);
    const Row removed = row;
    row = {};
    model_.tables[static_cast<std::size_t>(instance)].free.push_back(index);
    return removed;
  }

  Row take_own(int instance, int type, std::uint32_t index) {
    const Row row = remove(instance, type, index);
    if (!row.own) {
      throw Stop{TrapClass::kNotOwn};
    }
    return row;
  }

  void destroy(const Row& row) {
    if (row.type != kTypeWithoutCode) {
      seen_.destroyed.emplace_back(row.type, row.rep);
    }
  }

  void drop(int instance, int type, std::uint32_t index) {
    const Row row = remove(instance, type, index);
    if (row.own) {
      destroy(row);
    }
  }

  /// A borrow reaches an instance: what it sees.
  std::uint32_t arrive(int instance, Row row) {
    row.own = false;
    const bool definer = kDefiners[static_cast<std::size_t>(row.type)] == instance;
    value(definer ? row.rep : add(instance, row));
    return seen_.values.back();
  }

  void let_go(int instance, int type, std::uint32_t at) {
    if (kDefiners[static_cast<std::size_t>(type)] != instance) {
      drop(instance, type, at);
    }
  }

  void lend(const Row row, const Operation& o) {
    const std::uint32_t at = arrive(o.y, row);
    if (kDefiners[static_cast<std::size_t>(o.type)] == o.y) {
      return;
    }
    switch (o.conduct) {
      case Conduct::kLetGo:
        break;
      case Conduct::kKeep:
        throw Stop{TrapClass::kBorrowsRemain};
      case Conduct::kPassOn:
        let_go(o.z, o.type, arrive(o.z, row));
        break;
      case Conduct::kPassTwice: {
        const std::uint32_t first = arrive(o.z, row);
        const std::uint32_t second = arrive(o.z, row);
        let_go(o.z, o.type, first);
        let_go(o.z, o.type, second);
        break;
      }
      case Conduct::kGiveAway:
        throw Stop{TrapClass::kNotOwn};
      case Conduct::kMistake:
        throw Stop{TrapClass::kWrongType};
      case Conduct::kDropTwice:
        throw Stop{TrapClass::kUnknownHandle};
    }
    let_go(o.y, o.type, at);
  }

  Model& model_;
  Seen& seen_;
};

}  // namespace

Seen TableModel::expect(const Operation& operation) {
  TableModel after = *this;
  Seen seen;
  try {
    Play(after, seen).run(operation);
  } catch (const Stop& stop) {
    return {stop.trap_class, {}, {}};
  }
  *this = std::move(after);
  return seen;
}

std::ostream& operator<<(std::ostream& out, const Operation& operation) {
  static constexpr const char* kOps[] = {"New",     "Rep",       "Drop",     "Give",        "GiveTwo",
                                         "Fetch",   "Lend",      "LendTwo",  "LendAndGive", "GiveAndLend",
                                         "HostNew", "HostFetch", "HostGive", "HostLend",    "HostDrop",
                                         "Escape",  "Reenter"};
  static constexpr const char* kConducts[] = {"lets go",    "keeps",         "passes on",  "passes twice",
                                              "gives away", "drops wrongly", "drops twice"};
  static constexpr const char* kPlaces[] = {"A", "B", "Consumer", "Parent", "Child"};
  return out << kOps[static_cast<int>(operation.op)] << " x=" << kPlaces[operation.x]
             << " y=" << kPlaces[operation.y] << " z=" << kPlaces[operation.z] << " type=" << operation.type
             << " i=" << operation.i << " j=" << operation.j << " y "
             << kConducts[static_cast<int>(operation.conduct)];
}

std::ostream& operator<<(std::ostream& out, const Seen& seen) {
  out << (seen.trap ? to_string(*seen.trap) : "no trap") << ", values";
  for (const std::uint32_t value : seen.values) {
    out << " " << value;
  }
  out << ", destroyed";
  for (const auto& [type, rep] : seen.destroyed) {
    out << " " << type << ":" << rep;
  }
  return out;
}

}  // namespace meld_verify::spec
