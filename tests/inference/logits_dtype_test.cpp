// SPDX-License-Identifier: Apache-2.0
// Tiny models of every type of weights, on every instruction set, against the same weights stored
// as F32.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "gpu/cpu/cpu_info.h"
#include "inference/files/ggml_type.h"
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
    // product, over two layers. 1e-4 is ten times what that gives and a tenth of NumericMode::exact's
    // 1e-3.
    EXPECT_LE(largest_difference(logits_of(model, true, set), expected), 1e-4) << set;
    // Here keys and values are halves and quantised weights meet 8-bit activations.
    EXPECT_GE(cosine(logits_of(model, false, set), expected), 0.999) << set;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, WeightType, ::testing::ValuesIn(kWeightTypes),
                         [](const auto& type) { return std::string(dtype_info(type.param).name); });

}  // namespace
}  // namespace mneme
