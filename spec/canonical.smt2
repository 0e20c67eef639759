; The law as spaces (semantics.md 1.1-1.3): which space each side of a position has, and in which space the value is
; after each step of the plan's conversion. A position leaks if the value does not arrive in the space that belongs
; there. This is the meaning that the premises and duties are held against; it names the leaks in spec/leak.smt2.
;
; A space is a form with a table and a type: an own handle or a borrow handle of a table, or the rep of a type (which
; has no table: `canonical` stands there).
(define-fun form-own () Form #b00)
(define-fun form-borrow () Form #b01)
(define-fun form-rep () Form #b10)

(declare-var s Form)
(declare-var z Form)

; next n m        m = n + 1
; value p n s t k after n steps the value at p is in space (s, t, k)
; space p s t k   the space that belongs there
; arrives p       after its last step the value is in that space
; leak p          it is not
(declare-rel next (Count Count))
(declare-rel value (Position Count Form Table Key))
(declare-rel space (Position Form Table Key))
(declare-rel arrives (Position))
(declare-rel leak (Position))
(rule (next #b000 #b001)) (rule (next #b001 #b010)) (rule (next #b010 #b011)) (rule (next #b011 #b100))

; Between instances, and for a guest's own type at the host, the value leaves as a handle of the source table.
(declare-rel leaves-as-handle (Position))
(rule (=> (inner p h) (leaves-as-handle p)) leaves-inner)
(rule (=> (outgoing p h) (leaves-as-handle p)) leaves-to-host)
(rule (=> (guest-own p) (leaves-as-handle p)) leaves-canonical)
(rule (=> (and (leaves-as-handle p) (source p t k)) (value p c0 form-own t k)) value-handle)
; The host's token, and a borrow of a guest's type from the host, are reps.
(declare-rel leaves-as-rep (Position))
(rule (=> (and (incoming p h) (token p)) (leaves-as-rep p)) leaves-token)
(rule (=> (rep-in p) (leaves-as-rep p)) leaves-rep)
(rule (=> (and (leaves-as-rep p) (source p t k)) (value p c0 form-rep canonical k)) value-rep)
; A token that lies in the canonical table is its index there.
(rule (=> (and (token p) (source p canonical k)) (value p c0 form-rep canonical k)) value-token-in-place)

; take, lend and rep find the rep of a handle of their table; new and borrow make an entry for a rep.
(declare-rel reading (Op))
(rule (reading op-take)) (rule (reading op-lend)) (rule (reading op-rep))
(declare-rel read-at (Position Count Table))
(rule (=> (and (step p n op t x) (reading op)) (read-at p n t)) read-at)
(rule (=> (and (value p n form-own t k) (read-at p n t) (next n m)) (value p m form-rep canonical k)) reads-own)
(rule (=> (and (value p n form-borrow t k) (read-at p n t) (next n m)) (value p m form-rep canonical k)) reads-borrow)
(rule (=> (and (value p n form-rep t2 k2) (step p n op-new t k) (next n m)) (value p m form-own t k)) makes)
; No code makes a borrow entry of the canonical table for anybody but the host.
(declare-rel lends-into (Position Count Table Key))
(rule (=> (and (step p n op-borrow t k) (not (= t canonical))) (lends-into p n t k)) lends-into)
(rule (=> (and (step p n op-borrow canonical k) (outgoing p h)) (lends-into p n canonical k)) lends-into-canonical)
(rule (=> (and (value p n form-rep t2 k2) (lends-into p n t k) (next n m)) (value p m form-borrow t k)) lends)

; What belongs there. Only a borrow into the definer, and whatever the host gets of its own, is a rep.
(declare-rel needs-rep (Position))
(rule (=> (and (inner p borrow) (to-definer p)) (needs-rep p)) needs-rep-definer)
(rule (=> (and (rep-in p) (to-definer p)) (needs-rep p)) needs-rep-definer-from-host)
(rule (=> (and (outgoing p h) (token p)) (needs-rep p)) needs-token)
(rule (=> (and (needs-rep p) (source p t k)) (space p form-rep canonical k)) space-rep)
(declare-rel needs-handle (Position Kind))
(rule (=> (and (crosses p h u v) (not (needs-rep p))) (needs-handle p h)) needs-handle)
(rule (=> (and (needs-handle p own) (target p t k)) (space p form-own t k)) space-own)
(rule (=> (and (needs-handle p borrow) (target p t k)) (space p form-borrow t k)) space-borrow)
(rule (=> (and (incoming p h) (token p) (target p canonical k)) (space p form-rep canonical k)) space-token-in-place)
(declare-rel token-moves (Position))
(rule (=> (and (inner p own) (token p)) (token-moves p)) token-moves)
(rule (=> (and (token-moves p) (target p canonical k)) (space p form-rep canonical k)) space-token-stays)

(declare-rel last-value (Position Form Table Key))
(rule (=> (and (steps p n) (value p n s t k)) (last-value p s t k)) last-value)
(rule (=> (and (last-value p s t k) (space p s t k)) (arrives p)) arrives)
(rule (=> (and (crosses p h u v) (not (arrives p))) (leak p)) leak)
