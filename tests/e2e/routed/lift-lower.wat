;; $relay lifts what it lowered, without any code of its own; and another lifts `resource.new` itself. run() = 87.
(component
  (component $leaf
    (core module $M
      (func (export "twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
      (func (export "value") (param i32) (result i32) (local.get 0)))
    (core instance $m (instantiate $M))
    (type $t (resource (rep i32)))
    (core func $new (canon resource.new $t))
    (export $thing "thing" (type $t))
    (func (export "make") (param "rep" u32) (result (own $thing)) (canon lift (core func $new)))
    (func (export "value") (param "it" (borrow $thing)) (result u32) (canon lift (core func $m "value")))
    (func (export "twice") (param "a" u32) (result u32) (canon lift (core func $m "twice"))))
  (instance $leaf (instantiate $leaf))
  (component $relay
    (import "twice" (func $in (param "a" u32) (result u32)))
    (core func $lowered (canon lower (func $in)))
    (func (export "twice") (param "a" u32) (result u32) (canon lift (core func $lowered))))
  (instance $first (instantiate $relay (with "twice" (func $leaf "twice"))))
  (instance $second (instantiate $relay (with "twice" (func $first "twice"))))
  (component $app
    (import "leaf" (instance $leaf
      (export "thing" (type $t (sub resource)))
      (export "make" (func (param "rep" u32) (result (own $t))))
      (export "value" (func (param "it" (borrow $t)) (result u32)))))
    (import "twice" (func $twice (param "a" u32) (result u32)))
    (core func $twice.core (canon lower (func $twice)))
    (core func $make (canon lower (func $leaf "make")))
    (core func $value (canon lower (func $leaf "value")))
    (core module $M
      (import "" "twice" (func $twice (param i32) (result i32)))
      (import "" "make" (func $make (param i32) (result i32)))
      (import "" "value" (func $value (param i32) (result i32)))
      (func (export "run") (result i32)
        (i32.add (call $twice (i32.const 41)) (call $value (call $make (i32.const 5))))))
    (core instance $m (instantiate $M (with "" (instance
      (export "twice" (func $twice.core)) (export "make" (func $make)) (export "value" (func $value))))))
    (func (export "run") (result u32) (canon lift (core func $m "run"))))
  (instance $app (instantiate $app (with "leaf" (instance $leaf)) (with "twice" (func $second "twice"))))
  (export "run" (func $app "run")))
