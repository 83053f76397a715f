// SPDX-License-Identifier: Apache-2.0
#include "inference/machine/model_places.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "tests/support/temporary_folder.h"

namespace mneme {
namespace {

class ModelPlaces : public ::testing::Test {
 protected:
  std::vector<std::string> folders(const std::string& program,
                                   std::map<std::string, std::string> variables = {}) const {
    variables.try_emplace("HOME", home_.path());
    const auto places = model_places(
        [&](const char* name) {
          const auto found = variables.find(name);
          return found == variables.end() ? std::string() : found->second;
        },
        own_);
    std::vector<std::string> folders;
    for (const ModelPlace& place : places) {
      if (place.program == program) folders.push_back(place.folder);
    }
    return folders;
  }
  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = home_.file(name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  std::string in_home(const std::string& name) const { return home_.file(name); }

  TemporaryFolder home_;
  std::vector<std::string> own_;
};

using Folders = std::vector<std::string>;

TEST_F(ModelPlaces, OwnFoldersComeFirstAndOnce) {
  own_ = {"/data/models", "/program/bin/../share/mneme/models", "/data/models/"};
  EXPECT_EQ(folders(kOwnProgram), (Folders{"/data/models", "/program/share/mneme/models"}));
}

TEST_F(ModelPlaces, LmStudioSaysInItsSettingsWhereItsModelsLie) {
  EXPECT_EQ(folders("LM Studio"),
            (Folders{in_home(".lmstudio/models"), in_home(".cache/lm-studio/models")}));
  write(".lmstudio/settings.json", R"({"language": "en", "downloadsFolder": "/big/drive/models"})");
  EXPECT_EQ(folders("LM Studio").front(), "/big/drive/models");
  write(".lmstudio-home-pointer", " /elsewhere/lm\n");
  EXPECT_EQ(folders("LM Studio").front(), "/elsewhere/lm/models");
}

TEST_F(ModelPlaces, SettingsThatAreNoneSayNothing) {
  const Folders usual = {in_home(".lmstudio/models"), in_home(".cache/lm-studio/models")};
  for (const std::string text :
       {"", "[1, 2]", "{\"downloadsFolder\": 5}", "{\"downloadsFolder\": \"relative\"}", "{",
        "\xff\xfe", "{\"downloadsFolder\": \"\"}"}) {
    write(".lmstudio/settings.json", text);
    EXPECT_EQ(folders("LM Studio"), usual) << text;
  }
  write(".lmstudio/settings.json", std::string(900'000, '['));  // deeper than a stack
  EXPECT_EQ(folders("LM Studio"), usual);
  std::filesystem::resize_file(in_home(".lmstudio/settings.json"), 2ull << 30);
  EXPECT_EQ(folders("LM Studio"), usual);
  std::filesystem::remove(in_home(".lmstudio/settings.json"));
  ASSERT_EQ(::mkfifo(in_home(".lmstudio/settings.json").c_str(), 0600), 0);
  EXPECT_EQ(folders("LM Studio"), usual);  // and does not wait for a writer
}

TEST_F(ModelPlaces, VariablesThatProgramsHonourComeBeforeTheirDefaults) {
  EXPECT_EQ(folders("Ollama"),
            (Folders{in_home(".ollama/models"), "/usr/share/ollama/.ollama/models"}));
  EXPECT_EQ(folders("Ollama", {{"OLLAMA_MODELS", "/srv/ollama"}}).front(), "/srv/ollama");
  EXPECT_EQ(folders("llama.cpp"), (Folders{in_home(".cache/llama.cpp")}));
  EXPECT_EQ(folders("llama.cpp", {{"LLAMA_CACHE", "/c"}, {"XDG_CACHE_HOME", "/x"}}),
            (Folders{"/c", "/x/llama.cpp"}));
  EXPECT_EQ(folders("Hugging Face cache"), (Folders{in_home(".cache/huggingface/hub")}));
  EXPECT_EQ(folders("Hugging Face cache",
                    {{"HF_HUB_CACHE", "/h"}, {"HF_HOME", "/hf"}, {"XDG_CACHE_HOME", "/x"}}),
            (Folders{"/h", "/hf/hub", "/x/huggingface/hub"}));
  EXPECT_EQ(folders("Jan", {{"JAN_DATA_FOLDER", "/jan"}}).front(), "/jan/llamacpp/models");
  // Relative ones would mean another folder wherever the program starts.
  EXPECT_EQ(folders("llama.cpp", {{"LLAMA_CACHE", "c"}, {"XDG_CACHE_HOME", "x"}}),
            (Folders{in_home(".cache/llama.cpp")}));
}

TEST_F(ModelPlaces, Gpt4allAndJanAreReadFromTheirSettings) {
  EXPECT_EQ(folders("GPT4All"),
            (Folders{in_home(".local/share/nomic.ai/GPT4All"), in_home(".cache/gpt4all")}));
  write(".config/nomic.ai/GPT4All.ini",
        "[General]\nmodelPathOld=/no\nmodelPath=/mnt/gpt4all/\nx=1\n");
  EXPECT_EQ(folders("GPT4All").front(), "/mnt/gpt4all");
  write(".local/share/Jan/settings.json", R"({"data_folder": "/mnt/jan"})");
  EXPECT_EQ(folders("Jan"), (Folders{"/mnt/jan/llamacpp/models", "/mnt/jan/models",
                                     in_home(".local/share/Jan/data/llamacpp/models"),
                                     in_home(".local/share/Jan/data/models"),
                                     in_home(".config/Jan/data/llamacpp/models"),
                                     in_home(".config/Jan/data/models"),
                                     in_home("jan/llamacpp/models"), in_home("jan/models")}));
}

TEST_F(ModelPlaces, WithoutAHomeOnlyWhatIsNamedIsLeft) {
  EXPECT_EQ(folders("llama.cpp", {{"HOME", ""}}), Folders{});
  EXPECT_EQ(folders("Jan", {{"HOME", "relative"}}), Folders{});
  EXPECT_EQ(folders("Ollama", {{"HOME", ""}}), (Folders{"/usr/share/ollama/.ollama/models"}));
}

}  // namespace
}  // namespace mneme
