"""What nvcc made of the CUDA kernels: almost nothing may be spilled. Needs the objects of a build with CUDA, no GPU."""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import kernel_resources  # noqa: E402

# Bytes on a thread's stack that are known. Small arrays: the slow path of sin and cos for huge angles (32), a swing row of up to 32 joints (312).
STACK = {
    "begin_kernel": 32,
    "finish_kernel": 32,
    "linearise_kernel": 312,
}
# Solves by variant and sizes (device_plan.hpp): compiled for some sizes, or for any (-1), which keep places of the problem's parts on the stack.
KNOWN = {"solve_kernel<0, 0>", "solve_kernel<1, 1>", "solve_kernel<0, 2>", "solve_kernel<1, 3>", "solve_kernel<2, 4>"}
ANY = {f"solve_kernel<{variant}, -1>" for variant in range(4)}
STACK.update(dict.fromkeys(ANY, 660))


@pytest.fixture(scope="module")
def objects():
    if kernel_resources.binaries() is None or not kernel_resources.objects():
        pytest.skip("no build with CUDA, or no cuobjdump")
    return kernel_resources.objects()


def test_the_kernels_of_the_controller_spill_nothing_new(objects):
    found = kernel_resources.resources(objects["src/mpc/mpc_cuda.cu"])
    assert {"begin_kernel", "linearise_kernel", "finish_kernel"} | KNOWN | ANY <= set(found)
    for name, (registers, stack) in found.items():
        assert stack <= STACK.get(name, 0), f"{name}: {stack} bytes of stack, {registers} registers"


def test_scratch_in_shared_memory_is_addressed_as_such(objects):
    # a load that does not know its memory (LD) takes an address of 64 bits and a look at it
    code = kernel_resources.instructions(objects["src/mpc/mpc_cuda.cu"])
    for kernel in KNOWN | {"solve_kernel<0, -1>"}:
        opcodes = [opcode for _, opcode, _ in code[kernel]]
        assert kernel_resources.count(opcodes, "LDS") > 1000
        # the function that it may call for products, which comes after its end, knows both kinds
        end = max(i for i, opcode in enumerate(opcodes) if opcode == "EXIT")
        # nine each way where the Cholesky factorisation chooses between two matrices
        assert kernel_resources.count(opcodes[:end], "LD", "ST") <= 18, kernel
        assert (kernel_resources.count(opcodes[end:], "LDS") > 50) == (kernel not in KNOWN)
        assert kernel_resources.count(opcodes, "LDL", "STL") == 0 or kernel in ANY


def test_inner_loops_are_those_without_a_loop_inside():
    code = [(16 * i, opcode, None) for i, opcode in enumerate(["MOV", "LDS", "FFMA", "BRA", "FFMA", "BRA", "EXIT"])]
    code[3] = (48, "BRA", 16)  # back to LDS
    code[5] = (80, "BRA", 0)  # around it
    assert kernel_resources.inner_loops(code) == [["LDS", "FFMA", "BRA"]]
    assert kernel_resources.kernel_name("_ZN6tandem12_GLOBAL__N_112solve_kernelILi3ELb1EEEvNS_7MpcViewIfEE") == "solve_kernel<3, 1>"
    assert kernel_resources.kernel_name("_ZN6tandem12_GLOBAL__N_112solve_kernelILi2ELin1EEEvNS_7MpcViewIfEE") == "solve_kernel<2, -1>"
    assert kernel_resources.kernel_name("_ZN6tandem12_GLOBAL__N_112begin_kernelENS_7MpcViewIfEE") == "begin_kernel"
