// SPDX-License-Identifier: Apache-2.0
// The ops that each backend makes with one kernel, row by row, under the op's own name. From this
// list come the CPU's table of kernels, the kernels that the CUDA module is asked for, and which op
// takes which. Plain text, which kernels of every instruction set may include.
#pragma once

#define MNEME_ROW_OPS(X) \
  X(embed)               \
  X(rms_norm)            \
  X(rope)                \
  X(kv_append)           \
  X(glu)                 \
  X(add)                 \
  X(scale)               \
  X(output_rows)         \
  X(table_decode)        \
  X(engram_gate)         \
  X(route)               \
  X(weighted_sum)
