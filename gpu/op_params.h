// SPDX-License-Identifier: Apache-2.0
// The numbers that an op needs besides its tensors: a struct an op, of int and float only, so that
// C++, CUDA and the shaders read this one file. A parameter is declared here and read by kernels;
// plans hand the whole struct on. Which op reads what for: gpu/op.h.
#ifdef __cplusplus
#pragma once

#include <cstdint>

namespace mneme {
#endif

struct RmsNormParams {
  float eps;
  int width;  // values that are normed together: those of a row, or of each head of it
};

struct RopeParams {
  int head_dim;
  int dims;  // leading values of each head that rotate
  float base;
  float magnitude;  // of the rotated values: 1, or what YaRN makes of them
  int halves;       // 1: pairs are (i, i + dims / 2); 0: (2i, 2i + 1)
};

struct AttentionParams {
  int n_heads;
  int n_kv_heads;
  int head_dim;
  int window;   // positions that a token sees, itself among them; 0: all up to itself
  float scale;  // of the scores, mostly 1 / sqrt(head_dim)
  float cap;    // scores become cap * tanh(score / cap); 0: they stay
};

const int kSilu = 0;  // x / (1 + e^-x)
const int kGeluTanh =
    1;  // x / (1 + e^-2y), y = sqrt(2 / pi) (x + 0.044715 x^3): 0.5 x (1 + tanh y)

struct GluParams {
  int activation;
};

struct ScaleParams {
  float factor;
  float cap;  // what is scaled becomes cap * tanh(x / cap); 0: it stays
};

struct TableDecodeParams {
  int columns;      // rows of a token
  int column_dims;  // d, values of a row
};

struct EngramGateParams {
  float eps;  // of the norms
  int streams;
};

struct ShortConvParams {
  float eps;  // of the norm
  int streams;
  int dilation;
};

// Scores of a router's logits.
const int kSoftmax = 0;  // over all experts; normalised: over the chosen ones
const int kSigmoid = 1;
const int kSqrtSoftplus = 2;  // sqrt(log(1 + e^x))

// Equal experts are chosen in the order of their ids. A NaN counts as more than any number, so that
// it is chosen and makes its weight NaN; no id is ever outside 0 .. E - 1.
struct RouteParams {
  int experts;  // K, of a token
  int scoring;
  int normalise;    // 1: weights are divided by their sum
  float scale;      // of the weights, at last
  int groups;       // of experts side by side; 1: experts are chosen from all ..
  int groups_kept;  // .. else from these of them, ..
  int group_best;   // .. whose sums of so many largest score + bias are the largest
};

#ifdef __cplusplus
// Those of any op; the op's kind says which.
union OpParams {
  std::uint32_t words[8] = {};
  RmsNormParams rms_norm;
  RopeParams rope;
  AttentionParams attention;
  GluParams glu;
  ScaleParams scale;
  TableDecodeParams table_decode;
  EngramGateParams engram_gate;
  ShortConvParams short_conv;
  RouteParams route;
};
static_assert(sizeof(OpParams) == sizeof(OpParams::words));

}  // namespace mneme
#endif
