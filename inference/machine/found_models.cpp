// SPDX-License-Identifier: Apache-2.0
#include "inference/machine/found_models.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/exceptions.h"
#include "base/sha256.h"
#include "gpu/registry.h"
#include "inference/files/gguf.h"
#include "inference/files/gguf_split.h"
#include "inference/files/hub_source.h"
#include "inference/files/model_source.h"
#include "inference/machine/folder_walk.h"
#include "inference/machine/ollama_models.h"
#include "inference/model/check_model.h"
#include "inference/model/type_bytes.h"
#include "inference/run/find_pack.h"
#include "inference/tables/memory_pack.h"
#include "inference/tables/table_files.h"
#include "inference/text/read_tokenizer.h"

namespace mneme {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kModelsMax = 2000;
constexpr std::size_t kTextBytesMax = 256;  // of a name that a file gives itself

std::string lower(std::string_view text) {
  std::string low(text);
  for (char& c : low) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return low;
}

constexpr std::string_view kHubConfig = "config.json";

// Files beside models that have the same ending and are none, by the names that converters give
// them; and parts of a model behind its first. A folder of the Hugging Face hub is found by its
// config.json.
bool is_model_name(std::string_view name) {
  if (name == kHubConfig) return true;
  const std::string low = lower(name);
  const auto split = parse_split_name(low);
  return low.ends_with(".gguf") && low.find("mmproj") == std::string::npos &&
         (!split || split->number == 1);
}

template <class T>
T stated(const Metadata& file, std::string_view key, T fallback) {
  const auto value = file.find<T>(key);
  return value && value->has_value() ? **value : fallback;
}

std::string text_of(const Metadata& file, std::string_view key) {
  return std::string(stated<std::string_view>(file, key, "").substr(0, kTextBytesMax));
}

// Whether a file is one that a person would open to chat with: no adapter, no projector, no later
// part.
bool is_a_model(const Metadata& file) {
  return stated<std::string_view>(file, "general.type", "model") == "model" &&
         text_of(file, "general.architecture") != "clip" &&
         stated<std::int64_t>(file, "split.no", 0) == 0;
}

std::string most_used_type(const ModelSource& source) {
  TypeBytes types;
  for (const SourceTensor& tensor : source.tensors()) {
    types.add(tensor.type_name, tensor.bytes.size());
  }
  return types.most();
}

// The file's own, by which people know it and which tells two of one model apart: what a file says
// of itself may be anything. Some programs call every file "model.gguf".
std::string name_of_path(const fs::path& path) {
  const auto split = parse_split_name(path.string());
  const std::string stem =
      split ? fs::path(split->start).filename().string() : path.stem().string();
  return stem == "model" ? path.parent_path().filename().string() : stem;
}

std::vector<std::string> safetensors_in(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".safetensors") paths.push_back(it->path().string());
  }
  return paths;
}

class Search {
 public:
  explicit Search(const std::atomic<bool>& stop) : stop_(stop) {}

  FoundModels run(const std::vector<ModelPlace>& places) {
    auto cpu = open_backend({1, ""});
    if (!cpu) {
      found_.left_out.push_back(cpu.error().message);
      return std::move(found_);
    }
    cpu_ = std::move(*cpu);
    for (const ModelPlace& place : places) {
      if (ended()) break;
      std::error_code error;
      const bool there = fs::is_directory(place.folder, error);
      (there ? found_.looked : found_.missing).push_back(place);
      if (there) look_at(place);
    }
    find_memories();
    if (found_.models.size() == kModelsMax) {
      found_.left_out.push_back(fmt::format("more than {} models were not looked for", kModelsMax));
    }
    found_.stopped = stop_.load();
    std::ranges::stable_sort(found_.models, {}, [](const FoundModel& model) {
      return std::tuple(!model.opens(), lower(model.name));
    });
    return std::move(found_);
  }

 private:
  bool ended() const {
    return stop_.load(std::memory_order_relaxed) || found_.models.size() == kModelsMax;
  }

  void look_at(const ModelPlace& place) {
    if (place.program == kOwnProgram) own_folders_.push_back(place.folder);
    const auto left_out =
        place.layout == ModelPlace::Layout::ollama ? look_at_ollama(place) : look_at_files(place);
    found_.left_out.insert(found_.left_out.end(), left_out.begin(), left_out.end());
  }

  std::vector<std::string> look_at_ollama(const ModelPlace& place) {
    const auto take = [&](const OllamaModel& model) {
      take_file(model.path, place.program, model.name);
      return !ended();
    };
    return find_ollama_models(place.folder, take, stop_);
  }

  std::vector<std::string> look_at_files(const ModelPlace& place) {
    const bool hub = place.layout == ModelPlace::Layout::hugging_face;
    FolderWalk walk;
    walk.enters = [hub](std::string_view name, int depth) {
      if (!hub || depth > 1) return true;
      return depth == 0 ? name.starts_with("models--") : name == "snapshots";
    };
    walk.wants = is_model_name;
    walk.file = [&](const std::string& path) {
      take_file(path, place.program, "");
      return !ended();
    };
    return walk_folder(place.folder, walk, stop_);
  }

  // One file has several names in some places, and is listed by the first.
  bool is_new(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) != 0 || seen_.insert({info.st_dev, info.st_ino}).second;
  }

  void take_file(const std::string& path, const std::string& program, const std::string& name) {
    if (!is_new(path)) return;
    if (fs::path(path).filename() == kHubConfig) {
      return take_folder(fs::path(path).parent_path().string(), program);
    }
    FoundModel model;
    model.path = path;
    model.program = program;
    model.name = name.empty() ? name_of_path(path) : name;
    auto file = GgufFile::open(path);
    if (file && is_memory_pack(*file)) return take_pack(*file);
    if (file && !is_a_model(file->metadata())) return;
    const auto source = file ? ModelSource::open(path) : Result<ModelSource>(file.error());
    if (source && source->tensors().empty()) return;  // a vocabulary alone
    take(source, {path}, std::move(model));
  }

  void take_folder(const std::string& folder, const std::string& program) {
    const std::vector<std::string> weights = safetensors_in(folder);
    if (weights.empty() || !holds_language_model(folder)) return;
    FoundModel model;
    model.path = folder;
    model.program = program;
    model.name = hub_folder_name(folder);
    take(ModelSource::open(folder), weights, std::move(model));
  }

  void take(const Result<ModelSource>& source, const std::vector<std::string>& files,
            FoundModel model) {
    if (source) {
      describe(*source, model);
    } else {
      for (const std::string& file : files) {
        std::error_code error;
        const auto bytes = fs::file_size(file, error);
        if (!error) model.bytes += bytes;
      }
      model.unusable = source.error().message;
    }
    found_.models.push_back(std::move(model));
  }

  void describe(const ModelSource& source, FoundModel& model) {
    model.architecture = text_of(source.metadata(), "general.architecture");
    model.quantisation = most_used_type(source);
    model.bytes = source.bytes();
    model.experts = stated<std::int64_t>(source.metadata(),
                                         fmt::format("{}.expert_count", model.architecture), 0);
    if (has_tables(source)) model.memory = FoundModel::Memory::tables;
    const auto summary = check_model_header(source, *cpu_);
    if (summary) {
      configs_.emplace(found_.models.size(), summary->config);
    } else {
      model.unusable = summary.error().message;
    }
  }

  void take_pack(const GgufFile& file) {
    const auto header = read_pack_header(file);
    if (header) packs_.insert({header->embedding_length, header->block_count});
  }

  // Packs lie behind models in a folder, and in folders that are looked at later.
  void find_memories() {
    for (const auto& [index, config] : configs_) {
      if (stop_.load(std::memory_order_relaxed)) return;
      if (!packs_.contains({config.dim, config.n_layers()})) continue;
      FoundModel& model = found_.models[index];
      const std::string& pack = pack_for(model.path, config);
      if (pack.empty()) continue;
      model.memory = FoundModel::Memory::pack;
      model.pack_path = pack;
    }
  }

  // What a pack is asked for is the same for all models of a folder that are of one shape and read
  // one vocabulary.
  const std::string& pack_for(const std::string& path, const ModelConfig& config) {
    static const std::string kNone;
    const auto source = ModelSource::open(path);
    if (!source) return kNone;
    const std::string& tokenizer = tokenizer_of(*source);
    if (tokenizer.empty()) return kNone;
    const auto key =
        std::tuple(source->folder(), tokenizer, config.dim, config.n_layers(), config.vocab_size);
    const auto known = chosen_.find(key);
    if (known != chosen_.end()) return known->second;
    const auto pack = find_pack("", source->folder(), own_folders_, config, tokenizer);
    return chosen_[key] = pack && pack->file ? pack->file->path() : "";
  }

  // Tokenizer::sha256(), or nothing where it cannot be read. Making a tokenizer takes its time, and
  // many models have the same.
  const std::string& tokenizer_of(const ModelSource& source) {
    Sha256 bytes;
    for (const std::string_view key :
         {"tokenizer.ggml.model", "tokenizer.ggml.tokens", "tokenizer.ggml.token_type",
          "tokenizer.ggml.merges", "tokenizer.ggml.scores"}) {
      if (const MetadataEntry* entry = source.metadata().find_entry(key)) {
        bytes.update(entry->payload);
      }
    }
    if (const auto& text = source.texts().tokenizer) {
      bytes.update(std::as_bytes(std::span(text->data(), text->size())));
    }
    const auto [known, is_new] = tokenizers_.try_emplace(bytes.finish_hex());
    if (is_new) {
      const auto tokenizer = read_tokenizer(source);
      if (tokenizer) known->second = tokenizer->sha256();
    }
    return known->second;
  }

  const std::atomic<bool>& stop_;
  FoundModels found_;
  std::unique_ptr<Backend> cpu_;
  std::vector<std::string> own_folders_;
  std::set<std::pair<dev_t, ino_t>> seen_;
  std::map<std::size_t, ModelConfig> configs_;             // of models that open, by their index
  std::set<std::pair<std::int64_t, std::int64_t>> packs_;  // widths and blocks that packs are for
  std::map<std::tuple<std::string, std::string, std::int64_t, std::int64_t, std::int64_t>,
           std::string>
      chosen_;
  std::map<std::string, std::string> tokenizers_;  // by their bytes in the file
};

}  // namespace

FoundModels find_models(const std::vector<ModelPlace>& places, const std::atomic<bool>& stop) {
  const auto found =
      without_exceptions([&]() -> Result<FoundModels> { return Search(stop).run(places); });
  if (found) return *found;
  FoundModels none;
  none.left_out.push_back(found.error().message);
  return none;
}

}  // namespace mneme
