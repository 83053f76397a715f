// SPDX-License-Identifier: Apache-2.0
// mneme-cli models and mneme-cli machine, in a home of their own.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "tests/app/cli_fixture.h"

namespace mneme {
namespace {

namespace fs = std::filesystem;

class CliMachine : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    fs::create_directories(home() + "/cache");  // drivers complain where they have none
  }
  std::string home() const { return folder_.file("home"); }
  ProgramEnd run_at_home(Arguments arguments) {
    return run(std::move(arguments), "",
               {"HOME=" + home(), "XDG_DATA_HOME=" + home() + "/data",
                "XDG_CACHE_HOME=" + home() + "/cache", "XDG_CONFIG_HOME=" + home() + "/config",
                "OLLAMA_MODELS=", "LLAMA_CACHE=", "HF_HOME=", "HF_HUB_CACHE=",
                "HUGGINGFACE_HUB_CACHE=", "JAN_DATA_FOLDER="});
  }
  Json json_at_home(Arguments arguments) {
    arguments.push_back("--json");
    const ProgramEnd end = run_at_home(std::move(arguments));
    EXPECT_EQ(end.code, 0) << end.err;
    EXPECT_EQ(end.err, "");
    return Json::parse(end.out);
  }
  void put(const std::string& name) const {
    const fs::path path = home() + "/" + name;
    fs::create_directories(path.parent_path());
    fs::copy_file(model_, path);
  }
};

// Of this home: another program's store for all users may lie on the machine of the test.
Json at_home(const Json& models, const std::string& home) {
  Json found = Json::array();
  for (const Json& model : models) {
    if (model["path"].get<std::string>().starts_with(home)) found.push_back(model);
  }
  return found;
}

TEST_F(CliMachine, ModelsListsWhatLiesHereAndWhatOpens) {
  put(".lmstudio/models/owner/repository/Tiny-Q4_0.gguf");
  put("data/mneme/models/own.gguf");
  fs::copy_file(folder_.file("tiny.engram.gguf"), home() + "/data/mneme/models/own.engram.gguf");
  std::ofstream(home() + "/.lmstudio/models/broken.gguf") << "no model";
  const Json all = json_at_home({"models"});
  const Json models = at_home(all["models"], home());
  ASSERT_EQ(models.size(), 3u) << all.dump();
  EXPECT_EQ(models[0]["name"], "own");
  EXPECT_EQ(models[0]["program"], "Mneme");
  EXPECT_EQ(models[0]["architecture"], "llama");
  EXPECT_EQ(models[0]["quantisation"], "Q4_0");
  EXPECT_EQ(models[0]["bytes"], fs::file_size(model_));
  EXPECT_EQ(models[0]["experts"], 0);
  EXPECT_EQ(models[0]["memory"], "pack");
  EXPECT_EQ(models[0]["pack"], home() + "/data/mneme/models/own.engram.gguf");
  EXPECT_TRUE(models[0]["unusable"].is_null());
  EXPECT_EQ(models[1]["name"], "Tiny-Q4_0");
  EXPECT_EQ(models[1]["program"], "LM Studio");
  EXPECT_EQ(models[1]["memory"], "pack");  // Mneme's own folder has it
  EXPECT_EQ(models[2]["name"], "broken");
  EXPECT_NE(models[2]["unusable"].get<std::string>().find("not a GGUF file"), std::string::npos);
  EXPECT_GE(all["looked"].size(), 2u);
  EXPECT_GE(all["missing"].size(), 5u);

  const ProgramEnd text = run_at_home({"models"});
  EXPECT_EQ(text.code, 0);
  for (const char* part :
       {"Tiny-Q4_0  (LM Studio; llama, Q4_0, ", "with an n-gram memory",
        "cannot be opened: ", "looked in:", "/owner/repository/Tiny-Q4_0.gguf"}) {
    EXPECT_NE(text.out.find(part), std::string::npos) << part << " in " << text.out;
  }
}

TEST_F(CliMachine, ModelsSaysWhereItLookedInVain) {
  const Json all = json_at_home({"models"});
  EXPECT_EQ(at_home(all["models"], home()), Json::array());
  if (!all["models"].empty()) GTEST_SKIP() << "this machine has models for all users";
  const ProgramEnd text = run_at_home({"models"});
  EXPECT_EQ(text.code, 0);
  EXPECT_NE(text.out.find("LM Studio: " + home() + "/.lmstudio/models"), std::string::npos);
  EXPECT_TRUE(text.out.ends_with("no model was found\n")) << text.out;
}

TEST_F(CliMachine, ModelsPrintsNoEscapeOfAName) {
  put(".lmstudio/models/a\x1b[2J\n\xff.gguf");
  const ProgramEnd text = run_at_home({"models"});
  EXPECT_EQ(text.code, 0);
  EXPECT_EQ(text.out.find('\x1b'), std::string::npos);
  EXPECT_NE(text.out.find("\\x1b[2J"), std::string::npos) << text.out;
  EXPECT_EQ(replace_broken_utf8(text.out), text.out);
  EXPECT_EQ(json_at_home({"models"})["models"].is_array(), true);
}

TEST_F(CliMachine, MachineMeasuresAndEstimates) {
  const Json machine = json_at_home({"machine", "--folder", folder_.path()});
  EXPECT_FALSE(machine["processor"]["name"].get<std::string>().empty());
  EXPECT_GE(machine["processor"]["cores"], 1);
  EXPECT_GT(machine["ram"]["total_bytes"], 0);
  EXPECT_GT(machine["ram"]["gb_per_second"], 0);
  EXPECT_TRUE(machine["gpus"].is_array());
  EXPECT_EQ(machine["drive"]["folder"], folder_.path());
  if (machine["drive"].contains("error")) {  // the tests' folder may lie in RAM
    EXPECT_TRUE(machine["rows"].empty());
  } else {
    EXPECT_GT(machine["drive"]["large_bytes_per_second"], 0);
    EXPECT_GT(machine["drive"]["small_read_us"], 0);
    ASSERT_EQ(machine["rows"].size(), 2u);
    EXPECT_GT(machine["rows"][0]["ms_per_token"], 0);
  }
  ASSERT_EQ(machine["sizes"].size(), 5u);
  EXPECT_EQ(machine["sizes"][0]["name"], "up to 1 B");
  EXPECT_LE(machine["sizes"][0]["tokens_per_second_min"],
            machine["sizes"][0]["tokens_per_second_max"]);
}

TEST_F(CliMachine, MachineSaysWhyADriveCannotBeMeasuredAndTheRestAllTheSame) {
  const ProgramEnd text = run_at_home({"machine", "--folder", "/proc"});  // no file is made there
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_NE(text.out.find("/proc"), std::string::npos) << text.out;
  EXPECT_EQ(text.out.find("small reads a second"), std::string::npos) << text.out;
  for (const char* part : {"processor  ", "RAM        ", "GPU        ", "7 to 14 B"}) {
    EXPECT_NE(text.out.find(part), std::string::npos) << part << " in " << text.out;
  }
}

}  // namespace
}  // namespace mneme
