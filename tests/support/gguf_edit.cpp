// SPDX-License-Identifier: Apache-2.0
#include "tests/support/gguf_edit.h"

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <utility>

#include "inference/files/ggml_type.h"

namespace mneme {

GgufEdit replace_key(const std::string& key, std::function<void(GgufWriter&)> add) {
  return {{key}, {}, std::move(add)};
}

GgufEdit set_bool(const std::string& key, bool value) {
  return replace_key(key, [=](GgufWriter& w) { w.add_bool(key, value); });
}
GgufEdit set_u32(const std::string& key, std::uint32_t value) {
  return replace_key(key, [=](GgufWriter& w) { w.add_u32(key, value); });
}
GgufEdit set_i64(const std::string& key, std::int64_t value) {
  return replace_key(key, [=](GgufWriter& w) { w.add_i64(key, value); });
}
GgufEdit set_f32(const std::string& key, float value) {
  return replace_key(key, [=](GgufWriter& w) { w.add_f32(key, value); });
}
GgufEdit set_string(const std::string& key, const std::string& value) {
  return replace_key(key, [=](GgufWriter& w) { w.add_string(key, value); });
}
GgufEdit set_u32s(const std::string& key, std::vector<std::uint32_t> values) {
  return replace_key(key, [=](GgufWriter& w) { w.add_u32s(key, values); });
}
GgufEdit set_i32s(const std::string& key, std::vector<std::int32_t> values) {
  return replace_key(key, [=](GgufWriter& w) { w.add_i32s(key, values); });
}
GgufEdit set_u64s(const std::string& key, std::vector<std::uint64_t> values) {
  return replace_key(key, [=](GgufWriter& w) { w.add_u64s(key, values); });
}

GgufEdit add_ones(const std::string& name, std::size_t count) {
  const auto ones = std::make_shared<std::vector<float>>(count, 1.0f);
  return {{}, {}, [=](GgufWriter& writer) {
            writer.add_tensor(name, ggml_type_of(DType::f32), {count},
                              [ones](const GgufWriter::Sink& sink) {
                                return sink(std::as_bytes(std::span(*ones)));
                              });
          }};
}

GgufEdit replace_tensor(const std::string& name, std::uint32_t ggml_type,
                        std::vector<std::uint64_t> dims) {
  const auto bytes =
      std::make_shared<std::vector<std::byte>>(GgufWriter::tensor_bytes(ggml_type, dims));
  return {{}, {name}, [=](GgufWriter& writer) {
            writer.add_tensor(name, ggml_type, dims,
                              [bytes](const GgufWriter::Sink& sink) { return sink(*bytes); });
          }};
}

GgufEdit dequantised(const GgufFile& file) {
  GgufEdit edit;
  for (const GgufTensor& tensor : file.tensors())
    edit.drop_tensors.insert(std::string(tensor.name));
  edit.add = [&file](GgufWriter& writer) {
    for (const GgufTensor& tensor : file.tensors()) {
      const auto cols = static_cast<std::int64_t>(tensor.dims[0]);
      const std::size_t row = row_bytes(*tensor.dtype, cols);
      const auto values = std::make_shared<std::vector<float>>();
      for (std::size_t at = 0; at < tensor.bytes.size(); at += row) {
        values->resize(values->size() + static_cast<std::size_t>(cols));
        dequantize_row(*tensor.dtype, tensor.bytes.data() + at, cols,
                       values->data() + values->size() - cols);
      }
      writer.add_tensor(std::string(tensor.name), ggml_type_of(DType::f32),
                        {tensor.dims.begin(), tensor.dims.begin() + tensor.dim_count},
                        [values](const GgufWriter::Sink& sink) {
                          return sink(std::as_bytes(std::span(*values)));
                        });
    }
  };
  return edit;
}

void write_edited(const GgufFile& file, const GgufEdit& edit, const std::string& path) {
  GgufWriter writer(file.alignment());
  for (const MetadataEntry& entry : file.metadata().entries()) {
    const std::string key(entry.key);
    if (key != "general.alignment" && !edit.drop_keys.contains(key)) writer.add_entry(entry);
  }
  for (const GgufTensor& tensor : file.tensors()) {
    if (edit.drop_tensors.contains(std::string(tensor.name))) continue;
    writer.add_tensor(tensor.name, tensor.ggml_type,
                      {tensor.dims.begin(), tensor.dims.begin() + tensor.dim_count}, tensor.bytes);
  }
  if (edit.add) edit.add(writer);
  const auto status = writer.write(path);
  ASSERT_TRUE(status) << status.error().message;
}

}  // namespace mneme
