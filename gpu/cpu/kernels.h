// SPDX-License-Identifier: Apache-2.0
// The seam between the CPU backend and its inner loops: one table of function pointers per
// instruction set, all built from kernels.cpp. No std containers or inline functions of other
// headers may be used behind it: a copy built for AVX-512 must never be the one the linker keeps.
// Kernels cannot fail; shapes were checked at compile(). They may run on any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gpu/op_params.h"     // plain structs
#include "gpu/row_ops.h"
#include "gpu/weight_types.h"  // plain constants

namespace mneme {

struct KernelTensor {
  unsigned char* data = nullptr;  // null = an absent optional input
  std::int64_t rows = 0;          // of a state: those of one sequence
  std::int64_t cols = 0;
  std::int64_t stride = 0;  // bytes from row to row
  DType element = DType::f32;
  // Of a weight: matrices, one behind the other. Of packed activations: rows of each token.
  std::int64_t depth = 1;
};

// One op, bound to memory. Inputs are in op.h's order, with these differences: constants other than
// matmul and embed weights are float32, rope's second input is the step's table of rotations
// [tokens, cosines then sines], and short_conv's kernel is [taps, G*D].
struct KernelArgs {
  KernelTensor in[6];
  KernelTensor out;
  KernelTensor out2;
  OpParams params;
};

// Rows of one sequence, side by side.
struct KernelRun {
  std::int64_t first = 0;     // row
  std::int64_t rows = 0;      // at least 1
  std::int64_t position = 0;  // of the first; of tokens only
  std::int64_t sequence = 0;  // whose part of a state they belong to
  bool of_many = false;       // of more rows of the sequence, which are elsewhere
};

// What an op's rows are: the step's tokens, or its output tokens.
struct KernelStep {
  const std::int32_t* ids = nullptr;      // of tokens
  const std::int32_t* outputs = nullptr;  // of output tokens: each one's place among the tokens
  std::int64_t rows = 0;
  const KernelRun* runs = nullptr;  // of all rows, in their order
  std::int64_t run_count = 0;
};

// Works on items [begin, end) of one op; what an item is stands beside each kernel. `scratch` is
// the thread's own, 64-byte aligned.
using Kernel = void (*)(const KernelArgs& args, const KernelStep& step, std::int64_t begin,
                        std::int64_t end, unsigned char* scratch);

struct Kernels {
  const char* name;
  // An item is a row:
#define X(op) Kernel op;
  MNEME_ROW_OPS(X)
#undef X
  Kernel short_conv_append;  // normalised inputs into the state
  Kernel short_conv;         // the rest, when all rows of the step are in the state
  // An item is a row of the weight; pieces begin at multiples of tile_rows. Its fourth input is the
  // packed activations, or absent: then it works in float32. Its fifth is the woven weight, if any;
  // K-quants that are not woven are multiplied in float32 whatever the fourth is.
  Kernel matmul;
  // The step's pairs of a token and a chosen expert (in[0]: ids), by expert (out, of
  // sorted_experts_bytes bytes); in[1] is a weight of these experts. One item.
  Kernel sort_experts;
  std::int64_t (*sorted_experts_bytes)(std::int64_t experts, std::int64_t pairs);
  // As matmul, but its third input is what sort_experts made. An item is a row of an expert that
  // was chosen; expert_items says how many there are.
  Kernel matmul_experts;
  std::int64_t (*expert_items)(const KernelArgs& args, const KernelStep& step);

  // What an item is depends on the step: attention_items says how many there are.
  Kernel attention;

  std::int64_t (*matmul_scratch)(const KernelArgs& args);  // bytes a thread needs
  std::int64_t (*matmul_experts_scratch)(const KernelArgs& args);
  std::int64_t (*route_scratch)(const KernelArgs& args);
  std::int64_t (*attention_items)(const KernelArgs& args, const KernelStep& step);
  std::int64_t (*attention_scratch)(const KernelArgs& args);  // bytes a thread needs
  // Where attention may leave parts of rows in out2 (attention_partials bytes), this puts them
  // together from in[0]; an item is a token. Null where attention always writes whole rows.
  // `tokens`: most of a step, `sequences`: most of them.
  Kernel combine_attention;
  std::int64_t (*attention_partials)(const KernelArgs& args, std::int64_t tokens,
                                     std::int64_t sequences);

  std::int64_t tile_rows;
  std::int64_t rows_of_many;  // that are best given to matmul at a time where tokens are many
  // Activations (in[0]) as 8-bit integers (out) for products with quantised weights; an item is a
  // token. Null where the instruction set has no integer products.
  Kernel pack_activations;
  std::int64_t (*packed_stride)(std::int64_t cols);  // bytes of one packed row
  // A quantised weight (in[1]) in the order in which integer products read it (out, zeroed); an
  // item is woven_rows rows, out.stride bytes. Null where pack_activations is.
  Kernel weave_tiles;
  std::int64_t (*woven_stride)(DType element, std::int64_t cols);  // bytes of woven_rows rows
  std::int64_t woven_rows;

  // Reads `bytes` (a multiple of 256), as fast as this instruction set can, and returns a sum of
  // what it read: to measure memory.
  std::uint64_t (*read_memory)(const unsigned char* p, std::int64_t bytes);
};

extern const Kernels kScalarKernels;
extern const Kernels kAvx2Kernels;    // x86-64 only
extern const Kernels kAvx512Kernels;  // x86-64 only

}  // namespace mneme
