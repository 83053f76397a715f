// SPDX-License-Identifier: Apache-2.0
// The forward pass of an Engram module, plainly, in double: what kernels are compared with
// (SPEC.md, sections 6 and 7). Not fast. T tokens, G residual streams of width D, memory of
// width M. Arrays are dense, last index fastest; wrong sizes are programmer errors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace mneme {

struct EngramShape {
  std::size_t streams = 1;       // G
  std::size_t width = 0;         // D
  std::size_t memory_width = 0;  // M
};

// The paper's rule: sign(0) = 0, so an exact zero gives 0.5.
double paper_gate(double score);
// V4.1's rule: copysign, so +0 gives sigmoid(0.001).
double v41_gate(double score);

struct PaperWeights {
  std::span<const float> key_weight;    // [G, D, M]
  std::span<const float> key_bias;      // [G, D]
  std::span<const float> value_weight;  // [D, M], shared by all streams
  std::span<const float> value_bias;    // [D]
  std::span<const float> key_norm;      // [G, D]
  std::span<const float> query_norm;    // [G, D]
  std::span<const float> conv_norm;     // [G, D]
  std::span<const float> conv;          // [G*D, K], channel = g*D + d; empty: no convolution
  std::size_t conv_kernel = 4;          // K
  std::size_t conv_dilation = 3;        // N
  double gate_norm_eps = 0x1p-23;       // torch's default for float32
  double conv_norm_eps = 1e-5;
};

// The result of one run() over T tokens.
struct EngramOutput {
  std::vector<double> streams;  // [T, G, D]
  std::vector<double> gates;    // [T, G]
  std::vector<double> writes;   // [T, G] norm of what is added over the norm of the stream before
};

// The paper's module over a sequence that may come in pieces. Keeps the convolution's last
// (K-1)*dilation normalised inputs; zeros before the start.
class PaperEngram {
 public:
  PaperEngram(const EngramShape& shape, const PaperWeights& weights);  // the spans must outlive it

  // hidden [T, G, D], memory [T, M]. `streams` of the result is the update to be added to hidden.
  EngramOutput run(std::span<const float> hidden, std::span<const float> memory);

  void reset();

 private:
  void append_gated_value(std::span<const float> hidden, std::span<const float> memory,
                          EngramOutput& out) const;
  void add_convolution(std::span<double> gated);  // one token, [G, D], in place

  EngramShape shape_;
  PaperWeights weights_;
  std::vector<double> history_;  // [(K-1)*dilation, G*D], oldest first
};

struct V41Weights {
  std::span<const float> wkv;       // [(G+1)*D, M]: G keys, then the shared value; no bias
  std::span<const float> q_weight;  // [G, D]
  std::span<const float> k_weight;  // [G, D]
  double eps = 1e-20;
  bool quantise_memory = true;  // round memory as the fp8 linear does; off = plain floats
};

// hidden [T, G, D], memory [T, M]; keep [T] is 0 at image positions (gate 0), empty = all kept.
// `streams` of the result is hidden with the update added.
EngramOutput v41_engram(const EngramShape& shape, const V41Weights& weights,
                        std::span<const float> hidden, std::span<const float> memory,
                        std::span<const std::uint8_t> keep = {});

// Rows as V4.1 feeds them on: rounded to bfloat16. Exact for every e4m3 value times a scale of
// 2^-124 to 2^119 (codes 3 to 246); outside, bfloat16 runs out of subnormals or of range.
void round_to_bfloat(std::span<double> values);

}  // namespace mneme
