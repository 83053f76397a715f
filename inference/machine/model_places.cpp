// SPDX-License-Identifier: Apache-2.0
#include "inference/machine/model_places.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>

#include "inference/machine/small_file.h"

namespace mneme {
namespace {

constexpr std::uint64_t kSettingsBytesMax = 1 << 20;

// The text member of a settings file in JSON; empty where there is no such file or member.
std::string json_setting(const std::string& path, const char* key) {
  const auto text = read_small_file(path, kSettingsBytesMax);
  if (!text) return {};
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object()) return {};
  const auto value = json.find(key);
  return value != json.end() && value->is_string() ? value->get<std::string>() : std::string();
}

// The value of a line "key=value" of a settings file of Qt.
std::string ini_setting(const std::string& path, std::string_view key) {
  const auto text = read_small_file(path, kSettingsBytesMax);
  if (!text) return {};
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (!line.starts_with(key) || line.substr(key.size(), 1) != "=") continue;
    line.remove_prefix(key.size() + 1);
    while (!line.empty() && (line.back() == '\r' || line.back() == '"')) line.remove_suffix(1);
    if (line.starts_with('"')) line.remove_prefix(1);
    return std::string(line);
  }
  return {};
}

std::string trimmed(std::string text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

class Places {
 public:
  explicit Places(const Environment& environment) : environment_(environment) {}

  // A relative folder would be another one wherever the program starts.
  void add(std::string program, const std::string& folder, ModelPlace::Layout layout = {}) {
    if (!folder.starts_with('/')) return;
    std::string path = std::filesystem::path(folder).lexically_normal().string();
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    if (std::ranges::find(places_, path, &ModelPlace::folder) != places_.end()) return;
    places_.push_back({std::move(program), std::move(path), layout});
  }
  std::string variable(const char* name) const { return environment_(name); }
  // Below the home folder, or below the one of the XDG standard that `name` is set to; empty where
  // there is no home.
  std::string home(const std::string& below) const {
    const std::string home = variable("HOME");
    return home.starts_with('/') ? home + "/" + below : std::string();
  }
  std::string base(const char* name, const std::string& below_home,
                   const std::string& below) const {
    const std::string value = variable(name);
    return value.starts_with('/') ? value + "/" + below : home(below_home + "/" + below);
  }
  std::string cache(const std::string& below) const {
    return base("XDG_CACHE_HOME", ".cache", below);
  }
  std::string data(const std::string& below) const {
    return base("XDG_DATA_HOME", ".local/share", below);
  }
  std::string config(const std::string& below) const {
    return base("XDG_CONFIG_HOME", ".config", below);
  }
  std::vector<ModelPlace> take() { return std::move(places_); }

 private:
  const Environment& environment_;
  std::vector<ModelPlace> places_;
};

// Its home is what ~/.lmstudio-home-pointer says, else ~/.cache/lm-studio where it was kept until
// 0.3.5, else ~/.lmstudio (lmstudio-ai/lmstudio.js, findLMStudioHome); settings.json there names
// the folder of the models as downloadsFolder.
void add_lm_studio(Places& places) {
  std::vector<std::string> homes;
  if (const auto told = read_small_file(places.home(".lmstudio-home-pointer"), 4096)) {
    homes.push_back(trimmed(*told));
  }
  homes.push_back(places.home(".lmstudio"));
  homes.push_back(places.home(".cache/lm-studio"));
  for (const std::string& home : homes) {
    if (!home.starts_with('/')) continue;
    places.add("LM Studio", json_setting(home + "/settings.json", "downloadsFolder"));
    places.add("LM Studio", home + "/models");
  }
}

// OLLAMA_MODELS, else ~/.ollama/models (ollama/ollama, envconfig/config.go); its Linux installer
// makes a user "ollama" with the home /usr/share/ollama, whose service keeps them there.
void add_ollama(Places& places) {
  const auto layout = ModelPlace::Layout::ollama;
  places.add("Ollama", places.variable("OLLAMA_MODELS"), layout);
  places.add("Ollama", places.home(".ollama/models"), layout);
  places.add("Ollama", "/usr/share/ollama/.ollama/models", layout);
}

// LLAMA_CACHE, else $XDG_CACHE_HOME/llama.cpp (ggml-org/llama.cpp, fs_get_cache_directory). Since
// 2026 it shares Hugging Face's cache, or lays LLAMA_CACHE out like it (common/hf-cache.cpp).
void add_llama_cpp(Places& places) {
  places.add("llama.cpp", places.variable("LLAMA_CACHE"));
  places.add("llama.cpp", places.cache("llama.cpp"));
}

// As huggingface_hub's page on environment variables has it.
void add_hugging_face(Places& places) {
  const auto layout = ModelPlace::Layout::hugging_face;
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    places.add("Hugging Face cache", places.variable(name), layout);
  }
  const std::string home = places.variable("HF_HOME");
  if (!home.empty()) places.add("Hugging Face cache", home + "/hub", layout);
  places.add("Hugging Face cache", places.cache("huggingface/hub"), layout);
}

// The window's data folder and its setting modelPath (nomic-ai/gpt4all, mysettings.cpp); its Python
// package uses ~/.cache/gpt4all.
void add_gpt4all(Places& places) {
  places.add("GPT4All", ini_setting(places.config("nomic.ai/GPT4All.ini"), "modelPath"));
  places.add("GPT4All", places.data("nomic.ai/GPT4All"));
  places.add("GPT4All", places.home(".cache/gpt4all"));
}

// JAN_DATA_FOLDER, else data_folder of Jan/settings.json, else Jan/data, all below the data folder
// of the XDG standard, settings also below the one for settings; before 0.6 ~/jan (janhq/jan,
// src-tauri/src/core/app/commands.rs). Models lie in llamacpp/models, before 0.6 in models.
void add_jan(Places& places) {
  for (const std::string& folder :
       {places.variable("JAN_DATA_FOLDER"),
        json_setting(places.data("Jan/settings.json"), "data_folder"),
        json_setting(places.config("Jan/settings.json"), "data_folder"), places.data("Jan/data"),
        places.config("Jan/data"), places.home("jan")}) {
    if (folder.empty()) continue;
    places.add("Jan", folder + "/llamacpp/models");
    places.add("Jan", folder + "/models");
  }
}

}  // namespace

std::string process_environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::vector<ModelPlace> model_places(const Environment& environment,
                                     const std::vector<std::string>& own_folders) {
  Places places(environment);
  for (const std::string& folder : own_folders) {
    std::error_code error;
    places.add(kOwnProgram, std::filesystem::absolute(folder, error).string());
  }
  add_lm_studio(places);
  add_ollama(places);
  add_llama_cpp(places);
  add_hugging_face(places);
  add_gpt4all(places);
  add_jan(places);
  return places.take();
}

}  // namespace mneme
