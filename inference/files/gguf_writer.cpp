// SPDX-License-Identifier: Apache-2.0
#include "inference/files/gguf_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "base/output_file.h"
#include "inference/files/ggml_type.h"

namespace mneme {
namespace {

void append(std::string& out, const void* data, std::size_t size) {
  out.append(static_cast<const char*>(data), size);
}

void append_u32(std::string& out, std::uint32_t value) {
  append(out, &value, sizeof value);
}
void append_u64(std::string& out, std::uint64_t value) {
  append(out, &value, sizeof value);
}

void append_string(std::string& out, std::string_view text) {
  append_u64(out, text.size());
  out += text;
}

std::uint64_t padded(std::uint64_t size, std::uint64_t alignment) {
  return (size + alignment - 1) / alignment * alignment;
}

}  // namespace

GgufWriter::GgufWriter(std::uint64_t alignment) : alignment_(alignment) {
  CHECK(alignment >= 8 && alignment <= (1u << 20) && std::has_single_bit(alignment));
  if (alignment != 32) add_u32("general.alignment", static_cast<std::uint32_t>(alignment));
}

void GgufWriter::begin(std::string_view key, MetadataType type) {
  CHECK(!key.empty() && key.size() <= 65535);
  CHECK(std::find(keys_.begin(), keys_.end(), key) == keys_.end());
  keys_.emplace_back(key);
  append_string(metadata_, key);
  append_u32(metadata_, static_cast<std::uint32_t>(type));
}

void GgufWriter::begin_array(std::string_view key, MetadataType type, std::uint64_t count) {
  begin(key, MetadataType::array);
  append_u32(metadata_, static_cast<std::uint32_t>(type));
  append_u64(metadata_, count);
}

void GgufWriter::put(const void* data, std::size_t size) {
  if (size != 0) append(metadata_, data, size);
}

void GgufWriter::put_string(std::string_view text) {
  append_string(metadata_, text);
}

void GgufWriter::add_bool(std::string_view key, bool value) {
  begin(key, MetadataType::boolean);
  metadata_ += value ? '\1' : '\0';
}
void GgufWriter::add_u32(std::string_view key, std::uint32_t value) {
  begin(key, MetadataType::u32);
  put(&value, sizeof value);
}
void GgufWriter::add_i32(std::string_view key, std::int32_t value) {
  begin(key, MetadataType::i32);
  put(&value, sizeof value);
}
void GgufWriter::add_u64(std::string_view key, std::uint64_t value) {
  begin(key, MetadataType::u64);
  put(&value, sizeof value);
}
void GgufWriter::add_i64(std::string_view key, std::int64_t value) {
  begin(key, MetadataType::i64);
  put(&value, sizeof value);
}
void GgufWriter::add_f32(std::string_view key, float value) {
  begin(key, MetadataType::f32);
  put(&value, sizeof value);
}
void GgufWriter::add_f64(std::string_view key, double value) {
  begin(key, MetadataType::f64);
  put(&value, sizeof value);
}
void GgufWriter::add_string(std::string_view key, std::string_view value) {
  begin(key, MetadataType::string);
  put_string(value);
}
void GgufWriter::add_bools(std::string_view key, std::span<const std::uint8_t> values) {
  begin_array(key, MetadataType::boolean, values.size());
  for (const std::uint8_t value : values) CHECK(value <= 1);
  put(values.data(), values.size_bytes());
}
void GgufWriter::add_i32s(std::string_view key, std::span<const std::int32_t> values) {
  begin_array(key, MetadataType::i32, values.size());
  put(values.data(), values.size_bytes());
}
void GgufWriter::add_u32s(std::string_view key, std::span<const std::uint32_t> values) {
  begin_array(key, MetadataType::u32, values.size());
  put(values.data(), values.size_bytes());
}
void GgufWriter::add_i64s(std::string_view key, std::span<const std::int64_t> values) {
  begin_array(key, MetadataType::i64, values.size());
  put(values.data(), values.size_bytes());
}
void GgufWriter::add_u64s(std::string_view key, std::span<const std::uint64_t> values) {
  begin_array(key, MetadataType::u64, values.size());
  put(values.data(), values.size_bytes());
}
void GgufWriter::add_f32s(std::string_view key, std::span<const float> values) {
  begin_array(key, MetadataType::f32, values.size());
  put(values.data(), values.size_bytes());
}
void GgufWriter::add_strings(std::string_view key, std::span<const std::string> values) {
  begin_array(key, MetadataType::string, values.size());
  for (const std::string& value : values) put_string(value);
}
void GgufWriter::add_strings(std::string_view key, std::span<const std::string_view> values) {
  begin_array(key, MetadataType::string, values.size());
  for (const std::string_view value : values) put_string(value);
}

void GgufWriter::add_entry(const MetadataEntry& entry) {
  if (entry.type == MetadataType::array) {
    begin_array(entry.key, entry.element_type, entry.count);
  } else {
    begin(entry.key, entry.type);
    if (entry.type == MetadataType::string) append_u64(metadata_, entry.payload.size());
  }
  put(entry.payload.data(), entry.payload.size());
}

std::uint64_t GgufWriter::tensor_bytes(std::uint32_t ggml_type,
                                       std::span<const std::uint64_t> dims) {
  const GgmlTypeInfo* info = find_ggml_type(ggml_type);
  CHECK(info != nullptr);
  CHECK(!dims.empty() && dims.size() <= 4 && dims[0] % info->block_values == 0);
  std::uint64_t values = 1;
  for (const std::uint64_t dim : dims) {
    CHECK(dim != 0 && dim <= (std::uint64_t{1} << 52) / values);
    values *= dim;
  }
  return values / info->block_values * info->block_bytes;
}

void GgufWriter::add_tensor(std::string_view name, std::uint32_t ggml_type,
                            std::vector<std::uint64_t> dims, std::span<const std::byte> bytes) {
  CHECK(bytes.size() == tensor_bytes(ggml_type, dims));
  add_tensor(name, ggml_type, std::move(dims), [bytes](const Sink& sink) { return sink(bytes); });
}

void GgufWriter::add_tensor(std::string_view name, std::uint32_t ggml_type,
                            std::vector<std::uint64_t> dims, Producer produce) {
  const std::uint64_t size = tensor_bytes(ggml_type, dims);
  add({std::string(name), ggml_type, std::move(dims), size, 0, std::move(produce), {}});
}

void GgufWriter::add_tensor(std::string_view name, std::uint32_t ggml_type,
                            std::vector<std::uint64_t> dims, Filler fill) {
  const std::uint64_t size = tensor_bytes(ggml_type, dims);
  add({std::string(name), ggml_type, std::move(dims), size, 0, {}, std::move(fill)});
}

void GgufWriter::add(Tensor tensor) {
  CHECK(!tensor.name.empty());
  for (const Tensor& other : tensors_) CHECK(other.name != tensor.name);
  tensor.offset = data_bytes_;
  data_bytes_ += padded(tensor.size, alignment_);
  tensors_.push_back(std::move(tensor));
}

std::uint64_t GgufWriter::file_bytes() const {
  return head().size() + data_bytes_;
}

std::string GgufWriter::head() const {
  std::string out = "GGUF";
  append_u32(out, 3);
  append_u64(out, tensors_.size());
  append_u64(out, keys_.size());
  out += metadata_;
  for (const Tensor& tensor : tensors_) {
    append_string(out, tensor.name);
    append_u32(out, static_cast<std::uint32_t>(tensor.dims.size()));
    for (const std::uint64_t dim : tensor.dims) append_u64(out, dim);
    append_u32(out, tensor.ggml_type);
    append_u64(out, tensor.offset);
  }
  out.resize(padded(out.size(), alignment_), '\0');
  return out;
}

Status GgufWriter::write(const std::string& path) const {
  auto file = OutputFile::open(path);
  if (!file) return file.error();
  const std::string header = head();
  RETURN_IF_ERROR(file->append(std::as_bytes(std::span(header))));
  for (const Tensor& tensor : tensors_) {
    const std::uint64_t begin = file->size();
    const Sink sink = [&](std::span<const std::byte> bytes) { return file->append(bytes); };
    std::vector<std::byte> stretch;
    for (std::uint64_t at = 0; tensor.fill && at < tensor.size; at += kFillBytes) {
      stretch.resize(std::min(kFillBytes, tensor.size - at));
      RETURN_IF_ERROR(tensor.fill(at, stretch));
      RETURN_IF_ERROR(sink(stretch));
    }
    if (tensor.produce) RETURN_IF_ERROR(tensor.produce(sink));
    CHECK(file->size() - begin == tensor.size);
    const std::vector<std::byte> zeros(padded(tensor.size, alignment_) - tensor.size);
    RETURN_IF_ERROR(file->append(zeros));
  }
  return file->finish();
}

}  // namespace mneme
