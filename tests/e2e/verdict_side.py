"""Asks meld-verify for its verdict on a fused file, and judges that verdict by what is known of the file."""
import dataclasses
import json
import subprocess
import time

EXIT_OF = {"proved": 0, "refuted": 1, "unknown": 3, "unsupported": 4}
SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Verdict:
    """`word` is one of EXIT_OF, or `broken`: the program crashed, did not end, or contradicts itself (`why`)."""
    word: str
    codes: tuple = ()
    why: str = ""
    seconds: float = 0.0
    report: dict = dataclasses.field(default_factory=dict, compare=False)

    def __str__(self):
        return self.word + (f" ({', '.join(self.codes)})" if self.codes else "") + (f": {self.why}" if self.why else "")


def ask(program, composed, fused, *options, seconds=SECONDS):
    """The verdict of `meld-verify COMPOSED FUSED --format json OPTIONS`. A file refused as input is `unknown`'s worse
    brother and comes out as `broken` too: every file that these tests hand over belongs to its composed one."""
    command = [str(program), str(composed), str(fused), "--format", "json", *options]
    begin = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return Verdict("broken", why=f"did not end within {seconds} s", seconds=seconds)
    took = time.monotonic() - begin
    said = " ".join(done.stderr.split())[:200]
    if done.returncode < 0:
        return Verdict("broken", why=f"killed by signal {-done.returncode}: {said}", seconds=took)
    try:
        report = json.loads(done.stdout)
        word = report["verdict"]
        codes = tuple(dict.fromkeys(f["code"] for f in report["findings"] if f["refutes"]))
    except (ValueError, KeyError, TypeError) as error:
        return Verdict("broken", why=f"exit {done.returncode} without a report ({error}): {said}", seconds=took)
    if EXIT_OF.get(word) != done.returncode:
        return Verdict("broken", why=f"says {word} and ends {done.returncode}: {said}", seconds=took, report=report)
    if (word == "refuted") != bool(codes):
        return Verdict("broken", why=f"says {word} with {len(codes)} codes of findings that refute", seconds=took, report=report)
    return Verdict(word, codes, reason(report) if word in ("unknown", "unsupported") else "", took, report)


def reason(report):
    """Why it is not decided, in one sentence."""
    for key in ("open", "unsupported", "unproved"):
        for item in report.get(key, ()):
            if item.get("reachable", True):
                return item.get("sentence") or item.get("place", key)
    return report.get("error", "no reason given")


@dataclasses.dataclass(frozen=True)
class Known:
    """What is known of a fused file without asking. `right`: True, False, or None where only a run speaks. `differs`: a run
    of it shows a difference. `decided`: unknown is no answer."""
    right: bool | None
    differs: bool = False
    decided: bool = False


# What `judge` says: the first two are failures.
WRONG_PROOF, FALSE_ALARM, BROKEN, UNDECIDED = "WRONG PROOF", "FALSE ALARM", "BROKEN", "UNDECIDED"
OPEN, AGREES, UNCONFIRMED = "open", "agrees", "refuted, and no run shows it"
FAILURES = (WRONG_PROOF, FALSE_ALARM, BROKEN, UNDECIDED)


def judge(known, verdict):
    if verdict.word == "broken":
        return BROKEN
    if verdict.word == "proved":
        return WRONG_PROOF if known.differs or known.right is False else AGREES
    if verdict.word == "refuted":
        if known.right is True:
            return FALSE_ALARM
        return AGREES if known.differs or known.right is False else UNCONFIRMED
    return UNDECIDED if known.decided else OPEN
