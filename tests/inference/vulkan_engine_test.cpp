// SPDX-License-Identifier: Apache-2.0
// Whole models on a Vulkan device, beside the same on the CPU; and what an answer says when the
// device does not last. On a machine without a GPU the device is Mesa's llvmpipe.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "gpu/registry.h"
#include "gpu/vulkan/vulkan_backend.h"
#include "inference/run/engine.h"
#include "inference/text/tokenizer.h"
#include "tests/support/cosine.h"
#include "tests/support/default_model.h"
#include "tests/support/faulty_vulkan.h"
#include "tests/support/sanitized.h"
#include "tests/support/test_paths.h"
#include "tests/support/tiny_model.h"
#include "tests/support/trace_records.h"

namespace mneme {
namespace {

class VulkanEngine : public testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = no_vulkan_reason();
    if (!reason.empty()) GTEST_SKIP() << reason;
  }

  static EngineOptions on(const FaultyVulkan& vulkan, const std::string& model) {
    EngineOptions options;
    options.model_path = model;
    options.exact = true;
    options.device = "vulkan";
    options.open_device = [&vulkan](const BackendOptions&) {
      return open_vulkan_backend(vulkan.loader(), {});
    };
    return options;
  }

  static GenerateRequest request(const std::string& prompt, std::int64_t tokens) {
    GenerateRequest request;
    request.raw_prompt = prompt;
    request.max_tokens = tokens;
    request.sampling.temperature = 0;
    request.sampling.repetition_penalty = 1;
    request.ignore_end = true;
    return request;
  }

  static std::string text(const EngineOptions& options, const GenerateRequest& request) {
    auto engine = Engine::open(options);
    EXPECT_TRUE(engine) << engine.error().message;
    if (!engine) return {};
    auto result = (*engine)->generate(request);
    EXPECT_TRUE(result) << result.error().message;
    return result ? result->text : std::string();
  }
};

const std::string kPrompt = "memory of a river, and what it is for";

TEST_F(VulkanEngine, ATinyModelOfEveryTypeSaysWhatItSaysOnTheCpu) {
  for (const DType type : kWeightTypes) {
    const TemporaryFolder folder;
    TinyModelOptions tiny;
    tiny.type = type;
    EngineOptions options;
    options.model_path = write_tiny_model(folder.path(), tiny);
    options.exact = true;
    const std::string cpu = text(options, request(kPrompt, 24));
    options.device = "vulkan";
    EXPECT_EQ(text(options, request(kPrompt, 24)), cpu) << dtype_info(type).name;
  }
}

TEST_F(VulkanEngine, ALongPromptIsReadInChunksAsOnTheCpu) {
  const TemporaryFolder folder;
  EngineOptions options;
  options.model_path = write_tiny_model(folder.path());
  options.exact = true;
  std::vector<float> logits[2];
  TraceLog traces[2];
  for (const bool vulkan : {false, true}) {
    options.device = vulkan ? "vulkan" : "cpu";
    auto engine = Engine::open(options);
    ASSERT_TRUE(engine) << engine.error().message;
    std::vector<TokenId> tokens;
    for (int i = 0; i < 150; ++i) tokens.push_back((i * 37 + i * i * 11) % 256);
    std::vector<float>& all = logits[vulkan ? 1 : 0];
    const auto keep = [&](std::int64_t, std::span<const float> values) {
      all.insert(all.end(), values.begin(), values.end());
    };
    const Status status = (*engine)->evaluate(tokens, true, keep, &traces[vulkan ? 1 : 0]);
    ASSERT_TRUE(status) << status.error().message;
  }
  expect_same_memory(traces[0], traces[1]);
  ASSERT_EQ(logits[0].size(), logits[1].size());
  double worst = 0;
  for (std::size_t i = 0; i < logits[0].size(); ++i) {
    worst = std::max(worst, std::fabs(static_cast<double>(logits[0][i]) - logits[1][i]));
  }
  EXPECT_LT(worst, 1e-3);  // the limit of NumericMode::exact
}

// A graphics card takes more of a prompt at once than the CPU does.
TEST_F(VulkanEngine, ACardThatReadsLongChunksSaysWhatTheCpuSays) {
  VulkanFaults card;
  card.discrete = true;
  const FaultyVulkan vulkan(card);
  const TemporaryFolder folder;
  TinyModelOptions tiny;
  tiny.context = 1024;
  const std::string model = write_tiny_model(folder.path(), tiny);
  EngineOptions cpu;
  cpu.model_path = model;
  cpu.exact = true;
  std::vector<TokenId> tokens;
  for (int i = 0; i < kChunkTokensMax + 188; ++i) tokens.push_back((i * 37 + i * i * 11) % 256);
  TraceLog traces[2];
  for (const bool on_card : {false, true}) {
    auto engine = Engine::open(on_card ? on(vulkan, model) : cpu);
    ASSERT_TRUE(engine) << engine.error().message;
    const long submits = FaultyVulkan::submits();
    const Status status = (*engine)->evaluate(tokens, true, {}, &traces[on_card ? 1 : 0]);
    ASSERT_TRUE(status) << status.error().message;
    if (on_card) {
      EXPECT_EQ(FaultyVulkan::submits() - submits, 2 * 3);  // chunks of 3 segments
    }
  }
  expect_same_memory(traces[0], traces[1]);
}

// Logits of products in integers beside those of the CPU in floats, after each of `tokens`.
void expect_integers_close(EngineOptions cpu, EngineOptions vulkan,
                           std::span<const TokenId> tokens) {
  std::vector<std::vector<float>> rows[2];
  cpu.exact = true;
  vulkan.exact = false;
  for (const bool on_vulkan : {false, true}) {
    auto engine = Engine::open(on_vulkan ? vulkan : cpu);
    ASSERT_TRUE(engine) << engine.error().message;
    const auto keep = [&](std::int64_t, std::span<const float> logits) {
      rows[on_vulkan ? 1 : 0].emplace_back(logits.begin(), logits.end());
    };
    const Status status = (*engine)->evaluate(tokens, true, keep);
    ASSERT_TRUE(status) << status.error().message;
  }
  ASSERT_EQ(rows[0].size(), rows[1].size());
  bool same = true;
  double sum = 0, least = 1;
  for (std::size_t i = 0; i < rows[0].size(); ++i) {
    const double close = cosine_of(rows[0][i], rows[1][i]);
    sum += close;
    least = std::min(least, close);
    same = same && rows[0][i] == rows[1][i];
  }
  EXPECT_GE(sum / static_cast<double>(rows[0].size()), 0.999);  // the limit of NumericMode::fast
  EXPECT_GE(least, 0.97);  // a broken product brings it far lower
  EXPECT_FALSE(same) << "they were not made in integers";
}

TEST_F(VulkanEngine, IntegerProductsOfEveryTypeStayClose) {
  VulkanFaults faults;
  faults.integer_dot = true;
  const FaultyVulkan vulkan(faults);
  for (const DType type : kWeightTypes) {
    if (!is_quantised(type)) continue;
    const TemporaryFolder folder;
    TinyModelOptions tiny;
    tiny.type = type;
    EngineOptions cpu;
    cpu.model_path = write_tiny_model(folder.path(), tiny);
    for (const int count : {1, 7, 60}) {
      std::vector<TokenId> tokens;
      for (int i = 0; i < count; ++i) tokens.push_back((i * 37 + i * i * 11) % 256);
      expect_integers_close(cpu, on(vulkan, cpu.model_path), tokens);
    }
  }
}

// Attention of the tokens behind it is split over its positions.
TEST_F(VulkanEngine, ALongContextIsContinuedAsOnTheCpu) {
  std::string prompt;
  for (int i = 0; i < 16; ++i) prompt += kPrompt;
  const TemporaryFolder folder;
  TinyModelOptions tiny;
  tiny.context = 1024;
  EngineOptions cpu;
  cpu.model_path = write_tiny_model(folder.path(), tiny);
  cpu.exact = true;
  const std::string want = text(cpu, request(prompt, 24));
  for (const bool discrete : {false, true}) {
    VulkanFaults faults;
    faults.discrete = discrete;
    const FaultyVulkan vulkan(faults);
    EXPECT_EQ(text(on(vulkan, cpu.model_path), request(prompt, 24)), want) << discrete;
  }
}

TEST_F(VulkanEngine, ALostDeviceEndsTheAnswerAndOpeningAgainWorks) {
  const TemporaryFolder folder;
  const std::string model = write_tiny_model(folder.path());
  std::string good;
  long load_submits = 0;
  {
    const FaultyVulkan vulkan({});
    auto engine = Engine::open(on(vulkan, model));
    ASSERT_TRUE(engine) << engine.error().message;
    load_submits = FaultyVulkan::submits();
    auto result = (*engine)->generate(request(kPrompt, 12));
    ASSERT_TRUE(result);
    good = result->text;
  }
  for (const bool at_wait : {false, true}) {
    VulkanFaults faults;
    faults.lose_at_submit = load_submits + 7;
    faults.lose_at_wait = at_wait;
    const FaultyVulkan vulkan(faults);
    auto engine = Engine::open(on(vulkan, model));
    ASSERT_TRUE(engine) << engine.error().message;
    for (int i = 0; i < 2; ++i) {  // the loss does not pass
      const auto result = (*engine)->generate(request(kPrompt, 12));
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().code, ErrorCode::device);
      EXPECT_NE(result.error().message.find("was lost"), std::string::npos);
      EXPECT_NE(result.error().message.find("Open the model again"), std::string::npos);
    }
  }
  const FaultyVulkan vulkan({});
  EXPECT_EQ(text(on(vulkan, model), request(kPrompt, 12)), good);
}

TEST_F(VulkanEngine, AModelThatDoesNotFitIsRefusedWithTheSumAndWhatWouldFit) {
  const TemporaryFolder folder;
  const std::string model = write_tiny_model(folder.path());
  EngineOptions options;
  options.model_path = model;
  options.device = "vulkan";
  const auto needs = estimate_memory(options);
  ASSERT_TRUE(needs);
  VulkanFaults faults;
  faults.heap_bytes = needs->device_bytes() - 1000;
  {
    const FaultyVulkan vulkan(faults);
    EngineOptions whole = on(vulkan, model);
    whole.gpu_layers = needs->layers();
    const auto engine = Engine::open(whole);
    ASSERT_FALSE(engine);
    EXPECT_EQ(engine.error().code, ErrorCode::out_of_memory);
    EXPECT_NE(engine.error().message.find("MB are free there"), std::string::npos);
    EXPECT_NE(engine.error().message.find("--ctx"), std::string::npos) << engine.error().message;
  }
  faults.heap_bytes = 1000;
  const FaultyVulkan vulkan(faults);
  const auto engine = Engine::open(on(vulkan, model));
  ASSERT_FALSE(engine);
  EXPECT_NE(engine.error().message.find("a smaller model"), std::string::npos);
}

TEST_F(VulkanEngine, EveryLackOfMemoryWhileLoadingIsAnError) {
  const TemporaryFolder folder;
  const std::string model = write_tiny_model(folder.path());
  long calls = 0;
  long opening = 0;  // of these before the load begins
  {
    const FaultyVulkan vulkan({});
    ASSERT_TRUE(open_vulkan_backend(vulkan.loader(), {}));
    opening = FaultyVulkan::calls();
    ASSERT_TRUE(Engine::open(on(vulkan, model)));
    calls = FaultyVulkan::calls() - opening;
  }
  // All calls of a small load took part in gpu_test; here every seventh of a whole one.
  for (long call = 0; call < calls; call += kSanitized ? 41 : 7) {
    VulkanFaults faults;
    faults.fail_call = call;
    const FaultyVulkan vulkan(faults);
    const auto engine = Engine::open(on(vulkan, model));
    ASSERT_FALSE(engine) << "call " << call;
    const std::string& said = engine.error().message;
    EXPECT_EQ(engine.error().code, ErrorCode::out_of_memory) << said;
    if (call < opening) continue;
    EXPECT_NE(said.find(". The model needs"), std::string::npos) << said;
    EXPECT_NE(said.find("What would fit: "), std::string::npos) << said;
  }
}

// The two best logits after `tokens`, and which token the best is.
struct Best {
  TokenId token = -1;
  float first = -INFINITY, second = -INFINITY;
};
Best best_after(Engine& engine, std::span<const TokenId> tokens) {
  Best best;
  const auto status =
      engine.evaluate(tokens, true, [&](std::int64_t, std::span<const float> logits) {
        best = {};
        for (std::size_t i = 0; i < logits.size(); ++i) {
          if (logits[i] > best.first) {
            best.second = best.first;
            best.first = logits[i];
            best.token = static_cast<TokenId>(i);
          } else {
            best.second = std::max(best.second, logits[i]);
          }
        }
      });
  EXPECT_TRUE(status) << status.error().message;
  return best;
}

TEST_F(VulkanEngine, IntegerProductsOfTheDefaultModelStayClose) {
  if (kSanitized) GTEST_SKIP() << "the real model takes minutes under a sanitizer; see release";
  VulkanFaults faults;
  faults.integer_dot = true;
  const FaultyVulkan vulkan(faults);
  EngineOptions options = on(vulkan, default_model_path());
  if (!std::filesystem::exists(options.model_path)) {
    GTEST_SKIP() << "needs the default model at " << options.model_path;
  }
  options.pack_folders = {source_path("resources/models")};
  options.context = 256;
  EngineOptions cpu = options;
  cpu.device = "cpu";
  cpu.open_device = {};
  auto engine = Engine::open(cpu);
  ASSERT_TRUE(engine) << engine.error().message;
  const auto tokens = (*engine)->tokenizer().encode("Water boils at a temperature of 100 degrees");
  engine->reset();
  expect_integers_close(cpu, options, tokens);
}

// Greedy text of the default model with its memory, MNEME_DEVICE_TOKENS tokens (a few unless set)
// on five prompts. It may part only where the two best logits lie within the tolerance.
TEST_F(VulkanEngine, TheDefaultModelSaysWhatItSaysOnTheCpu) {
  if (kSanitized) GTEST_SKIP() << "the real model takes minutes under a sanitizer; see release";
  EngineOptions options;
  options.model_path = default_model_path();
  if (!std::filesystem::exists(options.model_path)) {
    GTEST_SKIP() << "needs the default model at " << options.model_path;
  }
  options.pack_folders = {source_path("resources/models")};
  options.context = 256;
  options.exact = true;
  const char* asked = std::getenv("MNEME_DEVICE_TOKENS");
  const std::int64_t count = asked == nullptr ? 3 : std::max(1, std::atoi(asked));
  auto cpu = Engine::open(options);
  ASSERT_TRUE(cpu) << cpu.error().message;
  options.device = "vulkan";
  auto vulkan = Engine::open(options);
  ASSERT_TRUE(vulkan) << vulkan.error().message;
  constexpr float kTolerance = 2e-2f;  // twice the largest difference of a logit
  for (const std::string prompt :
       {"The capital of France is", "Only Alexander the Great",
        "def fibonacci(n):", "Water boils at a temperature of", "Once upon a time there was a"}) {
    const auto want = (*cpu)->generate(request(prompt, count));
    const auto got = (*vulkan)->generate(request(prompt, count));
    ASSERT_TRUE(want) << want.error().message;
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->generated_tokens, count);
    if (got->text == want->text) continue;
    const auto a = (*cpu)->tokenizer().encode(prompt + want->text);
    const auto b = (*cpu)->tokenizer().encode(prompt + got->text);
    const auto at = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
    const Best best = best_after(**cpu, std::span(a).first(static_cast<std::size_t>(at)));
    std::printf("\"%s\" parts at token %ld: best logits %f and %f\n", prompt.c_str(),
                static_cast<long>(at), best.first, best.second);
    EXPECT_LE(best.first - best.second, kTolerance);
  }
}

}  // namespace
}  // namespace mneme
