// SPDX-License-Identifier: Apache-2.0
// Which products and sums of a graph may be made in one launch, and which must not.
#include "gpu/product_sum.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace mneme {
namespace {

// Ops 0 (product), 1 (sum) and 2 (another sum), with room for a change.
struct Layer {
  enum : TensorId { x, weight, made, residual, out, other, last, tensors };
  Layer() {
    graph.tensors.resize(tensors);
    product.in = {x, weight};
    product.out = made;
    sum.in = {residual, made};
    sum.out = out;
    behind.in = {out, other};
    behind.out = last;
  }
  bool one_launch(bool two_segments = false) {
    graph.ops = {product, sum, behind};
    graph.segments = {Segment{0, 3, {}}};
    if (two_segments) graph.segments = {Segment{0, 1, {}}, Segment{1, 3, {}}};
    const std::vector<bool> found = find_product_sums(graph);
    EXPECT_EQ(found.size(), 3u);
    EXPECT_FALSE(found[1] || found[2]);
    return found[0];
  }
  Op product{OpKind::matmul};
  Op sum{OpKind::add};
  Op behind{OpKind::add};
  Graph graph;
};

TEST(ProductSum, AProductAndTheSumBehindItAreMadeTogether) {
  Layer layer;
  EXPECT_TRUE(layer.one_launch());
  EXPECT_EQ(added_to(layer.graph, 0), Layer::residual);
  layer.sum.in = {Layer::made, Layer::residual};
  EXPECT_TRUE(layer.one_launch());
  EXPECT_EQ(added_to(layer.graph, 0), Layer::residual);
  layer.sum.out = Layer::residual;  // in place
  EXPECT_TRUE(layer.one_launch());
}

TEST(ProductSum, WhatIsNeededElsewhereIsMadeApart) {
  const std::vector<std::pair<const char*, std::function<void(Layer&)>>> changes = {
      {"read again", [](Layer& l) { l.behind.in[1] = Layer::made; }},
      {"added to itself", [](Layer& l) { l.sum.in[0] = Layer::made; }},
      {"an output", [](Layer& l) { l.graph.tensors[Layer::made].role = TensorRole::output; }},
      {"not what is added", [](Layer& l) { l.sum.in[1] = Layer::other; }},
      {"over the product's input", [](Layer& l) { l.sum.out = Layer::x; }},
      {"of trailing tokens only", [](Layer& l) { l.sum.outputs_only = true; }},
      {"no sum", [](Layer& l) { l.sum.kind = OpKind::swiglu; }},
  };
  for (const auto& [name, change] : changes) {
    Layer layer;
    change(layer);
    EXPECT_FALSE(layer.one_launch()) << name;
  }
  EXPECT_FALSE(Layer().one_launch(true));  // a segment begins between them
}

}  // namespace
}  // namespace mneme
