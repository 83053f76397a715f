// SPDX-License-Identifier: Apache-2.0
// Which gates and convolutions of a graph may be made in one launch, and which must not.
#include "gpu/plan/fused_gate_conv.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "gpu/registry.h"

namespace mneme {
namespace {

constexpr std::int64_t kDim = 8;

// An Engram layer after the products: ops 0 (gate) and 1 (convolution), with room for a change.
class Layer {
 public:
  explicit Layer(std::int64_t taps = 4)
      : backend_(std::move(open_backend({1, "scalar"}).value())),
        bytes_(std::move(backend_->alloc(1 << 12, MemoryKind::host_visible).value())) {
    GraphBuilder g;
    const auto rows = [&](const char* name) { return g.input(name, DType::f32, kDim, bytes_); };
    gate.in = {rows("h"), rows("key"), rows("value"),
               g.constant("key_norm", DType::f32, 1, kDim, bytes_),
               g.constant("query_norm", DType::f32, 1, kDim, bytes_)};
    gate.out = g.activation("gated", kDim);
    gate.out2 = g.output("gates", 1, bytes_);
    conv.in = {gate.in[0], gate.out, g.constant("norm", DType::f32, 1, kDim, bytes_),
               g.constant("kernel", DType::f32, kDim, taps, bytes_),
               g.state("inputs", DType::f32, 16, kDim, bytes_)};
    conv.out = g.activation("residual", kDim);
    conv.out2 = g.output("writes", 1, bytes_);
    other_h = rows("other h");
    sum.in = {conv.out, gate.in[0]};
    sum.out = g.output("sum", kDim, bytes_);
    g.begin_segment({});
    graph = std::move(g).finish();
  }

  bool one_launch(bool two_segments = false) {
    graph.ops = {gate, conv, sum};
    graph.segments = {Segment{0, 3, {}}};
    if (two_segments) graph.segments = {Segment{0, 1, {}}, Segment{1, 3, {}}};
    const std::vector<bool> found = find_fused_gate_convs(graph);
    EXPECT_EQ(found.size(), 3u);
    EXPECT_FALSE(found[1] || found[2]);
    return found[0];
  }

  Op gate{OpKind::engram_gate};
  Op conv{OpKind::short_conv};
  Op sum{OpKind::add};
  TensorId other_h = kNoTensor;
  Graph graph;

 private:
  std::unique_ptr<Backend> backend_;
  Buffer bytes_;
};

TEST(FusedGateConv, AGateAndTheConvolutionOfItsValuesAreMadeTogether) {
  EXPECT_TRUE(Layer().one_launch());
  EXPECT_TRUE(Layer(kFusedGateConvTapsMax).one_launch());
}

TEST(FusedGateConv, WhatIsNeededElsewhereIsMadeApart) {
  const std::vector<std::pair<const char*, std::function<void(Layer&)>>> changes = {
      {"gated values are read again", [](Layer& l) { l.sum.in[1] = l.gate.out; }},
      {"gated values are an output", [](Layer& l) { l.gate.out = l.conv.in[1] = l.sum.out; }},
      {"another h", [](Layer& l) { l.conv.in[0] = l.other_h; }},
      {"other values", [](Layer& l) { l.conv.in[1] = l.other_h; }},
      {"other streams", [](Layer& l) { l.conv.params.short_conv.streams = 2; }},
      {"in place", [](Layer& l) { l.conv.out = l.gate.in[0]; }},
      {"over the key", [](Layer& l) { l.conv.out = l.gate.in[1]; }},
  };
  for (const auto& [name, change] : changes) {
    Layer layer;
    change(layer);
    EXPECT_FALSE(layer.one_launch()) << name;
  }
  EXPECT_FALSE(Layer(kFusedGateConvTapsMax + 1).one_launch());
  EXPECT_FALSE(Layer().one_launch(true));  // a segment begins between them
}

}  // namespace
}  // namespace mneme
