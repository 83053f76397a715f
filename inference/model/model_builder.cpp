// SPDX-License-Identifier: Apache-2.0
#include "inference/model/model_builder.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "inference/model/kv_cache.h"
#include "inference/model/weights.h"

namespace mneme {

std::string ModelBuilder::name(std::string_view what) const {
  return layer_ < 0 ? std::string(what) : fmt::format("blk.{}.{}", layer_, what);
}

TensorId ModelBuilder::constant(const WeightTensor& w) {
  return graph_.constant(w.name, w.dtype, w.rows, w.cols, w.buffer, 0, w.depth);
}

TensorId ModelBuilder::weight(const WeightNeed& need) {
  if (weights_ != nullptr) {
    const WeightTensor* found = weights_->find(need.name);
    return found == nullptr ? kNoTensor : constant(*found);
  }
  needs_.weights.push_back(need);
  if (need.optional) return kNoTensor;
  return graph_.unbound(need.name, TensorRole::constant, DType::f32, need.rows, need.cols,
                        need.depth);
}

TensorId ModelBuilder::state(std::string_view what, std::int64_t width) {
  const std::string full = name(what);
  if (cache_ != nullptr) {
    return graph_.state(full, cache_->dtype, cache_->context, width, cache_->find(full));
  }
  needs_.states.push_back({full, width, layer_});
  return graph_.unbound(full, TensorRole::state, DType::f32, config_.context_length, width);
}

void ModelBuilder::op(OpKind kind, std::vector<TensorId> in, TensorId out, const OpParams& params,
                      TensorId out2) {
  graph_.op(Op{kind, std::move(in), out, out2, params,
               static_cast<std::int32_t>(layer_ < 0 ? -1 : layer_)});
}

TensorId ModelBuilder::embed() {
  const TensorId table = weight({"token_embd.weight", config_.vocab_size, config_.dim,
                                 WeightRule::vocabulary, false, layer_});
  const TensorId x = graph_.activation("embedding", config_.dim);
  op(OpKind::embed, {table}, x);
  if (config_.embedding_scale == 1.0f) return x;
  return scale(x, config_.embedding_scale, 0, graph_.activation("embedding_scaled", config_.dim));
}

void ModelBuilder::output(TensorId x, const Buffer* logits) {
  enter(kOutputLayer);
  const TensorId rows = graph_.activation("output_rows", cols(x));
  op(OpKind::output_rows, {x}, rows);
  const TensorId normed = norm(rows, "output_norm");
  TensorId matrix = weight(
      {"output.weight", config_.vocab_size, config_.dim, WeightRule::vocabulary, true, layer_});
  if (weights_ == nullptr) return;
  if (matrix == kNoTensor) matrix = constant(*weights_->find("token_embd.weight"));
  const TensorId out = graph_.output("logits", config_.vocab_size, *logits);
  if (config_.logit_cap == 0) {
    op(OpKind::matmul, {normed, matrix, kNoTensor}, out);
    return;
  }
  const TensorId uncapped = graph_.activation("logits_uncapped", config_.vocab_size);
  op(OpKind::matmul, {normed, matrix, kNoTensor}, uncapped);
  scale(uncapped, 1, config_.logit_cap, out);
}

TensorId ModelBuilder::scale(TensorId x, float factor, float cap, TensorId out) {
  OpParams params;
  params.scale = {factor, cap};
  op(OpKind::scale, {x}, out, params);
  return out;
}

TensorId ModelBuilder::norm(TensorId x, std::string_view what) {
  return norm(x, what, cols(x));
}

TensorId ModelBuilder::norm(TensorId x, std::string_view what, std::int64_t width) {
  const TensorId out = graph_.activation(name(what), cols(x));
  const TensorId by = weight({name(what) + ".weight", 1, width, WeightRule::vector, false, layer_});
  OpParams params;
  params.rms_norm = {config_.norm_eps, static_cast<int>(width)};
  op(OpKind::rms_norm, {x, by}, out, params);
  return out;
}

TensorId ModelBuilder::linear(TensorId x, std::string_view what, std::int64_t out) {
  const std::string full = name(what);
  const TensorId y = graph_.activation(full, out);
  const TensorId matrix =
      weight({full + ".weight", out, cols(x), WeightRule::matrix, false, layer_});
  const TensorId bias = weight({full + ".bias", 1, out, WeightRule::vector, true, layer_});
  op(OpKind::matmul, {x, matrix, bias}, y);
  return y;
}

TensorId ModelBuilder::rope(TensorId x, const AttentionSpec& spec, std::string_view what) {
  const RopeSpec& rope = config_.ropes[spec.rope];
  rope_factors_.resize(config_.ropes.size(), kNoTensor);
  TensorId& factors = rope_factors_[spec.rope];
  if (factors == kNoTensor && weights_ != nullptr) {
    const std::vector<WeightTensor>& bound = weights_->rope_factors[spec.rope];
    if (!bound.empty()) factors = constant(bound[part_]);
  }
  const TensorId out = graph_.activation(name(what), cols(x));
  OpParams params;
  params.rope = {static_cast<int>(spec.head_dim), static_cast<int>(rope.dims), rope.base,
                 rope.magnitude, rope.halves ? 1 : 0};
  op(OpKind::rope, {x, factors}, out, params);
  return out;
}

TensorId ModelBuilder::attention(TensorId x, const AttentionSpec& spec) {
  TensorId q = linear(x, "attn_q", spec.q_dim());
  TensorId k = linear(x, "attn_k", spec.kv_dim());
  const TensorId v = linear(x, "attn_v", spec.kv_dim());
  if (spec.norm_heads) {
    q = norm(q, "attn_q_norm", spec.head_dim);
    k = norm(k, "attn_k_norm", spec.head_dim);
  }
  const TensorId q_rotated = rope(q, spec, "attn_q_rope");
  const TensorId k_rotated = rope(k, spec, "attn_k_rope");
  const TensorId keys = state("keys", spec.kv_dim());
  const TensorId values = state("values", spec.kv_dim());
  op(OpKind::kv_append, {k_rotated, v, keys, values}, kNoTensor);
  const TensorId mixed = graph_.activation(name("attn"), spec.q_dim());
  OpParams params;
  const auto whole = [](std::int64_t number) { return static_cast<int>(number); };
  const float usual_scale = 1.0f / std::sqrt(static_cast<float>(spec.head_dim));
  params.attention = {whole(spec.heads),
                      whole(spec.kv_heads),
                      whole(spec.head_dim),
                      whole(spec.window),
                      spec.scale > 0 ? spec.scale : usual_scale,
                      spec.score_cap};
  op(OpKind::attention, {q_rotated, keys, values}, mixed, params);
  return linear(mixed, "attn_output", config_.dim);
}

TensorId ModelBuilder::feed_forward(TensorId x, const FeedForwardSpec& spec) {
  const TensorId gate = linear(x, "ffn_gate", spec.hidden);
  const TensorId up = linear(x, "ffn_up", spec.hidden);
  return linear(gated(gate, up, spec.activation, "ffn_hidden"), "ffn_down", config_.dim);
}

TensorId ModelBuilder::gated(TensorId gate, TensorId up, Activation activation,
                             std::string_view what) {
  const TensorId out = graph_.activation(name(what), cols(gate));
  OpParams params;
  params.glu.activation = activation == Activation::silu ? kSilu : kGeluTanh;
  op(OpKind::glu, {gate, up}, out, params);
  return out;
}

TensorId ModelBuilder::linear_of_experts(TensorId x, TensorId ids, std::string_view what,
                                         const ExpertsSpec& spec, std::int64_t in,
                                         std::int64_t out) {
  const std::string full = name(what);
  const TensorId matrices = weight(
      {full + ".weight", out, in, WeightRule::matrix, false, layer_, spec.count, spec.chosen});
  const TensorId y = graph_.activation(full, spec.chosen * out);
  op(OpKind::matmul_experts, {x, matrices, ids}, y);
  return y;
}

TensorId ModelBuilder::mixture_of_experts(TensorId x, const ExpertsSpec& spec) {
  const std::int64_t dim = cols(x);
  const TensorId logits = linear(x, "ffn_gate_inp", spec.count);
  const TensorId ids = graph_.ids(name("ffn_moe_topk"), spec.chosen);
  const TensorId weights = graph_.activation(name("ffn_moe_weights"), spec.chosen);
  OpParams params;
  params.route = {
      static_cast<int>(spec.chosen), kSoftmax, spec.normalise ? 1 : 0, spec.scale, 1, 1, 1};
  op(OpKind::route, {logits}, ids, params, weights);
  const TensorId gate = linear_of_experts(x, ids, "ffn_gate_exps", spec, dim, spec.hidden);
  const TensorId up = linear_of_experts(x, ids, "ffn_up_exps", spec, dim, spec.hidden);
  const TensorId hidden = gated(gate, up, Activation::silu, "ffn_moe_hidden");
  const TensorId down = linear_of_experts(hidden, ids, "ffn_down_exps", spec, spec.hidden, dim);
  const TensorId out = graph_.activation(name("ffn_moe_out"), dim);
  op(OpKind::weighted_sum, {down, weights}, out);
  return out;
}

TensorId ModelBuilder::add(TensorId a, TensorId b, std::string_view what) {
  const TensorId out = graph_.activation(name(what), cols(a));
  op(OpKind::add, {a, b}, out);
  return out;
}

}  // namespace mneme
