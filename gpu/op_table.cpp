// SPDX-License-Identifier: Apache-2.0
#include "gpu/op_table.h"

namespace mneme {
namespace {

using enum OpInput;

// clang-format off
constexpr OpInfo kOps[] = {
    // kind                 name             inputs                                          needed any rows  flops
    {OpKind::embed,        "embed",         {matrix},                                             1, false,  0},
    {OpKind::rms_norm,     "rms_norm",      {rows, floats},                                       2, true,   4},
    {OpKind::matmul,       "matmul",        {rows, matrix, floats},                               2, true,   0},
    {OpKind::rope,         "rope",          {rows, rope_factors},                                 1, false,  3},
    {OpKind::kv_append,    "kv_append",     {rows, rows, written_state, written_state},           4, false,  0},
    {OpKind::attention,    "attention",     {rows, read_state, read_state},                       3, false,  0},
    {OpKind::glu,          "glu",           {rows, rows},                                         2, true,   4},
    {OpKind::add,          "add",           {rows, rows},                                         2, true,   1},
    {OpKind::scale,        "scale",         {rows},                                               1, true,   1},
    {OpKind::output_rows,  "output_rows",   {rows},                                               1, false,  0},
    {OpKind::table_decode, "table_decode",  {rows, rows, written_state},                          1, false,  1},
    {OpKind::engram_gate,  "engram_gate",   {rows, rows, rows, floats, floats},                   5, false,  9},
    {OpKind::short_conv,   "short_conv",    {rows, rows, floats, floats_transposed, written_state}, 5, false, 0},
    {OpKind::route,        "route",         {rows, floats},                                       1, true,   0},
    {OpKind::matmul_experts, "matmul_experts", {rows, matrices, ids},                             3, true,   0},
    {OpKind::weighted_sum, "weighted_sum",  {rows, rows},                                         2, true,   0},
};
// clang-format on

constexpr bool by_kind() {
  for (std::size_t i = 0; i < std::size(kOps); ++i) {
    if (static_cast<std::size_t>(kOps[i].kind) != i) return false;
  }
  return std::size(kOps) == kOpKindCount;
}
static_assert(by_kind());

}  // namespace

const OpInfo& op_info(OpKind kind) {
  return kOps[static_cast<std::size_t>(kind)];
}

std::string_view op_kind_name(OpKind kind) {
  return op_info(kind).name;
}

}  // namespace mneme
