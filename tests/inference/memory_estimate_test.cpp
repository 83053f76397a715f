// SPDX-License-Identifier: Apache-2.0
#include "inference/run/memory_estimate.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/system_memory.h"
#include "inference/run/engine.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

// Whether one model may be opened while another one still lies in memory.
class OpensBeside : public testing::Test {
 protected:
  OpensBeside() {
    options_.model_path = write_tiny_model(folder_.path());
    options_.threads = 1;
  }
  std::unique_ptr<Engine> open() {
    auto engine = Engine::open(options_);
    EXPECT_TRUE(engine) << (engine ? "" : engine.error().message);
    return engine ? std::move(*engine) : nullptr;
  }
  bool ask(const ModelLayout& open) {
    const auto together = opens_beside(options_, open);
    EXPECT_TRUE(together) << together.error().message;
    return together && *together;
  }

  TemporaryFolder folder_;
  EngineOptions options_;
};

TEST_F(OpensBeside, WhereRamHasRoomForBoth) {
  const auto engine = open();
  options_.memory = "off";
  EXPECT_TRUE(ask(engine->layout()));
}

TEST_F(OpensBeside, NeverWithTheSamePack) {
  const auto engine = open();
  EXPECT_FALSE(ask(engine->layout()));
  // By another name too.
  ModelLayout layout = engine->layout();
  layout.memory->path = folder_.path() + "/./tiny.engram.gguf";
  EXPECT_FALSE(ask(layout));
}

TEST_F(OpensBeside, NeverBesideOrOnADevice) {
  options_.memory = "off";
  ModelLayout layout = open()->layout();
  layout.device = "card";
  EXPECT_FALSE(ask(layout));
}

TEST_F(OpensBeside, NotWhereRamIsTooSmall) {
  const auto engine = open();
  ModelLayout layout = engine->layout();
  layout.memory.reset();
  EXPECT_TRUE(ask(layout));
  options_.ram_budget = system_memory().total_bytes;
  EXPECT_FALSE(ask(layout));
}

TEST_F(OpensBeside, AFileThatIsNoModelIsRefused) {
  const auto engine = open();
  options_.model_path = folder_.file("none.gguf");
  EXPECT_FALSE(opens_beside(options_, engine->layout()).has_value());
}

}  // namespace
}  // namespace mneme
