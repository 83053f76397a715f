// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <vector>

#include "gpu/cpu/barrier_groups.h"
#include "gpu/cpu/cpu_backend.h"
#include "gpu/plan/activation_memory.h"
#include "gpu/plan/constants.h"
#include "gpu/plan/fusions.h"
#include "gpu/plan/packings.h"
#include "gpu/plan/plan_sizes.h"
#include "tests/gpu/random_llama.h"

namespace mneme {
namespace {

TEST(ActivationMemory, ReusesWhatIsNoLongerNeeded) {
  const std::vector<Life> lives{{64, 0, 1}, {64, 1, 2}, {64, 2, 2}};
  const ActivationMemory memory = place_activations(lives);
  EXPECT_EQ(memory.bytes, 128u);
  EXPECT_EQ(memory.offsets[0], memory.offsets[2]);
  EXPECT_NE(memory.offsets[0], memory.offsets[1]);
}

TEST(ActivationMemory, NeverSharesWhatLivesTogether) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<Life> lives;
    for (int i = 0; i < 30; ++i) {
      const std::size_t first = random() % 20;
      lives.push_back({random() % 1000, first, first + random() % 6});
    }
    const ActivationMemory memory = place_activations(lives);
    for (std::size_t a = 0; a < lives.size(); ++a) {
      ASSERT_EQ(memory.offsets[a] % 64, 0u);
      ASSERT_LE(memory.offsets[a] + lives[a].bytes, memory.bytes);
      for (std::size_t b = 0; b < a; ++b) {
        if (lives[a].last < lives[b].first || lives[b].last < lives[a].first) continue;
        ASSERT_TRUE(memory.offsets[a] + lives[a].bytes <= memory.offsets[b] ||
                    memory.offsets[b] + lives[b].bytes <= memory.offsets[a]);
      }
    }
  }
}

PhaseUse by_token(std::vector<std::uint32_t> reads, std::vector<std::uint32_t> writes) {
  return {true, false, std::move(reads), {}, std::move(writes)};
}
PhaseUse by_row(std::vector<std::uint32_t> reads, std::vector<std::uint32_t> writes) {
  return {false, false, std::move(reads), {}, std::move(writes)};
}

std::vector<std::size_t> ends(const std::vector<BarrierGroup>& groups) {
  std::vector<std::size_t> ends;
  for (const BarrierGroup& group : groups) ends.push_back(group.end);
  return ends;
}

TEST(BarrierGroups, JoinProductsOfTheSameInputAndChainsOfRows) {
  // norm, pack | q, k, v | rope q, rope k, append | attention | pack | o
  const std::vector<PhaseUse> phases{
      by_token({0}, {1}),       by_token({1}, {2}), by_row({2}, {3}),   by_row({2}, {4}),
      by_row({2}, {5}),         by_token({3}, {6}), by_token({4}, {7}), by_token({7, 5}, {20, 21}),
      by_row({6, 20, 21}, {8}), by_token({8}, {9}), by_row({9}, {10})};
  const std::vector<std::size_t> starts{0};
  const std::vector<BarrierGroup> groups = group_phases(phases, starts);
  EXPECT_EQ(ends(groups), (std::vector<std::size_t>{2, 5, 8, 9, 10, 11}));
  EXPECT_TRUE(groups[0].by_token);
  EXPECT_FALSE(groups[1].by_token);
}

TEST(BarrierGroups, KeepApartWhatDepends) {
  const std::vector<std::size_t> starts{0};
  // The second product overwrites what the first reads.
  EXPECT_EQ(ends(group_phases(std::vector{by_row({1}, {2}), by_row({3}, {1})}, starts)),
            (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(ends(group_phases(std::vector{by_row({1}, {2}), by_row({2}, {3})}, starts)),
            (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(ends(group_phases(std::vector{by_row({1}, {2}), by_row({3}, {2})}, starts)),
            (std::vector<std::size_t>{1, 2}));
  // A convolution reads rows that other tokens write.
  PhaseUse conv = by_token({1}, {2});
  conv.reads_across = {9};
  EXPECT_EQ(ends(group_phases(std::vector{by_token({1}, {9}), conv}, starts)),
            (std::vector<std::size_t>{1, 2}));
  // Other tokens.
  PhaseUse outputs = by_token({2}, {3});
  outputs.output_rows = true;
  EXPECT_EQ(ends(group_phases(std::vector{by_token({1}, {2}), outputs}, starts)),
            (std::vector<std::size_t>{1, 2}));
  // A segment begins.
  const std::vector<std::size_t> segments{0, 1};
  EXPECT_EQ(ends(group_phases(std::vector{by_token({1}, {2}), by_token({2}, {3})}, segments)),
            (std::vector<std::size_t>{1, 2}));
}

// Products of x and y, x written again behind the third: 0 x1 = w x, 1 x2 = w x, 2 y1 = w y,
// 3 x = norm(y1), 4 x3 = w x.
struct Products {
  enum : TensorId { x, y, weight, other, x1, x2, y1, x3, norm, tensors };
  Products() {
    graph.tensors.resize(tensors);
    for (Tensor& tensor : graph.tensors) tensor.cols = 64;
    graph.tensors[other].dtype = DType::q8_0;
    graph.ops = {product(x, weight, x1), product(x, weight, x2), product(y, weight, y1),
                 Op{OpKind::rms_norm}, product(x, weight, x3)};
    graph.ops[3].in = {y1, norm};
    graph.ops[3].out = x;
    graph.ops[3].params.rms_norm.width = 64;
    graph.segments = {Segment{0, 5, {}}};
  }
  static Op product(TensorId in, TensorId by, TensorId out) {
    Op op{OpKind::matmul};
    op.in = {in, by};
    op.out = out;
    return op;
  }
  Packings find(bool by_makers) {
    return Packings::find(
        graph,
        [&](const Op& op) { return std::optional<PackedForm>(int(graph.tensor(op.in[1]).dtype)); },
        [&](const Op& op) { return by_makers && op.kind == OpKind::rms_norm; });
  }
  Graph graph;
};

TEST(Packings, AreMadeOnceForAllThatReadTheSameAndAgainForWhatWasWritten) {
  Products products;
  EXPECT_EQ(products.find(false).packed_by,
            (std::vector<std::size_t>{0, 0, 2, Packings::kNoOp, 4}));
  EXPECT_EQ(products.find(false).packs,
            (std::vector<TensorId>{Products::x, kNoTensor, Products::y, kNoTensor, Products::x}));
  EXPECT_EQ(products.find(true).packed_by, (std::vector<std::size_t>{0, 0, 2, Packings::kNoOp, 3}));
  products.graph.ops[1].in[1] = Products::other;  // reads another form
  EXPECT_EQ(products.find(false).packed_by,
            (std::vector<std::size_t>{0, 1, 2, Packings::kNoOp, 4}));
}

TEST(Packings, AMakerPacksInOneFormAndLeavesOthersToTheirReaders) {
  Products products;
  products.graph.ops.push_back(Products::product(Products::x, Products::other, Products::x1));
  products.graph.segments = {Segment{0, 6, {}}};
  EXPECT_EQ(products.find(true).packed_by,
            (std::vector<std::size_t>{0, 0, 2, Packings::kNoOp, 3, 5}));
}

TEST(Fusions, ProductsOfTheSameActivationsAreMadeTogetherUpToALimit) {
  Products products;
  const Fusions two = Fusions::find(products.graph, 2);
  EXPECT_EQ(two.group, (std::vector<std::size_t>{2, 1, 1, 1, 1}));
  EXPECT_EQ(two.made_at, (std::vector<std::size_t>{0, 0, 2, 3, 4}));
  EXPECT_EQ(two.first, two.made_at);
  EXPECT_EQ(Fusions::find(products.graph, 1).made_at, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
  products.graph.ops[1].in[1] = Products::other;  // of another type
  EXPECT_EQ(Fusions::find(products.graph, 2).made_at, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
}

TEST(FloatCopies, AreMadeOnceAndTurnedWhereAnOpWantsColumns) {
  Graph graph;
  graph.tensors.resize(8);
  graph.tensors[2].rows = 1;
  graph.tensors[2].cols = 6;
  graph.tensors[3].rows = 6;
  graph.tensors[3].cols = 2;
  Op conv{OpKind::short_conv};
  conv.in = {0, 1, 2, 3, 4};
  Op norm{OpKind::rms_norm};
  norm.in = {0, 2};
  graph.ops = {norm, conv, norm};
  const FloatCopies copies = FloatCopies::find(graph);
  ASSERT_EQ(copies.all().size(), 2u);
  EXPECT_EQ(copies.of(norm, 1), copies.of(conv, 2));
  EXPECT_EQ(copies.of(conv, 3), 1u);
  EXPECT_EQ(copies.of(conv, 0), FloatCopies::kNone);
  const auto counted = [&](TensorId id) -> Result<std::vector<float>> {
    std::vector<float> values(
        static_cast<std::size_t>(graph.tensor(id).rows * graph.tensor(id).cols));
    std::iota(values.begin(), values.end(), 0.0f);
    return values;
  };
  EXPECT_EQ(copies.all()[1].rows(graph), 2);
  EXPECT_EQ(*copies.all()[1].values(graph, counted),
            (std::vector<float>{0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11}));
}

// Of whole models, with and without fusions: what a launch reads and writes lies apart, and nothing
// is written over before its last launch.
TEST(ActivationLives, OfAModelNothingIsLostThatIsStillRead) {
  const auto backend = open_cpu_backend({});
  ASSERT_TRUE(backend);
  const RandomLlama model(**backend, {}, 64, 4);
  CompileOptions options;
  options.tokens_max = 16;
  options.outputs_max = 4;
  const PlanSizes sizes(model.graph(), options);
  for (const std::size_t together : {1u, 3u}) {
    const Fusions fusions = Fusions::find(model.graph(), together);
    ActivationLives lives(model.graph().tensors.size());
    touch_activations(lives, model.graph(), sizes, fusions, 64);
    const std::size_t bytes = lives.place();
    std::vector<TensorId> holds(bytes / 64, kNoTensor);  // of each 64 bytes: whose they are
    const auto each = [&](TensorId id, auto&& visit) {
      const auto offset = id == kNoTensor ? std::nullopt : lives.offset_of(id);
      if (!offset) return;
      for (std::size_t at = *offset; at < *offset + sizes.bytes_of(id); at += 64)
        visit(holds[at / 64]);
    };
    for (std::size_t i = 0; i < model.graph().ops.size(); ++i) {
      if (fusions.made_at[i] != i) continue;
      const std::size_t end = fusions.sum[i] != 0 ? i + 2 : i + fusions.group[i];
      std::vector<TensorId> read;
      for (std::size_t k = i; k < end; ++k) {
        for (const TensorId id : model.graph().ops[k].in) {
          if (k > i && fusions.sum[i] != 0 && id == model.graph().ops[i].out)
            continue;  // never made
          each(id, [&](TensorId owner) { ASSERT_EQ(owner, id) << "op " << k; });
          read.push_back(id);
        }
      }
      for (std::size_t k = i; k < end; ++k) {  // while other parts of the launch still read
        const TensorId out = model.graph().ops[k].out;
        each(out, [&](TensorId& owner) {
          const bool is_read = std::find(read.begin(), read.end(), owner) != read.end();
          ASSERT_TRUE(owner == out || !is_read) << "op " << k;
          owner = out;
        });
      }
    }
  }
}

}  // namespace
}  // namespace mneme
