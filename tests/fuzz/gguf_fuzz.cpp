// SPDX-License-Identifier: Apache-2.0
// Any bytes as a GGUF file: opens and reads everything in it.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "inference/files/gguf.h"

namespace {

// Touches every byte a span promises at its ends, so that the sanitizer sees one that lies.
unsigned touch(std::span<const std::byte> bytes) {
  return bytes.empty()
             ? 0
             : std::to_integer<unsigned>(bytes.front()) + std::to_integer<unsigned>(bytes.back());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mneme;
  auto file = GgufFile::parse(std::as_bytes(std::span(data, size)), "fuzz.gguf");
  if (!file) {
    CHECK(!file.error().message.empty());
    return 0;
  }
  volatile unsigned sum = 0;
  for (const MetadataEntry& entry : file->metadata().entries()) {
    const std::string key(entry.key);
    CHECK(file->metadata().find_entry(key) != nullptr);
    (void)file->metadata().find<bool>(key);
    (void)file->metadata().find<std::int32_t>(key);
    (void)file->metadata().find<std::uint64_t>(key);
    (void)file->metadata().find<float>(key);
    if (auto text = file->metadata().find<std::string_view>(key); text && *text) {
      sum = sum + touch(std::as_bytes(std::span((*text)->data(), (*text)->size())));
    }
    (void)file->metadata().find_array<std::int32_t>(key);
    (void)file->metadata().find_array<std::uint64_t>(key);
    (void)file->metadata().find_array<double>(key);
    if (auto texts = file->metadata().find_array<std::string_view>(key); texts && *texts) {
      for (const std::string_view text : **texts)
        sum = sum + touch(std::as_bytes(std::span(text.data(), text.size())));
    }
  }
  for (const GgufTensor& tensor : file->tensors()) {
    CHECK(file->find_tensor(tensor.name) != nullptr);
    CHECK(tensor.file_offset + tensor.bytes.size() <= size);
    sum = sum + touch(tensor.bytes);
  }
  return 0;
}
