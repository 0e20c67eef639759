#include "engine/check/taxonomy.h"

#include <algorithm>
#include <array>

namespace meld_verify::check {
namespace {

using enum Family;
using enum Harm;
using enum ShownBy;

// The numbering is that of the project's law (a code never changes its meaning).
constexpr std::array<CodeInfo, 57> kCodes{{
    {1, kSpace, kEscape, kPlan, "handle taken for a rep", "a rep; gets an index of the caller's table",
     "the definer reads memory at a small number", "a runner lends a thing to its definer",
     "look the handle up in the sender's table: one step, lend"},
    {2, kSpace, kEscape, kPlan, "rep taken for a handle", "a handle of the receiver's table; gets the rep",
     "unknown handle, or an unrelated entry",
     "a runner lends a leaf's thing to a middle instance that imports it",
     "make an entry in the receiver's table after the rep was read"},
    {3, kSpace, kEscape, kPlan, "index of another table",
     "a handle of the receiver's table; gets an index of another",
     "right by luck while both tables say 1, then another object or unknown handle",
     "a runner gives an own to a middle instance",
     "take it out of the sender's table and make it anew in the receiver's"},
    {4, kSpace, kEscape, kPlan, "looked up twice", "a rep; gets what a second look-up of the rep finds",
     "a trap or another object", "a middle instance forwards a borrow and both sides convert it",
     "leave out the second look-up"},
    {5, kSpace, kEscape, kPlan, "handle stored as a rep",
     "an entry with the object's rep; gets one with a handle in its place",
     "resource.rep later gives a small number",
     "an own result is made an entry without being taken out first",
     "read the rep from the sender's table before the entry is made"},
    {6, kSpace, kEscape, kPlan, "entry where the rep belongs",
     "a rep; gets a fresh entry of the definer's own table", "the definer takes the index for its object",
     "a method call on the definer's own thing",
     "a borrow into the definer ends with the look-up: leave out the new entry"},
    {7, kSpace, kEscape, kPlan, "own result not converted",
     "a handle of the caller's table; gets the callee's index",
     "the caller uses an index that is not its own", "a leaf's constructor returns a thing to the runner",
     "take it out of the callee's table and make it anew in the caller's"},
    {8, kSpace, kEscape, kPlan, "looked up in the wrong table",
     "the rep that the sender's table has; gets what another table has under that index",
     "unknown handle, or another object's rep", "runner, middle and leaf all know one thing",
     "read the table of the view that the value leaves"},
    {9, kIdentity, kEscape, kPlan, "wrong definer",
     "a rep exactly if the receiver defined the type; the plan takes another instance for the definer",
     "as L01 or L02, by configuration", "an instance at the end of a chain that holds no reps",
     "name the instance that defined the resource type"},
    {10, kIdentity, kEscape, kPlan, "wrapped type taken for its wrapping",
     "a type of the re-exporter's own; it is treated as the type that it imports, or the other way round",
     "a wrapper is read as the object inside it; destructors recurse",
     "an instance imports and exports one interface and wraps the thing",
     "give the re-exporter's own type a key and entries of its own"},
    {11, kIdentity, kEscape, kPlan, "alias taken for a fresh type",
     "one table and one type for the import and its re-export; they are kept apart",
     "a false wrong-type trap, or an entry that nobody frees",
     "an instance re-exports a type that it imports",
     "route both names of the type in that instance to one table and key"},
    {12, kSpace, kEscape, kPlan, "borrow from outside not entered",
     "a borrow entry of the receiver; the run time delivers the rep, as it takes the fused component for the "
     "definer",
     "a handle operation on a pointer", "the host lends a leaf's thing to an export of another instance",
     "make a borrow entry in the receiver's table"},
    {13, kSpace, kEscape, kPlan, "canonical and emulated handle confused",
     "at the host a canonical handle, inside an index of the instance's table; the other arrives",
     "the host says unknown handle, or destroys another resource",
     "two instances pass a resource of the host on",
     "convert between the canonical table and the instance's at the outer boundary"},
    {14, kPosition, kEscape, kPlan, "joined slot read in another width",
     "the low 32 bits of an i64 slot; it is read or written as another type", "a huge index",
     "a variant of an own and a u64 as parameter",
     "read the slot in the type that the Canonical ABI joins it to"},
    {15, kIdentity, kEscape, kPlan, "same name in two interfaces",
     "type T1; the plan has T2, which has the same resource name in another interface",
     "silent confusion of types, wrong destructor", "one instance defines r in two interfaces",
     "tell types apart by their definition, never by the resource name alone"},
    {16, kIdentity, kEscape, kPlan, "name matched by its ending", "type float; the plan has bigfloat",
     "silent confusion of types", "an instance defines float and bigfloat", "compare whole identities"},
    {17, kPosition, kEscape, kPlan, "chain of aliases not followed",
     "a converted value; nothing is done where the type is an alias of an alias",
     "as L03 or L07 at that position", "a handle whose type is reached through two aliases",
     "follow aliases to the resource definition"},
    {18, kIdentity, kEscape, kPlan, "two names of one type kept apart",
     "one table and key for one type; its two names have two", "a false wrong-type trap, or a lost entry",
     "a leaf exports r1 and r2, equal; made by r1, taken by r2",
     "route all names of a type in one instance to one table and key"},
    {19, kIdentity, kEscape, kNothing, "two imports of one type",
     "either reading of the law; see semantics 1.5", "a trap or none, by run time",
     "an instance imports T1 and T2, both bound to one type",
     "not judged: the law leaves it open, and the oracle takes either"},
    {20, kIdentity, kEscape, kPlan, "instances taken for one",
     "the state of one instance; gets that of another of the same component",
     "a handle of one is good in the other; shared destructor state",
     "one component instantiated twice with a consumer each", "give each instance its own tables and types"},
    {21, kIdentity, kIsolation, kPlan, "one table for several instances",
     "indices of one instance; the table knows those of others", "a forged index works",
     "an instance drops index 1, which another allocated", "give each instance a table of its own"},
    {22, kIdentity, kEscape, kPlan, "imports merged by name",
     "the intrinsic of this instance's type; gets that of another with the same name and interface",
     "used with the wrong type, or another's table", "two instances import the resource-rep of a t each",
     "keep imports of different instances and types apart"},
    {23, kIdentity, kEscape, kBytes, "number suffixes collide", "operation of instance n; gets that of m",
     "wrong table, or a name that is not found", "core names that already end in $3",
     "a plan names tables and views by number; the fused file's names show it"},
    {24, kIdentity, kEscape, kPlan, "version left out", "r of version 1; the plan has r of version 2",
     "wrong type", "an instance uses one interface in two versions", "keep the version in the identity"},
    {25, kIdentity, kEscape, kPlan, "arbitrary candidate",
     "the right table; the plan picks another that has nothing to do with it", "differs from build to build",
     "several candidates for one fall-back", "refuse where no table is the right one"},
    {26, kIdentity, kEscape, kPlan, "two tables under one symbol", "table a; its symbol leads to table b",
     "a helper shadows another", "interfaces a:b-c/d and a-b:c/d with one resource name",
     "mangle names so that no two become equal"},
    {27, kIdentity, kEscape, kPlan, "functions told apart by name only",
     "a converted value; the function was taken for its namesake in another interface",
     "as L01 or L03 for the second interface", "two interfaces of one instance with f(borrow T)",
     "key adapters by interface and function"},
    {28, kPosition, kEscape, kPlan, "handle in a record missed",
     "a converted value in a field; nothing is done", "as L01 or L03", "f(record{h: borrow T})",
     "convert every field"},
    {29, kPosition, kEscape, kPlan, "handle in a variant missed",
     "a converted value under a case; nothing is done", "as L01 or L03 when the case is taken",
     "f(option<borrow T>)", "convert under the guard of the case"},
    {30, kPosition, kEscape, kPlan, "list elements missed", "converted elements; nothing is done",
     "as L01 or L03 for each element", "f(list<own T>)", "convert in a loop over the list"},
    {31, kPosition, kEscape, kPlan, "converted under the wrong guard",
     "nothing where the case is not taken; other bits are converted", "a trap, or a live handle is freed",
     "option<borrow T> = none among more than 16 parameters",
     "test the discriminants that guard the position"},
    {32, kPosition, kEscape, kPlan, "wrong list or wrong length",
     "elements of this list; those of another are converted",
     "part of it is translated, or memory behind it is read", "f(x: u32, l: list<borrow T>)",
     "take pointer, length and stride of this list"},
    {33, kPosition, kEscape, kPlan, "memory taken for slots",
     "a handle in memory; it is looked for in a slot, or the other way round",
     "the handle stays as it was, or a pointer is changed", "17 flat parameters with one borrow",
     "look in memory: more than 16 flat parameters, or more than one result, lie there"},
    {34, kPosition, kEscape, kPlan, "result area missed",
     "a converted value in the result area; nothing is done", "as L07", "-> result<own T, string>",
     "convert what the returned pointer leads to"},
    {35, kPosition, kEscape, kPlan, "wrong offset", "the word at its offset; another is converted",
     "data is changed", "records with padding on two sides", "compute offsets by the Canonical ABI"},
    {36, kLifetime, kExhaustion, kPlan, "source entry kept",
     "an entry that is gone when its own is given away; one stays that nobody removes",
     "tables grow, later overflow", "a runner gives things away in a loop",
     "take the entry instead of only reading it"},
    {37, kLifetime, kGuard, kPlan, "use after transfer", "a trap on a freed index; nothing traps",
     "stale access", "a guest uses a handle that it gave away", "check that the entry is live"},
    {38, kLifetime, kGuard, kPlan, "double drop", "a trap on a freed index; nothing traps",
     "a destructor runs twice or on 0", "a guest drops twice", "check that the entry is live"},
    {39, kLifetime, kOwner, kPlan, "borrow made an own", "a borrow entry; gets an own entry",
     "the mandatory drop at the end destroys the object", "a runner lends to a non-definer, which drops",
     "make a borrow entry"},
    {40, kLifetime, kGuard, kPlan, "borrow outlives its call",
     "a trap when borrows remain at return; nothing traps", "a dangling handle",
     "a guest keeps a borrow in a global", "check the borrow count before the call returns"},
    {41, kLifetime, kGuard, kPlan, "lender not held",
     "a trap when a lent own is moved or dropped; nothing traps", "use after free in the callee",
     "f(borrow h, own h)", "count lends, and check them"},
    {42, kLifetime, kGuard, kBytes, "count of another task",
     "a change of the count of the task that got the borrow; the current task's changes",
     "false trap, or a missed one", "a destructor drops the caller's borrow",
     "tasks are not in a plan: the code of the table functions shows it"},
    {43, kLifetime, kOwner, kPlan, "destructor not called",
     "the destructor when an own is dropped; none runs", "memory of the definer is lost",
     "a re-exporter drops a thing", "run the destructor of the resource type, in its definer"},
    {44, kLifetime, kOwner, kPlan, "another's destructor",
     "the destructor of the type, with its rep; another's runs",
     "undefined behaviour in an instance that never had the object",
     "an instance drops a thing through another's table",
     "run the destructor of the resource type, in its definer"},
    {45, kLifetime, kOwner, kPlan, "destructor called twice", "one run of the destructor; it runs twice",
     "double free", "a stale and a new entry are dropped", "call it once"},
    {46, kLifetime, kOwner, kPlan, "borrow drop destroys", "no destructor when a borrow is dropped; one runs",
     "the object is gone too early", "a non-definer drops its borrow", "dropping a borrow only ends it"},
    {47, kTable, kGuard, kPlan, "reused index, other type",
     "a type check on a reused index; nothing is checked", "a new resource under an old index",
     "drop r1; make r2; use the old index as r1", "check the type tag"},
    {48, kLifetime, kEscape, kNothing, "stream element moved at the wrong time",
     "a move when the element is copied", "handles are lost", "a stream of owns",
     "streams of handles are out of scope: refused as unsupported"},
    {49, kLifetime, kEscape, kNothing, "moved while starting", "nothing moves before the call starts",
     "handles are lost on cancel", "an async call under back pressure",
     "async calls are out of scope: refused as unsupported"},
    {50, kLifetime, kGuard, kPlan, "may_leave not kept",
     "a trap on a handle operation in realloc or post-return; nothing traps",
     "a table changes in the middle of a transfer", "a post-return that drops",
     "check may_leave in bridges and intrinsics"},
    {51, kTable, kExhaustion, kPlan, "overflow not noticed",
     "a trap when the table is full; an entry is written past its room",
     "the next table or the heap is overwritten", "16,384 live things", "check the bound, and trap"},
    {52, kTable, kGuard, kPlan, "index zero accepted", "a trap on index zero; nothing traps",
     "drop(0) does nothing, rep(0) reads address 0", "drop(0)", "check for zero"},
    {53, kTable, kGuard, kPlan, "index not checked",
     "a trap on an index that was never given out; memory is read", "any word is taken for a rep",
     "rep(0x12345)", "check the index against the table's size"},
    {54, kTable, kGuard, kPlan, "types not told apart", "a trap on an entry of another type; nothing traps",
     "r1 used as r2", "a table with two types", "keep a type tag in each entry, and check it"},
    {55, kTable, kIsolation, kPlan, "guests can write the table",
     "state that no guest reaches; it lies in a guest's memory", "a stray store forges handles",
     "a guest stores at the table's address", "keep tables in a memory of their own"},
    {56, kTable, kExhaustion, kPlan, "slots never reused", "freed slots are used again; they are not",
     "a trap after so many creations in all", "make and drop in a loop", "keep a free list"},
    {57, kLifetime, kEscape, kRun, "a run goes another way",
     "the same things happen to the same objects as in the composed file; others do",
     "what the run shows: a trap, another object, a destructor that does not run",
     "any, where the code that brings it about could not be read",
     "run both files: meld-verify COMPOSED FUSED --replay"},
}};

/// Codes that explain more than their neighbours of the same family come first: why a position was passed
/// over before where it sits, where it sits before what arrives there.
unsigned rank(std::uint8_t code) {
  switch (code) {
    case 20:
      return 0;
    case 10:
      return 1;
    case 16:
    case 24:
      return 2;
    case 17:
      return 50;
    case 34:
      return 27;
    case 44:
      return 44;
    case 47:
      return 60;
    default:
      return code + 2u;
  }
}

}  // namespace

std::span<const CodeInfo> all_codes() {
  return kCodes;
}

const CodeInfo& info_of(std::uint8_t code) {
  return kCodes.at(code - 1u);
}

const CodeInfo* find_code(std::string_view text) {
  if (text.size() < 2 || text.size() > 3 || (text[0] != 'L' && text[0] != 'l')) {
    return nullptr;
  }
  unsigned number = 0;
  for (const char digit : text.substr(1)) {
    if (digit < '0' || digit > '9') {
      return nullptr;
    }
    number = number * 10 + static_cast<unsigned>(digit - '0');
  }
  return number >= 1 && number <= kCodes.size() ? &kCodes[number - 1] : nullptr;
}

bool explains_first(std::uint8_t left, std::uint8_t right) {
  const Family left_family = info_of(left).family, right_family = info_of(right).family;
  return left_family != right_family ? left_family < right_family
         : rank(left) != rank(right) ? rank(left) < rank(right)
                                     : left < right;
}

std::string_view to_string(Harm harm) {
  switch (harm) {
    case kEscape:
      return "escape";
    case kOwner:
      return "owner";
    case kExhaustion:
      return "exhaustion";
    case kGuard:
      return "guard";
    case kIsolation:
      return "isolation";
  }
  return {};
}

std::string_view to_string(Family family) {
  switch (family) {
    case kIdentity:
      return "identity";
    case kPosition:
      return "position";
    case kSpace:
      return "value space";
    case kLifetime:
      return "lifetime";
    case kTable:
      return "table";
  }
  return {};
}

}  // namespace meld_verify::check
