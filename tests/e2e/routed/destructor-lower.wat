;; The destructor of $leaf's type is a function that it lowered: no code of its own stands between. Another type's destructor
;; drops an object of the first. run() = 80. Wasmtime 50 panics when it compiles
;; the composed component, not the flat one.
(component
  (component $log
    (core module $M
      (global $sum (mut i32) (i32.const 0))
      (func (export "add") (param i32) (global.set $sum (i32.add (global.get $sum) (local.get 0))))
      (func (export "sum") (result i32) (global.get $sum)))
    (core instance $m (instantiate $M))
    (func (export "add") (param "a" u32) (canon lift (core func $m "add")))
    (func (export "sum") (result u32) (canon lift (core func $m "sum"))))
  (instance $log (instantiate $log))
  (component $leaf
    (import "add" (func $add (param "a" u32)))
    (core func $lowered (canon lower (func $add)))
    (type $t (resource (rep i32) (dtor $lowered)))
    (core func $new (canon resource.new $t))
    (core func $drop (canon resource.drop $t))
    (type $holder (resource (rep i32) (dtor $drop)))
    (core func $holder.new (canon resource.new $holder))
    (core module $M
      (import "" "new" (func $new (param i32) (result i32)))
      (import "" "holder" (func $holder (param i32) (result i32)))
      (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
      (func (export "hold") (param i32) (result i32) (call $holder (call $new (local.get 0)))))
    (core instance $m (instantiate $M (with "" (instance (export "new" (func $new)) (export "holder" (func $holder.new))))))
    (export $thing "thing" (type $t))
    (export $holds "holder" (type $holder))
    (func (export "make") (param "a" u32) (result (own $thing)) (canon lift (core func $m "make")))
    (func (export "hold") (param "a" u32) (result (own $holds)) (canon lift (core func $m "hold"))))
  (instance $leaf (instantiate $leaf (with "add" (func $log "add"))))
  (component $app
    (import "leaf" (instance $leaf
      (export "thing" (type $t (sub resource)))
      (export "holder" (type $h (sub resource)))
      (export "make" (func (param "a" u32) (result (own $t))))
      (export "hold" (func (param "a" u32) (result (own $h))))))
    (import "sum" (func $sum (result u32)))
    (alias export $leaf "thing" (type $t))
    (alias export $leaf "holder" (type $h))
    (core func $make (canon lower (func $leaf "make")))
    (core func $hold (canon lower (func $leaf "hold")))
    (core func $sum.core (canon lower (func $sum)))
    (core func $drop (canon resource.drop $t))
    (core func $drop-holder (canon resource.drop $h))
    (core module $M
      (import "" "make" (func $make (param i32) (result i32)))
      (import "" "hold" (func $hold (param i32) (result i32)))
      (import "" "sum" (func $sum (result i32)))
      (import "" "drop" (func $drop (param i32)))
      (import "" "drop-holder" (func $drop-holder (param i32)))
      (func (export "run") (result i32)
        (call $drop (call $make (i32.const 77)))
        (call $drop-holder (call $hold (i32.const 3)))
        (call $sum)))
    (core instance $m (instantiate $M (with "" (instance
      (export "make" (func $make)) (export "hold" (func $hold)) (export "sum" (func $sum.core)) (export "drop" (func $drop))
      (export "drop-holder" (func $drop-holder))))))
    (func (export "run") (result u32) (canon lift (core func $m "run"))))
  (instance $app (instantiate $app (with "leaf" (instance $leaf)) (with "sum" (func $log "sum"))))
  (export "run" (func $app "run")))
