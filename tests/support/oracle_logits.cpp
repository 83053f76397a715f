// SPDX-License-Identifier: Apache-2.0
#include "tests/support/oracle_logits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "inference/families/family.h"
#include "tests/support/oracles.h"
#include "tests/support/source_logits.h"

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

// Where a folder's model is opened: as GGUF and as the hub has it, where it has both.
std::vector<fs::path> models_of(const fs::path& folder) {
  std::vector<fs::path> models;
  if (fs::exists(folder / "model.gguf")) models.push_back(folder / "model.gguf");
  if (fs::exists(folder / "model-00001-of-00003.gguf")) {
    models.push_back(folder / "model-00001-of-00003.gguf");
  }
  if (fs::exists(folder / "config.json")) models.push_back(folder);
  return models;
}

}  // namespace

double oracle_deviation(const fs::path& folder, const ModelSource& source, Backend& backend) {
  std::ifstream tokens_file(folder / "tokens.json");
  const auto tokens = nlohmann::json::parse(tokens_file);
  const auto ids = tokens["ids"].get<std::vector<TokenId>>();
  const std::vector<float> expected = read_npy(folder / "logits.npy");
  const auto logits = source_logits(source, ids, backend);
  EXPECT_TRUE(logits) << logits.error().message;
  if (!logits) return -1;
  EXPECT_EQ(logits->size(), expected.size());
  if (logits->size() != expected.size()) return -1;
  double largest = 0;
  double apart = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto right = static_cast<double>(expected[i]);
    largest = std::max(largest, std::fabs(right));
    apart = std::max(apart, std::fabs(static_cast<double>((*logits)[i]) - right));
  }
  return apart / largest;
}

int compare_with_oracles(Backend& backend, double most) {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(oracles_folder())) {
    if (fs::exists(entry.path() / "logits.npy")) folders.push_back(entry.path());
  }
  std::ranges::sort(folders);
  int passed = 0;
  int skipped = 0;
  for (const fs::path& folder : folders) {
    double worst = -1;
    std::string containers;
    for (const fs::path& model : models_of(folder)) {
      const auto source = ModelSource::open(model.string());
      // Of a family that is not claimed, or with a part that is not computed with.
      if (!source ||
          !find_family(*source->metadata().require<std::string_view>("general.architecture"))) {
        continue;
      }
      const double apart = oracle_deviation(folder, *source, backend);
      EXPECT_TRUE(apart >= 0 && apart <= most) << model << ": " << apart;
      worst = std::max(worst, apart);
      containers += source->is_hub_folder() ? " safetensors" : " GGUF";
    }
    if (containers.empty()) {
      ++skipped;
      continue;
    }
    std::printf("%-24s %.2g%s\n", folder.filename().c_str(), worst, containers.c_str());
    ++passed;
  }
  std::printf("folders %d passed, %d skipped\n", passed, skipped);
  return passed;
}

}  // namespace mneme
