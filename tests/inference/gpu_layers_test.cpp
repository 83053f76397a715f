// SPDX-License-Identifier: Apache-2.0
// Models that a device has room for only in part: the first layers stay on the CPU. The device is
// whatever Vulkan finds; on a machine without a GPU that is Mesa's llvmpipe.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gpu/registry.h"
#include "gpu/vulkan/vulkan_backend.h"
#include "inference/run/engine.h"
#include "tests/support/faulty_vulkan.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/support/trace_records.h"

namespace mneme {
namespace {

constexpr std::int64_t kLayers = 4;  // with Engram layers 0 and 1

class GpuLayers : public testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = no_vulkan_reason();
    if (!reason.empty()) GTEST_SKIP() << reason;
    TinyModelOptions tiny;
    tiny.layers = kLayers;
    tiny.context = 4096;  // keys and values are most of what a layer takes
    model_ = write_tiny_model(folder_.path(), tiny);
    options_.model_path = model_;
    options_.exact = true;
  }

  EngineOptions on_device(std::int64_t gpu_layers) const {
    EngineOptions options = options_;
    options.device = "vulkan";
    options.gpu_layers = gpu_layers;
    return options;
  }
  EngineOptions on_device(std::int64_t gpu_layers, const FaultyVulkan& vulkan) const {
    EngineOptions options = on_device(gpu_layers);
    options.open_device = [&vulkan](const BackendOptions&) {
      return open_vulkan_backend(vulkan.loader(), {});
    };
    return options;
  }

  static std::vector<float> logits(Engine& engine, int count, bool memory, TraceLog* trace) {
    std::vector<TokenId> tokens;
    for (int i = 0; i < count; ++i) tokens.push_back((i * 37 + i * i * 11) % 256);
    std::vector<float> all;
    const auto keep = [&](std::int64_t, std::span<const float> values) {
      all.insert(all.end(), values.begin(), values.end());
    };
    const Status status = engine.evaluate(tokens, memory, keep, trace);
    EXPECT_TRUE(status) << status.error().message;
    return all;
  }

  static GenerateRequest request(const std::string& prompt) {
    GenerateRequest request;
    request.raw_prompt = prompt;
    request.max_tokens = 10;
    request.sampling.temperature = 0;
    request.sampling.repetition_penalty = 1;
    request.ignore_end = true;
    return request;
  }

  std::uint64_t bytes_of(std::int64_t layers) const {
    const auto needs = estimate_memory(on_device(0));
    EXPECT_TRUE(needs) << needs.error().message;
    return needs ? needs->device_bytes(layers) : 0;
  }

  const TemporaryFolder folder_;
  std::string model_;
  EngineOptions options_;
};

TEST_F(GpuLayers, EveryCutComputesWhatTheCpuComputes) {
  auto cpu = Engine::open(options_);
  ASSERT_TRUE(cpu) << cpu.error().message;
  for (const bool memory : {true, false}) {
    TraceLog want_trace;
    const auto want = logits(**cpu, 150, memory, memory ? &want_trace : nullptr);
    for (std::int64_t layers = 1; layers <= kLayers; ++layers) {
      auto engine = Engine::open(on_device(layers));
      ASSERT_TRUE(engine) << engine.error().message;
      TraceLog trace;
      const auto got = logits(**engine, 150, memory, memory ? &trace : nullptr);
      ASSERT_EQ(got.size(), want.size());
      for (std::size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got[i], want[i], 1e-3) << layers;
      if (memory) expect_same_memory(want_trace, trace);
      if (memory) expect_step_times(trace, layers < kLayers ? 2 : 1, false);
    }
  }
}

// The second question keeps what it has in common with the first on both sides of the cut.
TEST_F(GpuLayers, AChatGoesBackAndOnAsOnTheCpu) {
  auto cpu = Engine::open(options_);
  auto split = Engine::open(on_device(2));
  ASSERT_TRUE(cpu && split);
  for (const std::string prompt :
       {"memory of a river", "memory of a river and the sea", "memory of the"}) {
    const auto want = (*cpu)->generate(request(prompt));
    const auto got = (*split)->generate(request(prompt));
    ASSERT_TRUE(want && got);
    EXPECT_EQ(got->text, want->text) << prompt;
    EXPECT_EQ(got->reused_tokens, want->reused_tokens) << prompt;
  }
}

TEST_F(GpuLayers, AsManyAsFitGoToTheDeviceAndItSaysHowMany) {
  for (std::int64_t fitting = 1; fitting < kLayers; ++fitting) {
    VulkanFaults faults;
    const std::uint64_t bytes = bytes_of(fitting);
    faults.heap_bytes = bytes + bytes / 20;
    ASSERT_LT(faults.heap_bytes, bytes_of(fitting + 1));
    const FaultyVulkan vulkan(faults);
    auto engine = Engine::open(on_device(0, vulkan));
    ASSERT_TRUE(engine) << engine.error().message;
    EXPECT_EQ((*engine)->layout().device_layers, fitting);
    EXPECT_NE((*engine)->layout().first_backend, "");
    const auto result = (*engine)->generate(request("memory"));
    EXPECT_TRUE(result) << result.error().message;
  }
}

TEST_F(GpuLayers, MoreThanFitIsRefusedWithTheNumberThatDoes) {
  VulkanFaults faults;
  faults.heap_bytes = bytes_of(2) + 1000;
  const FaultyVulkan vulkan(faults);
  for (const std::int64_t asked : {std::int64_t{3}, kLayers}) {
    const auto engine = Engine::open(on_device(asked, vulkan));
    ASSERT_FALSE(engine);
    EXPECT_EQ(engine.error().code, ErrorCode::out_of_memory);
    const std::string& said = engine.error().message;
    EXPECT_NE(said.find("2 of the 4 layers there and the others on the CPU (--gpu-layers 2)"),
              std::string::npos)
        << said;
  }
  EXPECT_TRUE(Engine::open(on_device(2, vulkan)));
}

TEST_F(GpuLayers, ALostDeviceEndsTheAnswerAndTheEngineLivesOn) {
  VulkanFaults faults;
  {
    const FaultyVulkan vulkan({});
    ASSERT_TRUE(Engine::open(on_device(2, vulkan)));
    faults.lose_at_submit = FaultyVulkan::submits() + 3;
  }
  const FaultyVulkan vulkan(faults);
  auto engine = Engine::open(on_device(2, vulkan));
  ASSERT_TRUE(engine) << engine.error().message;
  for (int i = 0; i < 2; ++i) {
    const auto result = (*engine)->generate(request("memory of a river"));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::device);
  }
}

TEST_F(GpuLayers, TheCpuTakesAllLayersWhateverIsAsked) {
  EngineOptions options = options_;
  options.gpu_layers = 1;
  auto engine = Engine::open(options);
  ASSERT_TRUE(engine) << engine.error().message;
  EXPECT_EQ((*engine)->layout().device_layers, kLayers);
  EXPECT_EQ((*engine)->layout().first_backend, "");
}

}  // namespace
}  // namespace mneme
