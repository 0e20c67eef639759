"""Fuses components with meld (package `meld-cli`) and runs what comes out under Wasmtime: the other side of the tests of the
verdict on a fused file.

`MELD` is None where meld is not on PATH. Nothing here knows what the engine says.
"""
import dataclasses
import hashlib
import json
import pathlib
import shutil
import subprocess

import make_fused_programs
import program_types
import make_programs
import wasmtime_side

MELD = shutil.which("meld")
# What a run may take: 20,000 objects through three re-exporters take a hundredth of it.
FUEL = 4_000_000_000
WELL, TRAP, FAILED, ENDLESS, LOST, UNLOADED = "ended well", "trapped", "gave an error", "did not end", "has no run", "was not loaded"


@dataclasses.dataclass(frozen=True)
class End:
    """How a run ended; `text` is the run time's."""
    how: str
    text: str = ""

    def same(self, other):
        """Whether two runs show no difference: texts of traps may differ."""
        return self.how == other.how

    def __str__(self):
        return f"{self.how} ({self.text})" if self.text else self.how


def end_of(binary, fuel=FUEL):
    """Runs `run` of a component's bytes: of `wasi:cli/run`, else its own."""
    wasmtime, component = wasmtime_side.wasmtime, wasmtime_side.component
    config = wasmtime.Config()
    for feature in ("wasm_multi_memory", "wasm_component_model", "consume_fuel"):
        setattr(config, feature, True)
    engine = wasmtime.Engine(config)
    try:
        loaded = component.Component(engine, binary)
    except wasmtime.WasmtimeError as error:
        return End(UNLOADED, wasmtime_side.one_line(error)[:200])
    store = wasmtime.Store(engine)
    store.set_fuel(fuel)
    try:
        instance = component.Linker(engine).instantiate(store, loaded)
        interface = instance.get_export_index(store, make_fused_programs.RUN)
        index = instance.get_export_index(store, "run", interface) if interface else instance.get_export_index(store, "run")
        function = index and instance.get_func(store, index)
        if not function:
            return End(LOST)
        given = function(store)
    except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return End(ENDLESS if "all fuel consumed" in str(error) else TRAP, lines[-1][:120] if lines else "")
    return End(FAILED) if getattr(given, "tag", None) == "err" else End(WELL)


def missing():
    """What is not installed, as a sentence; nothing where all but meld is there."""
    if not shutil.which("wasm-tools"):
        return "wasm-tools is not on PATH; tools/setup installs it"
    return None if wasmtime_side.ENGINE else "the Python package wasmtime is not installed; tools/setup installs it"


def fuse(composed, fused, core=False):
    """Writes `fused`; what meld says when it refuses, else None. The same input always gives the same bytes."""
    command = [MELD, "fuse", "--reproducible", str(composed), "-o", str(fused)] + ([] if core else ["--component"])
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode == 0 and pathlib.Path(fused).exists():
        return None
    said = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    at = next((i for i, line in enumerate(said) if line.startswith("Error") or "panicked" in line), 0)
    return " ".join(said[at:at + 4])[:300] or f"exit {done.returncode}"


def valid(binary):
    return subprocess.run(["wasm-tools", "validate", "--features", "all", str(binary)], capture_output=True, timeout=120).returncode == 0


def version():
    return subprocess.run([MELD, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout.strip()


@dataclasses.dataclass
class Pair:
    """A composed file and what meld made of it. `refused` and `refused_core` are meld's words, or None."""
    name: str
    about: str
    composed: pathlib.Path
    fused: pathlib.Path
    core: pathlib.Path
    refused: str | None
    refused_core: str | None
    valid: bool
    composed_end: End
    fused_end: End | None


def sources():
    digest = hashlib.sha256()
    for module in (make_fused_programs, make_programs, program_types):
        digest.update(pathlib.Path(module.__file__).read_bytes())
    digest.update(pathlib.Path(__file__).read_bytes())
    digest.update(version().encode())
    return digest.hexdigest()[:16]


def pair(seed, cache):
    """The program of a seed, fused and run; kept in the folder `cache` for the next time."""
    folder = pathlib.Path(cache) / sources() / str(seed)
    note = folder / "pair.json"
    composed, fused, core = folder / "composed.wasm", folder / "fused.wasm", folder / "fused.core.wasm"
    if not note.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = make_fused_programs.program(seed)
        text = folder / "composed.wat"
        text.write_text(f";; {made.about}\n{made.text()}", encoding="utf-8")
        make_fused_programs.wasm_tools("parse", text, "-o", composed)
        make_fused_programs.wasm_tools("validate", "--features", "all", composed)
        held = {"about": made.about, "refused": fuse(composed, fused), "refused_core": fuse(composed, core, core=True)}
        held["valid"] = held["refused"] is None and valid(fused)
        held["composed_end"] = dataclasses.astuple(end_of(composed.read_bytes()))
        held["fused_end"] = dataclasses.astuple(end_of(fused.read_bytes())) if held["valid"] else None
        # Last, and in one step: what was stopped half way is made anew.
        (folder / "pair.part").write_text(json.dumps(held, indent=1), encoding="utf-8")
        (folder / "pair.part").rename(note)
    held = json.loads(note.read_text(encoding="utf-8"))
    return Pair(f"seed {seed}", held["about"], composed, fused, core, held["refused"], held["refused_core"], held["valid"],
                End(*held["composed_end"]), End(*held["fused_end"]) if held["fused_end"] else None)
