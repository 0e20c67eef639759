;; The main module's start function makes and drops an object before anything is lowered: its destructor must be wired by
;; then. run() = 7.
(component
  (component $leaf
    (core module $D
      (global $sum (mut i32) (i32.const 0))
      (func (export "dtor") (param i32) (global.set $sum (i32.add (global.get $sum) (local.get 0))))
      (func (export "sum") (result i32) (global.get $sum)))
    (core instance $d (instantiate $D))
    (type $t (resource (rep i32) (dtor (core func $d "dtor"))))
    (core func $new (canon resource.new $t))
    (core func $drop (canon resource.drop $t))
    (core module $M
      (import "t" "new" (func $new (param i32) (result i32)))
      (import "t" "drop" (func $drop (param i32)))
      (func $start (call $drop (call $new (i32.const 7))))
      (start $start))
    (core instance (instantiate $M (with "t" (instance (export "new" (func $new)) (export "drop" (func $drop))))))
    (func (export "sum") (result u32) (canon lift (core func $d "sum"))))
  (instance $leaf (instantiate $leaf))
  (component $app
    (import "sum" (func $sum (result u32)))
    (core func $sum.core (canon lower (func $sum)))
    (core module $M (import "" "sum" (func $sum (result i32))) (func (export "run") (result i32) (call $sum)))
    (core instance $m (instantiate $M (with "" (instance (export "sum" (func $sum.core))))))
    (func (export "run") (result u32) (canon lift (core func $m "run"))))
  (instance $app (instantiate $app (with "sum" (func $leaf "sum"))))
  (export "run" (func $app "run")))
