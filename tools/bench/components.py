"""Component binaries of a wanted size, for measurements.

components.py padded COMPONENT BYTES OUT    COMPONENT with one more core module, so that it has about BYTES
components.py chain LINKS OUT               LINKS instances of one component (needs wasm-tools)
"""

import pathlib
import subprocess
import sys

RESOURCES = 4
# Functions that each component gives and calls: parameters, results.
FUNCTIONS = [
    ("", "(own $r0)"),
    ("(borrow $r0)", ""),
    ("", "(own $r1)"),
    ("(own $r1)", ""),
    ("", "(own $r2)"),
    ("(borrow $r2)", ""),
    ("(borrow $r3)", ""),
    ("", "(own $r3)"),
]


def leb(number: int) -> bytes:
    """An unsigned LEB128 number."""
    out = bytearray()
    while True:
        byte = number & 0x7F
        number >>= 7
        if number == 0:
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


def section(number: int, content: bytes) -> bytes:
    return bytes([number]) + leb(len(content)) + content


def padding_module(size: int) -> bytes:
    """A valid core module of about `size` bytes: two thirds functions of 200 to 1,600 bytes, one third data."""
    step = bytes([0x20, 0x00, 0x41, 0x95, 0x01, 0x6A, 0x21, 0x00])  # local.get 0; i32.const 149; i32.add; local.set 0
    bodies = bytearray()
    count = 0
    while len(bodies) < size * 2 // 3:
        body = b"\x00" + step * (25 * (1 + count % 8)) + b"\x20\x00\x0b"
        bodies += leb(len(body)) + body
        count += 1
    data = bytes(range(256)) * (size // 3 // 256)
    pages = len(data) // 65536 + 1
    return (
        b"\0asm\x01\0\0\0"
        + section(1, b"\x01\x60\x01\x7f\x01\x7f")
        + section(3, leb(count) + b"\0" * count)
        + section(5, b"\x01\x00" + leb(pages))
        + section(10, leb(count) + bytes(bodies))
        + section(11, b"\x01\x00\x41\x00\x0b" + leb(len(data)) + data)
    )


def padded(component: pathlib.Path, size: int) -> bytes:
    """`component` with one more core module, so that it has about `size` bytes."""
    whole = component.read_bytes()
    return whole + section(1, padding_module(size - len(whole)))


def interface(name: str) -> str:
    """The type of the instance that each component imports and exports, as an import."""
    lines = [f'(import "{name}" (instance $dep']
    lines += [f'  (export "r{r}" (type $r{r} (sub resource)))' for r in range(RESOURCES)]
    for number, (param, result) in enumerate(FUNCTIONS):
        params = f'(param "v" {param})' if param else ""
        results = f"(result {result})" if result else ""
        lines.append(f'  (export "f{number}" (func {params} {results}))')
    return "\n".join(lines + ["))"])


def link() -> str:
    """A component that defines four resource types and calls all functions of the component that it is given."""
    lines = [interface("dep")]
    for r in range(RESOURCES):
        lines.append(f'(alias export $dep "r{r}" (type $d{r}))')
        lines.append(f"(core func $drop-d{r} (canon resource.drop $d{r}))")
    for number in range(len(FUNCTIONS)):
        lines.append(f'(alias export $dep "f{number}" (func $g{number}))')
        lines.append(f"(core func $lower{number} (canon lower (func $g{number})))")
    imports, exports, calls, given = [], [], [], []
    for number, (param, result) in enumerate(FUNCTIONS):
        core = ("(param i32) " if param else "") + ("(result i32)" if result else "")
        imports.append(f'(import "dep" "f{number}" (func $f{number} {core}))')
        argument = "(local.get 0) " if param else ""
        calls.append(f'(func (export "f{number}") {core} {argument}(call $f{number}))')
        given.append(f'(export "f{number}" (func $lower{number}))')
    imports += [f'(import "dep" "drop{r}" (func (param i32)))' for r in range(RESOURCES)]
    given += [f'(export "drop{r}" (func $drop-d{r}))' for r in range(RESOURCES)]
    lines.append("(core module $m\n" + "\n".join(imports + calls) + ")")
    lines.append("(core instance $lowers\n" + "\n".join(given) + ")")
    lines.append('(core instance $i (instantiate $m (with "dep" (instance $lowers))))')
    lines += [f"(type $r{r} (resource (rep i32)))" for r in range(RESOURCES)]
    for number, (param, result) in enumerate(FUNCTIONS):
        params = f'(param "v" {param})' if param else ""
        results = f"(result {result})" if result else ""
        lines.append(
            f'(func $h{number} {params} {results} (canon lift (core func $i "f{number}")))'
        )
    exports = [f'(export "r{r}" (type $r{r}))' for r in range(RESOURCES)]
    exports += [f'(export "f{number}" (func $h{number}))' for number in range(len(FUNCTIONS))]
    lines.append("(instance $api\n" + "\n".join(exports) + ")")
    lines.append('(export "api" (instance $api))')
    return "(component $link\n" + "\n".join(lines) + ")"


def chain_text(links: int) -> str:
    """A component in text: `links` instances of one component, each calling the one before, the first the host."""
    lines = [interface("host"), link()]
    before = "$dep"
    for number in range(links):
        lines.append(f'(instance $i{number} (instantiate $link (with "dep" (instance {before}))))')
        lines.append(f'(alias export $i{number} "api" (instance $a{number}))')
        before = f"$a{number}"
    lines.append(f'(export "api" (instance {before}))')
    return "(component\n" + "\n".join(lines) + ")"


def main(arguments: list[str]) -> int:
    match arguments:
        case ["padded", component, size, out]:
            pathlib.Path(out).write_bytes(padded(pathlib.Path(component), int(size)))
        case ["chain", links, out]:
            text = pathlib.Path(out).with_suffix(".wat")
            text.write_text(chain_text(int(links)))
            subprocess.run(["wasm-tools", "parse", str(text), "-o", out], check=True)
            text.unlink()
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
