// SPDX-License-Identifier: Apache-2.0
#include "tests/support/split_gguf.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <span>
#include <string_view>

#include "inference/files/gguf_writer.h"

namespace mneme {

void write_part(const GgufFile& file, const std::string& path, std::size_t begin, std::size_t end,
                bool with_metadata, const SplitNumbers& numbers) {
  GgufWriter writer;
  if (with_metadata) {
    for (const MetadataEntry& entry : file.metadata().entries()) writer.add_entry(entry);
  }
  const auto add_u16 = [&](std::string_view key, const std::uint16_t& value) {
    MetadataEntry entry;
    entry.key = key;
    entry.type = MetadataType::u16;
    entry.payload = std::as_bytes(std::span(&value, 1));
    writer.add_entry(entry);
  };
  add_u16("split.no", numbers.number);
  add_u16("split.count", numbers.count);
  writer.add_i32("split.tensors.count", numbers.tensors);
  for (std::size_t i = begin; i < end; ++i) {
    const GgufTensor& tensor = file.tensors()[i];
    std::vector<std::uint64_t> dims(tensor.dims.begin(), tensor.dims.begin() + tensor.dim_count);
    writer.add_tensor(tensor.name, tensor.ggml_type, std::move(dims), tensor.bytes);
  }
  const Status written = writer.write(path);
  EXPECT_TRUE(written) << (written ? "" : written.error().message);
}

std::vector<std::string> write_split(const GgufFile& file, const std::string& start,
                                     const SplitOptions& options) {
  std::vector<std::string> paths;
  const std::size_t tensors = file.tensors().size();
  const std::size_t with_tensors = options.files - (options.first_is_empty ? 1 : 0);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < options.files; ++i) {
    const std::size_t nth = options.first_is_empty ? i : i + 1;
    const std::size_t end = tensors * nth / with_tensors;
    paths.push_back(fmt::format("{}-{:05}-of-{:05}.gguf", start, i + 1, options.files));
    write_part(file, paths.back(), begin, end, i == 0,
               {static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(options.files),
                static_cast<std::int32_t>(tensors)});
    begin = end;
  }
  return paths;
}

}  // namespace mneme
