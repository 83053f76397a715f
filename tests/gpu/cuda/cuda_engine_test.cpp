// SPDX-License-Identifier: Apache-2.0
// Whole models on the CUDA backend's kernels in the emulation, beside the same on the CPU:
// segments, recordings, copies on two streams, and products that add up by themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "gpu/cuda/cuda_backend.h"
#include "inference/run/engine.h"
#include "tests/gpu/cuda_emulation/emulated_runtime.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"
#include "tests/support/trace_records.h"

namespace mneme {
namespace {

EngineOptions on_cuda(const std::string& model, bool exact, const EmulatedCuda& state = {}) {
  EngineOptions options;
  options.model_path = model;
  options.exact = exact;
  options.device = "cuda";
  options.open_device = [state](const BackendOptions&) {
    return open_cuda_backend(&emulated_cuda(state), 0);
  };
  return options;
}

EngineOptions on_cpu(const std::string& model, bool exact) {
  EngineOptions options;
  options.model_path = model;
  options.exact = exact;
  return options;
}

std::string text_of(const EngineOptions& options, std::int64_t tokens) {
  auto engine = Engine::open(options);
  EXPECT_TRUE(engine) << engine.error().message;
  if (!engine) return {};
  GenerateRequest request;
  request.raw_prompt = "memory of a river, and what it is for";
  request.max_tokens = tokens;
  request.sampling.temperature = 0;
  request.sampling.repetition_penalty = 1;
  request.ignore_end = true;
  auto result = (*engine)->generate(request);
  EXPECT_TRUE(result) << result.error().message;
  return result ? result->text : std::string();
}

std::vector<float> logits_of(Engine& engine, int count, TraceLog* trace) {
  std::vector<float> logits;
  std::vector<TokenId> tokens;
  for (int i = 0; i < count; ++i) tokens.push_back((i * 37 + i * i * 11) % 256);
  const auto keep = [&](std::int64_t, std::span<const float> values) {
    logits.insert(logits.end(), values.begin(), values.end());
  };
  const Status status = engine.evaluate(tokens, true, keep, trace);
  EXPECT_TRUE(status) << status.error().message;
  return logits;
}

std::vector<float> logits_of(const EngineOptions& options, int count, TraceLog& trace) {
  auto engine = Engine::open(options);
  EXPECT_TRUE(engine) << engine.error().message;
  return engine ? logits_of(**engine, count, &trace) : std::vector<float>();
}

// What NumericMode::exact promises.
void expect_close(const std::vector<float>& cuda, const std::vector<float>& cpu) {
  ASSERT_EQ(cuda.size(), cpu.size());
  for (std::size_t i = 0; i < cpu.size(); ++i) ASSERT_NEAR(cuda[i], cpu[i], 1e-3) << i;
}

TEST(CudaEngine, ATinyModelSaysWhatItSaysOnTheCpu) {
  for (const DType type : {DType::q4_1, DType::bf16, DType::q4_k}) {
    const TemporaryFolder folder;
    TinyModelOptions tiny;
    tiny.type = type;
    const std::string model = write_tiny_model(folder.path(), tiny);
    EXPECT_EQ(text_of(on_cuda(model, true), 6), text_of(on_cpu(model, true), 6))
        << dtype_info(type).name;
  }
}

TEST(CudaEngine, WhatRowsTheDeviceKeepsAndHowSoonTheOthersComeChangesNothing) {
  const TemporaryFolder folder;
  const std::string model = write_tiny_model(folder.path());
  const std::vector<float> cpu = logits_of(**Engine::open(on_cpu(model, true)), 24, nullptr);
  constexpr std::uint64_t kNgramBytes = 2 * 8 * 33;  // of the tiny pack
  for (const bool at_once : {false, true}) {
    EmulatedCuda state;
    state.copies_at_once = at_once;
    for (const std::uint64_t ngrams : {0, 3, 5000}) {
      SCOPED_TRACE(ngrams);
      EngineOptions options = on_cuda(model, true, state);
      options.device_rows = ngrams * kNgramBytes;
      const auto engine = Engine::open(options);
      ASSERT_TRUE(engine) << engine.error().message;
      for (int round = 0; round < 2; ++round) {
        expect_close(logits_of(**engine, 24, nullptr), cpu);
      }
      const TierStats stats = (*engine)->tiers();
      EXPECT_EQ(stats.device.off, "");
      EXPECT_LE(stats.device.entries, ngrams);
      EXPECT_EQ(stats.served[std::size_t(Tier::device)] > 0, ngrams > 0);
    }
  }
}

TEST(CudaEngine, WithLayersLeftOnTheCpuItSaysTheSame) {
  const TemporaryFolder folder;
  TinyModelOptions tiny;
  tiny.layers = 3;
  const std::string model = write_tiny_model(folder.path(), tiny);
  TraceLog cpu_trace;
  const std::vector<float> cpu = logits_of(on_cpu(model, true), 24, cpu_trace);
  for (const std::int64_t on_card : {1, 2}) {
    EngineOptions options = on_cuda(model, true);
    options.gpu_layers = on_card;
    TraceLog trace;
    const std::vector<float> split = logits_of(options, 24, trace);
    SCOPED_TRACE(on_card);
    expect_close(split, cpu);
    expect_same_memory(cpu_trace, trace);
    expect_step_times(trace, 2, on_card == 2);  // Engram layers are 0 and 1
  }
}

TEST(CudaEngine, ALongPromptIsReadInChunksAsOnTheCpu) {
  const TemporaryFolder folder;
  const std::string model = write_tiny_model(folder.path());
  TraceLog cpu_trace;
  const std::vector<float> cpu = logits_of(on_cpu(model, true), 40, cpu_trace);
  for (const bool exact : {true, false}) {
    TraceLog trace;
    const std::vector<float> cuda = logits_of(on_cuda(model, exact), 40, trace);
    ASSERT_EQ(cuda.size(), cpu.size());
    double worst = 0;
    double product = 0;
    double squares[2] = {0, 0};
    for (std::size_t i = 0; i < cpu.size(); ++i) {
      worst = std::max(worst, std::fabs(static_cast<double>(cpu[i]) - cuda[i]));
      product += static_cast<double>(cpu[i]) * cuda[i];
      squares[0] += static_cast<double>(cpu[i]) * cpu[i];
      squares[1] += static_cast<double>(cuda[i]) * cuda[i];
    }
    if (exact) {
      EXPECT_LT(worst, 1e-3);  // the limit of NumericMode::exact
      expect_same_memory(cpu_trace, trace);
      expect_step_times(trace, 1, true);
    }
    EXPECT_GT(product / std::sqrt(squares[0] * squares[1]), 0.999);
  }
}

TEST(CudaEngine, MemoryThatEndsWhileLoadingIsToldWithTheSumsAndWhatWouldFit) {
  const TemporaryFolder folder;
  TinyModelOptions tiny;
  tiny.context = 8192;  // most of what the model needs
  const EngineOptions options = on_cuda(write_tiny_model(folder.path(), tiny), true);
  const auto needs = estimate_memory(options);
  ASSERT_TRUE(needs);
  // Too little for the first weights, for a context of any length, for this one.
  for (const double share : {0.01, 0.2, 0.85}) {
    EngineOptions limited = options;
    limited.gpu_layers = needs->layers();
    limited.open_device = [&](const BackendOptions&) {
      EmulatedCuda small;
      small.room_bytes =
          static_cast<std::int64_t>(share * static_cast<double>(needs->device_bytes()));
      return open_cuda_backend(&emulated_cuda(small), 0);
    };
    const auto engine = Engine::open(limited);
    ASSERT_FALSE(engine) << share;
    EXPECT_EQ(engine.error().code, ErrorCode::out_of_memory);
    const std::string& said = engine.error().message;
    EXPECT_NE(said.find("do not fit into the memory of Emulated"), std::string::npos) << said;
    EXPECT_NE(said.find(". The model needs"), std::string::npos) << said;
    EXPECT_NE(said.find("MB could be had there"), std::string::npos) << said;
    const std::string would = share < 0.5 ? "fit: a smaller model" : "a context of";
    EXPECT_NE(said.find(would), std::string::npos) << said;
    EXPECT_EQ(emulated_cuda_state().allocations, 0);
  }
}

TEST(CudaEngine, ALoadTakesWhatTheEstimateSaid) {
  for (const bool memory : {false, true}) {
    const TemporaryFolder folder;
    TinyModelOptions tiny;
    tiny.memory = memory;
    EngineOptions options = on_cuda(write_tiny_model(folder.path(), tiny), true);
    if (!memory) options.memory = "off";
    const auto needs = estimate_memory(options);
    ASSERT_TRUE(needs);
    const auto engine = Engine::open(options);
    ASSERT_TRUE(engine) << engine.error().message;
    const auto taken = static_cast<double>(emulated_cuda_state().bytes);
    const auto said = static_cast<double>(needs->device_bytes());
    EXPECT_LE(taken, said);
    EXPECT_GE(taken, 0.5 * said);
  }
}

TEST(CudaEngine, ALostDeviceEndsTheAnswerAndOpeningAgainWorks) {
  const TemporaryFolder folder;
  const EngineOptions options = on_cuda(write_tiny_model(folder.path()), true);
  {
    auto engine = Engine::open(options);
    ASSERT_TRUE(engine) << engine.error().message;
    emulated_cuda_state().error = 700;
    emulated_cuda_state().calls_left = 30;
    GenerateRequest request;
    request.raw_prompt = "memory";
    request.max_tokens = 30;
    request.ignore_end = true;
    const auto result = (*engine)->generate(request);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::device);
    EXPECT_NE(result.error().message.find("open the model again"), std::string::npos);
  }
  EXPECT_EQ(emulated_cuda_state().allocations, 0);
  EXPECT_NE(text_of(options, 4), "");
}

}  // namespace
}  // namespace mneme
