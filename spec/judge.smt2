; All premises and duties as one relation: broken UNIT ID RULE. The judge asks it of a whole plan, the linear pass of
; each distinct shape. The plan is right exactly if nothing is broken. Before each rule stands what must hold, in the words
; that people are shown.
(define-fun unit-position () Unit #b00)
(define-fun unit-view () Unit #b01)
(define-fun unit-table () Unit #b10)
(define-fun unit-key () Unit #b11)
(declare-rel broken (Unit (_ BitVec 24) Rule))
; a name's type in the plan is the resource type that the name stands for
(rule (=> (violates-type v) (broken unit-view v #b00000)) violates-type)
; a name's handles live in a table that has entries of their type
(rule (=> (violates-holds v) (broken unit-view v #b00001)) violates-holds)
; an instance has one table and one type for one resource type, whatever it calls it
(rule (=> (violates-alias v) (broken unit-view v #b00010)) violates-alias)
; new, rep and drop of a name work on the table where its handles live
(rule (=> (violates-intrinsic v) (broken unit-view v #b00011)) violates-intrinsic)
; an own is taken out of the sender's table
(rule (=> (violates-own-source p) (broken unit-position p #b00100)) violates-own-source)
; an own is made anew in the receiver's table, and nothing else is made
(rule (=> (violates-own-target p) (broken unit-position p #b00101)) violates-own-target)
; an own passes unchanged only within one table of one type
(rule (=> (violates-own-unconverted p) (broken unit-position p #b00110)) violates-own-unconverted)
; a borrow is read in the sender's table
(rule (=> (violates-borrow-source p) (broken unit-position p #b00111)) violates-borrow-source)
; a borrow reaches its definer as the rep: read once, and nothing more
(rule (=> (violates-borrow-definer p) (broken unit-position p #b01000)) violates-borrow-definer)
; a borrow reaches anybody but its definer as a borrow entry of their table
(rule (=> (violates-borrow-target p) (broken unit-position p #b01001)) violates-borrow-target)
; dropping an own runs the destructor of its resource type
(rule (=> (violates-destroys v) (broken unit-view v #b01010)) violates-destroys)
; dropping an own runs no destructor of another resource type
(rule (=> (violates-destroys-other v) (broken unit-view v #b01011)) violates-destroys-other)
; dropping an own runs its destructor once
(rule (=> (violates-destroys-once v) (broken unit-view v #b01100)) violates-destroys-once)
; dropping a borrow runs no destructor
(rule (=> (violates-destroys-lent v) (broken unit-view v #b01101)) violates-destroys-lent)
; an own of a guest's type goes to the host, and comes back, through the canonical table
(rule (=> (neglects-guest-own p) (broken unit-position p #b01110)) neglects-guest-own)
; a handle of a host's type is put into the receiver's table as it came
(rule (=> (neglects-token-in p) (broken unit-position p #b01111)) neglects-token-in)
; a borrow of a guest's type comes from the host as the rep: a borrow entry is made for whoever is not its definer
(rule (=> (neglects-rep-in p) (broken unit-position p #b10000)) neglects-rep-in)
; a handle of a host's type goes back as it came
(rule (=> (neglects-token-out p) (broken unit-position p #b10001)) neglects-token-out)
; a borrow of a guest's type goes to the host as a borrow entry of the canonical table
(rule (=> (neglects-lent-out p) (broken unit-position p #b10010)) neglects-lent-out)
; a handle is taken from where the Canonical ABI puts it
(rule (=> (neglects-place p) (broken unit-position p #b10011)) neglects-place)
; each table has functions of its own
(rule (=> (neglects-symbol t) (broken unit-table t #b10100)) neglects-symbol)
; a full table is noticed
(rule (=> (neglects-bound t) (broken unit-table t #b10101)) neglects-bound)
; freed slots are used again
(rule (=> (neglects-reuse t) (broken unit-table t #b10110)) neglects-reuse)
; the plan knows who defines the resource type
(rule (=> (neglects-definer k) (broken unit-key k #b10111)) neglects-definer)
; nobody inside reads or makes an entry of a host's type in the canonical table
(rule (=> (neglects-token-kept p) (broken unit-position p #b11000)) neglects-token-kept)
; no borrow entry is made in the canonical table but for the host: to the run time the fused component is the definer
(rule (=> (neglects-canonical-borrow p) (broken unit-position p #b11001)) neglects-canonical-borrow)
