// SPDX-License-Identifier: Apache-2.0
// A load that fails after the tables were opened: what still works on them ends before what it
// reads from goes.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "gpu/registry.h"
#include "inference/run/engine.h"
#include "tests/support/card_backend.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

class CardWithoutPlans : public CardBackend {
 public:
  using CardBackend::CardBackend;
  Result<std::unique_ptr<Plan>> compile(const Graph&, const CompileOptions&) override {
    return Error{ErrorCode::out_of_memory, "no room for a plan"};
  }
};

// The hot set comes back on threads of its own meanwhile, and asks the pack's hasher.
TEST(FailedLoad, EndsTheTablesBeforeThePackThatTheyAskFor) {
  const TemporaryFolder folder;
  EngineOptions options;
  options.model_path = write_tiny_model(folder.path());
  options.hot_set_folder = folder.file("hot");
  options.threads = 1;
  {
    auto engine = Engine::open(options);
    ASSERT_TRUE(engine) << engine.error().message;
    GenerateRequest request;
    request.raw_prompt = "the first and the last and the first";
    request.max_tokens = 100;
    request.ignore_end = true;
    ASSERT_TRUE((*engine)->generate(request));
  }
  options.open_device = [](const BackendOptions& wanted) -> Result<std::unique_ptr<Backend>> {
    auto cpu = open_backend({wanted.threads, "", "cpu"});
    if (!cpu) return cpu.error();
    return std::unique_ptr<Backend>(
        std::make_unique<CardWithoutPlans>(std::move(*cpu), std::uint64_t{1} << 40));
  };
  for (int i = 0; i < 20; ++i) {
    const auto failed = Engine::open(options);
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().message.find("no room for a plan"), std::string::npos)
        << failed.error().message;
  }
}

}  // namespace
}  // namespace mneme
