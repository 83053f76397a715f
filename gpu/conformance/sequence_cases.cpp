// SPDX-License-Identifier: Apache-2.0
#include "gpu/conformance/sequence_cases.h"

#include <cmath>
#include <string>

namespace mneme {
namespace {

struct Batch {
  std::string name;
  std::vector<SequenceRun> runs;  // tokens, position, sequence
};

// Sequences that decode, that read a prompt, and both; states of sequences that are not in the step
// lie between those that are.
std::vector<Batch> batches() {
  return {{"decoding", {{1, 700, 1}, {1, 0, 0}, {1, 63, 3}, {1, 64, 4}}},
          {"few", {{2, 130, 0}, {3, 5, 2}, {1, 257, 1}}},
          {"prompts", {{17, 0, 1}, {33, 40, 0}}},
          {"mixed", {{1, 300, 2}, {20, 3, 0}, {3, 90, 4}, {12, 0, 1}, {1, 9, 3}}}};
}

std::int64_t tokens_of(const Batch& batch) {
  std::int64_t tokens = 0;
  for (const SequenceRun& run : batch.runs) tokens += run.tokens;
  return tokens;
}

struct Heads {
  int heads, kv_heads, dim, window;
  float cap;
};

Op attention_of(OpHarness& h, DType dtype, const Heads& s) {
  Op op{OpKind::attention};
  op.params.attention = {
      s.heads, s.kv_heads, s.dim, s.window, 1.0f / std::sqrt(static_cast<float>(s.dim)), s.cap};
  op.in = {h.input(s.heads * s.dim), h.state(dtype, s.kv_heads * s.dim),
           h.state(dtype, s.kv_heads * s.dim)};
  op.out = h.output(s.heads * s.dim);
  return op;
}

Op gate_of(OpHarness& h, int streams, std::int64_t dim) {
  Op gate{OpKind::engram_gate};
  gate.params.engram_gate = {1.19e-7f, streams};
  gate.in = {h.input(streams * dim), h.input(streams * dim), h.input(dim),
             h.constant(DType::f32, 1, streams * dim), h.constant(DType::f16, streams, dim)};
  gate.out = h.activation(streams * dim);
  gate.out2 = h.output(streams);
  return gate;
}

Op conv_of(OpHarness& h, TensorId hidden, TensorId gated, DType state, int streams,
           std::int64_t dim) {
  Op conv{OpKind::short_conv};
  conv.params.short_conv = {1e-5f, streams, 3};
  conv.in = {hidden, gated, h.constant(DType::f32, 1, streams * dim),
             h.constant(DType::f16, streams * dim, 4), h.state(state, streams * dim)};
  conv.out = h.output(streams * dim);
  conv.out2 = h.output(streams);
  return conv;
}

}  // namespace

void add_sequence_cases(std::vector<OpCase>& cases) {
  for (const Batch& batch : batches()) {
    const auto add = [&](std::string name, std::function<OpChain(OpHarness&)> build,
                         std::int64_t outputs = 0) {
      OpCase c{name + "_sequences_" + batch.name, tokens_of(batch), 0, outputs, std::move(build)};
      c.runs = batch.runs;
      cases.push_back(std::move(c));
    };
    for (const DType dtype : {DType::f16, DType::f32}) {
      for (const Heads& s : {Heads{9, 3, 64, 0, 0}, {4, 2, 22, 0, 0}, {8, 2, 128, 48, 30}}) {
        add("attention_" + std::string(dtype_info(dtype).name) + "_" + std::to_string(s.heads) +
                "over" + std::to_string(s.kv_heads) + "x" + std::to_string(s.dim),
            [=](OpHarness& h) { return attention_of(h, dtype, s); });
      }
      add("kv_append_" + std::string(dtype_info(dtype).name), [=](OpHarness& h) {
        Op op{OpKind::kv_append};
        op.in = {h.input(44), h.input(44), h.state(dtype, 44), h.state(dtype, 44)};
        return op;
      });
      add("short_conv_" + std::string(dtype_info(dtype).name),
          [=](OpHarness& h) { return conv_of(h, h.input(2 * 24), h.input(2 * 24), dtype, 2, 24); });
      add("fused_gate_conv_" + std::string(dtype_info(dtype).name), [=](OpHarness& h) {
        const Op gate = gate_of(h, 2, 96);
        return OpChain(gate, conv_of(h, gate.in[0], gate.out, dtype, 2, 96));
      });
    }
    add("rope", [](OpHarness& h) {
      Op op{OpKind::rope};
      op.params.rope = {24, 20, 1e5f, 1, 0};
      op.in = {h.input(3 * 24)};
      op.out = h.output(3 * 24);
      return op;
    });
    for (const DType dtype : {DType::f32, DType::bf16, DType::q4_0, DType::q4_k}) {
      for (const std::int64_t outputs : {0, 4}) {
        add(
            "matmul_" + std::string(dtype_info(dtype).name) + "_" + std::to_string(outputs),
            [=](OpHarness& h) {
              Op op{OpKind::matmul};
              op.in = {h.input(256), h.constant(dtype, 40, 256)};
              op.out = h.output(40);
              return op;
            },
            outputs);
      }
    }
  }
}

}  // namespace mneme
