// SPDX-License-Identifier: Apache-2.0
#include "gpu/conformance/op_cases.h"

#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <utility>

#include "gpu/conformance/cached_rows_cases.h"
#include "gpu/conformance/expert_cases.h"
#include "gpu/conformance/large_cases.h"
#include "gpu/conformance/sequence_cases.h"

namespace mneme {
namespace {

std::string type_name(DType dtype) {
  return std::string(dtype_info(dtype).name);
}

void add_matmuls(std::vector<OpCase>& cases) {
  struct Shape {
    std::int64_t tokens, in, out, outputs;
    bool bias;
  };
  const Shape shapes[] = {{1, 32, 1, 0, false},
                          {1, 96, 5, 0, true},
                          {1, 576, 67, 0, false},
                          {1, 1536, 33, 0, false},
                          {2, 64, 31, 0, true},
                          {3, 160, 18, 0, false},
                          {5, 576, 40, 2, false},
                          {8, 256, 48, 0, true},
                          {17, 96, 65, 0, false},
                          {33, 320, 50, 1, true},
                          {70, 576, 80, 0, false},
                          {4, 2048, 16, 4, false},
                          // Wider than what backends have under way at a time.
                          {1, 5152, 5, 0, false},
                          {4, 8192, 6, 0, false}};
  const Shape k_quant_shapes[] = {
      {1, 256, 1, 0, false},   {1, 768, 67, 0, true},  {1, 2048, 33, 0, false},
      {3, 512, 18, 0, false},  {7, 256, 50, 0, true},  {17, 768, 65, 2, false},
      {33, 256, 16, 0, false}, {1, 5376, 5, 0, false}, {4, 8192, 6, 0, false}};
  const auto add = [&](DType dtype, const Shape& s) {
    cases.push_back({"matmul_" + type_name(dtype) + "_" + std::to_string(s.tokens) + "x" +
                         std::to_string(s.in) + "x" + std::to_string(s.out),
                     s.tokens, 3, s.outputs, [=](OpHarness& h) {
                       Op op{OpKind::matmul};
                       op.in = {h.input(s.in), h.constant(dtype, s.out, s.in)};
                       if (s.bias) op.in.push_back(h.constant(DType::f32, 1, s.out));
                       op.out = h.output(s.out);
                       return op;
                     }});
  };
  for (const DType dtype : kWeightTypes) {
    if (is_k_quant(dtype)) {
      for (const Shape& s : k_quant_shapes) add(dtype, s);
    } else {
      for (const Shape& s : shapes) add(dtype, s);
    }
  }
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {  // widths no block divides
    for (const std::int64_t tokens : {1, 20}) {
      cases.push_back({"matmul_odd_" + type_name(dtype) + "_" + std::to_string(tokens), tokens, 0,
                       0, [=](OpHarness& h) {
                         Op op{OpKind::matmul};
                         op.in = {h.input(37), h.constant(dtype, 19, 37)};
                         op.out = h.output(19);
                         return op;
                       }});
    }
  }
  // Activations as models have them, beyond what a half holds.
  for (const DType dtype : {DType::f16, DType::bf16, DType::q8_0, DType::q4_0}) {
    for (const std::int64_t tokens : {1, 20}) {
      cases.push_back({"matmul_beyond_halves_" + type_name(dtype) + "_" + std::to_string(tokens),
                       tokens, 0, 0, [=](OpHarness& h) {
                         Op op{OpKind::matmul};
                         op.in = {h.input(96, 3e5f), h.constant(dtype, 19, 96)};
                         op.out = h.output(19);
                         return op;
                       }});
    }
  }
}

void add_rows(std::vector<OpCase>& cases) {
  const auto add_embed = [&](DType dtype, std::int64_t width) {
    cases.push_back({"embed_" + type_name(dtype), 5, 0, 0, [=](OpHarness& h) {
                       Op op{OpKind::embed};
                       op.in = {h.constant(dtype, 32, width)};
                       op.out = h.output(width);
                       return op;
                     }});
  };
  for (const DType dtype : kWeightTypes) add_embed(dtype, is_k_quant(dtype) ? 512 : 96);
  for (const std::int64_t cols : {1, 19, 64, 576, 2048}) {
    for (const std::int64_t outputs : {0, 2}) {
      cases.push_back(
          {"rms_norm_" + std::to_string(cols) + "_" + std::to_string(outputs), 4, 0, outputs,
           [=](OpHarness& h) {
             Op op{OpKind::rms_norm};
             op.in = {h.input(cols), h.constant(cols % 2 ? DType::f16 : DType::f32, 1, cols)};
             op.out = h.output(cols);
             op.params.rms_norm = {1e-5f, static_cast<int>(cols)};
             return op;
           }});
    }
    if (cols < 576) {  // of heads
      cases.push_back(
          {"rms_norm_7x" + std::to_string(cols), 3, 0, cols == 64 ? 2 : 0, [=](OpHarness& h) {
             Op op{OpKind::rms_norm};
             op.in = {h.input(7 * cols), h.constant(DType::f32, 1, cols)};
             op.out = h.output(7 * cols);
             op.params.rms_norm = {1e-6f, static_cast<int>(cols)};
             return op;
           }});
    }
    cases.push_back({"glu_gelu_" + std::to_string(cols), 3, 0, 0, [=](OpHarness& h) {
                       Op op{OpKind::glu};
                       op.params.glu.activation = kGeluTanh;
                       op.in = {h.input(cols, 4.0f), h.input(cols)};
                       op.out = h.output(cols);
                       return op;
                     }});
    for (const float cap : {0.0f, 3.0f}) {
      cases.push_back({"scale_" + std::to_string(cols) + (cap > 0 ? "_cap" : ""), 3, 0,
                       cols == 64 ? 1 : 0, [=](OpHarness& h) {
                         Op op{OpKind::scale};
                         op.params.scale = {1.7f, cap};
                         op.in = {h.input(cols, 4.0f)};
                         op.out = h.output(cols);
                         return op;
                       }});
    }
    cases.push_back(
        {"output_rows_" + std::to_string(cols), 5, 0, cols == 64 ? 5 : 2, [=](OpHarness& h) {
           Op op{OpKind::output_rows};
           op.in = {h.input(cols)};
           op.out = h.output(cols);
           return op;
         }});
    for (const OpKind kind : {OpKind::glu, OpKind::add}) {
      cases.push_back({std::string(op_kind_name(kind)) + "_" + std::to_string(cols), 3, 0,
                       cols == 64 ? 1 : 0, [=](OpHarness& h) {
                         Op op{kind};
                         op.in = {h.input(cols, 4.0f), h.input(cols)};
                         op.out = h.output(cols);
                         return op;
                       }});
    }
  }
  struct Rope {
    std::string name;
    bool factors;
    int head_dim;
    RopeParams params;
  };
  const Rope ropes[] = {{"", false, 24, {24, 24, 1e5f, 1, 0}},
                        {"_factors", true, 24, {24, 20, 1e5f, 1, 0}},
                        {"_halves", false, 24, {24, 24, 1e5f, 1, 1}},
                        {"_halves_factors", true, 24, {24, 20, 1e6f, 1.25f, 1}},
                        {"_halves_odd", false, 25, {25, 20, 1e4f, 1, 1}},
                        {"_magnitude", false, 24, {24, 24, 1e4f, 1.1386f, 0}}};
  for (const std::int64_t position : {0, 5, 4000}) {
    for (const Rope& rope : ropes) {
      cases.push_back(
          {"rope_" + std::to_string(position) + rope.name, 3, position, 0, [=](OpHarness& h) {
             Op op{OpKind::rope};
             op.params.rope = rope.params;
             op.in = {h.input(3 * rope.head_dim)};
             if (rope.factors) {
               op.in.push_back(h.constant(DType::f32, 1, rope.params.dims / 2));
             }
             op.out = h.output(3 * rope.head_dim);
             return op;
           }});
    }
  }
}

float usual_scale(int head_dim) {
  return 1.0f / std::sqrt(static_cast<float>(head_dim));
}

void add_attentions(std::vector<OpCase>& cases) {
  struct Shape {
    std::int64_t tokens, position;
    int heads, kv_heads, dim;
    int window = 0;
    float cap = 0;
    float scale = 0;  // 0: the usual one
  };
  const Shape shapes[] = {{1, 0, 1, 1, 8},
                          {1, 63, 9, 3, 64},
                          {1, 700, 4, 1, 64},
                          {2, 10, 4, 4, 20},
                          {7, 0, 6, 2, 32},
                          {40, 100, 9, 3, 64},
                          {130, 0, 3, 3, 64},
                          {6, 300, 8, 2, 128},
                          {1, 1500, 2, 2, 80},
                          {33, 31, 12, 1, 96},
                          // Long contexts of few tokens, which backends share out: around the
                          // borders of their parts, widths that vectors do not divide.
                          {1, 127, 2, 1, 64},
                          {1, 128, 2, 1, 64},
                          {8, 1020, 9, 3, 64},
                          {1, 3333, 8, 1, 64},
                          {3, 2047, 5, 1, 22},
                          {1, 1151, 14, 2, 34},
                          {2, 1300, 8, 2, 128},
                          {1, 900, 1, 1, 256},
                          // Many tokens, which backends take in tiles: around the borders of
                          // these, heads and widths that do not fill them.
                          {9, 0, 8, 2, 128},
                          {12, 63, 5, 1, 22},
                          {17, 30, 14, 2, 20},
                          {65, 0, 1, 1, 64},
                          {11, 21, 4, 2, 160},
                          {10, 5, 2, 1, 256},
                          {20, 40, 8, 2, 64},
                          // Windows that the step leaves, begins in and lies in; capped scores.
                          {1, 700, 4, 1, 64, 512},
                          {1, 3333, 8, 2, 64, 128},
                          {5, 2047, 5, 1, 22, 7, 0, 0.5f},
                          {2, 3, 4, 2, 64, 8},
                          {8, 1020, 9, 3, 64, 65, 20},
                          {3, 200, 2, 1, 256, 0, 50, 0.0625f},
                          {40, 100, 9, 3, 64, 16},
                          {65, 0, 2, 1, 64, 33, 30},
                          {130, 30, 3, 3, 64, 200},
                          {17, 300, 14, 2, 20, 1},
                          {20, 40, 8, 2, 128, 24, 5}};
  for (const DType dtype : {DType::f16, DType::f32}) {
    for (const Shape& s : shapes) {
      const std::string shape = std::to_string(s.tokens) + "at" + std::to_string(s.position) + "_" +
                                std::to_string(s.heads) + "over" + std::to_string(s.kv_heads) +
                                "x" + std::to_string(s.dim) +
                                (s.window > 0 ? "_window" + std::to_string(s.window) : "") +
                                (s.cap > 0 ? "_cap" : "");
      cases.push_back(
          {"attention_" + type_name(dtype) + "_" + shape, s.tokens, s.position, 0,
           [=](OpHarness& h) {
             Op op{OpKind::attention};
             op.params.attention = {
                 s.heads, s.kv_heads, s.dim, s.window, s.scale > 0 ? s.scale : usual_scale(s.dim),
                 s.cap};
             op.in = {h.input(s.heads * s.dim), h.state(dtype, s.kv_heads * s.dim),
                      h.state(dtype, s.kv_heads * s.dim)};
             op.out = h.output(s.heads * s.dim);
             return op;
           }});
    }
    cases.push_back({"kv_append_" + type_name(dtype), 3, 5, 0, [=](OpHarness& h) {
                       Op op{OpKind::kv_append};
                       op.in = {h.input(44), h.input(44), h.state(dtype, 44), h.state(dtype, 44)};
                       return op;
                     }});
  }
}

void add_engram(std::vector<OpCase>& cases) {
  for (const int dims : {32, 64, 256}) {
    cases.push_back({"table_decode_" + std::to_string(dims), 9, 0, 0, [=](OpHarness& h) {
                       Op op{OpKind::table_decode};
                       op.params.table_decode.columns = 5;
                       op.params.table_decode.column_dims = dims;
                       op.in = {h.input_i8(5 * (dims + dims / 32))};
                       op.out = h.output(5 * dims);
                       return op;
                     }});
  }
  for (const int streams : {1, 4}) {
    for (const std::int64_t dim : {24, 576}) {
      const std::string shape = std::to_string(streams) + "x" + std::to_string(dim);
      cases.push_back({"engram_gate_" + shape, 6, 2, 0, [=](OpHarness& h) {
                         Op op{OpKind::engram_gate};
                         op.params.engram_gate.streams = streams;
                         op.params.engram_gate.eps = 1.19e-7f;
                         op.in = {h.input(streams * dim), h.input(streams * dim), h.input(dim),
                                  h.constant(DType::f32, 1, streams * dim),
                                  h.constant(DType::f16, streams, dim)};
                         op.out = h.output(streams * dim);
                         op.out2 = h.output(streams);
                         return op;
                       }});
      for (const std::int64_t position : {0, 2, 11}) {
        for (const DType dtype : {DType::f32, DType::f16}) {
          cases.push_back(
              {"short_conv_" + shape + "_at" + std::to_string(position) + "_" + type_name(dtype), 5,
               position, 0, [=](OpHarness& h) {
                 Op op{OpKind::short_conv};
                 op.params.short_conv.streams = streams;
                 op.params.short_conv.eps = 1e-5f;
                 op.params.short_conv.dilation = 3;
                 op.in = {h.input(streams * dim), h.input(streams * dim),
                          h.constant(DType::f32, 1, streams * dim),
                          h.constant(DType::f16, streams * dim, 4), h.state(dtype, streams * dim)};
                 op.out = h.output(streams * dim);
                 op.out2 = h.output(streams);
                 return op;
               }});
        }
      }
    }
  }
}

// Gate and convolution with nothing between them: taps that see the state, the same step, both.
void add_fused_gate_convs(std::vector<OpCase>& cases) {
  struct Shape {
    std::int64_t tokens, position;
    int streams;
    std::int64_t dim, taps;
    int dilation;
    DType state;
    bool large = false;
  };
  const Shape shapes[] = {{1, 0, 1, 24, 4, 3, DType::f32},
                          {1, 11, 4, 576, 4, 3, DType::f32},
                          {1, 7, 2, 64, 4, 3, DType::f16},
                          {5, 2, 4, 24, 4, 3, DType::f32},
                          {8, 0, 2, 576, 4, 3, DType::f32},
                          {8, 30, 1, 96, 4, 3, DType::f16},
                          {6, 3, 2, 33, 3, 1, DType::f32},
                          {6, 9, 1, 24, 8, 1, DType::f32},
                          {6, 9, 1, 24, 9, 1, DType::f32},
                          {14, 5, 2, 24, 4, 3, DType::f32},
                          {1, 2000, 1, 576, 4, 3, DType::f32, true},
                          {128, 0, 1, 576, 4, 3, DType::f32, true},
                          {1, 2000, 4, 2048, 4, 3, DType::f32, true},
                          {128, 0, 4, 2048, 4, 3, DType::f32, true}};
  for (const Shape& s : shapes) {
    cases.push_back({"fused_gate_conv_" + type_name(s.state) + "_" + std::to_string(s.tokens) +
                         "at" + std::to_string(s.position) + "_" + std::to_string(s.streams) + "x" +
                         std::to_string(s.dim) + "_" + std::to_string(s.taps) + "taps",
                     s.tokens, s.position, 0,
                     [=](OpHarness& h) {
                       const std::int64_t width = s.streams * s.dim;
                       Op gate{OpKind::engram_gate};
                       gate.params.engram_gate.streams = s.streams;
                       gate.params.engram_gate.eps = 1.19e-7f;
                       gate.in = {h.input(width), h.input(width), h.input(s.dim),
                                  h.constant(DType::f32, 1, width),
                                  h.constant(DType::f16, s.streams, s.dim)};
                       gate.out = h.activation(width);
                       gate.out2 = h.output(s.streams);
                       Op conv{OpKind::short_conv};
                       conv.params.short_conv.streams = s.streams;
                       conv.params.short_conv.eps = 1e-5f;
                       conv.params.short_conv.dilation = s.dilation;
                       conv.in = {gate.in[0], gate.out, h.constant(DType::f32, 1, width),
                                  h.constant(DType::f16, width, s.taps), h.state(s.state, width)};
                       conv.out = h.output(width);
                       conv.out2 = h.output(s.streams);
                       return OpChain(gate, conv);
                     },
                     s.large});
  }
}

// A table_decode and the matrix product that reads its output: a backend may make both in one
// launch, with the output in the form that its product wants.
void add_decoded_products(std::vector<OpCase>& cases) {
  for (const DType dtype : {DType::q8_0, DType::f16}) {
    for (const std::int64_t tokens : {1, 6, 40}) {
      cases.push_back({"decoded_matmul_" + type_name(dtype) + "_" + std::to_string(tokens), tokens,
                       0, 0, [=](OpHarness& h) {
                         Op decode{OpKind::table_decode};
                         decode.params.table_decode.columns = 5;
                         decode.params.table_decode.column_dims = 32;
                         decode.in = {h.input_rows(5, 32)};
                         decode.out = h.activation(5 * 32);
                         Op product{OpKind::matmul};
                         product.in = {decode.out, h.constant(dtype, 24, 5 * 32)};
                         product.out = h.output(24);
                         return OpChain(decode, product);
                       }});
    }
  }
}

// An rms_norm or glu and the matrix product that reads its output. `outputs` above 0: the
// product runs on the last `outputs` of the tokens only.
void add_made_products(std::vector<OpCase>& cases) {
  struct Shape {
    OpKind maker;
    std::int64_t tokens, in, outputs;
  };
  const Shape shapes[] = {{OpKind::rms_norm, 1, 576, 0}, {OpKind::rms_norm, 6, 96, 0},
                          {OpKind::rms_norm, 40, 64, 2}, {OpKind::glu, 1, 1536, 0},
                          {OpKind::glu, 7, 160, 0},      {OpKind::glu, 33, 96, 0},
                          {OpKind::glu, 5, 64, 1}};
  for (const DType dtype : {DType::q8_0, DType::q4_0, DType::q4_1, DType::bf16}) {
    for (const Shape& s : shapes) {
      cases.push_back(
          {std::string(op_kind_name(s.maker)) + "_matmul_" + type_name(dtype) + "_" +
               std::to_string(s.tokens) + "x" + std::to_string(s.in),
           s.tokens, 1, s.outputs, [=](OpHarness& h) {
             const bool norm = s.maker == OpKind::rms_norm;
             Op maker{s.maker};
             if (norm) maker.params.rms_norm = {1e-5f, static_cast<int>(s.in)};
             maker.in = {h.input(s.in), norm ? h.constant(DType::f32, 1, s.in) : h.input(s.in)};
             maker.out = h.activation(s.in);
             Op product{OpKind::matmul};
             product.in = {maker.out, h.constant(dtype, 21, s.in)};
             product.out = h.output(21);
             return OpChain(maker, product);
           }});
    }
  }
}

// Products that read the same activations, which a backend may bring into a form of its own once
// for all; and again when they were written anew.
void add_shared_products(std::vector<OpCase>& cases) {
  const auto product = [](OpHarness& h, TensorId x, DType dtype) {
    Op op{OpKind::matmul};
    op.in = {x, h.constant(dtype, 24, 96)};
    op.out = h.output(24);
    return op;
  };
  const auto sum = [](TensorId a, TensorId b, TensorId out) {
    Op op{OpKind::add};
    op.in = {a, b};
    op.out = out;
    return op;
  };
  for (const DType dtype : {DType::q4_1, DType::f16}) {
    for (const std::int64_t tokens : {1, 5, 40}) {
      const std::string name = type_name(dtype) + "_" + std::to_string(tokens);
      cases.push_back({"two_matmuls_" + name, tokens, 0, 0, [=](OpHarness& h) {
                         const TensorId x = h.input(96);
                         return OpChain(product(h, x, dtype), product(h, x, dtype));
                       }});
      cases.push_back({"rewritten_matmul_" + name, tokens, 0, 0, [=](OpHarness& h) {
                         const TensorId a = h.input(96);
                         const TensorId b = h.input(96);
                         const TensorId x = h.activation(96);
                         return OpChain(std::vector<Op>{sum(a, b, x), product(h, x, dtype),
                                                        sum(x, b, x), product(h, x, dtype)});
                       }});
    }
  }
}

// A product and the sum with a residual right behind it, which may be made in one launch.
void add_matmul_adds(std::vector<OpCase>& cases) {
  struct Shape {
    std::int64_t tokens, in, out, outputs;
    bool bias, in_place;
  };
  const Shape shapes[] = {{1, 576, 67, 0, false, true}, {1, 64, 33, 0, true, false},
                          {6, 96, 40, 0, true, true},   {7, 160, 31, 2, false, false},
                          {40, 96, 70, 0, true, true},  {33, 64, 50, 1, false, false}};
  for (const DType dtype : {DType::f32, DType::bf16, DType::q8_0, DType::q4_0}) {
    for (const Shape& s : shapes) {
      cases.push_back({"matmul_add_" + type_name(dtype) + "_" + std::to_string(s.tokens) + "x" +
                           std::to_string(s.in) + "x" + std::to_string(s.out),
                       s.tokens, 2, s.outputs, [=](OpHarness& h) {
                         Op product{OpKind::matmul};
                         product.in = {h.input(s.in), h.constant(dtype, s.out, s.in)};
                         if (s.bias) product.in.push_back(h.constant(DType::f32, 1, s.out));
                         product.out = h.activation(s.out);
                         Op sum{OpKind::add};
                         const TensorId other = h.input(s.out);
                         sum.in = {other, product.out};
                         sum.out = s.in_place ? other : h.output(s.out);
                         return OpChain(product, sum);
                       }});
    }
  }
}

// A norm, three products of two types of weights that read it and the last one's sum with a
// residual: what an attention of a file in Q4_K_M begins with.
void add_k_quant_chains(std::vector<OpCase>& cases) {
  for (const DType dtype : {DType::q4_k, DType::q5_k}) {
    for (const std::int64_t tokens : {1, 6, 40}) {
      cases.push_back({"norm_matmuls_sum_" + type_name(dtype) + "_Q6_K_" + std::to_string(tokens),
                       tokens, 2, 0, [=](OpHarness& h) {
                         Op norm{OpKind::rms_norm};
                         norm.params.rms_norm = {1e-5f, 512};
                         norm.in = {h.input(512), h.constant(DType::f32, 1, 512)};
                         norm.out = h.activation(512);
                         const auto product = [&](DType type, std::int64_t out) {
                           Op op{OpKind::matmul};
                           op.in = {norm.out, h.constant(type, out, 512)};
                           op.out = h.output(out);
                           return op;
                         };
                         Op last = product(DType::q6_k, 33);
                         last.out = h.activation(33);
                         Op sum{OpKind::add};
                         sum.in = {h.input(33), last.out};
                         sum.out = h.output(33);
                         return OpChain(std::vector<Op>{norm, product(dtype, 24),
                                                        product(dtype, 17), last, sum});
                       }});
    }
  }
}

}  // namespace

std::vector<OpCase> conformance_cases() {
  std::vector<OpCase> cases;
  add_matmuls(cases);
  add_rows(cases);
  add_attentions(cases);
  add_engram(cases);
  add_fused_gate_convs(cases);
  add_decoded_products(cases);
  add_made_products(cases);
  add_shared_products(cases);
  add_matmul_adds(cases);
  add_k_quant_chains(cases);
  add_cached_rows_cases(cases);
  add_expert_cases(cases);
  add_sequence_cases(cases);
  add_large_cases(cases);
  return cases;
}

}  // namespace mneme
