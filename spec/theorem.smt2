; The theorem: a plan that meets the premises never leaks, in any topology and any run. This is the machine that it
; speaks of, over the vocabulary of topology.smt2. engine/smt/theorem.h makes plain SMT-LIB of it, with the rules of
; topology.smt2 and premises.smt2 in the place of (rules). Besides SMT-LIB there are these forms; in them NAME is the
; state before a step and NAME+ the state after it:
;   (declare-state NAME (sorts))            a relation that changes from state to state
;   (define-state NAME (parameters) body)   a predicate of a state, or of a step
;   (initial body)
;   (transition NAME (parameters) body)     a kind of step; there are values of the parameters with which body holds
;   (leak NAME body)                        what must never hold
;   (invariant NAME body)                   what is proved along with the absence of leaks
;   (cover NAME body)                       what some plan that meets the premises must have, lest the proof is empty
;
; First form: own and borrow, params and results, new, rep, drop, aliases, shared tables. Left out or simplified:
; - nothing crosses to or from the host, so resource types of the host have no objects;
; - an instance acts one operation at a time, and a conversion is one step of the machine (there are no threads);
; - a handle may be passed on or dropped only while no borrow entry of its object is held (that a lent handle is kept
;   is the Canonical ABI's law for guests; lend counts are the tables' business); a borrow need not end with the call,
;   and that its definer still uses the rep does not hold up a drop;
; - what a destructor does in turn is steps of their own; of several that one drop runs the order does not matter.
; A value is a Tok, handle or rep alike: equal numbers may mean different things. Obj is the ghost identity behind it.

(declare-sort Tok 0)
(declare-sort Obj 0)

; --- a topology and a plan as functions ----------------------------------------------------------------------------
(declare-fun definer-of (Resource) Instance)
(declare-fun instance-of (View) Instance)
(declare-fun resource-of (View) Resource)
(declare-fun kind-of (Position) Kind)
(declare-fun from-of (Position) View)
(declare-fun to-of (Position) View)
(declare-fun home-of (View) Table)
(declare-fun key-of (View) Key)
(declare-fun meaning-of (Key) Resource)
(declare-fun thinks-of (Key) Instance)
(declare-fun has-intrinsic (View Intrinsic) Bool)
(declare-fun intrinsic-home (View Intrinsic) Table)
(declare-fun has-step (Position Count) Bool)
(declare-fun op-at (Position Count) Op)
(declare-fun table-at (Position Count) Table)
(declare-fun key-at (Position Count) Key)
(declare-fun steps-of (Position) Count)
(declare-fun has-own-run (View Count) Bool)
(declare-fun own-run-at (View Count) Resource)
(declare-fun has-borrow-run (View Count) Bool)
(declare-fun borrow-run-at (View Count) Resource)

(define-fun definer ((r Resource) (i Instance)) Bool (= (definer-of r) i))
(define-fun view ((v View) (i Instance) (r Resource)) Bool (and (= (instance-of v) i) (= (resource-of v) r)))
(define-fun crosses ((p Position) (h Kind) (u View) (v View)) Bool
  (and (= (kind-of p) h) (= (from-of p) u) (= (to-of p) v)))
(define-fun table-of ((v View) (t Table)) Bool (= (home-of v) t))
(define-fun type-of ((v View) (k Key)) Bool (= (key-of v) k))
(define-fun stands-for ((k Key) (r Resource)) Bool (= (meaning-of k) r))
(define-fun thought-definer ((k Key) (i Instance)) Bool (= (thinks-of k) i))
(define-fun goes-to ((v View) (f Intrinsic) (t Table)) Bool (and (has-intrinsic v f) (= (intrinsic-home v f) t)))
(define-fun step ((p Position) (n Count) (op Op) (t Table) (k Key)) Bool
  (and (has-step p n) (= (op-at p n) op) (= (table-at p n) t) (= (key-at p n) k)))
(define-fun steps ((p Position) (n Count)) Bool (= (steps-of p) n))
(define-fun own-runs ((v View) (n Count) (r Resource)) Bool (and (has-own-run v n) (= (own-run-at v n) r)))
(define-fun borrow-runs ((v View) (n Count) (r Resource)) Bool (and (has-borrow-run v n) (= (borrow-run-at v n) r)))

; What steps and intrinsics there are; other operations and more steps may be in a plan.
(declare-fun op-take () Op)
(declare-fun op-lend () Op)
(declare-fun op-rep () Op)
(declare-fun op-new () Op)
(declare-fun op-borrow () Op)
(declare-fun c0 () Count)
(declare-fun c1 () Count)
(declare-fun c2 () Count)
(declare-fun intrinsic-new () Intrinsic)
(declare-fun intrinsic-rep () Intrinsic)
(declare-fun intrinsic-drop () Intrinsic)
(assert (distinct op-take op-lend op-rep op-new op-borrow))
(assert (distinct c0 c1 c2))
(assert (distinct intrinsic-new intrinsic-rep intrinsic-drop))

(rules)

; A conversion of n steps has just these; a handle is of one resource type on both sides; the host is left out.
(assert (forall ((p Position)) (= (has-step p c0) (not (= (steps-of p) c0)))))
(assert (forall ((p Position)) (= (has-step p c1) (and (not (= (steps-of p) c0)) (not (= (steps-of p) c1))))))
(assert (forall ((p Position)) (= (resource-of (from-of p)) (resource-of (to-of p)))))
(assert (forall ((p Position)) (not (outer p))))

; --- objects and states ---------------------------------------------------------------------------------------------
(declare-fun class-of (Obj) Resource)
(declare-fun rep-of (Obj) Tok) ; two objects may have one rep

; entry t x o h k   table t has under x an entry of kind h and type k for object o
; has-own v x o     the code behind view v rightly has x as its own handle of o; has-borrow, has-rep: alike
; born o            o was made; dropped o: its owner dropped it; destroyed o: the destructor of its type ran on it
; misdestroyed o    a destructor ran on it again, or one of another type
(declare-state entry (Table Tok Obj Kind Key))
(declare-state has-own (View Tok Obj))
(declare-state has-borrow (View Tok Obj))
(declare-state has-rep (View Tok Obj))
(declare-state born (Obj))
(declare-state dropped (Obj))
(declare-state destroyed (Obj))
(declare-state misdestroyed (Obj))

(initial (and
  (forall ((t Table) (x Tok) (o Obj) (h Kind) (k Key)) (not (entry t x o h k)))
  (forall ((v View) (x Tok) (o Obj)) (and (not (has-own v x o)) (not (has-borrow v x o)) (not (has-rep v x o))))
  (forall ((o Obj)) (and (not (born o)) (not (dropped o)) (not (destroyed o)) (not (misdestroyed o))))))

; What does not change.
(define-state same-tables ()
  (forall ((t Table) (x Tok) (o Obj) (h Kind) (k Key)) (= (entry+ t x o h k) (entry t x o h k))))
(define-state same-own () (forall ((v View) (x Tok) (o Obj)) (= (has-own+ v x o) (has-own v x o))))
(define-state same-borrow () (forall ((v View) (x Tok) (o Obj)) (= (has-borrow+ v x o) (has-borrow v x o))))
(define-state same-rep () (forall ((v View) (x Tok) (o Obj)) (= (has-rep+ v x o) (has-rep v x o))))
(define-state same-born () (forall ((o Obj)) (= (born+ o) (born o))))
(define-state same-fate () (forall ((o Obj)) (and (= (dropped+ o) (dropped o)) (= (destroyed+ o) (destroyed o))
                                                 (= (misdestroyed+ o) (misdestroyed o)))))

; What changes by one: a value comes to a view, or goes.
(define-state gains-own ((v View) (x Tok) (o Obj))
  (forall ((w View) (y Tok) (b Obj)) (= (has-own+ w y b) (or (has-own w y b) (and (= w v) (= y x) (= b o))))))
(define-state gains-borrow ((v View) (x Tok) (o Obj))
  (forall ((w View) (y Tok) (b Obj)) (= (has-borrow+ w y b) (or (has-borrow w y b) (and (= w v) (= y x) (= b o))))))
(define-state gains-rep ((v View) (x Tok) (o Obj))
  (forall ((w View) (y Tok) (b Obj)) (= (has-rep+ w y b) (or (has-rep w y b) (and (= w v) (= y x) (= b o))))))
(define-state loses-own ((v View) (x Tok) (o Obj))
  (forall ((w View) (y Tok) (b Obj)) (= (has-own+ w y b) (and (has-own w y b) (not (and (= w v) (= y x) (= b o)))))))
(define-state loses-borrow ((v View) (x Tok) (o Obj))
  (forall ((w View) (y Tok) (b Obj)) (= (has-borrow+ w y b)
    (and (has-borrow w y b) (not (and (= w v) (= y x) (= b o)))))))
(define-state loses-rep ((v View) (x Tok) (o Obj))
  (forall ((w View) (y Tok) (b Obj)) (= (has-rep+ w y b) (and (has-rep w y b) (not (and (= w v) (= y x) (= b o)))))))
(define-state moves-own ((u View) (x Tok) (v View) (y Tok) (o Obj))
  (forall ((w View) (z Tok) (b Obj)) (= (has-own+ w z b)
    (or (and (has-own w z b) (not (and (= w u) (= z x) (= b o)))) (and (= w v) (= z y) (= b o))))))
(define-state moves-borrow ((u View) (x Tok) (v View) (y Tok) (o Obj))
  (forall ((w View) (z Tok) (b Obj)) (= (has-borrow+ w z b)
    (or (and (has-borrow w z b) (not (and (= w u) (= z x) (= b o)))) (and (= w v) (= z y) (= b o))))))

(define-state lent ((o Obj)) (exists ((v View) (x Tok)) (has-borrow v x o)))

; Looking x up in t finds an entry (q, h). Where there is none it finds anything, as a load that nobody checks.
(define-state finds ((t Table) (x Tok) (q Obj) (h Kind)) (or
  (exists ((k Key)) (entry t x q h k))
  (forall ((o Obj) (g Kind) (k Key)) (not (entry t x o g k)))))
(define-state free ((t Table) (x Tok)) (forall ((o Obj) (h Kind) (k Key)) (not (entry t x o h k))))

; --- the conversion at a position, read from the plan ---------------------------------------------------------------
; Step n turns the value x into y. q is the object that it found, or that it takes x to be the rep of. A table makes
; entries of the types that it holds and no others.
(define-fun reads ((p Position) (n Count)) Bool
  (or (= (op-at p n) op-take) (= (op-at p n) op-lend) (= (op-at p n) op-rep)))
(define-fun makes ((p Position) (n Count)) Bool (or (= (op-at p n) op-new) (= (op-at p n) op-borrow)))
(define-fun removes ((p Position) (n Count) (x Tok) (t Table) (z Tok)) Bool
  (and (= (op-at p n) op-take) (= (table-at p n) t) (= x z)))
(define-fun adds ((p Position) (n Count) (y Tok) (q Obj) (t Table) (z Tok) (o Obj) (h Kind) (k Key)) Bool
  (and (= (table-at p n) t) (= (key-at p n) k) (holds t k) (= y z) (= q o)
       (or (and (= (op-at p n) op-new) (= h own)) (and (= (op-at p n) op-borrow) (= h borrow)))))

(define-state first-step ((p Position) (x Tok) (y Tok) (q Obj) (h Kind)) (and
  (=> (reads p c0) (and (finds (table-at p c0) x q h) (= y (rep-of q))))
  (=> (makes p c0) (free (table-at p c0) y))))
; the tables after the first step, and after the second
(define-state halfway ((p Position) (x Tok) (y Tok) (q Obj) (t Table) (z Tok) (o Obj) (h Kind) (k Key))
  (or (and (entry t z o h k) (not (removes p c0 x t z))) (adds p c0 y q t z o h k)))
(define-state all-the-way
  ((p Position) (x Tok) (y1 Tok) (q1 Obj) (y2 Tok) (q2 Obj) (t Table) (z Tok) (o Obj) (h Kind) (k Key))
  (or (and (halfway p x y1 q1 t z o h k) (not (removes p c1 y1 t z))) (adds p c1 y2 q2 t z o h k)))
(define-state second-step ((p Position) (x Tok) (y1 Tok) (q1 Obj) (y2 Tok) (q2 Obj) (h2 Kind)) (and
  (=> (reads p c1) (and (= y2 (rep-of q2)) (or
    (exists ((k Key)) (halfway p x y1 q1 (table-at p c1) y1 q2 h2 k))
    (forall ((o Obj) (g Kind) (k Key)) (not (halfway p x y1 q1 (table-at p c1) y1 o g k))))))
  (=> (makes p c1) (and
    (forall ((o Obj) (g Kind) (k Key)) (not (halfway p x y1 q1 (table-at p c1) y2 o g k)))
    (=> (reads p c0) (= q2 q1))))))

; The value x becomes y at p. More than two steps: anything (no premise lets them pass).
(define-state converts ((p Position) (x Tok) (y1 Tok) (q1 Obj) (h1 Kind) (y2 Tok) (q2 Obj) (h2 Kind) (y Tok)) (and
  (=> (= (steps-of p) c0) (and (= y x) same-tables))
  (=> (= (steps-of p) c1) (and (first-step p x y1 q1 h1) (= y y1)
    (forall ((t Table) (z Tok) (o Obj) (h Kind) (k Key)) (= (entry+ t z o h k) (halfway p x y1 q1 t z o h k)))))
  (=> (= (steps-of p) c2) (and (first-step p x y1 q1 h1) (second-step p x y1 q1 y2 q2 h2) (= y y2)
    (forall ((t Table) (z Tok) (o Obj) (h Kind) (k Key))
      (= (entry+ t z o h k) (all-the-way p x y1 q1 y2 q2 t z o h k)))))))

; --- the operations -------------------------------------------------------------------------------------------------
; resource.new, by the definer: it has the rep, and from now on an own handle.
(transition new ((v View) (t Table) (x Tok) (o Obj)) (and
  (goes-to v intrinsic-new t) (= (instance-of v) (definer-of (resource-of v))) (not (= (instance-of v) host))
  (not (born o)) (= (class-of o) (resource-of v)) (free t x)
  (forall ((s Table) (y Tok) (b Obj) (h Kind) (k Key)) (= (entry+ s y b h k) (or (entry s y b h k)
    (and (= s t) (= y x) (= b o) (= h own) (= k (key-of v)) (holds t k)))))
  (forall ((b Obj)) (= (born+ b) (or (born b) (= b o))))
  (gains-own v x o) (gains-rep v (rep-of o) o) same-borrow same-fate))

; resource.rep, by the definer.
(transition rep ((v View) (t Table) (x Tok) (o Obj) (q Obj) (h Kind)) (and
  (goes-to v intrinsic-rep t) (= (instance-of v) (definer-of (resource-of v)))
  (has-own v x o) (finds t x q h)
  (gains-rep v (rep-of q) o) same-tables same-own same-borrow same-born same-fate))

; resource.drop finds (q, h) and goes by what it finds: which destructors run on q hangs on h.
; Those of types without a destructor do nothing.
(define-fun runs ((v View) (h Kind) (n Count) (r Resource)) Bool
  (and (destructor r) (or (and (= h own) (own-runs v n r)) (and (= h borrow) (borrow-runs v n r)))))
(define-state drops ((v View) (t Table) (x Tok) (q Obj) (h Kind)) (and
  (goes-to v intrinsic-drop t) (finds t x q h)
  (forall ((s Table) (y Tok) (b Obj) (g Kind) (k Key))
    (= (entry+ s y b g k) (and (entry s y b g k) (not (and (= s t) (= y x))))))
  (forall ((b Obj)) (= (destroyed+ b)
    (or (destroyed b) (and (= b q) (exists ((n Count)) (runs v h n (class-of q)))))))
  (forall ((b Obj)) (= (misdestroyed+ b) (or (misdestroyed b) (and (= b q) (or
    (exists ((n Count) (r Resource)) (and (runs v h n r) (not (= r (class-of q)))))
    (exists ((n Count)) (and (runs v h n (class-of q)) (destroyed q)))
    (exists ((n Count) (m Count))
      (and (runs v h n (class-of q)) (runs v h m (class-of q)) (not (= n m)))))))))))
(transition drop-own ((v View) (t Table) (x Tok) (o Obj) (q Obj) (h Kind)) (and
  (has-own v x o) (not (lent o)) (drops v t x q h)
  (forall ((b Obj)) (= (dropped+ b) (or (dropped b) (= b o))))
  (loses-own v x o) same-borrow same-rep same-born))
(transition drop-borrow ((v View) (t Table) (x Tok) (o Obj) (q Obj) (h Kind)) (and
  (has-borrow v x o) (drops v t x q h)
  (forall ((b Obj)) (= (dropped+ b) (dropped b)))
  (loses-borrow v x o) same-own same-rep same-born))

; An own crosses p.
(transition own-crosses
  ((p Position) (x Tok) (y Tok) (o Obj) (y1 Tok) (q1 Obj) (h1 Kind) (y2 Tok) (q2 Obj) (h2 Kind)) (and
  (= (kind-of p) own) (has-own (from-of p) x o) (not (lent o))
  (converts p x y1 q1 h1 y2 q2 h2 y)
  (moves-own (from-of p) x (to-of p) y o) same-borrow same-rep same-born same-fate))

; A borrow, of an own or of a borrow, crosses p: to the definer as a rep, to anybody else as a borrow handle.
(define-state lends ((p Position) (x Tok) (o Obj))
  (and (= (kind-of p) borrow) (or (has-own (from-of p) x o) (has-borrow (from-of p) x o))))
(transition borrow-crosses-to-definer
  ((p Position) (x Tok) (y Tok) (o Obj) (y1 Tok) (q1 Obj) (h1 Kind) (y2 Tok) (q2 Obj) (h2 Kind)) (and
  (lends p x o) (to-definer p)
  (converts p x y1 q1 h1 y2 q2 h2 y)
  (gains-rep (to-of p) y o) same-own same-borrow same-born same-fate))
(transition borrow-crosses-elsewhere
  ((p Position) (x Tok) (y Tok) (o Obj) (y1 Tok) (q1 Obj) (h1 Kind) (y2 Tok) (q2 Obj) (h2 Kind)) (and
  (lends p x o) (not (to-definer p))
  (converts p x y1 q1 h1 y2 q2 h2 y)
  (gains-borrow (to-of p) y o) same-own same-rep same-born same-fate))

; The definer is done with a rep. (Others end a borrow with a drop.)
(transition end-of-borrow ((v View) (x Tok) (o Obj)) (and
  (has-rep v x o) (loses-rep v x o) same-tables same-own same-borrow same-born same-fate))

; An instance uses a handle through another of its names for the resource type.
(transition alias-own ((u View) (v View) (x Tok) (o Obj)) (and
  (has-own u x o) (same-resource u v)
  (moves-own u x v x o) same-tables same-borrow same-rep same-born same-fate))
(transition alias-borrow ((u View) (v View) (x Tok) (o Obj)) (and
  (has-borrow u x o) (same-resource u v)
  (moves-borrow u x v x o) same-tables same-own same-rep same-born same-fate))

; --- leaks ----------------------------------------------------------------------------------------------------------
(leak own-not-in-its-table (exists ((v View) (x Tok) (o Obj))
  (and (has-own v x o) (not (entry (home-of v) x o own (key-of v))))))
(leak borrow-not-in-its-table (exists ((v View) (x Tok) (o Obj))
  (and (has-borrow v x o) (not (entry (home-of v) x o borrow (key-of v))))))
(leak not-its-rep (exists ((v View) (x Tok) (o Obj)) (and (has-rep v x o) (not (= x (rep-of o))))))
(leak entry-of-another-type (exists ((t Table) (x Tok) (o Obj) (h Kind) (k Key))
  (and (entry t x o h k) (not (stands-for k (class-of o))))))
(leak two-owners (exists ((t Table) (x Tok) (k Key) (t2 Table) (x2 Tok) (k2 Key) (o Obj))
  (and (entry t x o own k) (entry t2 x2 o own k2) (not (and (= t t2) (= x x2))))))
(leak destroyed-early (exists ((v View) (x Tok) (o Obj))
  (and (destroyed o) (or (has-own v x o) (has-borrow v x o)))))
(leak not-destroyed (exists ((o Obj)) (and (dropped o) (destructor (class-of o)) (not (destroyed o)))))
(leak destroyed-wrongly (exists ((o Obj)) (misdestroyed o)))

; --- what else holds in every state ---------------------------------------------------------------------------------
(invariant one-entry-per-index (forall ((t Table) (x Tok) (o Obj) (h Kind) (k Key) (o2 Obj) (h2 Kind) (k2 Key))
  (=> (and (entry t x o h k) (entry t x o2 h2 k2)) (and (= o o2) (= h h2) (= k k2)))))
(invariant handles-are-typed (forall ((v View) (x Tok) (o Obj))
  (=> (or (has-own v x o) (has-borrow v x o)) (= (class-of o) (resource-of v)))))
(invariant one-holder-of-an-own (forall ((v View) (x Tok) (v2 View) (x2 Tok) (o Obj))
  (=> (and (has-own v x o) (has-own v2 x2 o)) (= v v2))))
(invariant one-holder-of-a-borrow (forall ((v View) (x Tok) (v2 View) (o Obj))
  (=> (and (has-borrow v x o) (has-borrow v2 x o) (= (home-of v) (home-of v2))) (= v v2))))
(invariant entries-are-of-born-objects (forall ((t Table) (x Tok) (o Obj) (h Kind) (k Key))
  (=> (entry t x o h k) (born o))))
(invariant dropped-objects-were-born (forall ((o Obj)) (=> (dropped o) (born o))))
(invariant dropped-objects-have-no-owner (forall ((t Table) (x Tok) (o Obj) (k Key))
  (=> (entry t x o own k) (not (dropped o)))))
(invariant destroyed-objects-were-dropped (forall ((o Obj)) (=> (destroyed o) (dropped o))))

; --- what some right plan must have ---------------------------------------------------------------------------------
(cover own-converted (exists ((p Position)) (and (inner p own) (converted p))))
(cover own-in-a-shared-table (exists ((p Position)) (and (inner p own) (not (converted p))
  (not (= (instance-of (from-of p)) (instance-of (to-of p)))))))
(cover borrow-to-the-definer (exists ((p Position)) (and (inner p borrow) (to-definer p))))
(cover borrow-elsewhere (exists ((p Position)) (and (inner p borrow) (not (to-definer p)))))
(cover aliases (exists ((v View) (v2 View)) (same-resource v v2)))
(cover destructors (exists ((v View)) (and (must-destroy v) (has-intrinsic v intrinsic-drop))))
(cover several-types-in-one-table (exists ((v View) (v2 View))
  (and (= (home-of v) (home-of v2)) (not (= (resource-of v) (resource-of v2))))))
