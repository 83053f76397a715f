// SPDX-License-Identifier: Apache-2.0
// Tiny models that say more than the usual one (biases, RoPE scaling, rows without a token) against
// tests/support/reference_llama.h, on every device there is.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "inference/run/engine.h"
#include "inference/run/machine.h"
#include "tests/support/gguf_edit.h"
#include "tests/support/reference_llama.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

// Keeps what it is given as long as the writer may ask for it.
void add_floats(GgufWriter& writer, const std::string& name, std::vector<float> values) {
  const auto kept = std::make_shared<std::vector<float>>(std::move(values));
  writer.add_tensor(name, 0, {kept->size()}, [kept](const GgufWriter::Sink& sink) {
    return sink(std::as_bytes(std::span(*kept)));
  });
}

std::vector<float> wave(std::size_t count, float phase) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = 0.5f * std::sin(phase + static_cast<float>(i));
  return values;
}

void add_biases(GgufWriter& writer) {
  for (const std::string block : {"blk.0.", "blk.1."}) {
    add_floats(writer, block + "attn_q.bias", wave(64, 1));
    add_floats(writer, block + "attn_k.bias", wave(32, 2));
    add_floats(writer, block + "attn_v.bias", wave(32, 3));
    add_floats(writer, block + "attn_output.bias", wave(64, 4));
    add_floats(writer, block + "ffn_gate.bias", wave(96, 5));
    add_floats(writer, block + "ffn_up.bias", wave(96, 6));
    add_floats(writer, block + "ffn_down.bias", wave(64, 7));
  }
}

class ReferenceLogits : public ::testing::Test {
 protected:
  ReferenceLogits() {
    const auto file = GgufFile::open(write_tiny_model(folder_.path(), {.memory = false}));
    EXPECT_TRUE(file);
    tiny_.emplace(*file);
    for (std::size_t i = 0; i < 40; ++i)
      tokens_.push_back(static_cast<TokenId>((i * 37 + i * i * 11) % 256));
  }

  GgufFile write(const GgufEdit& edit) {
    write_edited(*tiny_, edit, folder_.file("edited.gguf"));
    auto file = GgufFile::open(folder_.file("edited.gguf"));
    EXPECT_TRUE(file);
    return *file;
  }

  std::vector<std::vector<float>> logits(const GgufFile& file, const std::string& device) {
    EngineOptions options;
    options.model_path = file.path();
    options.memory = "off";
    options.exact = true;
    options.device = device;
    options.threads = 1;
    std::vector<std::vector<float>> all;
    auto engine = Engine::open(options);
    EXPECT_TRUE(engine) << engine.error().message;
    if (!engine) return all;
    const Status status =
        (*engine)->evaluate(tokens_, false, [&](std::int64_t, std::span<const float> row) {
          all.emplace_back(row.begin(), row.end());
        });
    EXPECT_TRUE(status) << status.error().message;
    return all;
  }

  // Largest difference of a logit from the reference.
  double difference(const GgufFile& file, const std::string& device, double position_scale = 1) {
    const auto theirs = reference_logits(file, tokens_, position_scale);
    const auto ours = logits(file, device);
    EXPECT_EQ(ours.size(), theirs.size());
    double most = 0;
    for (std::size_t t = 0; t < ours.size(); ++t) {
      for (std::size_t i = 0; i < ours[t].size(); ++i)
        most = std::max(most, std::abs(static_cast<double>(ours[t][i]) - theirs[t][i]));
    }
    return most;
  }

  // The CPU and whatever else can be used here.
  static std::vector<std::string> every_device() {
    std::vector<std::string> ids;
    for (const DeviceInfo& device : devices()) {
      if (device.unusable.empty()) ids.push_back(device.id);
    }
    return ids;
  }

  TemporaryFolder folder_;
  std::optional<GgufFile> tiny_;
  std::vector<TokenId> tokens_;
};

TEST_F(ReferenceLogits, APlainModelComputesThem) {
  for (const std::string& device : every_device())
    EXPECT_LT(difference(*tiny_, device), 1e-3) << device;
}

TEST_F(ReferenceLogits, BiasesOfAttentionAndFeedForwardAreAdded) {
  const GgufFile file = write({{}, {}, add_biases});
  for (const std::string& device : every_device())
    EXPECT_LT(difference(file, device), 1e-3) << device;
}

TEST_F(ReferenceLogits, ARopeFactorDividesPositionsWhateverKeySaysIt) {
  for (const char* key : {"llama.rope.scaling.factor", "llama.rope.scale_linear"}) {
    const GgufFile file = write({{}, {}, [&](GgufWriter& w) { w.add_f32(key, 8); }});
    for (const std::string& device : every_device())
      EXPECT_LT(difference(file, device, 8), 1e-3) << key << " on " << device;
  }
  const GgufFile both = write({{}, {}, [&](GgufWriter& w) {
                                 w.add_f32("llama.rope.scaling.factor", 4);
                                 w.add_f32("llama.rope.scale_linear", 8);
                                 w.add_string("llama.rope.scaling.type", "linear");
                                 add_floats(w, "rope_freqs.weight", {1, 2, 3, 4, 5, 6, 7, 8});
                               }});
  for (const std::string& device : every_device())
    EXPECT_LT(difference(both, device, 4), 1e-3) << device;
}

TEST_F(ReferenceLogits, AFactorOf1OrOfNoTypeChangesNothing) {
  for (const float factor : {0.0f, 1.0f}) {
    const GgufFile file =
        write({{}, {}, [&](GgufWriter& w) { w.add_f32("llama.rope.scaling.factor", factor); }});
    EXPECT_LT(difference(file, "cpu"), 1e-3) << factor;
  }
  const GgufFile none = write({{}, {}, [&](GgufWriter& w) {
                                 w.add_f32("llama.rope.scaling.factor", 8);
                                 w.add_string("llama.rope.scaling.type", "none");
                               }});
  EXPECT_LT(difference(none, "cpu"), 1e-3);
}

TEST_F(ReferenceLogits, RowsWithoutATokenHaveNoLogit) {
  const std::size_t vocabulary = logits(*tiny_, "cpu")[0].size();
  GgufEdit more{{}, {"token_embd.weight"}, {}};
  more.add = [&](GgufWriter& w) {
    // The padding would win every time.
    std::vector<float> values;
    const GgufTensor& embedding = *tiny_->find_tensor("token_embd.weight");
    std::vector<float> row(64);
    for (std::size_t r = 0; r < vocabulary; ++r) {
      dequantize_row(*embedding.dtype, embedding.bytes.data() + r * row_bytes(*embedding.dtype, 64),
                     64, row.data());
      values.insert(values.end(), row.begin(), row.end());
    }
    values.insert(values.end(), 64 * 32, 100.0f);
    const auto kept = std::make_shared<std::vector<float>>(std::move(values));
    w.add_tensor(
        "token_embd.weight", 0, {64, vocabulary + 32},
        [kept](const GgufWriter::Sink& sink) { return sink(std::as_bytes(std::span(*kept))); });
  };
  const GgufFile file = write(more);
  for (const std::string& device : every_device()) {
    EXPECT_EQ(logits(file, device)[0].size(), vocabulary) << device;
    EXPECT_LT(difference(file, device), 1e-3) << device;
  }
}

}  // namespace
}  // namespace mneme
