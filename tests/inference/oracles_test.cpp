// SPDX-License-Identifier: Apache-2.0
// Tiny models with exact answers that other programs made (tests/support/oracle_logits.h), on the
// CPU. MNEME_ORACLES names another folder of them.

#include "tests/support/oracles.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "gpu/registry.h"
#include "inference/files/model_source.h"
#include "tests/support/oracle_logits.h"
#include "tests/support/split_gguf.h"
#include "tests/support/temporary_folder.h"

namespace mneme {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<Backend> open_cpu() {
  return std::move(open_backend({2, ""}).value());
}

TEST(oracles, LogitsAreThoseOfOtherPrograms) {
  const auto backend = open_cpu();
  EXPECT_GE(compare_with_oracles(*backend, kCpuDeviation), 1);
}

TEST(oracles, ASplitModelGivesTheLogitsOfTheWhole) {
  const fs::path folder = oracles_folder() / "llama3";
  if (!fs::exists(folder)) GTEST_SKIP() << "no llama3";
  const auto file = GgufFile::open((folder / "model.gguf").string());
  ASSERT_TRUE(file) << file.error().message;
  const auto backend = open_cpu();
  for (const bool first_is_empty : {false, true}) {
    const TemporaryFolder there;
    const auto paths = write_split(*file, there.file("llama3"), {4, first_is_empty});
    const auto source = ModelSource::open(paths[2]);
    ASSERT_TRUE(source) << source.error().message;
    const double apart = oracle_deviation(folder, *source, *backend);
    EXPECT_TRUE(apart >= 0 && apart <= kCpuDeviation) << apart;
  }
}

TEST(oracles, TheTensorsOfASplitModelAreFound) {
  const fs::path folder = oracles_folder() / "qwen3_moe_split";
  if (!fs::exists(folder)) GTEST_SKIP() << "no qwen3_moe_split";
  const auto source = ModelSource::open((folder / "model-00003-of-00003.gguf").string());
  ASSERT_TRUE(source) << source.error().message;
  std::size_t tensors = 0;
  for (const char* part : {"1", "2", "3"}) {
    const auto file =
        GgufFile::open((folder / (std::string("model-0000") + part + "-of-00003.gguf")).string());
    ASSERT_TRUE(file) << file.error().message;
    for (const GgufTensor& tensor : file->tensors()) {
      const SourceTensor* found = source->find_tensor(tensor.name);
      ASSERT_NE(found, nullptr) << tensor.name;
      EXPECT_EQ(found->dims, tensor.dims);
      EXPECT_EQ(0, std::memcmp(found->bytes.data(), tensor.bytes.data(), tensor.bytes.size()));
      ++tensors;
    }
  }
  EXPECT_EQ(source->tensors().size(), tensors);
}

}  // namespace
}  // namespace mneme
