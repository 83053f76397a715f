// SPDX-License-Identifier: Apache-2.0
#include "inference/model/weights.h"

#include <span>
#include <utility>

#include "inference/families/unbound_tensors.h"
#include "inference/model/build_graph.h"
#include "inference/model/type_bytes.h"

namespace mneme {
namespace {

constexpr const char* kEmbedding = "token_embd.weight";
constexpr const char* kOutput = "output.weight";

Backend& backend_of(const WeightNeed& need, const Placement& placement) {
  if (need.layer == kEmbeddingLayer) return placement.of_embedding();
  if (need.layer == kOutputLayer) return placement.of_output();
  return placement.of_layer(need.layer);
}

Result<WeightTensor> upload_factors(std::span<const float> factors, Backend& backend) {
  const auto bytes = std::as_bytes(factors);
  auto buffer = backend.alloc(bytes.size(), MemoryKind::device);
  if (!buffer) return buffer.error().with("loading RoPE factors");
  RETURN_IF_ERROR(backend.upload(*buffer, 0, bytes));
  return WeightTensor{"rope_factors", DType::f32, 1, static_cast<std::int64_t>(factors.size()),
                      std::move(*buffer)};
}

void add_sums(const ModelSource& source, const TensorNames& bound, bool tied, Weights& w) {
  TypeBytes types;
  for (const SourceTensor& tensor : source.tensors()) {
    if (!bound.contains(tensor.name)) continue;
    w.bytes += tensor.bytes.size();
    types.add(tensor.type_name, tensor.bytes.size());
  }
  w.main_dtype = types.most();
  w.bytes_decode = w.bytes - w.bytes_unused;
  if (!tied) w.bytes_decode -= source.find_tensor(kEmbedding)->bytes.size();
}

}  // namespace

const WeightTensor* Weights::find(std::string_view name) const {
  const auto found = tensors.find(name);
  return found == tensors.end() ? nullptr : &found->second;
}

Result<Weights> Weights::bind(const ModelSource& source, const ModelConfig& config,
                              const Placement& placement) {
  Weights w;
  TensorNames bound;
  const bool tied = source.find_tensor(kOutput) == nullptr;
  for (const WeightNeed& need : needs_of(config).weights) {
    std::string name = need.name;
    if (need.name == kOutput && tied) {
      if (&placement.of_embedding() == &placement.of_output()) continue;
      name = kEmbedding;
    } else if (need.optional && source.find_tensor(name) == nullptr) {
      continue;
    }
    auto weight = bind_weight(source, name, need.rows, need.cols, backend_of(need, placement),
                              need.rule, need.depth);
    if (!weight) return weight.error();
    const std::uint64_t bytes = source.find_tensor(name)->bytes.size();
    w.bytes_unused += bytes / static_cast<std::uint64_t>(need.depth) *
                      static_cast<std::uint64_t>(need.depth - need.used);
    bound.insert(std::move(name));
    w.tensors.emplace(need.name, std::move(*weight));
  }
  for (const RopeSpec& rope : config.ropes) {
    std::vector<WeightTensor>& parts = w.rope_factors.emplace_back();
    if (rope.factors.empty()) continue;
    for (const DevicePart& part : placement.parts()) {
      auto factors = upload_factors(rope.factors, *part.backend);
      if (!factors) return factors.error();
      parts.push_back(std::move(*factors));
    }
  }
  auto left_out = check_unbound_tensors(source, config, bound);
  if (!left_out) return left_out.error();
  w.left_out = std::move(*left_out);
  add_sums(source, bound, tied, w);
  return w;
}

}  // namespace mneme
