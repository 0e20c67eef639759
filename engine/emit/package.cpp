#include "engine/emit/package.h"

#include "engine/emit/module_packer.h"

namespace meld_verify::emit {

Package package_table(const HandleTable& table) {
  ModulePacker packer("handle table");
  const std::vector<Function> functions = table_functions(table);
  for (std::uint8_t i = 0; i < functions.size(); ++i) {
    packer.add(functions[i], TablePart{table.table, static_cast<TableFunction>(i)});
  }
  packer.define(TableStore::kTop, 0);
  packer.define(TableStore::kFree, 0);
  packer.define(TableStore::kBorrows, 0, Borrows{table.table});
  if (table.storage == routing::Storage::kGuestMemory) {
    packer.alias(TableStore::kMemory, table.memory.value());
    packer.define(TableStore::kBase, 0);
    packer.define(TableStore::kRoom, 0);
  } else {
    packer.define(TableStore::kMemory, 1);
  }
  return packer.finish();
}

Package package_base(const Router& router, std::uint32_t instances) {
  ModulePacker packer("router base");
  const auto define = [&](const Symbol& symbol, std::uint32_t number) {
    packer.define(symbol, number, symbol);
  };
  const std::vector<Function> traps = trap_functions();
  for (std::size_t i = 0; i < traps.size(); ++i) {
    packer.add(traps[i], TrapCall{static_cast<TrapReason>(i + 1)});
  }
  const Function nothing{"no destructor", Code({{wasm::ValueType::kI32}, {}})};
  const std::size_t no_destructor = traps.size();
  packer.add(nothing);
  const Function reserve = staging_reserve();
  const Function realloc = staging_realloc();
  if (router.uses_staging) {
    packer.add(reserve, BaseItem::kStagingReserve);
    packer.add(realloc, BaseItem::kStagingRealloc);
    define(BaseItem::kStaging, 1);
    constexpr std::uint32_t kFirstAddress = 16;  // not 0, which some take for no address
    define(BaseItem::kStagingTop, kFirstAddress);
  }
  define(BaseItem::kDestructors, static_cast<std::uint32_t>(router.destructors.size() + 1));
  packer.fill(BaseItem::kDestructors, 0, no_destructor);
  for (std::size_t i = 0; i < router.destructors.size(); ++i) {
    if (!router.destructors[i].function) {
      packer.fill(BaseItem::kDestructors, static_cast<std::uint32_t>(i + 1), no_destructor);
    }
  }
  define(BaseItem::kTrap, 0);
  define(BaseItem::kQuiet, 0);
  for (std::uint32_t i = component::kRoot.value; i < instances; ++i) {
    define(MayLeave{component::InstanceId(i)}, 1);
  }
  return packer.finish();
}

Package package_functions(const Router& router, std::span<const std::uint32_t> functions) {
  ModulePacker packer("router");
  for (const std::uint32_t index : functions) {
    packer.add(router.functions.at(index), RouterFunction{index});
  }
  return packer.finish();
}

}  // namespace meld_verify::emit
