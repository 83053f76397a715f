// SPDX-License-Identifier: Apache-2.0
// What planners, checks and tests must know of an op besides its kernels: a row an op. op.h says
// what the ops mean.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gpu/op.h"

namespace mneme {

enum class OpInput : std::uint8_t {
  none,
  rows,               // a row a token, or an output token
  matrix,             // a weight of any type, read as it is stored
  matrices,           // the same, one for each expert
  floats,             // a small constant that kernels read as float32
  floats_transposed,  // the same, its columns as rows
  rope_factors,       // floats that the host makes angles of
  read_state,
  written_state,  // and read
  ids,            // of experts: i32, a row a token, or an output token
};

struct OpInfo {
  OpKind kind;
  std::string_view name;
  std::array<OpInput, 6> in;
  std::size_t needed;  // of the inputs: the ones behind may be absent
  bool any_rows;       // works on any rows, whatever their tokens: of output tokens as well
  double flops;        // for each value of the output; 0 where sums are made of other numbers
};

const OpInfo& op_info(OpKind kind);

// What input `i` of an op is to it.
inline OpInput input_role(const Op& op, std::size_t i) {
  return op_info(op.kind).in[i];
}
inline bool has_input(const Op& op, std::size_t i) {
  return i < op.in.size() && op.in[i] != kNoTensor;
}

}  // namespace mneme
