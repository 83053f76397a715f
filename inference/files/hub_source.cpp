// SPDX-License-Identifier: Apache-2.0
#include "inference/files/hub_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/printable.h"
#include "inference/files/file_error.h"
#include "inference/files/hub_config.h"
#include "inference/files/hub_tensors.h"
#include "inference/files/json_text.h"
#include "inference/files/safetensors.h"

namespace mneme {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kConfigBytesMax = 4 << 20;
constexpr std::size_t kTemplateBytesMax = 4 << 20;
constexpr std::size_t kSettingsBytesMax = 16 << 20;
constexpr std::size_t kTokenizerBytesMax = 256 << 20;
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kWeights = "model.safetensors";

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::optional<DType> dtype_of(std::string_view name) {
  if (name == "F32") return DType::f32;
  if (name == "F16") return DType::f16;
  if (name == "BF16") return DType::bf16;
  return std::nullopt;
}

// The safetensors files of a folder, in order.
Result<std::vector<std::string>> weight_files(const std::string& folder) {
  const fs::path index = fs::path(folder) / kIndex;
  const fs::path whole = fs::path(folder) / kWeights;
  if (is_there(index) && is_there(whole)) {
    return Error{ErrorCode::invalid,
                 fmt::format("{} holds the weights of two models, {} and {}: move one of them to a "
                             "folder of its own",
                             folder, kWeights, kIndex)};
  }
  if (is_there(whole)) return std::vector{whole.string()};
  if (is_there(index)) {
    auto entries = read_safetensors_index(index.string());
    if (!entries) return entries.error();
    std::set<std::string> files;
    for (const SafetensorsIndexEntry& entry : *entries) files.insert(entry.path);
    if (files.empty()) return corrupt(index.string(), "it names no file");
    for (const std::string& file : files) {
      if (is_there(file)) continue;
      return Error{ErrorCode::io,
                   fmt::format("{} is missing: {} names it as one of {} files of the model",
                               printable(file), index.string(), files.size())};
    }
    return std::vector<std::string>(files.begin(), files.end());
  }
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".safetensors") found.push_back(it->path().string());
  }
  std::ranges::sort(found);
  if (found.empty()) {
    return Error{ErrorCode::invalid,
                 fmt::format("{} has a config.json, but no weights: there is neither {} nor {} in "
                             "it",
                             folder, kWeights, kIndex)};
  }
  if (found.size() > 1) {
    return Error{ErrorCode::invalid,
                 fmt::format("{} holds {} and {}, and no {} says that they are one model", folder,
                             fs::path(found[0]).filename().string(),
                             fs::path(found[1]).filename().string(), kIndex)};
  }
  return found;
}

// Every tensor of the index is in the file that it names.
Status check_index(const std::string& folder, const SourceContents& contents) {
  const std::string path = (fs::path(folder) / kIndex).string();
  if (!is_there(path)) return {};
  auto entries = read_safetensors_index(path);
  if (!entries) return entries.error();
  std::set<std::string_view> there;
  for (const SourceTensor& tensor : contents.tensors) there.insert(tensor.name_in_file);
  for (const SafetensorsIndexEntry& entry : *entries) {
    if (there.contains(entry.tensor)) continue;
    return corrupt(path,
                   fmt::format("it says that {} holds the tensor {}, but it is not there",
                               fs::path(entry.path).filename().string(), printable(entry.tensor)));
  }
  return {};
}

SourceTensor describe(const SafetensorsTensor& tensor, std::span<const std::byte> file,
                      const HubFamily& family, Metadata& keep) {
  SourceTensor out;
  out.name_in_file = keep.keep(tensor.name);
  out.name = keep.keep(gguf_tensor_name(tensor.name, family));
  out.type_name = keep.keep(tensor.dtype);
  out.dtype = dtype_of(tensor.dtype);
  // Its axes the other way round, the first ones joined where there are more than four.
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    std::uint64_t& dim = out.dims[std::min<std::size_t>(i, out.dims.size() - 1)];
    const std::uint64_t size = tensor.shape[tensor.shape.size() - 1 - i];
    dim = i < out.dims.size() ? size : dim * size;
  }
  out.bytes = file.subspan(tensor.file_offset, tensor.bytes);
  const bool is_norm = out.name.ends_with("norm.weight") && tensor.shape.size() == 1;
  out.offset = is_norm ? family.norm_offset : 0.0f;
  return out;
}

// A part of a matrix says whether it is another one: the whole of it may be gigabytes.
bool is_same(std::span<const std::byte> a, std::span<const std::byte> b) {
  constexpr std::size_t kSample = 64 << 10;
  constexpr std::size_t kSamples = 16;
  if (a.size() != b.size()) return false;
  const std::size_t step = std::max(kSample, a.size() / kSamples);
  for (std::size_t at = 0; at < a.size(); at += step) {
    const std::size_t size = std::min(kSample, a.size() - at);
    if (std::memcmp(a.data() + at, b.data() + at, size) != 0) return false;
  }
  return true;
}

Status check_tied(HubConfig& config, std::vector<SourceTensor>& tensors) {
  const auto find = [&](std::string_view name) {
    return std::ranges::find(tensors, name, &SourceTensor::name);
  };
  const auto output = find("output.weight");
  const bool tied = config.flag("tie_word_embeddings").value_or(true);
  if (!tied && output == tensors.end()) {
    return corrupt(config.name(),
                   "the tensor lm_head.weight is missing, although config.json says that "
                   "tie_word_embeddings is false");
  }
  if (!tied || output == tensors.end()) return {};
  const auto embedding = find("token_embd.weight");
  if (embedding == tensors.end() || !is_same(output->bytes, embedding->bytes)) {
    return corrupt(config.name(),
                   "config.json says that tie_word_embeddings is true, but lm_head.weight is "
                   "another matrix than that of the embedding");
  }
  tensors.erase(output);
  return {};
}

Status check_biases(HubConfig& config, const std::vector<SourceTensor>& tensors) {
  for (const auto& [setting, tensor] :
       {std::pair{"attention_bias", "blk.0.attn_q.bias"}, {"mlp_bias", "blk.0.ffn_gate.bias"}}) {
    const auto says = config.flag(setting);
    const bool there = std::ranges::find(tensors, tensor, &SourceTensor::name) != tensors.end();
    if (!says || *says == there) continue;
    return corrupt(
        config.name(),
        fmt::format("config.json says that {} is {}, but the tensor {} is {}", setting, *says,
                    hub_tensor_name(tensor, config.family().hub), there ? "there" : "missing"));
  }
  return {};
}

// A text, or several with names, of which the one for chats is called "default".
std::optional<std::string> template_in(const Json& json) {
  const auto stored = json.find("chat_template");
  if (stored == json.end()) return std::nullopt;
  if (stored->is_string()) return stored->get<std::string>();
  if (!stored->is_array()) return std::nullopt;
  for (const Json& one : *stored) {
    if (!one.is_object()) continue;
    const auto name = one.find("name");
    const auto text = one.find("template");
    if (name != one.end() && *name == "default" && text != one.end() && text->is_string()) {
      return text->get<std::string>();
    }
  }
  return std::nullopt;
}

Result<std::optional<std::string>> read_if_there(const fs::path& path, std::size_t bytes_max) {
  if (!is_there(path)) return std::optional<std::string>();
  auto text = read_text(path.string(), bytes_max);
  if (!text) return text.error();
  return std::optional<std::string>(std::move(*text));
}

// Tens of megabytes that are read once: they stay in the file.
Status map_tokenizer(const fs::path& path, SourceContents& contents) {
  if (!is_there(path)) return {};
  auto mapping = MappedFile::open(path.string());
  if (!mapping) return mapping.error();
  const std::span<const std::byte> bytes = (*mapping)->bytes();
  RETURN_IF_ERROR(check_text_size(path.string(), bytes.size(), kTokenizerBytesMax));
  contents.texts.tokenizer.emplace(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  contents.parts.push_back({path.string(), bytes, bytes.size(), *mapping});
  return {};
}

void put_text(Metadata& metadata, std::string_view key, std::string text,
              std::string_view name_in_file) {
  MetadataEntry entry;
  entry.key = metadata.keep(std::string(key));
  entry.type = MetadataType::string;
  const std::string_view kept = metadata.keep(std::move(text));
  entry.payload = std::as_bytes(std::span(kept.data(), kept.size()));
  metadata.add(entry);
  metadata.set_name_in_file(key, name_in_file);
}

// In a file of its own, which holds where there is one, or among the tokenizer's settings.
Status read_chat_template(const fs::path& folder, SourceContents& contents) {
  constexpr const char* kKey = "tokenizer.chat_template";
  auto own = read_if_there(folder / "chat_template.jinja", kTemplateBytesMax);
  if (!own) return own.error();
  if (own->has_value()) {
    put_text(contents.metadata, kKey, std::move(**own), "chat_template.jinja");
    return {};
  }
  auto beside = read_if_there(folder / "chat_template.json", kTemplateBytesMax);
  if (!beside) return beside.error();
  const auto& text = beside->has_value() ? *beside : contents.texts.tokenizer_config;
  if (!text) return {};
  const char* const file = beside->has_value() ? "chat_template.json" : "tokenizer_config.json";
  const auto json = parse_json_object(*text, (folder / file).string());
  if (!json) return json.error();
  if (auto found = template_in(*json)) put_text(contents.metadata, kKey, std::move(*found), file);
  return {};
}

// Has a name that any program gives to the class of a model that continues text.
bool is_text_class(const Json& name) {
  if (!name.is_string()) return false;
  const auto text = name.get<std::string>();
  return text.ends_with("ForCausalLM") || text.ends_with("ForConditionalGeneration");
}

}  // namespace

std::string hub_folder_name(const std::string& folder) {
  fs::path path = fs::path(folder).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();
  if (path == "." || path.filename() == "..") {
    std::error_code error;
    path = fs::canonical(path, error);
  }
  const std::string cached = path.parent_path().parent_path().filename().string();
  if (path.parent_path().filename() == "snapshots" && cached.starts_with("models--")) {
    return cached.substr(cached.rfind("--") + 2);
  }
  return path.filename().string();
}

bool holds_language_model(const std::string& folder) {
  const auto text = read_text((fs::path(folder) / "config.json").string(), kConfigBytesMax);
  if (!text) return false;
  const auto json = parse_json_object(*text, folder);
  if (!json) return false;
  const auto classes = json->find("architectures");
  return classes != json->end() && classes->is_array() &&
         std::ranges::any_of(*classes, is_text_class);
}

bool is_hub_file(std::string_view name) {
  return name == "config.json" || name == "tokenizer.json" || name == "tokenizer_config.json" ||
         name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json");
}

Result<SourceContents> read_hub_model(std::string name, std::string_view config_text,
                                      std::vector<HubFile> files) {
  HubConfig config(config_text, std::move(name));
  auto metadata = config.translate();
  if (!metadata) return metadata.error();
  const HubFamily& family = config.family().hub;
  SourceContents contents;
  contents.metadata = std::move(*metadata);
  contents.is_hub_folder = true;
  const std::string_view kept_config = contents.metadata.keep(std::string(config_text));
  contents.parts.push_back({"config.json",
                            std::as_bytes(std::span(kept_config.data(), kept_config.size())),
                            kept_config.size(), nullptr});
  contents.name_in_file = [&family](std::string_view tensor) {
    return hub_tensor_name(tensor, family);
  };
  for (HubFile& file : files) {
    const auto header = SafetensorsFile::parse(file.bytes, file.bytes.size(), file.path);
    if (!header) return header.error();
    std::uint64_t header_bytes = file.bytes.size();
    for (const SafetensorsTensor& tensor : header->tensors()) {
      header_bytes = std::min(header_bytes, tensor.file_offset);
      contents.tensors.push_back(describe(tensor, file.bytes, family, contents.metadata));
    }
    contents.parts.push_back(
        {std::move(file.path), file.bytes, header_bytes, std::move(file.mapping)});
  }
  RETURN_IF_ERROR(check_tied(config, contents.tensors));
  RETURN_IF_ERROR(check_biases(config, contents.tensors));
  RETURN_IF_ERROR(config.status());
  if (const std::vector<float>& factors = config.rope_factors(); !factors.empty()) {
    const auto bytes = std::as_bytes(std::span(factors));
    const std::string_view kept = contents.metadata.keep(
        std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    SourceTensor tensor;
    tensor.name = "rope_freqs.weight";
    tensor.name_in_file = "rope_parameters";
    tensor.type_name = "F32";
    tensor.dtype = DType::f32;
    tensor.dims[0] = factors.size();
    tensor.bytes = std::as_bytes(std::span(kept.data(), kept.size()));
    contents.tensors.push_back(tensor);
  }
  return contents;
}

Result<SourceContents> read_hub_folder(const std::string& folder) {
  const fs::path path(folder);
  auto config = read_text((path / "config.json").string(), kConfigBytesMax);
  if (!config) return config.error();
  auto paths = weight_files(folder);
  if (!paths) return paths.error();
  std::vector<HubFile> files;
  for (std::string& file : *paths) {
    auto mapping = MappedFile::open(file);
    if (!mapping) return mapping.error();
    files.push_back({std::move(file), (*mapping)->bytes(), *mapping});
  }
  auto contents = read_hub_model(hub_folder_name(folder), *config, std::move(files));
  if (!contents) return contents;
  contents->path = folder;
  contents->folder = folder;
  RETURN_IF_ERROR(check_index(folder, *contents));
  RETURN_IF_ERROR(map_tokenizer(path / "tokenizer.json", *contents));
  SourceTexts& texts = contents->texts;
  for (auto& [file, text, most] :
       {std::tuple{"tokenizer_config.json", &texts.tokenizer_config, kSettingsBytesMax},
        {"generation_config.json", &texts.generation, kConfigBytesMax}}) {
    auto read = read_if_there(path / file, most);
    if (!read) return read.error();
    *text = std::move(*read);
  }
  // Where there is none, transformers makes it of config.json.
  if (!texts.generation) texts.generation = std::move(*config);
  RETURN_IF_ERROR(read_chat_template(path, *contents));
  CHECK(!contents->metadata.sort());
  return contents;
}

}  // namespace mneme
