// SPDX-License-Identifier: Apache-2.0
#include "app/paths.h"

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace mneme {
namespace {

// The same name is MODEL_FILE in ./dev, which fetches it.
constexpr std::string_view kDefaultModel = "SmolLM2-135M-Instruct.Q4_1.gguf";

// The directory that an XDG variable names, else `below_home` in the home directory. The XDG
// standard ignores relative paths; so does this for HOME, and without one the path begins at "/",
// never at the current directory.
std::string base_directory(const char* variable, std::string_view below_home) {
  const char* value = std::getenv(variable);
  if (value != nullptr && value[0] == '/') return value;
  const char* home = std::getenv("HOME");
  const std::string root = home != nullptr && home[0] == '/' ? home : "/";
  return root + "/" + std::string(below_home);
}

// The folder of the running program; "" where /proc is not there to tell.
std::filesystem::path program_folder() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::filesystem::path() : path.parent_path();
}

}  // namespace

std::string Paths::default_model() const {
  for (const std::string& folder : pack_folders()) {
    std::string path = folder + "/" + std::string(kDefaultModel);
    std::error_code error;
    if (std::filesystem::exists(path, error)) return path;
  }
  return models + "/" + std::string(kDefaultModel);
}

std::vector<std::string> Paths::pack_folders() const {
  std::vector<std::string> folders = {models};
  const std::filesystem::path program = program_folder();
  if (!program.empty()) {
    // Of an installed bin/, of build/<preset>/bin/. As a person would write them: the kernel gave
    // the program's folder without links.
    for (const char* from : {"../share/mneme/models", "../../../resources/models"})
      folders.push_back((program / from).lexically_normal().string());
  }
  return folders;
}

Paths Paths::find(const std::string& root) {
  Paths paths;
  if (!root.empty()) {
    paths.data = root;
    paths.config = root;
    paths.state = root;
    paths.cache = root + "/cache";  // apart, since it may be deleted as a whole
    paths.runtime = root;
  } else {
    paths.data = base_directory("XDG_DATA_HOME", ".local/share") + "/mneme";
    paths.config = base_directory("XDG_CONFIG_HOME", ".config") + "/mneme";
    paths.state = base_directory("XDG_STATE_HOME", ".local/state") + "/mneme";
    paths.cache = base_directory("XDG_CACHE_HOME", ".cache") + "/mneme";
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    paths.runtime =
        runtime != nullptr && runtime[0] == '/' ? std::string(runtime) + "/mneme" : paths.state;
  }
  paths.models = paths.data + "/models";
  return paths;
}

}  // namespace mneme
