// SPDX-License-Identifier: Apache-2.0
// The words that a family's layers are written in. Each appends ops to a graph, over weights and
// states that it asks for by name. A model is built twice in the same words: once over nothing,
// which tells what it needs (ModelNeeds), and once for each device over what was bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/graph.h"
#include "inference/model/model_config.h"
#include "inference/model/weight_tensor.h"

namespace mneme {

struct KvCache;
struct Weights;

constexpr std::int64_t kEmbeddingLayer = -1;  // before the first layer
constexpr std::int64_t kOutputLayer = -2;     // behind the last

struct WeightNeed {
  std::string name;  // in GGUF: "blk.3.attn_q.weight"
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  WeightRule rule = WeightRule::matrix;
  bool optional = false;
  std::int64_t layer = kEmbeddingLayer;  // whose backend holds it
  std::int64_t depth = 1;                // matrices, one for each expert
  std::int64_t used = 1;                 // of them, for each token
};

// One row a position, in the element type of the cache.
struct StateNeed {
  std::string name;  // "blk.3.keys"
  std::int64_t width = 0;
  std::int64_t layer = 0;
};

struct ModelNeeds {
  std::vector<WeightNeed> weights;
  std::vector<StateNeed> states;
};

class ModelBuilder {
 public:
  // Over nothing: what is asked for is in needs().
  explicit ModelBuilder(const ModelConfig& config) : config_(config) {}
  // Part `part` of a placement, over what was bound for it; both outlive the graph.
  ModelBuilder(const ModelConfig& config, const Weights& weights, const KvCache& cache,
               std::size_t part)
      : config_(config), weights_(&weights), cache_(&cache), part_(part) {}

  // --- the words: x [T, n] -> [T, m] -------------------------------------------------------------
  // RMS norm with the weight <name>.weight: of whole rows, or of each `width` values of them.
  TensorId norm(TensorId x, std::string_view name);
  TensorId norm(TensorId x, std::string_view name, std::int64_t width);
  // x * weight^T, with <name>.bias where there is one. `out`: m.
  TensorId linear(TensorId x, std::string_view name, std::int64_t out);
  // Of normed x: Wo attention(rope(Wq x), rope(Wk x), Wv x), over this and earlier positions.
  TensorId attention(TensorId x, const AttentionSpec& spec);
  // Of normed x: Wdown (activation(Wgate x) * Wup x)
  TensorId feed_forward(TensorId x, const FeedForwardSpec& spec);
  // Of normed x: the weighted sum of such networks, of the experts that a router chose.
  TensorId mixture_of_experts(TensorId x, const ExpertsSpec& spec);
  TensorId add(TensorId a, TensorId b, std::string_view name);

  // --- for build_graph.cpp -----------------------------------------------------------------------
  // Names of weights, states and activations get "blk.<layer>." in a layer.
  void enter(std::int64_t layer) { layer_ = layer; }
  std::string name(std::string_view what) const;
  TensorId embed();
  // Norm and logits of the output tokens. `logits`: null over nothing.
  void output(TensorId x, const Buffer* logits);
  TensorId constant(const WeightTensor& w);
  void op(OpKind kind, std::vector<TensorId> in, TensorId out, const OpParams& params = {},
          TensorId out2 = kNoTensor);
  GraphBuilder& graph() { return graph_; }
  Graph finish() && { return std::move(graph_).finish(); }
  ModelNeeds needs() && { return std::move(needs_); }

 private:
  // The tensor of a weight; kNoTensor = an optional one that is not there.
  TensorId weight(const WeightNeed& need);
  TensorId state(std::string_view what, std::int64_t width);
  TensorId scale(TensorId x, float factor, float cap, TensorId out);
  TensorId rope(TensorId x, const AttentionSpec& spec, std::string_view what);
  // x [T, in] or [T, K * in] -> [T, K * out], by <name>.weight [experts, out, in].
  TensorId linear_of_experts(TensorId x, TensorId ids, std::string_view what,
                             const ExpertsSpec& spec, std::int64_t in, std::int64_t out);
  TensorId gated(TensorId gate, TensorId up, Activation activation, std::string_view what);
  std::int64_t cols(TensorId id) const { return graph_.cols(id); }

  const ModelConfig& config_;
  const Weights* weights_ = nullptr;
  const KvCache* cache_ = nullptr;
  std::size_t part_ = 0;
  GraphBuilder graph_;
  ModelNeeds needs_;
  std::vector<TensorId> rope_factors_;  // by rope; made when first used
  std::int64_t layer_ = kEmbeddingLayer;
};

}  // namespace mneme
