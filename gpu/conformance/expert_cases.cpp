// SPDX-License-Identifier: Apache-2.0
#include "gpu/conformance/expert_cases.h"

#include <limits>
#include <string>
#include <utility>

namespace mneme {
namespace {

std::string join(const std::string& what, std::initializer_list<std::int64_t> numbers) {
  std::string name = what;
  for (const std::int64_t number : numbers) name += "_" + std::to_string(number);
  return name;
}

Op route_of(OpHarness& h, TensorId logits, const RouteParams& p, bool bias) {
  Op op{OpKind::route};
  op.in = {logits};
  if (bias) op.in.push_back(h.constant(DType::f32, 1, h.cols(logits)));
  op.out = h.output_ids(p.experts);
  op.out2 = h.output(p.experts);
  op.params.route = p;
  return op;
}

void add_routes(std::vector<OpCase>& cases) {
  struct Router {
    std::int64_t tokens, experts;
    RouteParams params;
    bool bias;
    std::int64_t outputs = 0;
  };
  const Router routers[] = {
      {1, 1, {1, kSoftmax, 0, 1, 1, 1, 1}, false},
      {1, 8, {2, kSoftmax, 1, 1, 1, 1, 1}, false},
      {2, 64, {8, kSoftmax, 0, 1, 1, 1, 1}, false},
      {5, 128, {8, kSoftmax, 1, 1, 1, 1, 1}, true},
      {33, 60, {4, kSoftmax, 0, 1, 1, 1, 1}, false, 3},
      {9, 128, {6, kSigmoid, 1, 2.5f, 1, 1, 1}, true},
      {3, 256, {8, kSigmoid, 1, 2.5f, 8, 4, 2}, true},
      {17, 160, {6, kSoftmax, 0, 16, 8, 3, 1}, false},
      {4, 256, {6, kSqrtSoftplus, 1, 1.5f, 1, 1, 1}, true},
      {2, 24, {24, kSigmoid, 0, 1, 1, 1, 1}, false},
      {6, 12, {4, kSqrtSoftplus, 0, 1, 6, 2, 2}, false, 2},
  };
  for (const Router& r : routers) {
    cases.push_back(
        {join("route", {r.params.scoring, r.tokens, r.experts, r.params.experts, r.params.groups}),
         r.tokens, 0, r.outputs,
         [=](OpHarness& h) { return route_of(h, h.input(r.experts, 2), r.params, r.bias); }});
  }
  // Equal ones by their ids, a NaN before any number, -inf behind.
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::pair<std::string, std::vector<float>> rows[] = {
      {"ties", {0, 1, 0, 1, -0.0f, 1, 0, 0}},
      {"nan", {0, 1, nan, 3, 2, nan, -inf, 1}},
      {"all_nan", {nan, nan, nan, nan, nan, nan, nan, nan}},
      {"minus_inf", {-inf, -inf, -inf, 1, -inf, -inf, -inf, -inf}},
      {"inf", {0, 1, inf, 3, 2, inf, -inf, 1}}};
  for (const auto& [name, row] : rows) {
    for (const int scoring : {kSoftmax, kSigmoid, kSqrtSoftplus}) {
      for (const int groups : {1, 4}) {
        cases.push_back(
            {join("route_" + name, {scoring, groups}), 3, 0, 0, [=, values = row](OpHarness& h) {
               const RouteParams p{4, scoring, 0, 1, groups, groups == 1 ? 1 : 2, 1};
               return route_of(h, h.input_of(8, values), p, false);
             }});
      }
    }
  }
}

void add_products(std::vector<OpCase>& cases) {
  struct Shape {
    std::int64_t tokens, in, out, experts, chosen;
    bool shared;  // x is the same for all experts of a token
  };
  const Shape shapes[] = {{1, 32, 1, 1, 1, true},
                          {1, 96, 16, 8, 2, true},
                          {2, 160, 31, 4, 3, false},
                          {17, 96, 16, 5, 2, false}};
  // Of one type: many experts, and more than a tile of rows.
  const Shape large_shapes[] = {{33, 64, 8, 256, 4, true}, {20, 128, 144, 3, 2, true}};
  const Shape k_quant_shapes[] = {
      {1, 256, 32, 8, 2, true}, {2, 512, 5, 4, 2, false}, {17, 256, 16, 3, 2, false}};
  const auto add = [&](DType dtype, const Shape& s) {
    const std::string type(dtype_info(dtype).name);
    cases.push_back({join("matmul_experts_" + type, {s.tokens, s.in, s.out, s.experts, s.chosen}),
                     s.tokens, 0, 0, [=](OpHarness& h) {
                       std::vector<std::int32_t> ids;
                       // Of fewer rows than are there no order repeats: not all experts have the
                       // same tokens.
                       for (std::int64_t i = 0; i < s.tokens * s.chosen; ++i) {
                         ids.push_back(static_cast<std::int32_t>(i * i % 7 * 5 % s.experts));
                       }
                       Op op{OpKind::matmul_experts};
                       op.in = {h.input(s.shared ? s.in : s.chosen * s.in),
                                h.experts(dtype, s.experts, s.out, s.in),
                                h.input_ids(s.chosen, ids)};
                       op.out = h.output(s.chosen * s.out);
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
  for (const Shape& s : large_shapes) add(DType::q8_0, s);
  // Ids that are no expert's read nothing.
  for (const DType dtype : {DType::f32, DType::q8_0}) {
    for (const std::int64_t tokens : {1, 20}) {
      cases.push_back(
          {join("matmul_experts_no_expert_" + std::string(dtype_info(dtype).name), {tokens}),
           tokens, 0, 0, [=](OpHarness& h) {
             Op op{OpKind::matmul_experts};
             op.in = {h.input(64), h.experts(dtype, 4, 24, 64),
                      h.input_ids(4, {3, 4, -1, 0, std::numeric_limits<std::int32_t>::max(), 1,
                                      std::numeric_limits<std::int32_t>::min(), 2})};
             op.out = h.output(4 * 24);
             return op;
           }});
    }
  }
}

// What a model runs: the router, gate and up of the chosen experts, their products, down, the sum.
OpChain mixture(OpHarness& h, DType dtype, std::int64_t experts, int chosen) {
  constexpr std::int64_t dim = 32;
  constexpr std::int64_t hidden = 64;
  const TensorId x = h.input(dim);
  Op route{OpKind::route};
  route.in = {h.input(experts)};
  route.out = h.activation_ids(chosen);
  route.out2 = h.activation(chosen);
  route.params.route = {chosen, kSoftmax, 1, 1, 1, 1, 1};
  const auto product = [&](TensorId from, std::int64_t in, std::int64_t out) {
    Op op{OpKind::matmul_experts};
    op.in = {from, h.experts(dtype, experts, out, in), route.out};
    op.out = h.activation(chosen * out);
    return op;
  };
  const Op gate = product(x, dim, hidden);
  const Op up = product(x, dim, hidden);
  Op glu{OpKind::glu};
  glu.in = {gate.out, up.out};
  glu.out = h.activation(chosen * hidden);
  const Op down = product(glu.out, hidden, dim);
  Op sum{OpKind::weighted_sum};
  sum.in = {down.out, route.out2};
  sum.out = h.output(dim);
  return OpChain(std::vector<Op>{route, gate, up, glu, down, sum});
}

}  // namespace

void add_expert_cases(std::vector<OpCase>& cases) {
  add_routes(cases);
  add_products(cases);
  for (const std::int64_t cols : {1, 19, 64, 576}) {
    for (const std::int64_t parts : {1, 2, 8}) {
      cases.push_back(
          {join("weighted_sum", {cols, parts}), 5, 0, parts == 2 ? 2 : 0, [=](OpHarness& h) {
             Op op{OpKind::weighted_sum};
             op.in = {h.input(parts * cols), h.input(parts)};
             op.out = h.output(cols);
             return op;
           }});
    }
  }
  for (const DType dtype : {DType::f32, DType::q4_1}) {
    for (const std::int64_t tokens : {1, 6, 18}) {
      const std::string type(dtype_info(dtype).name);
      cases.push_back({join("mixture_" + type, {tokens}), tokens, 0, tokens == 6 ? 3 : 0,
                       [=](OpHarness& h) { return mixture(h, dtype, 8, 3); }});
    }
    OpCase c{join("mixture_" + std::string(dtype_info(dtype).name) + "_sequences", {}), 20, 0, 0,
             [=](OpHarness& h) { return mixture(h, dtype, 6, 2); }};
    c.runs = {{1, 4, 0}, {12, 0, 2}, {7, 3, 1}};
    cases.push_back(std::move(c));
  }
}

}  // namespace mneme
