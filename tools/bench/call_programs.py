"""Composed components in text whose export `run` calls from one guest to another, for measurements of calls.

Each program is a leaf and a runner; `run` makes CALLS calls. Memories hold one buffer, which realloc always gives.
"""

CALLS = {"string": 300_000, "list<u8> of 64 kB": 20_000, "list<own> of 1,000": 300}
TEXT_BYTES = 40
LIST_BYTES = 64 * 1024
HANDLES = 1000


def guest_start(name: str) -> str:
    return f"""
    (core module ${name}_memory
      (memory (export "memory") 4)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))
    (core instance $memory (instantiate ${name}_memory))
    (alias core export $memory "memory" (core memory $m))
    (alias core export $memory "realloc" (core func $realloc))"""


def loop(calls: int, body: str) -> str:
    return f"""(local $left i32)
        (local.set $left (i32.const {calls}))
        (loop $again
          {body}
          (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))"""


def sending(element: str, size: int, calls: int) -> str:
    """The runner passes `size` bytes from its address 4096; the leaf looks at none of them."""
    return f"""(component
  (component $leaf
    {guest_start("leaf")}
    (core module $code
      (func (export "take") (param i32 i32) (result i32) (local.get 1)))
    (core instance $code (instantiate $code))
    (alias core export $code "take" (core func $take_core))
    (func (export "take") (param "x" {element}) (result u32)
      (canon lift (core func $take_core) (memory $m) (realloc (core func $realloc)))))
  (component $runner
    (import "take" (func $take (param "x" {element}) (result u32)))
    {guest_start("runner")}
    (core module $code
      (import "leaf" "take" (func $take (param i32 i32) (result i32)))
      (func (export "run") {loop(calls, f"(drop (call $take (i32.const 4096) (i32.const {size})))")}))
    (core func $take (canon lower (func $take) (memory $m) (realloc (core func $realloc))))
    (core instance $code (instantiate $code (with "leaf" (instance (export "take" (func $take))))))
    (alias core export $code "run" (core func $run_core))
    (func (export "run") (canon lift (core func $run_core))))
  (instance $l (instantiate $leaf))
  (instance $r (instantiate $runner (with "take" (func $l "take"))))
  (export "run" (func $r "run")))
"""


def handles(count: int, calls: int) -> str:
    """The leaf makes `count` resources and returns them as a list; the runner passes the list back; the leaf drops
    them."""
    return f"""(component
  (component $leaf
    (type $thing (resource (rep i32)))
    (export $exported "thing" (type $thing))
    {guest_start("leaf")}
    (core func $new (canon resource.new $thing))
    (core func $drop (canon resource.drop $thing))
    (core module $code
      (import "memory" "memory" (memory 4))
      (import "thing" "new" (func $new (param i32) (result i32)))
      (import "thing" "drop" (func $drop (param i32)))
      (func (export "give") (result i32) (local $i i32)
        (loop $again
          (i32.store offset=4096 (i32.shl (local.get $i) (i32.const 2)) (call $new (local.get $i)))
          (br_if $again
            (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {count}))))
        (i32.store (i32.const 16) (i32.const 4096))
        (i32.store (i32.const 20) (i32.const {count}))
        (i32.const 16))
      (func (export "take") (param $at i32) (param $count i32)
        (loop $again
          (call $drop (i32.load (local.get $at)))
          (local.set $at (i32.add (local.get $at) (i32.const 4)))
          (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))))
    (core instance $code (instantiate $code
      (with "memory" (instance $memory))
      (with "thing" (instance (export "new" (func $new)) (export "drop" (func $drop))))))
    (alias core export $code "give" (core func $give_core))
    (alias core export $code "take" (core func $take_core))
    (func (export "give") (result (list (own $exported)))
      (canon lift (core func $give_core) (memory $m)))
    (func (export "take") (param "x" (list (own $exported)))
      (canon lift (core func $take_core) (memory $m) (realloc (core func $realloc)))))
  (component $runner
    (import "thing" (type $thing (sub resource)))
    (import "give" (func $give (result (list (own $thing)))))
    (import "take" (func $take (param "x" (list (own $thing)))))
    {guest_start("runner")}
    (core func $give (canon lower (func $give) (memory $m) (realloc (core func $realloc))))
    (core func $take (canon lower (func $take) (memory $m)))
    (core module $code
      (import "memory" "memory" (memory 4))
      (import "leaf" "give" (func $give (param i32)))
      (import "leaf" "take" (func $take (param i32 i32)))
      (func (export "run") {loop(calls, '''(call $give (i32.const 16))
          (call $take (i32.load (i32.const 16)) (i32.load (i32.const 20)))''')}))
    (core instance $code (instantiate $code
      (with "memory" (instance $memory))
      (with "leaf" (instance (export "give" (func $give)) (export "take" (func $take))))))
    (alias core export $code "run" (core func $run_core))
    (func (export "run") (canon lift (core func $run_core))))
  (instance $l (instantiate $leaf))
  (instance $r (instantiate $runner
    (with "thing" (type $l "thing")) (with "give" (func $l "give")) (with "take" (func $l "take"))))
  (export "run" (func $r "run")))
"""


def programs() -> dict[str, tuple[str, int]]:
    """By what they measure: the component in text, and how many calls `run` makes."""
    string, bytes_, owns = CALLS
    return {
        string: (sending("string", TEXT_BYTES, CALLS[string]), CALLS[string]),
        bytes_: (sending("(list u8)", LIST_BYTES, CALLS[bytes_]), CALLS[bytes_]),
        owns: (handles(HANDLES, CALLS[owns]), CALLS[owns]),
    }
