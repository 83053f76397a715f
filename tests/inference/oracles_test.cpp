// SPDX-License-Identifier: Apache-2.0
// Tiny models with exact answers that other programs made: one folder each, with model.gguf,
// tokens.json (`ids`) and logits.npy (float32 [ids, vocabulary]). MNEME_ORACLES names the folder of
// folders. Families that are not claimed here are skipped.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gpu/registry.h"
#include "inference/families/family.h"
#include "inference/run/session.h"

namespace mneme {
namespace {

namespace fs = std::filesystem;

// The values of a NumPy file of float32 in C order.
std::vector<float> read_npy(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  if (bytes.size() < 10 || bytes.find("'<f4'") == std::string::npos) return {};
  const auto header = static_cast<std::size_t>(static_cast<unsigned char>(bytes[8])) +
                      256 * static_cast<std::size_t>(static_cast<unsigned char>(bytes[9]));
  std::vector<float> values((bytes.size() - 10 - header) / sizeof(float));
  std::memcpy(values.data(), bytes.data() + 10 + header, values.size() * sizeof(float));
  return values;
}

// The largest difference of the logits in `folder`, over the largest logit; negative: it failed.
double deviation(const fs::path& folder, const GgufFile& file, Backend& backend) {
  std::ifstream tokens_file(folder / "tokens.json");
  const auto tokens = nlohmann::json::parse(tokens_file);
  const auto ids = tokens["ids"].get<std::vector<TokenId>>();
  const std::vector<float> expected = read_npy(folder / "logits.npy");

  const auto config = ModelConfig::from_gguf(file);
  EXPECT_TRUE(config) << (config ? "" : config.error().message);
  if (!config) return -1;
  const Placement placement(backend, config->n_layers());
  const auto weights = Weights::bind(file, *config, placement);
  EXPECT_TRUE(weights) << (weights ? "" : weights.error().message);
  if (!weights) return -1;
  SessionOptions options;
  options.context = static_cast<std::int64_t>(ids.size());
  options.mode = NumericMode::exact;
  auto session =
      Session::create({*config, *weights, nullptr, nullptr, nullptr, placement}, options);
  EXPECT_TRUE(session) << (session ? "" : session.error().message);
  if (!session) return -1;
  const auto vocabulary = static_cast<std::size_t>(config->vocab_size);
  EXPECT_EQ(expected.size(), ids.size() * vocabulary);
  if (expected.size() != ids.size() * vocabulary) return -1;
  double largest = 0;
  double apart = 0;
  std::size_t row = 0;
  const Status done = (*session)->sync(ids, true, nullptr, [&](const StepView& step) {
    for (std::int64_t output = 0; output < step.outputs; ++output, ++row) {
      const auto logits = (*session)->logits(output);
      for (std::size_t i = 0; i < vocabulary; ++i) {
        const auto right = static_cast<double>(expected[row * vocabulary + i]);
        largest = std::max(largest, std::fabs(right));
        apart = std::max(apart, std::fabs(static_cast<double>(logits[i]) - right));
      }
    }
  });
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  EXPECT_EQ(row, ids.size());
  return done && row == ids.size() ? apart / largest : -1;
}

// No family with experts is claimed yet; some stand under a dense one's name.
bool has_experts(const GgufFile& file) {
  return std::ranges::any_of(
      file.entries(), [](const GgufEntry& entry) { return entry.key.ends_with(".expert_count"); });
}

TEST(Oracles, LogitsAreThoseOfOtherPrograms) {
  const char* named = std::getenv("MNEME_ORACLES");
  if (named == nullptr) GTEST_SKIP() << "MNEME_ORACLES names no folder";
  const auto backend = std::move(open_backend({2, ""}).value());
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(named)) {
    if (fs::exists(entry.path() / "model.gguf")) folders.push_back(entry.path());
  }
  std::ranges::sort(folders);
  int passed = 0;
  int skipped = 0;
  for (const fs::path& folder : folders) {
    const auto file = GgufFile::open((folder / "model.gguf").string());
    const auto architecture = file ? file->require<std::string_view>("general.architecture")
                                   : Result<std::string_view>(file.error());
    if (!architecture || find_family(*architecture) == nullptr || has_experts(*file)) {
      ++skipped;
      continue;
    }
    const double worst = deviation(folder, *file, *backend);
    EXPECT_TRUE(worst >= 0 && worst <= 4e-6) << folder;
    std::printf("%-24s %.2g\n", folder.filename().c_str(), worst);
    ++passed;
  }
  std::printf("folders %d passed, %d skipped\n", passed, skipped);
}

}  // namespace
}  // namespace mneme
