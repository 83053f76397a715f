// SPDX-License-Identifier: Apache-2.0
// Tiny models of every type of weights, on every instruction set, against the same weights stored
// as F32; and models that must be refused, by name.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "gpu/cpu/cpu_info.h"
#include "inference/model/ggml_type.h"
#include "inference/model/synth_model.h"
#include "inference/run/engine.h"
#include "tests/support/gguf_edit.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

using Logits = std::vector<float>;

Logits logits_of(const std::string& model, bool exact, std::string_view set) {
  EngineOptions options;
  options.model_path = model;
  options.memory = "off";
  options.threads = 2;
  options.exact = exact;
  options.instruction_set = std::string(set);
  auto engine = Engine::open(options);
  EXPECT_TRUE(engine) << engine.error().message;
  Logits all;
  if (!engine) return all;
  std::vector<TokenId> tokens;
  for (int i = 0; i < 40; ++i) tokens.push_back((i * 37 + i * i * 11) % 256);
  const auto status =
      (*engine)->evaluate(tokens, false, [&](std::int64_t, std::span<const float> logits) {
        all.insert(all.end(), logits.begin(), logits.end());
      });
  EXPECT_TRUE(status) << status.error().message;
  return all;
}

double largest_difference(const Logits& a, const Logits& b) {
  EXPECT_EQ(a.size(), b.size());
  double most = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    EXPECT_TRUE(std::isfinite(a[i]) && std::isfinite(b[i])) << i;
    most = std::max(most, std::abs(double{a[i]} - b[i]));
  }
  return most;
}

double cosine(const Logits& a, const Logits& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += double{a[i]} * b[i];
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

class WeightType : public ::testing::TestWithParam<DType> {};

TEST_P(WeightType, GivesTheLogitsOfItsValuesAsF32OnEveryInstructionSet) {
  const TemporaryFolder folder;
  TinyModelOptions options;
  options.type = GetParam();
  options.memory = false;
  const std::string model = write_tiny_model(folder.path(), options);
  const auto file = GgufFile::open(model);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->find_tensor("blk.0.attn_q.weight")->dtype, GetParam());
  const std::string floats = folder.file("f32.gguf");
  write_edited(*file, dequantised(*file), floats);
  const Logits expected = logits_of(floats, true, "scalar");
  double largest = 0;
  for (const float v : expected) largest = std::max(largest, double{std::abs(v)});
  ASSERT_GT(largest, 0.1);
  for (const std::string_view set : available_instruction_sets()) {
    // Float32 sums of at most 96 terms in another order: errors of a few times 96 * 2^-24 a
    // product, over two layers. 1e-4 is ten times what that gives and a tenth of the contract's
    // 1e-3.
    EXPECT_LE(largest_difference(logits_of(model, true, set), expected), 1e-4) << set;
    // Here keys and values are halves and quantised weights meet 8-bit activations.
    EXPECT_GE(cosine(logits_of(model, false, set), expected), 0.999) << set;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, WeightType,
                         ::testing::Values(DType::f32, DType::f16, DType::bf16, DType::q8_0,
                                           DType::q4_0, DType::q4_1, DType::q4_k, DType::q5_k,
                                           DType::q6_k),
                         [](const auto& type) { return std::string(dtype_info(type.param).name); });

class RefusedModel : public ::testing::Test {
 protected:
  RefusedModel() : model_(write_tiny_model(folder_.path(), {.memory = false})) {}

  // The reason why the edited copy does not open; "" if it does.
  std::string reason(const GgufEdit& edit) {
    const auto file = GgufFile::open(model_);
    EXPECT_TRUE(file);
    const std::string path = folder_.file("edited.gguf");
    write_edited(*file, edit, path);
    EngineOptions options;
    options.model_path = path;
    options.memory = "off";
    options.threads = 1;
    const auto opened = Engine::open(options);
    return opened ? "" : opened.error().message;
  }

  void expect_refused(const GgufEdit& edit, std::initializer_list<const char*> words) {
    const std::string why = reason(edit);
    EXPECT_NE(why, "") << *words.begin();
    for (const char* word : words)
      EXPECT_NE(why.find(word), std::string::npos) << word << ": " << why;
  }

  static GgufEdit number(const std::string& key, std::uint32_t value) {
    return replace_key(key, [=](GgufWriter& w) { w.add_u32(key, value); });
  }
  static GgufEdit text(const std::string& key, const std::string& value) {
    return replace_key(key, [=](GgufWriter& w) { w.add_string(key, value); });
  }
  static GgufEdit real(const std::string& key, float value) {
    return replace_key(key, [=](GgufWriter& w) { w.add_f32(key, value); });
  }

  TemporaryFolder folder_;
  std::string model_;
};

TEST_F(RefusedModel, AnUneditedCopyOpens) {
  EXPECT_EQ(reason({}), "");
}

TEST_F(RefusedModel, AnotherArchitectureOrTypeOfWeightsIsNamed) {
  expect_refused(text("general.architecture", "qwen2"), {"architecture 'qwen2'", "edited.gguf"});
  expect_refused({{"general.architecture"}, {}, {}}, {"general.architecture"});
  for (const auto& [type, name] : {std::pair{10u, "Q2_K"}, {11u, "Q3_K"}, {23u, "IQ4_XS"}}) {
    expect_refused(replace_tensor("blk.1.ffn_up.weight", type, {256, 24}),
                   {name, "blk.1.ffn_up.weight"});
  }
  expect_refused(replace_tensor("blk.1.ffn_up.weight", 24, {64, 96}), {"I8"});
  expect_refused(replace_tensor("blk.0.attn_norm.weight", 1, {64}), {"attn_norm.weight", "F16"});
}

TEST_F(RefusedModel, AMissingOrMisshapenTensorIsNamed) {
  for (const char* name : {"token_embd.weight", "blk.0.attn_q.weight", "blk.1.ffn_norm.weight",
                           "blk.1.ffn_down.weight", "output_norm.weight"}) {
    expect_refused({{}, {name}, {}}, {name});
  }
  expect_refused(replace_tensor("blk.0.attn_k.weight", 0, {64, 64}), {"blk.0.attn_k.weight", "32"});
  expect_refused(replace_tensor("blk.0.attn_q.weight", 0, {64, 64, 2}), {"blk.0.attn_q.weight"});
  expect_refused(replace_tensor("token_embd.weight", 0, {64, 100}), {"tokens"});
}

TEST_F(RefusedModel, NumbersThatContradictEachOtherAreRefused) {
  expect_refused(number("llama.block_count", 0), {"llama.block_count"});
  expect_refused(number("llama.block_count", 3), {"blk.2."});
  expect_refused(number("llama.embedding_length", 96), {"96"});
  expect_refused(number("llama.attention.head_count", 0), {"llama.attention.head_count"});
  expect_refused(number("llama.attention.head_count_kv", 3), {"heads"});
  expect_refused(number("llama.attention.head_count", 1u << 20), {"heads"});
  expect_refused(number("llama.attention.key_length", 1u << 20), {"heads"});
  expect_refused(number("llama.rope.dimension_count", 7), {"RoPE"});
  expect_refused(number("llama.rope.dimension_count", 512), {"RoPE"});
  expect_refused(number("llama.expert_count", 8), {"8 experts"});
  expect_refused(text("llama.context_length", "many"), {"llama.context_length"});
  expect_refused(number("llama.context_length", 0), {"llama.context_length"});
  expect_refused(real("llama.rope.freq_base", std::nanf("")), {"RoPE base"});
  expect_refused(real("llama.attention.layer_norm_rms_epsilon", -1), {"epsilon"});
  expect_refused(text("llama.rope.scaling.type", "yarn"), {"yarn"});
  expect_refused(text("llama.rope.scaling.type", "llama3"), {"rope_freqs.weight"});
  expect_refused(real("llama.rope.scale_linear", 4), {"RoPE scaling"});
}

TEST_F(RefusedModel, WeightsThatAreNotNumbersEndTheAnswerWithAReason) {
  const auto file = GgufFile::open(model_);
  ASSERT_TRUE(file);
  const std::vector<float> broken(64, std::nanf(""));
  const std::string path = folder_.file("nan.gguf");
  GgufEdit edit{{}, {"blk.1.ffn_norm.weight"}, {}};
  edit.add = [&](GgufWriter& w) {
    w.add_tensor("blk.1.ffn_norm.weight", 0, {64}, std::as_bytes(std::span(broken)));
  };
  write_edited(*file, edit, path);
  EngineOptions options;
  options.model_path = path;
  options.threads = 1;
  auto engine = Engine::open(options);
  ASSERT_TRUE(engine) << engine.error().message;
  GenerateRequest request;
  request.raw_prompt = "the sea";
  request.max_tokens = 2;
  const auto answer = (*engine)->generate(request);
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message.find("not finite numbers"), std::string::npos)
      << answer.error().message;
}

}  // namespace
}  // namespace mneme
