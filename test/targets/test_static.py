"""The emitted code of processors that are not at hand: what its hottest loops must not have, and
how near to the busiest port they are (bench/static.py says how that is found)."""

from __future__ import annotations

import pytest

import static
from static import CASES, PROCESSORS, Processor

# One processor for each instruction set: the loops are the same for all others.
LEVELS = {each.target: each for each in PROCESSORS}

# Vectors that move to or from the stack in the hottest loop, and why that is still so.
SPILLS = {
    # The sum of the columns' bytes is one more vector for each of theirs (signed dot products).
    ("matrix product, 8-bit", "armv8.2-a+fp16+dotprod"): 20,
    # Without an instruction for it, f16 becomes f32 in a dozen steps with as many masks.
    ("matrix product, f16 stored", "riscv64-vlen256"): 40,
    ("matrix product, f16 stored", "riscv64-vlen512"): 4,
    # Erf has 13 coefficients, and as a vector each fills two registers.
    ("GELU", "riscv64-vlen256"): 4,
    ("GELU", "riscv64-vlen512"): 4,
}
# Settings of the vector length in the hottest loop beyond one: masks have elements of another size.
SETTINGS = {
    ("matrix product, f16 stored", "riscv64-vlen256"): 4,
    ("matrix product, f16 stored", "riscv64-vlen512"): 20,
    ("depthwise 3x3", "riscv64-vlen512"): 2,
}
PRODUCTS = ("matrix product 256", "convolution 1x1", "convolution 3x3, stride 2")


@pytest.mark.parametrize("target", LEVELS)
@pytest.mark.parametrize("name", CASES)
def test_hot_loops(name: str, target: str) -> None:
    _, kernels = static.kernels_of(name, target)
    for kernel in kernels:
        assert not kernel["undefined_calls"], kernel["kernel"]
        scalar = [loop["instructions"] for loop in kernel["loops"] if loop["is_scalar"]]
        assert not scalar, f"{kernel['kernel']} has a loop of scalars: {scalar[0]}"
    hot = static.hottest(kernels, name)
    assert len(hot["stack_traffic"]) <= SPILLS.get((name, target), 0), hot["stack_traffic"]
    assert hot["configurations"] <= SETTINGS.get((name, target), 1)


@pytest.mark.parametrize("target", LEVELS)
@pytest.mark.parametrize("name", PRODUCTS)
def test_tiles_of_products_are_mostly_multiply_adds(name: str, target: str) -> None:
    """NEON: 24 of 35 instructions; RISC-V: 7 of the 8 that work on vectors."""
    hot = static.hottest(static.kernels_of(name, target)[1], name)
    of = hot["vectors"] if target.startswith("riscv") else len(hot["instructions"])
    assert hot["multiply_adds"] / of >= (0.85 if target.startswith("riscv") else 0.65)


@pytest.mark.parametrize("processor", PROCESSORS, ids=lambda each: each.cpu)
@pytest.mark.parametrize("name", PRODUCTS)
def test_tiles_of_products_are_near_the_bound_of_the_ports(name: str, processor: Processor) -> None:
    """Of processors that reorder. The others wait for what they load: the A55 makes a multiply-add
    in 1.5 cycles, those of RISC-V are half again above their bound, at most."""
    row = static.measure(name, processor)
    assert row.bound > 0
    if processor.cpu == "cortex-a55":
        assert row.cycles / row.multiply_adds <= 1.5
    else:
        assert row.above_bound <= (1.5 if processor.triple == "riscv64" else 1.08)


def test_a_loop_is_found_with_its_setting_of_the_vector_length() -> None:
    loop = ["vle32.v\tv8, (a0)", "bne\ta0, a1, .L1"]
    setting = "vsetivli\tzero, 16, e32, m4, ta, ma"
    assembly = f"k:\n\t{setting}\n.L1:\n\t{loop[0]} # comment\n\t{loop[1]}\n"
    assert static.grouping(assembly, loop) == ("M4", "E32")
