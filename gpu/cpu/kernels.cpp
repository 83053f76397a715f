// SPDX-License-Identifier: Apache-2.0
// Compiled once per instruction set (gpu/CMakeLists.txt) with MNEME_KERNELS naming the table.
#include "gpu/cpu/kernels.h"

#include <cmath>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace mneme {
namespace {

constexpr const DTypeInfo& info_of(DType element) {
  return kDTypeInfos[static_cast<std::size_t>(element)];
}

// Each file uses the ones before it.
// clang-format off
#include "gpu/cpu/simd.inl"
#include "gpu/cpu/k_quants.inl"
#include "gpu/cpu/rows.inl"
#include "gpu/cpu/read.inl"
#include "gpu/cpu/norm_rope.inl"
#include "gpu/cpu/kv_state.inl"
#include "gpu/cpu/engram.inl"
#include "gpu/cpu/route.inl"
#if defined(__AVX2__)
#include "gpu/cpu/pack.inl"
#include "gpu/cpu/matmul_float.inl"
#if defined(__AVX512F__)
#include "gpu/cpu/matmul_int_avx512.inl"
#else
#include "gpu/cpu/matmul_int_avx2.inl"
#endif
#include "gpu/cpu/woven.inl"
#include "gpu/cpu/woven_k.inl"
#include "gpu/cpu/matmul_int.inl"
#include "gpu/cpu/attention_few.inl"
#include "gpu/cpu/attention_tiles.inl"
#else
#include "gpu/cpu/matmul_scalar.inl"
#include "gpu/cpu/attention_scalar.inl"
#endif
#include "gpu/cpu/experts.inl"
// clang-format on

}  // namespace

const Kernels MNEME_KERNELS = {
    .name = MNEME_KERNELS_NAME,
#define X(op) .op = op,
    MNEME_ROW_OPS(X)
#undef X
        .short_conv_append = short_conv_append,
    .short_conv = short_conv,
    .matmul = matmul,
    .sort_experts = sort_experts,
    .sorted_experts_bytes = sorted_experts_bytes,
    .matmul_experts = matmul_experts,
    .expert_items = expert_items,
    .attention = attention,
    .matmul_scratch = matmul_scratch,
    .matmul_experts_scratch = matmul_experts_scratch,
    .route_scratch = route_scratch,
    .attention_items = attention_items,
    .attention_scratch = attention_scratch,
#if defined(__AVX2__)
    .combine_attention = combine_attention,
    .attention_partials = attention_partials,
    .tile_rows = kTileRows,
    .rows_of_many = 128,
    .pack_activations = pack_activations,
    .packed_stride = packed_stride,
    .weave_tiles = weave_tiles,
    .woven_stride = woven_stride,
    .woven_rows = kLanes,
#else
    .combine_attention = nullptr,
    .attention_partials = nullptr,
    .tile_rows = kTileRows,
    .rows_of_many = 1,
    .pack_activations = nullptr,
    .packed_stride = nullptr,
    .weave_tiles = nullptr,
    .woven_stride = nullptr,
    .woven_rows = 0,
#endif
    .read_memory = read_memory,
};

}  // namespace mneme
