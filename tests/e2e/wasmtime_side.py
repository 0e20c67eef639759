"""Runs components in Wasmtime (Python package `wasmtime`): the other side of the differential tests.

`ENGINE` is None where the package is missing. An outcome is `Value(text)`, `Trap(message)` or `NotThere(reason)`: the
last is what this run time cannot load or call, which is never an agreement.
"""
import dataclasses
import struct

try:
    import wasmtime
    from wasmtime import component
    ENGINE = wasmtime.Engine(wasmtime.Config())
except ImportError:
    wasmtime = component = ENGINE = None

# What the package has no switch for, by the text of its refusal.
NO_SWITCH = ("fixed-length lists feature", "component model async feature", "64-bit memories", "`cm64` feature")


@dataclasses.dataclass(frozen=True)
class Value:
    text: str


@dataclasses.dataclass(frozen=True)
class Trap:
    message: str


@dataclasses.dataclass(frozen=True)
class NotThere:
    reason: str


def engine():
    config = wasmtime.Config()
    for feature in ("wasm_multi_memory", "wasm_component_model", "wasm_component_model_map"):
        setattr(config, feature, True)
    return wasmtime.Engine(config)


def one_line(error):
    return " ".join(str(error).split())


class Instance:
    """One instance in a store of its own. `started` is a Value where it is there to be called."""

    def __init__(self, binary):
        try:
            self.engine = engine()
            loaded = component.Component(self.engine, binary)
        except wasmtime.WasmtimeError as error:
            text = one_line(error)
            self.started = NotThere(next((part for part in NO_SWITCH if part in text), f"not loaded: {text}"))
            return
        self.names = export_names(loaded, self.engine)
        self.store = wasmtime.Store(self.engine)
        try:
            self.instance = component.Linker(self.engine).instantiate(self.store, loaded)
            self.started = Value("")
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            text = one_line(error)
            missing = "matching implementation was not found" in text or "unknown import" in text
            self.started = NotThere(f"not instantiated: {text}") if missing else Trap(text)

    def find(self, name):
        """A function by its name, or as `interface#name`, where the interface's version may be left out."""
        path = next((path for path in self.names if matches(path, name)), None)
        if path is None:
            return None
        index = None
        for step in path:
            index = self.instance.get_export_index(self.store, step, index)
        return self.instance.get_func(self.store, index)

    def call(self, name, arguments=()):
        """`arguments` in the JSON of wasm-tools json-from-wast."""
        if not isinstance(self.started, Value):
            return self.started
        function = self.find(name)
        if function is None:
            return NotThere(f"no function {name}")
        kind = function.type(self.store)
        values = [python_of(value, ty) for value, (_, ty) in zip(arguments, kind.params, strict=True)]
        try:
            result = function(self.store, *values)
            function.post_return(self.store)
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            return Trap(one_line(error))
        return Value("" if kind.result is None else text_of_python(result, kind.result))


def export_names(loaded, in_engine):
    """Paths of all exported functions."""
    paths = []
    for name, item in loaded.type.exports(in_engine).items():
        if isinstance(item.ty, component.FuncType):
            paths.append((name,))
        elif isinstance(item.ty, component.ComponentInstanceType):
            paths += [(name, inner) for inner, kind in item.ty.exports(in_engine).items()
                      if isinstance(kind.ty, component.FuncType)]
    return paths


def matches(path, name):
    if len(path) == 1:
        return path[0] == name
    return name in (f"{path[0]}#{path[1]}", f"{path[0].split('@')[0]}#{path[1]}", path[1])


# --- values, of Python and of json-from-wast, as one text

def text_of_float(value, width):
    if value != value:
        return "nan"
    return struct.pack(f">{'f' if width == 32 else 'd'}", value).hex()


def is_kind(ty, name):
    return type(ty).__name__ == name


def text_of_python(value, ty):
    """A result, by its type: numbers in decimal, floats as bits, strings as code points."""
    kind = type(ty).__name__
    if kind in ("F32", "F64"):
        return text_of_float(value, int(kind[1:]))
    if kind in ("Char", "String"):
        return ".".join(f"{ord(c):x}" for c in value)
    if kind == "Bool":
        return str(value).lower()
    if kind == "ListType":
        return "[" + ", ".join(text_of_python(item, ty.element) for item in value) + "]"
    if kind == "TupleType":
        return "(" + ", ".join(text_of_python(item, e) for item, e in zip(value, ty.elements)) + ")"
    if kind == "RecordType":
        return "(" + ", ".join(text_of_python(getattr(value, n), t) for n, t in ty.fields) + ")"
    if kind == "FlagsType":
        return "{" + ", ".join(sorted(name for name in value)) + "}"
    if kind == "EnumType":
        return value
    if kind == "OptionType":
        payload = value.payload if isinstance(value, component.Variant) else value
        none = value.tag == "none" if isinstance(value, component.Variant) else value is None
        return "none" if none else f"some({text_of_python(payload, ty.payload)})"
    if kind == "ResultType":
        if isinstance(value, component.Variant):
            payload = ty.ok if value.tag == "ok" else ty.err
            return value.tag + (f"({text_of_python(value.payload, payload)})" if payload else "")
        if ty.ok is None or ty.err is None:
            # The package tells them apart by whether there is a payload.
            other = ty.ok or ty.err
            tag = "ok" if (value is not None) == (ty.ok is not None) else "error"
            return tag + (f"({text_of_python(value, other)})" if value is not None else "")
        return text_of_untagged(value, [("ok", ty.ok), ("error", ty.err)])
    if kind == "VariantType":
        if isinstance(value, component.Variant):
            payload = dict(ty.cases)[value.tag]
            return value.tag + (f"({text_of_python(value.payload, payload)})" if payload else "")
        return text_of_untagged(value, ty.cases)
    return str(value)


def text_of_untagged(value, cases):
    """The package leaves the tag out where the payloads are of different Python classes."""
    for tag, ty in cases:
        classes = set()
        if ty is None:
            if value is None:
                return tag
            continue
        ty.add_classes(classes)
        if isinstance(value, tuple(classes)):
            return f"{tag}({text_of_python(value, ty)})"
    raise ValueError(f"{value!r} is of no case")


def text_of_json(value):
    """The same text of an expected value of a script."""
    kind, content = value["type"], value.get("value")
    if kind in ("f32", "f64"):
        if content.startswith("nan"):
            return "nan"
        bits = int(content)
        width = int(kind[1:])
        number = struct.unpack(f">{'f' if width == 32 else 'd'}", bits.to_bytes(width // 8, "big"))[0]
        return text_of_float(number, width)
    if kind in ("char", "string"):
        return ".".join(f"{ord(c):x}" for c in content)
    if kind == "bool":
        return str(content).lower()
    if kind == "list":
        return "[" + ", ".join(text_of_json(item) for item in content) + "]"
    if kind == "tuple":
        return "(" + ", ".join(text_of_json(item) for item in content) + ")"
    if kind == "record":
        return "(" + ", ".join(text_of_json(item) for _, item in content) + ")"
    if kind == "flags":
        return "{" + ", ".join(sorted(content)) + "}"
    if kind == "enum":
        return content
    if kind == "option":
        return "none" if content is None else f"some({text_of_json(content)})"
    if kind == "result":
        tag = "ok" if "Ok" in content else "error"
        payload = content["Ok" if tag == "ok" else "Err"]
        return tag + (f"({text_of_json(payload)})" if payload is not None else "")
    if kind == "variant":
        payload = content.get("payload") if isinstance(content, dict) else value.get("payload")
        case = content["case"] if isinstance(content, dict) else value["case"]
        return case + (f"({text_of_json(payload)})" if payload is not None else "")
    return str(content)


def python_of(value, ty):
    """An argument of a script for the package. Those of scripts are scalars, strings and lists."""
    kind = type(ty).__name__
    content = value["value"]
    if kind in ("F32", "F64"):
        width = int(kind[1:])
        return struct.unpack(f">{'f' if width == 32 else 'd'}", int(content).to_bytes(width // 8, "big"))[0]
    if kind in ("Char", "String", "Bool"):
        return content
    if kind == "ListType":
        items = [python_of(item, ty.element) for item in content]
        return bytes(items) if is_kind(ty.element, "U8") else items
    return int(content)
