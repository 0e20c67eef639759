; The sorts of the vocabulary as Z3's Datalog engine needs them: finite. (The theorem reads the same rules over
; uninterpreted sorts; see engine/smt/theorem.h.) Identities have 24 bits; who adds a fact checks the range.
(define-sort Instance () (_ BitVec 24))
(define-sort Resource () (_ BitVec 24))
(define-sort View () (_ BitVec 24))
(define-sort Position () (_ BitVec 24))
(define-sort Table () (_ BitVec 24))
(define-sort Key () (_ BitVec 24))
(define-sort Definition () (_ BitVec 24))
(define-sort Name () (_ BitVec 24))
(define-sort Count () (_ BitVec 3))
(define-sort Kind () (_ BitVec 1))
(define-sort Op () (_ BitVec 3))
(define-sort Intrinsic () (_ BitVec 2))
(define-sort Place () (_ BitVec 3))
(define-sort Form () (_ BitVec 2))
(define-sort Unit () (_ BitVec 2))
(define-sort Rule () (_ BitVec 5))
(define-sort Code () (_ BitVec 6))

(define-fun host () Instance #x000000)
(define-fun canonical () Table #x000000)

(define-fun own () Kind #b0)
(define-fun borrow () Kind #b1)

(define-fun op-take () Op #b000)
(define-fun op-lend () Op #b001)
(define-fun op-rep () Op #b010)
(define-fun op-new () Op #b011)
(define-fun op-borrow () Op #b100)

(define-fun c0 () Count #b000)
(define-fun c1 () Count #b001)
(define-fun c2 () Count #b010)

(define-fun intrinsic-new () Intrinsic #b00)
(define-fun intrinsic-rep () Intrinsic #b01)
(define-fun intrinsic-drop () Intrinsic #b10)
