// SPDX-License-Identifier: Apache-2.0
// The models of an Ollama store: small manifests in JSON, which name the files by their digest.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

namespace mneme {

struct OllamaModel {
  std::string name;  // as Ollama calls it: "llama3.2:3b", "user/model:tag", "host/user/model:tag"
  std::string path;  // of the file with its weights, which may be missing
};

// Those in `folder`, which holds manifests and blobs, each given to `found` (false: no more).
// Models that lie as safetensors have no such file, and are left out. Returns what was left out, a
// sentence each.
std::vector<std::string> find_ollama_models(const std::string& folder,
                                            const std::function<bool(const OllamaModel&)>& found,
                                            const std::atomic<bool>& stop);

}  // namespace mneme
