// SPDX-License-Identifier: Apache-2.0
// Any bytes as the files of a split model: a byte for how many more there are, 4 bytes for the size
// of each of those, then all of them. What is accepted holds every tensor once, and its weights
// bind or are refused.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/check.h"
#include "gpu/registry.h"
#include "inference/files/gguf_split.h"
#include "inference/files/model_source.h"
#include "inference/model/weights.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mneme;
  auto bytes = std::as_bytes(std::span(data, size));
  if (bytes.empty()) return 0;
  const std::size_t more = std::to_integer<std::size_t>(bytes.front()) % 4;
  bytes = bytes.subspan(1);
  std::vector<GgufFile> parts;
  for (std::size_t i = 0; i <= more; ++i) {
    std::uint32_t length = static_cast<std::uint32_t>(bytes.size());
    if (i < more) {
      if (bytes.size() < sizeof length) return 0;
      std::memcpy(&length, bytes.data(), sizeof length);
      bytes = bytes.subspan(sizeof length);
    }
    const auto file = bytes.first(std::min<std::size_t>(length, bytes.size()));
    bytes = bytes.subspan(file.size());
    // Its own memory, so that a byte too far is seen.
    static std::vector<std::unique_ptr<std::byte[]>> kept(4);
    kept[i] = std::make_unique<std::byte[]>(file.size());
    std::ranges::copy(file, kept[i].get());
    auto part = GgufFile::parse({kept[i].get(), file.size()}, "fuzz.gguf");
    if (!part) return 0;
    parts.push_back(std::move(*part));
  }
  if (parts.size() > 1) {
    const Status whole = check_split(parts);
    if (!whole) {
      CHECK(!whole.error().message.empty());
      return 0;
    }
  }
  const auto source = ModelSource::from(parts);
  if (!source) return 0;
  std::size_t tensors = 0;
  for (const GgufFile& part : parts) {
    for (const GgufTensor& tensor : part.tensors()) {
      CHECK(source->find_tensor(tensor.name)->bytes.data() == tensor.bytes.data());
    }
    tensors += part.tensors().size();
  }
  CHECK(source->tensors().size() == tensors);
  const auto config = ModelConfig::read(*source);
  if (!config) return 0;
  static const std::unique_ptr<Backend> backend = std::move(open_backend({1, "scalar"}).value());
  const auto weights = Weights::bind(*source, *config, Placement(*backend, config->n_layers()));
  if (!weights) CHECK(!weights.error().message.empty());
  return 0;
}
