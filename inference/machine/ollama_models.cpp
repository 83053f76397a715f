// SPDX-License-Identifier: Apache-2.0
#include "inference/machine/ollama_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <system_error>

#include "inference/machine/folder_walk.h"
#include "inference/machine/small_file.h"

namespace mneme {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kManifestBytesMax = 1 << 20;
constexpr std::string_view kModelLayer = "application/vnd.ollama.image.model";

std::string_view text_of(const Json& object, const char* key) {
  const auto value = object.find(key);
  if (value == object.end() || !value->is_string()) return {};
  return value->get_ref<const std::string&>();
}

const Json& array_of(const Json& object, const char* key) {
  static const Json kNone = Json::array();
  const auto value = object.find(key);
  return value != object.end() && value->is_array() ? *value : kNone;
}

// "sha256:..." -> "sha256-...", the name of a file in blobs. Empty for anything else: a name with a
// slash would lead out of the store.
std::string blob_name(std::string_view digest) {
  constexpr std::size_t kPrefix = 7;
  if (digest.size() != kPrefix + 64 || !digest.starts_with("sha256")) return {};
  if (digest[6] != ':' && digest[6] != '-') return {};
  const bool hex = std::all_of(digest.begin() + kPrefix, digest.end(), [](char c) {
    return std::isxdigit(static_cast<unsigned char>(c)) != 0;
  });
  return hex ? "sha256-" + std::string(digest.substr(kPrefix)) : std::string();
}

// The blob of a manifest's first layer of weights; empty where it has none.
std::string weights_of(const Json& manifest) {
  for (const Json& layer : array_of(manifest, "layers")) {
    if (layer.is_object() && text_of(layer, "mediaType") == kModelLayer) {
      return blob_name(text_of(layer, "digest"));
    }
  }
  return {};
}

Result<Json> read_manifest(const std::string& path) {
  auto text = read_small_file(path, kManifestBytesMax);
  if (!text) return text.error();
  Json json = Json::parse(*text, nullptr, false);
  if (!json.is_object()) {
    return Error{ErrorCode::corrupt, fmt::format("{} is no manifest of Ollama", path)};
  }
  return json;
}

// host/user/model/tag, below the folder of the manifests.
std::string model_name(std::string_view path) {
  std::string name(path);
  const std::size_t tag = name.rfind('/');
  if (tag != std::string::npos) name[tag] = ':';
  for (const std::string_view usual : {"registry.ollama.ai/", "ollama.com/", "library/"}) {
    if (name.starts_with(usual)) name.erase(0, usual.size());
  }
  return name;
}

class Store {
 public:
  Store(const std::string& folder, const std::function<bool(const OllamaModel&)>& found)
      : blobs_(folder + "/blobs/"), found_(found) {}

  // A manifest, or a list of manifests for programs that run models differently.
  bool take(const std::string& path, std::string_view below) {
    auto manifest = read_manifest(path);
    if (!manifest) {
      left_out_.push_back(manifest.error().message);
      return true;
    }
    std::string blob = weights_of(*manifest);
    for (const Json& child : array_of(*manifest, "manifests")) {
      if (!blob.empty()) break;
      if (child.is_object()) blob = weights_of_child(child);
    }
    return blob.empty() || found_({model_name(below), blobs_ + blob});
  }

  std::vector<std::string> left_out_;

 private:
  std::string weights_of_child(const Json& child) const {
    const std::string inline_blob = weights_of(child);
    if (!inline_blob.empty()) return inline_blob;
    const std::string reference = blob_name(text_of(child, "digest"));
    if (reference.empty()) return {};
    const auto manifest = read_manifest(blobs_ + reference);
    return manifest ? weights_of(*manifest) : std::string();
  }

  const std::string blobs_;
  const std::function<bool(const OllamaModel&)>& found_;
};

}  // namespace

std::vector<std::string> find_ollama_models(const std::string& folder,
                                            const std::function<bool(const OllamaModel&)>& found,
                                            const std::atomic<bool>& stop) {
  Store store(folder, found);
  // The second since 2026, whose manifests are links into blobs (ollama/ollama, manifest).
  for (const std::string& manifests : {folder + "/manifests", folder + "/manifests-v2"}) {
    std::error_code error;
    if (!std::filesystem::is_directory(manifests, error)) continue;
    FolderWalk walk;
    walk.depth_max = 3;  // host, user, model
    walk.enters = [](std::string_view, int) { return true; };
    walk.wants = [](std::string_view) { return true; };
    walk.file = [&](const std::string& path) {
      return store.take(path, std::string_view(path).substr(manifests.size() + 1));
    };
    const auto left_out = walk_folder(manifests, walk, stop);
    store.left_out_.insert(store.left_out_.end(), left_out.begin(), left_out.end());
  }
  return store.left_out_;
}

}  // namespace mneme
