#pragma once

// Function bodies with symbols in place of indices.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/emit/symbol.h"
#include "engine/wasm/instruction.h"
#include "engine/wasm/module.h"

namespace meld_verify::emit {

/// One instruction. What counts of the members follows from the opcode.
struct Step {
  wasm::Opcode opcode = 0;
  std::uint64_t number = 0;           ///< constant bits; local; label; offset of a load or store
  std::uint32_t align = 0;            ///< of a load or store: exponent
  std::optional<Symbol> symbol = {};  ///< function, global, memory (destination of a copy), table
  std::optional<Symbol> source = {};  ///< memory.copy: source
  std::optional<wasm::ValueType> block_type = {};  ///< block, loop, if with one result
  wasm::FuncType signature = {};                   ///< call, call_indirect
};

/// The body of a function under construction. Labels count outwards, as in the binary format.
class Code {
 public:
  explicit Code(wasm::FuncType type) : type_(std::move(type)) {}

  /// A new local, zero at first.
  std::uint32_t local(wasm::ValueType type);

  void op(wasm::Opcode opcode);  ///< one without immediates
  void i32(std::uint32_t value);
  void i64(std::uint64_t value);
  void f32(std::uint32_t bits);
  void f64(std::uint64_t bits);
  void get(std::uint32_t local);
  void set(std::uint32_t local);
  void tee(std::uint32_t local);
  void get(const Symbol& global);
  void set(const Symbol& global);
  void call(const Symbol& function, wasm::FuncType signature);
  void call_indirect(const Symbol& table, wasm::FuncType signature);
  /// Calls the TrapCall of that reason; what follows is not reached.
  void trap(TrapReason reason);
  /// A load or store; `align` is an exponent.
  void memory(wasm::Opcode opcode, const Symbol& memory, std::uint32_t offset, std::uint32_t align);
  void memory_copy(const Symbol& to, const Symbol& from);
  void memory_size(const Symbol& memory);
  void memory_grow(const Symbol& memory);
  void block(std::optional<wasm::ValueType> result = {});
  void loop(std::optional<wasm::ValueType> result = {});
  void begin_if(std::optional<wasm::ValueType> result = {});
  void begin_else();
  void end();  ///< of a block; the body's own is added when it is written
  void br(std::uint32_t label);
  void br_if(std::uint32_t label);

  [[nodiscard]] const wasm::FuncType& type() const { return type_; }
  [[nodiscard]] wasm::ValueType type_of(std::uint32_t local) const;
  [[nodiscard]] const std::vector<wasm::ValueType>& locals() const {
    return locals_;
  }  ///< without parameters
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }

 private:
  wasm::FuncType type_;
  std::vector<wasm::ValueType> locals_;
  std::vector<Step> steps_;
};

struct Function {
  std::string name;  ///< for people: "drop app#2 test:res/api.thing"
  Code code;
};

}  // namespace meld_verify::emit
