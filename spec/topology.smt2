; Vocabulary: what the composed component is, what the plan says, and what follows at once from both.
; Non-recursive. Each rule is a chain of at most three atoms that share a variable with the one before.

(declare-var i Instance)
(declare-var i2 Instance)
(declare-var r Resource)
(declare-var r2 Resource)
(declare-var u View)
(declare-var v View)
(declare-var v2 View)
(declare-var p Position)
(declare-var t Table)
(declare-var t2 Table)
(declare-var k Key)
(declare-var k2 Key)
(declare-var x Key)
(declare-var h Kind)
(declare-var op Op)
(declare-var n Count)
(declare-var m Count)
(declare-var f Intrinsic)

; --- the composed component -------------------------------------------------------------------------------------
; definer r i         instance i (or the host) defined resource type r
; destructor r        dropping an own of r has an effect
; view v i r          instance i knows resource type r; a view is one of its names for it
; crosses p h u v     at position p a handle of kind h leaves the space of view u and enters that of view v
(declare-rel definer (Resource Instance))
(declare-rel destructor (Resource))
(declare-rel view (View Instance Resource))
(declare-rel crosses (Position Kind View View))

; --- the plan -----------------------------------------------------------------------------------------------------
; table-of v t        the handles of view v live in table t
; type-of v k         the plan takes them to be of type k
; stands-for k r      type k of the plan is resource type r
; thought-definer k i the plan takes i for the definer of k
; holds t k           table t has entries of type k
; goes-to v f t       intrinsic f of view v works on table t
; step p n op t k     the n-th step of the conversion at p: op on table t (for new and borrow: with type k)
; steps p n           the conversion at p has n steps
; own-runs v n r      dropping an own through view v runs r's destructor; n tells a first run from a further one
; borrow-runs v n r   dropping a borrow through view v runs r's destructor
(declare-rel table-of (View Table))
(declare-rel type-of (View Key))
(declare-rel stands-for (Key Resource))
(declare-rel thought-definer (Key Instance))
(declare-rel holds (Table Key))
(declare-rel goes-to (View Intrinsic Table))
(declare-rel step (Position Count Op Table Key))
(declare-rel steps (Position Count))
(declare-rel own-runs (View Count Resource))
(declare-rel borrow-runs (View Count Resource))

; --- what follows -------------------------------------------------------------------------------------------------
; source p t k        table and type that the value has where it leaves
; target p t k        table and type that belong where it arrives
; to-definer p        the receiver is the definer of the resource type
; outer p             one side is the host
; converted p         the plan does something there
; same-resource v v2  two views of one resource type in one instance
; inner p h           both sides are instances of the composition
; alias-apart v v2    two views with different tables or different types
; must-destroy v      dropping an own through v has to run a destructor
(declare-rel source (Position Table Key))
(declare-rel target (Position Table Key))
(declare-rel to-definer (Position))
(declare-rel outer (Position))
(declare-rel converted (Position))
(declare-rel inner (Position Kind))

(rule (=> (and (crosses p h u v) (table-of u t) (type-of u k)) (source p t k)) source)
(rule (=> (and (crosses p h u v) (table-of v t) (type-of v k)) (target p t k)) target)
(rule (=> (and (crosses p h u v) (view v i r) (definer r i)) (to-definer p)) to-definer)
(rule (=> (and (crosses p h u v) (view u host r)) (outer p)) outer-from-host)
(rule (=> (and (crosses p h u v) (view v host r)) (outer p)) outer-to-host)
(rule (=> (step p c0 op t k) (converted p)) converted)
(rule (=> (and (crosses p h u v) (not (outer p))) (inner p h)) inner)
(declare-rel same-resource (View View))
(rule (=> (and (view v i r) (view v2 i r) (not (= v v2))) (same-resource v v2)) same-resource)
(declare-rel alias-apart (View View))
(rule (=> (and (same-resource v v2) (table-of v t) (not (table-of v2 t))) (alias-apart v v2)) alias-apart-table)
(rule (=> (and (same-resource v v2) (type-of v k) (not (type-of v2 k))) (alias-apart v v2)) alias-apart-type)
(declare-rel must-destroy (View))
(rule (=> (and (view v i r) (destructor r)) (must-destroy v)) must-destroy)
