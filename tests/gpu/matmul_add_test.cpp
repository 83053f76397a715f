// SPDX-License-Identifier: Apache-2.0
// Which products and sums of a graph may be made in one launch, and which must not.
#include "gpu/plan/matmul_add.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace mneme {
namespace {

// Ops 0 (product), 1 (sum) and 2 (another sum), with room for a change.
struct Summed {
  enum : TensorId { x, weight, made, residual, out, other, last, tensors };
  Summed() {
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
    const std::vector<bool> found = find_matmul_adds(graph);
    EXPECT_EQ(found.size(), 3u);
    EXPECT_FALSE(found[1] || found[2]);
    return found[0];
  }
  Op product{OpKind::matmul};
  Op sum{OpKind::add};
  Op behind{OpKind::add};
  Graph graph;
};

TEST(MatmulAdd, AProductAndTheSumBehindItAreMadeTogether) {
  Summed layer;
  EXPECT_TRUE(layer.one_launch());
  EXPECT_EQ(added_to(layer.graph, 0), Summed::residual);
  layer.sum.in = {Summed::made, Summed::residual};
  EXPECT_TRUE(layer.one_launch());
  EXPECT_EQ(added_to(layer.graph, 0), Summed::residual);
  layer.sum.out = Summed::residual;  // in place
  EXPECT_TRUE(layer.one_launch());
}

TEST(MatmulAdd, WhatIsNeededElsewhereIsMadeApart) {
  const std::vector<std::pair<const char*, std::function<void(Summed&)>>> changes = {
      {"read again", [](Summed& l) { l.behind.in[1] = Summed::made; }},
      {"added to itself", [](Summed& l) { l.sum.in[0] = Summed::made; }},
      {"an output", [](Summed& l) { l.graph.tensors[Summed::made].role = TensorRole::output; }},
      {"not what is added", [](Summed& l) { l.sum.in[1] = Summed::other; }},
      {"over the product's input", [](Summed& l) { l.sum.out = Summed::x; }},
      {"no sum", [](Summed& l) { l.sum.kind = OpKind::glu; }},
  };
  for (const auto& [name, change] : changes) {
    Summed layer;
    change(layer);
    EXPECT_FALSE(layer.one_launch()) << name;
  }
  EXPECT_FALSE(Summed().one_launch(true));  // a segment begins between them
}

}  // namespace
}  // namespace mneme
