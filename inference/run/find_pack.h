// SPDX-License-Identifier: Apache-2.0
// Which memory pack goes with a model: the one the user names, else the best of those that lie
// beside the model or in the known folders.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "inference/files/gguf.h"
#include "inference/model/model_config.h"
#include "inference/tables/memory_pack.h"

namespace mneme {

struct PackChoice {
  std::optional<GgufFile> file;
  std::optional<PackHeader> header;  // of the file
  std::string absent_reason;         // for a person; empty when there is a file
  // What was looked at and not taken, with why. For the log, once: whoever opens the model.
  std::vector<std::pair<LogLevel, std::string>> passed_over;
};

// Pack files in a folder: GGUF files whose type is engram-pack, by name; other files are skipped.
std::vector<std::string> list_packs(const std::string& folder);

// `choice` and `folders` as EngineOptions::memory and pack_folders; `folder`: of the model. Errors
// only for a pack that the user named: it must open and fit.
Result<PackChoice> find_pack(const std::string& choice, const std::string& folder,
                             const std::vector<std::string>& folders, const ModelConfig& config,
                             const std::string& tokenizer_sha256);

}  // namespace mneme
