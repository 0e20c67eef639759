; The duties: what a right plan must do besides the premises. A duty D is written as the rule that finds its neglect.

; --- what crosses to the host and back (semantics.md 1.6) ----------------------------------------------------------
; The host's handles are those of the fused component's canonical table. A resource type of a guest is taken out of it
; and put into it like any other; a borrow of one arrives as the rep, as the run time takes the whole fused component
; for the definer (FS1). Of a resource type of the host nobody inside has the rep: its canonical handle, the token,
; stands for it (FS3).
; token p       the resource type is the host's
; incoming p    the value comes from the host
; outgoing p    the value goes to the host
; guest-own p   an own handle of a guest's resource type, to or from the host
(declare-rel token (Position))
(declare-rel incoming (Position Kind))
(declare-rel outgoing (Position Kind))
(rule (=> (and (crosses p h u v) (view u i r) (definer r host)) (token p)) token)
(rule (=> (and (crosses p h u v) (view u host r)) (incoming p h)) incoming)
(rule (=> (and (crosses p h u v) (view v host r)) (outgoing p h)) outgoing)

(declare-rel guest-own (Position))
(rule (=> (and (outer p) (crosses p own u v) (not (token p))) (guest-own p)) guest-own)
(declare-rel neglects-guest-own (Position))
(rule (=> (and (guest-own p) (converted p) (not (takes-from-source p))) (neglects-guest-own p)) neglects-guest-own-source)
(rule (=> (and (guest-own p) (converted p) (not (makes-at-target p))) (neglects-guest-own p)) neglects-guest-own-target)
(rule (=> (and (guest-own p) (not (converted p)) (not (same-home p))) (neglects-guest-own p)) neglects-guest-own-at-all)

; made-first p    the only step makes an own in the receiver's table; lent-first p: a borrow
(declare-rel made-first (Position))
(declare-rel lent-first (Position))
(rule (=> (and (target p t k) (step p c0 op-new t k) (steps p c1)) (made-first p)) made-first)
(rule (=> (and (target p t k) (step p c0 op-borrow t k) (steps p c1)) (lent-first p)) lent-first)
(rule (=> (and (target p canonical k) (steps p c0) (token p)) (made-first p)) token-is-made)
(rule (=> (and (target p canonical k) (steps p c0) (token p)) (lent-first p)) token-is-lent)

(declare-rel neglects-token-in (Position))
(rule (=> (and (incoming p own) (token p) (not (made-first p))) (neglects-token-in p)) neglects-token-in-own)
(rule (=> (and (incoming p borrow) (token p) (not (lent-first p))) (neglects-token-in p)) neglects-token-in-borrow)

(declare-rel neglects-rep-in (Position))
(declare-rel rep-in (Position))
(rule (=> (and (incoming p borrow) (not (token p))) (rep-in p)) rep-in)
(rule (=> (and (rep-in p) (to-definer p) (converted p)) (neglects-rep-in p)) neglects-rep-in-definer)
(rule (=> (and (rep-in p) (not (to-definer p)) (not (lent-first p))) (neglects-rep-in p)) neglects-rep-in-other)

; Nobody inside reads, makes or ends an entry of a host's type in the canonical table: only the host has its rep.
(declare-rel neglects-token-kept (Position))
(rule (=> (and (token p) (step p n op canonical k)) (neglects-token-kept p)) neglects-token-kept)

; A borrow entry of the canonical table is one that the host has. To the run time the fused component is itself the
; definer of its guests' types, so a borrow that is lent into it arrives as the rep and never enters that table (FS1).
(declare-rel lent-canonically (Position))
(declare-rel to-host (Position))
(rule (=> (step p n op-borrow canonical k) (lent-canonically p)) lent-canonically)
(rule (=> (outgoing p h) (to-host p)) to-host)
(declare-rel neglects-canonical-borrow (Position))
(rule (=> (and (lent-canonically p) (not (to-host p))) (neglects-canonical-borrow p)) neglects-canonical-borrow)

; unwrapped p     the only step reads the token out of the sender's table (and, for own, removes it)
(declare-rel token-taken (Position))
(declare-rel token-read (Position))
(rule (=> (and (takes-from-source p) (steps p c1)) (token-taken p)) token-taken)
(rule (=> (and (source p canonical k) (steps p c0)) (token-taken p)) token-passes)
(rule (=> (and (reads-source p) (steps p c1)) (token-read p)) token-read)
(rule (=> (and (source p canonical k) (steps p c0)) (token-read p)) token-is-read)
(declare-rel neglects-token-out (Position))
(rule (=> (and (outgoing p own) (token p) (not (token-taken p))) (neglects-token-out p)) neglects-token-out-own)
(rule (=> (and (outgoing p borrow) (token p) (not (token-read p))) (neglects-token-out p)) neglects-token-out-borrow)

(declare-rel lent-out (Position))
(rule (=> (and (outgoing p borrow) (not (token p))) (lent-out p)) lent-out)
(declare-rel neglects-lent-out (Position))
(rule (=> (and (lent-out p) (not (reads-source p))) (neglects-lent-out p)) neglects-lent-out-source)
(rule (=> (and (lent-out p) (not (lends-at-target p))) (neglects-lent-out p)) neglects-lent-out-target)

; --- where the handle sits -------------------------------------------------------------------------------------------
; misplaced p d   the plan looks for the handle elsewhere than the Canonical ABI puts it; d is the first difference:
;                 its guards, the list it lies in, the kind of area, the offset, the type of a joined slot.
;                 Where nothing is to be done, nothing is done elsewhere.
(declare-var d Place)
(declare-rel misplaced (Position Place))
(declare-rel neglects-place (Position))
(rule (=> (and (misplaced p d) (converted p)) (neglects-place p)) neglects-place)

; --- how a table is built --------------------------------------------------------------------------------------------
; symbol t y      the table's functions are called y in the fused file
; unbounded t     more live entries than it has room for are not noticed
; never-reused t  a slot that was freed is never used again
(declare-var y Name)
(declare-rel symbol (Table Name))
(declare-rel unbounded (Table))
(declare-rel never-reused (Table))
(declare-rel in-use (Table))
(rule (=> (table-of v t) (in-use t)) in-use)
(declare-rel neglects-symbol (Table))
(rule (=> (and (symbol t y) (symbol t2 y) (not (= t t2))) (neglects-symbol t)) neglects-symbol)
(declare-rel neglects-bound (Table))
(rule (=> (and (unbounded t) (in-use t)) (neglects-bound t)) neglects-bound)
(declare-rel neglects-reuse (Table))
(rule (=> (and (never-reused t) (in-use t)) (neglects-reuse t)) neglects-reuse)

; --- who the plan takes for the definer ------------------------------------------------------------------------------
(declare-rel neglects-definer (Key))
(rule (=> (and (stands-for k r) (definer r i) (not (thought-definer k i))) (neglects-definer k)) neglects-definer)
