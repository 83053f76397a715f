# SPDX-License-Identifier: Apache-2.0
"""Turns a shader's SPIR-V from SPV_NV_cooperative_matrix to SPV_KHR_cooperative_matrix.

usage: cooperative_matrix.py SHADER.spv OUT.inc

Devices of all makers offer Khronos' extension; Debian 12's glslc knows only NVIDIA's, from which
that was made. The instructions are the same four but for their numbers, the order of operands, and
two things that Khronos' says and NVIDIA's does not: a type names its use (A, B or accumulator),
which is found here from the products it occurs in, and memory has one of several layouts instead of
"column major or not". Writes the words as C numbers. Anything unexpected ends the build.
"""

import struct
import sys

MAGIC = 0x07230203
EXTENSION, CAPABILITY, TYPE_INT, TRUE, FALSE, CONSTANT = 10, 17, 21, 41, 42, 43
LOAD, COMPOSITE_EXTRACT, PHI = 61, 81, 245
CAPABILITY_NV, CAPABILITY_KHR = 5357, 6022
TYPE_NV, LOAD_NV, STORE_NV, MUL_ADD_NV, LENGTH_NV = 5358, 5359, 5360, 5361, 5362
TYPE_KHR, LOAD_KHR, STORE_KHR, MUL_ADD_KHR = 4456, 4457, 4458, 4459


def text_words(text):
    data = text.encode() + b"\0"
    return list(struct.unpack(f"<{-(-len(data) // 4)}I", data.ljust(-(-len(data) // 4) * 4, b"\0")))


def instructions(words):
    at = 5
    while at < len(words):
        count = words[at] >> 16
        if count == 0 or at + count > len(words):
            raise ValueError(f"the instruction at word {at} has {count} words")
        yield words[at] & 0xFFFF, words[at + 1:at + count]
        at += count


def uses_of_types(code):
    """{type id: 0 A, 1 B, 2 accumulator}, from the operands of the products."""
    type_of = {operands[1]: operands[0] for op, operands in code
               if op in (LOAD, PHI, COMPOSITE_EXTRACT, LOAD_NV, MUL_ADD_NV)}
    uses = {}
    for op, operands in code:
        if op != MUL_ADD_NV:
            continue
        types = [(type_of[operands[2]], 0), (type_of[operands[3]], 1),
                 (type_of[operands[4]], 2), (operands[0], 2)]
        for type_id, use in types:
            if uses.setdefault(type_id, use) != use:
                raise ValueError(f"type {type_id} is used in two places of a product")
    return uses


def rewrite(words):
    if words[0] != MAGIC:
        raise ValueError("this is not SPIR-V of this machine's byte order")
    code = list(instructions(words))
    uses = uses_of_types(code)
    integer = next(operands[0] for op, operands in code if op == TYPE_INT and operands[1:] == [32, 0])
    numbers = [words[3] + i for i in range(3)]  # ids of the constants 0, 1 and 2
    layouts = {operands[1]: numbers[op == TRUE] for op, operands in code if op in (TRUE, FALSE)}
    out = words[:3] + [words[3] + 3, words[4]]

    def emit(op, operands):
        out.append((len(operands) + 1) << 16 | op)
        out.extend(operands)

    for op, operands in code:
        if op == CAPABILITY and operands == [CAPABILITY_NV]:
            emit(CAPABILITY, [CAPABILITY_KHR])
        elif op == EXTENSION and operands == text_words("SPV_NV_cooperative_matrix"):
            emit(EXTENSION, text_words("SPV_KHR_cooperative_matrix"))
        elif op == TYPE_NV:
            emit(TYPE_KHR, operands + [numbers[uses[operands[0]]]])
        elif op == LOAD_NV:
            result_type, result, pointer, stride, column_major, *access = operands
            emit(LOAD_KHR, [result_type, result, pointer, layouts[column_major], stride] + access)
        elif op == STORE_NV:
            pointer, value, stride, column_major, *access = operands
            emit(STORE_KHR, [pointer, value, layouts[column_major], stride] + access)
        elif op == MUL_ADD_NV:
            emit(MUL_ADD_KHR, operands)
        elif op == LENGTH_NV:
            raise ValueError("a matrix's length is asked for: nothing here translates that")
        else:
            emit(op, operands)
            if op == TYPE_INT and operands[0] == integer:
                for value, number in enumerate(numbers):
                    emit(CONSTANT, [integer, number, value])
    return out


def main():
    source, target = sys.argv[1:]
    with open(source, "rb") as file:
        data = file.read()
    words = rewrite(list(struct.unpack(f"<{len(data) // 4}I", data)))
    with open(target, "w", encoding="ascii") as file:
        file.write(",".join(map(str, words)))


if __name__ == "__main__":
    main()
