#pragma once

// For tests: table functions in text.

#include <string>

namespace meld_verify::lift {

/// meld's table in memory 0 with each number as given.
struct BumpTable {
  std::string pages = "18";
  std::string begin = "1114116";
  std::string step = "4";
  std::string new_offset = "0", rep_offset = "0", drop_offset = "0", clear_offset = "0";
  std::string check = "";  ///< at the beginning of `new`
  std::string destroyed = "(i32.load offset=" + drop_offset + " (local.get 0))";
  std::string clear = "(i32.store offset=" + clear_offset + " (local.get 0) (i32.const 0))";
  std::string more = "";        ///< definitions
  std::string set = "$cursor";  ///< the global that `new` moves on

  [[nodiscard]] std::string text() const {
    return "(module (memory (export \"memory\") " + pages + ") (memory 1)" +
           "(global $cursor (mut i32) (i32.const " + begin + "))" + "(global $other (mut i32) (i32.const " +
           begin + "))" +
           "(func $dtor (export \"dtor\") (param i32) (i32.store (i32.const 8) (local.get 0))"
           "  (i32.store (i32.const 16) (i32.add (i32.const 1) (i32.load (i32.const 16)))))"
           "(func (export \"new\") (param i32) (result i32) (local i32) " +
           check +
           "  (local.set 1 (global.get $cursor))"
           "  (i32.store offset=" +
           new_offset + " (local.get 1) (local.get 0))" + "  (global.set " + set +
           " (i32.add (local.get 1) (i32.const " + step + ")))" +
           "  (local.get 1))"
           "(func (export \"rep\") (param i32) (result i32) (i32.load offset=" +
           rep_offset +
           " (local.get 0)))"
           "(func (export \"drop\") (param i32)"
           "  (if (i32.eqz (local.get 0)) (then) (else (call $dtor " +
           destroyed + ") " + clear + ")))" + more + ")";
  }
};

/// Entries of 16 bytes {type, rep, link, kind} in a memory of its own, freed ones in a list; all is checked.
/// Each part can be replaced.
struct CheckedTable {
  std::string end = "4096";
  std::string freed = "(call $unlink (local.get $i))";
  std::string late = "";
  std::string zero = "";
  std::string link = "(i32.store offset=8 (call $at (local.get $i)) (global.get $free))";
  std::string blank = "(i32.store (call $at (local.get $i)) (i32.const 0))";

  [[nodiscard]] std::string text() const {
    return R"((module (memory (export "guest") 1) (memory $m 1)
  (global $next (mut i32) (i32.const 1)) (global $free (mut i32) (i32.const 0))
  (func $dtor_a (export "dtor_a") (param i32) (i32.store (i32.const 8) (local.get 0)) (i32.store (i32.const 16) (i32.add (i32.const 1) (i32.load (i32.const 16)))))
  (func $dtor_b (export "dtor_b") (param i32) (i32.store (i32.const 12) (local.get 0)) (i32.store (i32.const 20) (i32.add (i32.const 1) (i32.load (i32.const 20)))))
  (func $at (param $i i32) (result i32) (i32.mul (local.get $i) (i32.const 16)))
  (func $alloc (param $rep i32) (param $type i32) (param $kind i32) (result i32) (local $i i32)
    (local.set $i (global.get $free))
    (if (local.get $i)
      (then (global.set $free (i32.load $m offset=8 (call $at (local.get $i)))))
      (else
        (local.set $i (global.get $next))
        (if (i32.ge_u (local.get $i) (i32.const )" +
           end + R"()) (then unreachable))
        (global.set $next (i32.add (local.get $i) (i32.const 1)))))
    (i32.store $m (call $at (local.get $i)) (local.get $type))
    (i32.store $m offset=4 (call $at (local.get $i)) (local.get $rep))
    (i32.store $m offset=12 (call $at (local.get $i)) (local.get $kind))
    (local.get $i))
  (func $look (param $i i32) (param $type i32) (result i32)
    (if (i32.ge_u (local.get $i) (global.get $next)) (then unreachable))
    (if (i32.ne (i32.load $m (call $at (local.get $i))) (local.get $type)) (then unreachable))
    (i32.load $m offset=4 (call $at (local.get $i))))
  (func $unlink (param $i i32) )" +
           memory_m(blank + link) + R"( (global.set $free (local.get $i)))
  (func $drop (param $i i32) (param $type i32) (param $d i32) (local $rep i32) (local $kind i32)
    (local.set $rep (call $look (local.get $i) (local.get $type)))
    (local.set $kind (i32.load $m offset=12 (call $at (local.get $i))))
    )" + freed +
           R"(
    (if (i32.eq (local.get $kind) (i32.const 1)) (then
      (if (local.get $d) (then (call $dtor_b (local.get $rep))) (else (call $dtor_a (local.get $rep))))))
    )" + late +
           R"()
  (func (export "new_a") (param i32) (result i32) (call $alloc (local.get 0) (i32.const 1) (i32.const 1)))
  (func (export "lend_a") (param i32) (result i32) (call $alloc (local.get 0) (i32.const 1) (i32.const 2)))
  (func (export "new_b") (param i32) (result i32) (call $alloc (local.get 0) (i32.const 2) (i32.const 1)))
  (func (export "rep_a") (param i32) (result i32) (call $look (local.get 0) (i32.const 1)))
  (func (export "rep_b") (param i32) (result i32) (call $look (local.get 0) (i32.const 2)))
  (func (export "take_a") (param $i i32) (result i32) (local $rep i32)
    (local.set $rep (call $look (local.get $i) (i32.const 1)))
    (if (i32.ne (i32.load $m offset=12 (call $at (local.get $i))) (i32.const 1)) (then unreachable))
    (call $unlink (local.get $i))
    (local.get $rep))
  (func (export "drop_a") (param i32) (call $drop (local.get 0) (i32.const 1) (i32.const 0)))
  (func (export "drop_b") (param i32) (call $drop (local.get 0) (i32.const 2) (i32.const 1)))))";
  }

 private:
  static std::string memory_m(std::string code) {
    for (std::size_t at = 0; (at = code.find("i32.store", at)) != std::string::npos; at += 12) {
      code.insert(at + 9, " $m");
    }
    return code;
  }
};

}  // namespace meld_verify::lift
