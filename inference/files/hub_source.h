// SPDX-License-Identifier: Apache-2.0
// Reads a folder as the Hugging Face hub holds models: config.json; model.safetensors, or several
// such files with an index; tokenizer.json, tokenizer_config.json, a chat template. Nothing is
// converted: matrices are used as they lie.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "inference/files/model_source.h"

namespace mneme {

// Whether a file of that name belongs to such a folder: "config.json", "x.safetensors".
bool is_hub_file(std::string_view name);

// The name that people know a folder by: its own, except that in the cache of the hub it is called
// after a revision, far below that.
std::string hub_folder_name(const std::string& folder);

// Whether config.json is of a model that continues text, whether or not Mneme knows its family: the
// hub has many other kinds.
bool holds_language_model(const std::string& folder);

// Errors: io (a file is missing, named); corrupt; unsupported (a kind of model or a setting that
// Mneme does not compute with); invalid (no weights, or those of two models).
Result<SourceContents> read_hub_folder(const std::string& folder);

// From texts and files that are read already, of which `files` keeps bytes alive. Errors: as above.
struct HubFile {
  std::string path;
  std::span<const std::byte> bytes;
  std::shared_ptr<const MappedFile> mapping;
};
Result<SourceContents> read_hub_model(std::string name, std::string_view config,
                                      std::vector<HubFile> files);

}  // namespace mneme
