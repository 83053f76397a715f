// SPDX-License-Identifier: Apache-2.0
#include "inference/run/find_pack.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

namespace mneme {

namespace fs = std::filesystem;

std::vector<std::string> list_packs(const std::string& folder) {
  std::vector<std::string> packs;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".gguf" || !it->is_regular_file(error)) continue;
    auto file = GgufFile::open(it->path().string());
    if (file && is_memory_pack(*file)) packs.push_back(it->path().string());
  }
  std::sort(packs.begin(), packs.end());
  return packs;
}

Result<PackChoice> find_pack(const std::string& choice, const std::string& folder,
                             const std::vector<std::string>& folders, const ModelConfig& config,
                             const std::string& tokenizer_sha256) {
  PackChoice found;
  if (choice == "off") {
    found.absent_reason = "The n-gram memory was switched off when the model was opened.";
    return found;
  }
  if (!choice.empty()) {
    auto file = GgufFile::open(choice);
    if (!file) return file.error().with("opening the memory pack");
    auto header = read_pack_header(*file);
    if (!header) return header.error();
    RETURN_IF_ERROR(check_pack_fits(*file, *header, config, tokenizer_sha256));
    RETURN_IF_ERROR(check_pack_tensors(*file, *header));
    found.file = std::move(*file);
    found.header = std::move(*header);
    return found;
  }
  std::vector<std::string> places = {folder};
  places.insert(places.end(), folders.begin(), folders.end());
  std::set<fs::path> seen;  // a model may lie in a known folder, and a folder have two names
  bool found_trained = false;
  for (const std::string& place : places) {
    for (const std::string& path : list_packs(place)) {
      std::error_code error;
      if (!seen.insert(fs::canonical(path, error)).second) continue;
      auto file = GgufFile::open(path);
      if (!file) continue;
      auto header = read_pack_header(*file);
      if (header) {
        // Packs of other models lie here too.
        const Status fits = check_pack_fits(*file, *header, config, tokenizer_sha256);
        if (!fits.has_value()) {
          found.passed_over.push_back({LogLevel::info, "not used: " + fits.error().message});
          continue;
        }
      }
      const Status whole = header ? check_pack_tensors(*file, *header) : Status(header.error());
      if (!whole.has_value()) {
        found.passed_over.push_back(
            {LogLevel::warning,
             fmt::format("the memory pack {} was passed over: {}", path, whole.error().message)});
        continue;
      }
      // The first that fits wins, except that a trained pack beats a stand-in.
      if (found.file && (found_trained || !header->trained)) continue;
      found_trained = header->trained;
      found.file = std::move(*file);
      found.header = std::move(*header);
    }
  }
  if (!found.file) {
    found.absent_reason = "No n-gram memory for this model lies beside it or among Mneme's own.";
  }
  return found;
}

}  // namespace mneme
