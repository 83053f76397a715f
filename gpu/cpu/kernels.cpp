// SPDX-License-Identifier: Apache-2.0
// Compiled once per instruction set (gpu/CMakeLists.txt) with MNEME_KERNELS naming the table.
#include "gpu/cpu/kernels.h"

#include <cmath>
#include <cstring>

namespace mneme {
namespace {

// Each file uses the ones before it.
// clang-format off
#include "gpu/cpu/simd.inl"
#include "gpu/cpu/rows.inl"
#include "gpu/cpu/norm_rope.inl"
#include "gpu/cpu/matmul_scalar.inl"
#include "gpu/cpu/attention.inl"
#include "gpu/cpu/engram.inl"
// clang-format on

}  // namespace

const Kernels MNEME_KERNELS = {
    .name = MNEME_KERNELS_NAME,
    .embed = embed,
    .rms_norm = rms_norm,
    .rope = rope,
    .kv_append = kv_append,
    .swiglu = swiglu,
    .add = add,
    .table_decode = table_decode,
    .engram_gate = engram_gate,
    .short_conv_append = short_conv_append,
    .short_conv = short_conv,
    .matmul = matmul,
    .attention = attention,
    .matmul_scratch = matmul_scratch,
    .attention_scratch = attention_scratch,
};

}  // namespace mneme
