// SPDX-License-Identifier: Apache-2.0
#include "gpu/vulkan/plan_constants.h"

#include <array>
#include <cstring>
#include <utility>

namespace mneme {

Result<PlanConstants> plan_constants(const Graph& graph, const std::vector<bool>& fused,
                                     const ReadFloats& floats_of) {
  PlanConstants made;
  std::vector<float>& all = made.values;
  constexpr std::size_t kParamWords = sizeof(OpParams) / sizeof(float);
  all.resize(graph.ops.size() * kParamWords);
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    std::memcpy(all.data() + i * kParamWords, &graph.ops[i].params, sizeof(OpParams));
  }
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    made.fused_gate_convs.push_back(all.size() * sizeof(float));
    if (!fused[i]) continue;
    const Op& gate = graph.ops[i];
    const Op& conv = graph.ops[i + 1];
    std::array<std::vector<float>, 4> parts;
    const std::array<TensorId, 4> ids{gate.in[3], gate.in[4], conv.in[2], conv.in[3]};
    for (std::size_t k = 0; k < ids.size(); ++k) {
      auto values = floats_of(ids[k]);
      if (!values) return values.error();
      parts[k] = std::move(*values);
    }
    const auto& [key_norm, query_norm, conv_norm, kernel] = parts;
    all.insert(all.end(), {gate.params.engram_gate.eps, conv.params.short_conv.eps});
    for (std::size_t c = 0; c < key_norm.size(); ++c) all.push_back(key_norm[c] * query_norm[c]);
    all.insert(all.end(), conv_norm.begin(), conv_norm.end());
    const std::size_t taps = kernel.size() / conv_norm.size();
    for (std::size_t tap = 0; tap < taps; ++tap) {
      for (std::size_t c = 0; c < conv_norm.size(); ++c) all.push_back(kernel[c * taps + tap]);
    }
  }
  return made;
}

}  // namespace mneme
