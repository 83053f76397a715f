#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Registers, stack and spills of every CUDA kernel, as a Markdown table; fails on a spill.

registers.py NVCC SOURCE... -- FLAG...      (the target `cuda_registers` calls it)
"""
import pathlib
import re
import subprocess
import sys

TARGETS = ["80", "86", "89", "90", "100", "120"]


def kernel_name(mangled):
    name = subprocess.run(["c++filt", mangled], capture_output=True, text=True, check=True).stdout.strip()
    name = name.replace("mneme::(anonymous namespace)::", "").removeprefix("void ").split("(mneme::CudaCall")[0]
    table = (pathlib.Path(__file__).parent.parent / "weight_types.h").read_text()
    elements = re.findall(r"^ +X\(\w+, +(\w+),", table, re.M)
    return re.sub(r"\(mneme::Element\)(\d+)", lambda m: elements[int(m[1])], name)


def report(nvcc, source, flags):
    """{kernel: {target: (registers, stack, spills)}} of one file."""
    code = [f"-gencode=arch=compute_{t},code=sm_{t}" for t in TARGETS]
    said = subprocess.run([nvcc, *flags, *code, "-Xptxas=-v", "-c", source, "-o", "/dev/null"],
                          capture_output=True, text=True)
    if said.returncode:
        sys.exit(said.stderr)
    kernels, current = {}, None
    for line in said.stderr.splitlines():
        if m := re.search(r"Compiling entry function '(\w+)' for 'sm_(\d+)'", line):
            current = (m[1], m[2])
        elif m := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            stack, spills = int(m[1]), int(m[2]) + int(m[3])
        elif (m := re.search(r"Used (\d+) registers", line)) and current:
            kernels.setdefault(current[0], {})[current[1]] = (int(m[1]), stack, spills)
            current = None
    return kernels


def main():
    nvcc, rest = sys.argv[1], sys.argv[2:]
    split = rest.index("--")
    sources, flags = rest[:split], rest[split + 1:]
    version = re.search(r"V([\d.]+)", subprocess.run([nvcc, "--version"], capture_output=True, text=True).stdout)[1]
    print(f"nvcc {version}; registers a thread, and bytes of stack and spills where there are any\n")
    print("| file | kernel | " + " | ".join(f"sm_{t}" for t in TARGETS) + " |")
    print("|---|---|" + "---:|" * len(TARGETS))
    spilled = False
    for source in sources:
        for mangled, targets in sorted(report(nvcc, source, flags).items()):
            cells = []
            for t in TARGETS:
                registers, stack, spills = targets[t]
                spilled |= spills > 0
                cells.append(f"{registers}" + (f" (stack {stack})" if stack else "") + (f" (spills {spills})" if spills else ""))
            print(f"| {pathlib.Path(source).name} | `{kernel_name(mangled)}` | " + " | ".join(cells) + " |")
    sys.exit("a kernel spills" if spilled else 0)


main()
