#include "engine/emit/package.h"

#include "engine/emit/module_packer.h"

namespace meld_verify::emit {

Package package_functions(const Router& router, std::span<const std::uint32_t> functions) {
  ModulePacker packer("router");
  for (const std::uint32_t index : functions) {
    packer.add(router.functions.at(index), RouterFunction{index});
  }
  return packer.finish();
}

}  // namespace meld_verify::emit
