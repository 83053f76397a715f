// SPDX-License-Identifier: Apache-2.0
// Texts with the tokens that other programs made of them, for vocabularies in a GGUF and in a
// tokenizer.json. A folder of folders (tests/support/oracles.h): tokenizers/KIND.{gguf,json,
// tokenizer.json}, and in each other folder tokens.json (`texts`) beside its model's files.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "inference/files/gguf.h"
#include "inference/text/hub_tokenizer.h"
#include "inference/text/tokenizer.h"
#include "tests/support/oracles.h"

namespace mneme {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<Tokenizer> from_gguf(const fs::path& path) {
  auto file = GgufFile::open(path.string());
  if (!file) return file.error();
  return Tokenizer::from_gguf(file->metadata());
}

Result<Tokenizer> from_json(const fs::path& tokenizer, const fs::path& config) {
  const std::string tokenizer_text = read_text(tokenizer);
  const std::string config_text = fs::exists(config) ? read_text(config) : "";
  HubTokenizerFiles files;
  files.folder = tokenizer.parent_path().string();
  files.tokenizer = tokenizer_text;
  files.config = config_text;
  auto read = read_hub_tokenizer(files);
  if (!read) return read.error();
  return Tokenizer::create(std::move(*read));
}

class Count {
 public:
  void compare(const std::string& name, const Result<Tokenizer>& tokenizer,
               const nlohmann::json& texts) {
    if (!tokenizer && tokenizer.error().code == ErrorCode::unsupported) {
      ++skipped;
      std::printf("%-40s skipped: %s\n", name.c_str(), tokenizer.error().message.c_str());
      return;
    }
    EXPECT_TRUE(tokenizer) << name << ": " << (tokenizer ? "" : tokenizer.error().message);
    if (!tokenizer) return;
    ++passed;
    for (const nlohmann::json& line : texts) {
      const std::string text = line["text"];
      const auto ids = line["ids"].get<std::vector<TokenId>>();
      EXPECT_EQ(tokenizer->encode(text, Specials::parse), ids)
          << name << ": " << ::testing::PrintToString(text);
      EXPECT_EQ(tokenizer->decode(ids), line.value("decoded", text)) << name;
      if (!line.contains("with_special")) continue;
      auto all = ids;
      if (tokenizer->adds_bos()) all.insert(all.begin(), *tokenizer->bos());
      EXPECT_EQ(all, line["with_special"].get<std::vector<TokenId>>()) << name;
    }
  }

  int passed = 0;
  int skipped = 0;
};

TEST(oracles, TokensAreThoseOfOtherPrograms) {
  const fs::path named = oracles_folder();
  Count count;
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(named)) folders.push_back(entry.path());
  std::ranges::sort(folders);
  for (const fs::path& folder : folders) {
    if (!fs::exists(folder / "tokens.json")) continue;
    const auto tokens = nlohmann::json::parse(read_text(folder / "tokens.json"));
    if (!tokens.contains("texts")) continue;
    const std::string name = folder.filename().string();
    for (const char* gguf : {"model.gguf", "model-00001-of-00003.gguf"}) {
      if (!fs::exists(folder / gguf)) continue;
      count.compare(name + "/" + gguf, from_gguf(folder / gguf), tokens["texts"]);
    }
    if (!fs::exists(folder / "tokenizer.json")) continue;
    count.compare(name + "/tokenizer.json",
                  from_json(folder / "tokenizer.json", folder / "tokenizer_config.json"),
                  tokens["texts"]);
  }
  std::vector<fs::path> files;
  const fs::path kinds = named / "tokenizers";
  if (fs::exists(kinds)) {
    for (const auto& entry : fs::directory_iterator(kinds)) {
      if (entry.path().extension() == ".gguf") files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  for (const fs::path& gguf : files) {
    const std::string kind = gguf.stem().string();
    const auto texts = nlohmann::json::parse(read_text(kinds / (kind + ".json")))["texts"];
    count.compare(kind + ".gguf", from_gguf(gguf), texts);
    count.compare(kind + ".tokenizer.json", from_json(kinds / (kind + ".tokenizer.json"), ""),
                  texts);
  }
  std::printf("tokenizers %d passed, %d skipped\n", count.passed, count.skipped);
}

}  // namespace
}  // namespace mneme
