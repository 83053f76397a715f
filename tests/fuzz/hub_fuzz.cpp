// SPDX-License-Identifier: Apache-2.0
// Any bytes as a folder of the Hugging Face hub: 2 bytes for the size of config.json, the text,
// then a safetensors file. What is accepted is a model whose weights bind or are refused.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/check.h"
#include "gpu/registry.h"
#include "inference/files/hub_source.h"
#include "inference/files/safetensors.h"
#include "inference/model/weights.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mneme;
  if (size < 2) return 0;
  const std::size_t length = std::min<std::size_t>(data[0] + 256 * std::size_t{data[1]}, size - 2);
  const std::string_view config_text(reinterpret_cast<const char*>(data) + 2, length);
  const std::string_view rest(config_text.data() + length, size - 2 - length);
  // The text as an index of files, too: the same reader must hold.
  (void)parse_safetensors_index(config_text, "fuzz/model.safetensors.index.json");
  // Its own memory, so that a byte too far is seen.
  const auto file = std::make_unique<std::byte[]>(rest.size());
  std::ranges::copy(std::as_bytes(std::span(rest.data(), rest.size())), file.get());
  auto contents = read_hub_model("fuzz", config_text,
                                 {{"model.safetensors", {file.get(), rest.size()}, nullptr}});
  if (!contents) {
    CHECK(!contents.error().message.empty());
    return 0;
  }
  const auto source = ModelSource::from(std::move(*contents));
  if (!source) return 0;
  const auto config = ModelConfig::read(*source);
  if (!config) return 0;
  static const std::unique_ptr<Backend> backend = std::move(open_backend({1, "scalar"}).value());
  const auto weights = Weights::bind(*source, *config, Placement(*backend, config->n_layers()));
  if (!weights) CHECK(!weights.error().message.empty());
  return 0;
}
