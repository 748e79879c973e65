"""What nvcc made of the CUDA kernels of a build: registers, stack, machine instructions. Needs no GPU.

  python tools/kernel_resources.py [--sass]

Reads the object files of src/**/x_cuda.cu below build/ with cuobjdump and nvdisasm, which come with PyPI's triton (tools/requirements-torch.txt). A thread's
stack holds its small arrays and the registers that did not fit. --sass adds counts of instructions: loads from shared memory one word, two and four at a
time (LDS, LDS.64, LDS.128), loads from global memory (LDG) and from a memory that the compiler does not know (LD), fused multiply-adds (FFMA), whole-number
arithmetic (IMAD, IADD3, LEA, ISETP, ...), barriers (BAR); and of the innermost loops that hold a fused multiply-add, loads and arithmetic for each of these.
"""

import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUNCTION = re.compile(r"\d+([a-z_]+_kernel)(?:I((?:L[ib]n?\d+E)+)E)?")  # a kernel's name inside its mangled name, and the numbers it is a template of
INTEGER = ("IMAD", "IADD3", "LEA", "ISETP", "LOP3", "SHF", "IABS")


def binaries():
    """The folder with cuobjdump and nvdisasm, or None."""
    found = sorted(ROOT.glob(".venv/lib/python3*/site-packages/triton/backends/nvidia/bin/cuobjdump"))
    return found[0].parent if found else None


def objects(build=ROOT / "build"):
    """{"src/mpc/mpc_cuda.cu": object file} of a build with CUDA."""
    found = {}
    for path in sorted(build.glob("src/*/CMakeFiles/*.dir/*_cuda.cu.o")):
        found[f"src/{path.parents[2].name}/{path.name[:-2]}"] = path
    return found


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def kernel_name(mangled):
    match = FUNCTION.search(mangled)
    if not match:
        return mangled
    numbers = [number.replace("n", "-") for number in re.findall(r"L[ib](n?\d+)E", match.group(2) or "")]
    return match.group(1) + (f"<{', '.join(numbers)}>" if numbers else "")


def resources(path):
    """{kernel: (registers, stack bytes)} of an object file."""
    text = run([binaries() / "cuobjdump", "--dump-resource-usage", path])
    found = re.findall(r"Function (\S+):\s*\n\s*REG:(\d+) STACK:(\d+)", text)
    return {kernel_name(name): (int(registers), int(stack)) for name, registers, stack in found}


def instructions(path):
    """{kernel: [(address, opcode, target address of a branch or None)]}."""
    text = subprocess.run(
        [binaries() / "cuobjdump", "-sass", path], capture_output=True, text=True, env={"PATH": f"{binaries()}:/usr/bin:/bin"}
    ).stdout
    found, current = {}, None
    for line in text.splitlines():
        if "Function :" in line:
            current = found.setdefault(kernel_name(line.split("Function :")[1].strip()), [])
        match = re.match(r"\s+/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P\d+\s+)?([A-Z][A-Z0-9.]*)([^;]*);", line)
        if match and current is not None:
            target = re.search(r"0x([0-9a-f]+)\s*$", match.group(3)) if match.group(2).startswith("BRA") else None
            current.append((int(match.group(1), 16), match.group(2), int(target.group(1), 16) if target else None))
    return found


def inner_loops(code):
    """[instructions of a loop that holds no other loop], by branches backwards."""
    spans = sorted({(target, address) for address, _, target in code if target is not None and target < address})
    innermost = [(a, b) for a, b in spans if not any(a <= c and d <= b and (c, d) != (a, b) for c, d in spans)]
    return [[opcode for address, opcode, _ in code if a <= address <= b] for a, b in innermost]


def count(opcodes, *names):
    return sum(opcode.split(".")[0] in names for opcode in opcodes)


def describe_code(code):
    """Counts of one kernel as text."""
    opcodes = [opcode for _, opcode, _ in code]
    wide = {width: sum(opcode.startswith("LDS") and f".{width}" in opcode for opcode in opcodes) for width in (64, 128)}
    loads = count(opcodes, "LDS")
    loops = [loop for loop in inner_loops(code) if count(loop, "FFMA")]
    fused = sum(count(loop, "FFMA") for loop in loops)
    line = f"{len(opcodes)} instructions: LDS {loads - sum(wide.values())}, LDS.64 {wide[64]}, LDS.128 {wide[128]}, LD {count(opcodes, 'LD')}, "
    line += f"LDG {count(opcodes, 'LDG')}, FFMA {count(opcodes, 'FFMA')}, integer {count(opcodes, *INTEGER)}, BAR {count(opcodes, 'BAR')}, "
    line += f"LDL and STL {count(opcodes, 'LDL', 'STL')}"
    if loops:
        shared, other, integer = (sum(count(loop, *names) for loop in loops) / fused for names in (("LDS",), ("LD", "LDG"), INTEGER))
        line += f"; {len(loops)} inner loops with FFMA: per FFMA {shared:.2f} LDS, {other:.2f} other loads, {integer:.2f} integer, "
        line += f"{sum(map(len, loops)) / fused:.2f} instructions in all"
    return line


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sass", action="store_true", help="count machine instructions too")
    options = parser.parse_args(argv)
    if binaries() is None or not objects():
        print("kernel_resources: needs a build with CUDA and the Python package triton; run ./tandem test once", file=sys.stderr)
        return 1
    for source, path in objects().items():
        code = instructions(path) if options.sass else {}
        for name, (registers, stack) in resources(path).items():
            print(f"{source} {name}: {registers} registers, {stack} bytes of stack")
            if name in code:
                print(f"    {describe_code(code[name])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
