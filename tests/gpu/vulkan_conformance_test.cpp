// SPDX-License-Identifier: Apache-2.0
// The conformance table on every Vulkan device of this machine, under the validation layer. On a
// machine without a GPU that is Mesa's llvmpipe.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "gpu/conformance/not_finite.h"
#include "gpu/conformance/run_case.h"
#include "gpu/vulkan/instance.h"
#include "gpu/vulkan/vulkan_backend.h"
#include "tests/gpu/case_named.h"
#include "tests/support/faulty_vulkan.h"

namespace mneme {
namespace {

void run_table(NumericMode mode, const VulkanFaults& device) {
  const std::string reason = no_vulkan_reason();
  if (!reason.empty()) GTEST_SKIP() << reason;
  const FaultyVulkan vulkan(device);
  const auto backend = open_vulkan_backend(vulkan.loader(), {0, "", true});
  if (!backend && backend.error().code == ErrorCode::unsupported) {
    GTEST_SKIP() << backend.error().message;
  }
  ASSERT_TRUE(backend) << backend.error().message;
  for (const OpCase& c : conformance_cases()) {
    if (c.large) continue;
    EXPECT_EQ(run_case(**backend, c, mode).failure, "") << c.name;
  }
}

TEST(VulkanConformance, EveryOpEqualsItsFormulaInExactMode) {
  run_table(NumericMode::exact, {});
}

// A device that can does products of quantised weights in integers.
VulkanFaults with_integers(bool discrete) {
  VulkanFaults device;
  device.integer_dot = true;
  device.discrete = discrete;
  return device;
}

TEST(VulkanConformance, EveryOpStaysCloseInFastMode) {
  run_table(NumericMode::fast, with_integers(false));
}

TEST(VulkanConformance, WhatIsNotFiniteStaysSo) {
  const std::string reason = no_vulkan_reason();
  if (!reason.empty()) GTEST_SKIP() << reason;
  const FaultyVulkan vulkan(with_integers(false));
  const auto backend = open_vulkan_backend(vulkan.loader(), {0, "", true});
  if (!backend) GTEST_SKIP() << backend.error().message;
  NotFiniteCheck check({std::numeric_limits<float>::quiet_NaN()});
  const NotFinite result = check.run(**backend, NumericMode::fast);
  EXPECT_EQ(result.failures, std::vector<std::string>());
  EXPECT_GT(result.reached, 10'000u);
}

// With workgroups of a graphics card's size, several subgroups in each.
TEST(VulkanConformance, EveryOpEqualsItsFormulaOnACard) {
  VulkanFaults card;
  card.discrete = true;
  run_table(NumericMode::exact, card);
}

TEST(VulkanConformance, EveryOpStaysCloseInFastModeOnACard) {
  run_table(NumericMode::fast, with_integers(true));
}

// Empty, or why no device makes products of matrices. A processor's do not count: the test says
// that it is a card.
std::string no_matrix_reason(const FaultyVulkan& vulkan) {
  const auto instance = VulkanInstance::open(vulkan.loader(), false);
  if (!instance) return instance.error().message;
  const auto devices = (*instance)->devices();
  if (!devices) return devices.error().message;
  return (*devices)[0].matrix.m > 0 ? "" : (*devices)[0].name + " has no matrix units";
}

// Once packed, two products read the same.
TEST(VulkanConformance, ProductsOfManyTokensStayCloseOnMatrixUnits) {
  const std::string reason = no_vulkan_reason();
  if (!reason.empty()) GTEST_SKIP() << reason;
  VulkanFaults card;
  card.discrete = true;
  const FaultyVulkan vulkan(card);
  const std::string missing = no_matrix_reason(vulkan);
  if (!missing.empty()) GTEST_SKIP() << missing;
  const auto backend = open_vulkan_backend(vulkan.loader(), {0, "", true});
  ASSERT_TRUE(backend) << backend.error().message;
  const auto run = [&](const char* row) {
    const long before = FaultyVulkan::dispatches();
    EXPECT_EQ(run_case(**backend, case_named(row), NumericMode::fast).failure, "") << row;
    return FaultyVulkan::dispatches() - before;
  };
  // Each in recordings for one token, up to eight and many; the last packs first.
  EXPECT_EQ(run("matmul_Q8_0_17x96x65"), 4);
  for (const char* row :
       {"matmul_Q4_K_33x256x16", "matmul_Q5_K_33x256x16", "matmul_Q6_K_33x256x16"}) {
    EXPECT_EQ(run(row), 4) << row;
  }
  EXPECT_EQ(run("two_matmuls_F16_40"), 7);
  EXPECT_EQ(run("rewritten_matmul_F16_40"), 14);
  EXPECT_EQ(run("matmul_BF16_17x96x65"), 3);  // a half does not hold all that a bfloat16 is
}

long dispatches_of(const std::string& row, NumericMode mode, const VulkanFaults& device) {
  const FaultyVulkan vulkan(device);
  const auto backend = open_vulkan_backend(vulkan.loader(), {});
  EXPECT_TRUE(backend) << backend.error().message;
  EXPECT_EQ(run_case(**backend, case_named(row), mode).failure, "");
  return FaultyVulkan::dispatches();
}

// One recording of a step of one token.
TEST(VulkanConformance, IntegersArePackedOnceForAllProductsOfTheSame) {
  const std::string reason = no_vulkan_reason();
  if (!reason.empty()) GTEST_SKIP() << reason;
  const VulkanFaults device = with_integers(false);
  EXPECT_EQ(dispatches_of("matmul_Q8_0_1x576x67", NumericMode::exact, device), 1);
  EXPECT_EQ(dispatches_of("matmul_Q8_0_1x576x67", NumericMode::fast, {}), 1);
  EXPECT_EQ(dispatches_of("matmul_Q8_0_1x576x67", NumericMode::fast, device), 2);
  EXPECT_EQ(dispatches_of("matmul_F16_1x576x67", NumericMode::fast, device), 1);
  EXPECT_EQ(dispatches_of("two_matmuls_Q4_1_1", NumericMode::fast, device), 3);
  EXPECT_EQ(dispatches_of("rms_norm_matmul_Q8_0_1x576", NumericMode::fast, device), 2);
  EXPECT_EQ(dispatches_of("glu_matmul_Q4_0_1x1536", NumericMode::fast, device), 2);
  EXPECT_EQ(dispatches_of("rewritten_matmul_Q4_1_1", NumericMode::fast, device), 6);
}

// A processor that plays a GPU makes one dispatch after the other; a real one does not.
TEST(VulkanConformance, ADispatchWaitsForWhatItReadsAndForNothingElse) {
  const std::string reason = no_vulkan_reason();
  if (!reason.empty()) GTEST_SKIP() << reason;
  const VulkanFaults device = with_integers(false);
  // One more than there are between dispatches: a segment waits for what is before it.
  const std::vector<std::pair<const char*, long>> rows = {
      {"matmul_Q8_0_1x576x67", 2},             // packing, product
      {"two_matmuls_Q4_1_1", 2},               // packing, both products
      {"rewritten_matmul_Q4_1_1", 6},          // each of six needs the one before
      {"attention_F16_1at3333_8over1x64", 2},  // splits, joining
      {"matmul_add_F32_1x576x67", 1},
      {"rms_norm_matmul_Q8_0_1x576", 2},
      {"glu_matmul_Q4_0_1x1536", 2},
  };
  for (const auto& [row, waits] : rows) {
    dispatches_of(row, NumericMode::fast, device);
    EXPECT_EQ(FaultyVulkan::waits(), waits) << row;
  }
}

TEST(VulkanConformance, AProductAndItsSumAreOneDispatch) {
  const std::string reason = no_vulkan_reason();
  if (!reason.empty()) GTEST_SKIP() << reason;
  EXPECT_EQ(dispatches_of("matmul_add_F32_1x576x67", NumericMode::exact, {}), 1);
}

TEST(VulkanConformance, GateAndConvolutionAreOneDispatch) {
  const std::string reason = no_vulkan_reason();
  if (!reason.empty()) GTEST_SKIP() << reason;
  EXPECT_EQ(dispatches_of("fused_gate_conv_F32_1at11_4x576_4taps", NumericMode::exact, {}), 1);
}

TEST(VulkanConformance, BlocksThatShadersReadAsVectorsMustBeginWhereVectorsMay) {
  const std::string reason = no_vulkan_reason();
  if (!reason.empty()) GTEST_SKIP() << reason;
  const FaultyVulkan vulkan({});
  const auto backend = open_vulkan_backend(vulkan.loader(), {});
  ASSERT_TRUE(backend) << backend.error().message;
  const auto bytes = (*backend)->alloc(1 << 12, MemoryKind::device);
  ASSERT_TRUE(bytes) << bytes.error().message;
  for (const std::size_t offset : {0, 16, 8, 4}) {
    GraphBuilder builder;
    Op op{OpKind::matmul};
    op.in = {builder.input("x", DType::f32, 256, *bytes),
             builder.constant("w", DType::q4_k, 2, 256, *bytes, offset)};
    op.out = builder.activation("y", 2);
    builder.begin_segment({});
    builder.op(op);
    const Graph graph = std::move(builder).finish();
    EXPECT_EQ((*backend)->supports(graph, graph.ops[0]), offset % 16 == 0) << offset;
    const auto plan = (*backend)->compile(graph, {});
    ASSERT_EQ(plan.has_value(), offset % 16 == 0) << offset;
    if (plan) continue;
    EXPECT_EQ(plan.error().code, ErrorCode::unsupported);
    EXPECT_NE(plan.error().message.find("w is not aligned to 16 bytes"), std::string::npos)
        << plan.error().message;
  }
}

}  // namespace
}  // namespace mneme
