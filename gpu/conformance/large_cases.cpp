// SPDX-License-Identifier: Apache-2.0
#include "gpu/conformance/large_cases.h"

#include <functional>
#include <string>
#include <utility>

namespace mneme {

// Shapes of real models: a step of a 135M and of a 1B model, one token and a chunk of a prompt.
void add_large_cases(std::vector<OpCase>& cases) {
  const auto add = [&](std::string name, std::int64_t tokens, std::int64_t position,
                       std::function<Op(OpHarness&)> build) {
    cases.push_back({std::move(name), tokens, position, 0, std::move(build), true});
  };
  const auto add_matmul = [&](DType dtype, std::int64_t tokens, std::int64_t in, std::int64_t out) {
    add("matmul_" + std::string(dtype_info(dtype).name) + "_" + std::to_string(tokens) + "x" +
            std::to_string(in) + "x" + std::to_string(out),
        tokens, 0, [=](OpHarness& h) {
          Op op{OpKind::matmul};
          op.in = {h.input(in), h.constant(dtype, out, in)};
          op.out = h.output(out);
          return op;
        });
  };
  for (const DType dtype : kWeightTypes) {
    add_matmul(dtype, 1, 2048, 8192);
    if (is_k_quant(dtype)) {
      add_matmul(dtype, 128, 2048, 512);
    } else {
      add_matmul(dtype, 1, 576, 1536);
      add_matmul(dtype, 128, 576, 1536);
    }
  }
  for (const auto& [tokens, position] :
       {std::pair<std::int64_t, std::int64_t>{1, 2000}, {128, 0}, {128, 2000}}) {
    add("attention_F16_" + std::to_string(tokens) + "at" + std::to_string(position) + "_9over3x64",
        tokens, position, [](OpHarness& h) {
          Op op{OpKind::attention};
          op.params.attention = {9, 3, 64, 0, 0.125f, 0};
          op.in = {h.input(9 * 64), h.state(DType::f16, 3 * 64), h.state(DType::f16, 3 * 64)};
          op.out = h.output(9 * 64);
          return op;
        });
  }
  add("add_128x65536", 128, 0, [](OpHarness& h) {
    Op op{OpKind::add};
    op.in = {h.input(65536), h.input(65536)};
    op.out = h.output(65536);
    return op;
  });
  add("rms_norm_128x2048", 128, 0, [](OpHarness& h) {
    Op op{OpKind::rms_norm};
    op.in = {h.input(2048), h.constant(DType::f32, 1, 2048)};
    op.out = h.output(2048);
    op.params.rms_norm = {1e-5f, 2048};
    return op;
  });
  add("glu_128x8192", 128, 0, [](OpHarness& h) {
    Op op{OpKind::glu};
    op.in = {h.input(8192), h.input(8192)};
    op.out = h.output(8192);
    return op;
  });
}

}  // namespace mneme
