// SPDX-License-Identifier: Apache-2.0
// Where the models of this and of other programs lie on this machine.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mneme {

inline constexpr const char* kOwnProgram = "Mneme";

struct ModelPlace {
  enum class Layout : std::uint8_t {
    folder,        // GGUF files at any depth
    ollama,        // manifests/ name blobs/, which are GGUF files without the extension
    hugging_face,  // models--owner--name/snapshots/revision/ hold links into blobs/
  };
  std::string program;  // "LM Studio"
  std::string folder;   // may be missing
  Layout layout = Layout::folder;
};

// The value of an environment variable; empty = it is not set.
using Environment = std::function<std::string(const char* name)>;
std::string process_environment(const char* name);

// Mneme's own folders first, then where the other programs keep theirs by default, by the variables
// that they honour and by what their settings files say, which this reads. No folder comes twice.
std::vector<ModelPlace> model_places(const Environment& environment,
                                     const std::vector<std::string>& own_folders);

}  // namespace mneme
