; The premises: what a plan must satisfy between the instances of a composition, all local. That a plan which meets
; them never leaks, in any topology and any run, is the theorem (spec/theorem.smt2); what crosses to the host, where
; a handle sits and how a table is built are duties (spec/duties.smt2).
; A premise P is written as the rule that finds its violations: body => violates-P.

; A view's type of the plan is the resource type that the view is of. (L10, L15, L16, L20, L22, L24, L25)
(declare-rel violates-type (View))
(rule (=> (and (view v i r) (type-of v k) (not (stands-for k r))) (violates-type v)) violates-type)

; A view's handles live in a table that has entries of their type. (the same codes)
(declare-rel violates-holds (View))
(rule (=> (and (table-of v t) (type-of v k) (not (holds t k))) (violates-holds v)) violates-holds)

; One instance has one table and one type for one resource type, whatever it calls it. (L11, L18)
(declare-rel violates-alias (View))
(rule (=> (alias-apart v v2) (violates-alias v)) violates-alias)

; An intrinsic of a view works on the view's table. (L20, L22 and the codes of the first premise)
(declare-rel violates-intrinsic (View))
(rule (=> (and (goes-to v f t) (not (table-of v t))) (violates-intrinsic v)) violates-intrinsic)

; An own handle is taken out of the sender's table and made anew in the receiver's; where both are one table of one
; type it may pass as it is. (L02-L05, L07, L08, L36, …)
(declare-rel takes-from-source (Position))
(declare-rel makes-at-target (Position))
(declare-rel same-home (Position))
(rule (=> (and (source p t k) (step p c0 op-take t x)) (takes-from-source p)) takes-from-source)
(rule (=> (and (target p t k) (step p c1 op-new t k) (steps p c2)) (makes-at-target p)) makes-at-target)
(rule (=> (and (source p t k) (target p t k)) (same-home p)) same-home)
(declare-rel violates-own-source (Position))
(rule (=> (and (inner p own) (converted p) (not (takes-from-source p))) (violates-own-source p)) violates-own-source)
(declare-rel violates-own-target (Position))
(rule (=> (and (inner p own) (converted p) (not (makes-at-target p))) (violates-own-target p)) violates-own-target)
(declare-rel violates-own-unconverted (Position))
(rule (=> (and (inner p own) (not (converted p)) (not (same-home p))) (violates-own-unconverted p))
      violates-own-unconverted)

; A borrow is read in the sender's table, once. (L01, L03, L04, L08)
(declare-rel reads-source (Position))
(rule (=> (and (source p t k) (step p c0 op-lend t x)) (reads-source p)) lends-from-source)
(rule (=> (and (source p t k) (step p c0 op-rep t x)) (reads-source p)) reads-from-source)
(declare-rel violates-borrow-source (Position))
(rule (=> (and (inner p borrow) (not (reads-source p))) (violates-borrow-source p)) violates-borrow-source)

; To the definer it goes as the rep, (L01, L04, L06, L09)
(declare-rel violates-borrow-definer (Position))
(rule (=> (and (inner p borrow) (to-definer p) (not (steps p c1))) (violates-borrow-definer p))
      violates-borrow-definer)

; to anybody else as a borrow entry of the receiver's table. (L02, L03, L09, L39)
(declare-rel lends-at-target (Position))
(rule (=> (and (target p t k) (step p c1 op-borrow t k) (steps p c2)) (lends-at-target p)) lends-at-target)
(declare-rel violates-borrow-target (Position))
(rule (=> (and (inner p borrow) (not (to-definer p)) (not (lends-at-target p))) (violates-borrow-target p))
      violates-borrow-target)

; Dropping an own runs the destructor of its resource type, no other, and once; dropping a borrow runs none.
; (L43, L44, L45, L46)
(declare-rel runs-its-own (View))
(rule (=> (and (view v i r) (own-runs v n r)) (runs-its-own v)) runs-its-own)
(declare-rel violates-destroys (View))
(rule (=> (and (goes-to v intrinsic-drop t) (must-destroy v) (not (runs-its-own v))) (violates-destroys v))
      violates-destroys)
(declare-rel violates-destroys-other (View))
(rule (=> (and (view v i r) (own-runs v n r2) (destructor r2) (not (= r r2))) (violates-destroys-other v)) violates-destroys-other)
(declare-rel violates-destroys-once (View))
(rule (=> (and (own-runs v n r) (own-runs v m r) (not (= n m)) (destructor r)) (violates-destroys-once v))
      violates-destroys-once)
(declare-rel violates-destroys-lent (View))
(rule (=> (and (borrow-runs v n r) (destructor r)) (violates-destroys-lent v)) violates-destroys-lent)
