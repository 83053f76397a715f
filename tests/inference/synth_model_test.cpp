// SPDX-License-Identifier: Apache-2.0
// What a family asks for is all that a model of it is made of: written from that list, a model
// opens, and nothing in it is left over.
#include "inference/model/synth_model.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inference/families/family.h"
#include "inference/run/engine.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

TEST(SynthModel, OfEveryFamilyOpensAndAnswers) {
  std::vector<std::pair<std::string_view, std::int64_t>> kinds{{"llama", 4}};  // Mixtral
  for (const Family* family : all_families()) {
    kinds.emplace_back(family->name, family->name.ends_with("moe") ? 4 : 0);
  }
  for (const auto& [family, experts] : kinds) {
    SCOPED_TRACE(std::string(family) + (experts > 0 ? ", a mixture" : ""));
    const TemporaryFolder folder;
    TinyModelOptions tiny;
    tiny.family = family;
    tiny.experts = experts;
    EngineOptions options;
    options.model_path = write_tiny_model(folder.path(), tiny);
    options.memory = folder.file("tiny.engram.gguf");
    options.threads = 2;
    auto engine = Engine::open(options);
    ASSERT_TRUE(engine) << engine.error().message;
    GenerateRequest request;
    request.raw_prompt = "the boy";
    request.max_tokens = 8;
    request.ignore_end = true;
    const auto answer = (*engine)->generate(request);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->generated_tokens, 8);
  }
}

TEST(SynthModel, AShapeThatDoesNotWorkOutIsRefused) {
  const TemporaryFolder folder;
  const std::string path = write_tiny_model(folder.path(), {.memory = false});
  const auto tokenizer = GgufFile::open(path);
  ASSERT_TRUE(tokenizer);
  const SynthShape good{2, 64, 96, 4, 2, 1024, 512};
  const auto refusal = [&](auto change) {
    SynthModelOptions options{.shape = good};
    change(options);
    const auto planned = plan_synth_model(*tokenizer, options);
    return planned ? "" : planned.error().message;
  };
  EXPECT_EQ(refusal([](SynthModelOptions&) {}), "");
  EXPECT_NE(refusal([](auto& o) { o.shape.vocab_size = 3; }).find("only 3"), std::string::npos);
  EXPECT_NE(refusal([](auto& o) { o.shape.n_kv_heads = 3; }).find("4 heads cannot share 3"),
            std::string::npos);
  EXPECT_NE(refusal([](auto& o) { o.shape.n_heads = 0; }), "");
  EXPECT_NE(refusal([](auto& o) { o.shape.n_layers = 0; }), "");
  EXPECT_NE(refusal([](auto& o) { o.type = DType::q4_k; }).find("blocks of 256"),
            std::string::npos);
  EXPECT_NE(refusal([](auto& o) { o.shape.family = "nobody"; }).find("'nobody'"),
            std::string::npos);
}

}  // namespace
}  // namespace mneme
