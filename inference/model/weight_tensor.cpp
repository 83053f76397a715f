// SPDX-License-Identifier: Apache-2.0
#include "inference/model/weight_tensor.h"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

namespace mneme {
namespace {

std::string weight_type_names() {  // "F32, F16 and BF16"
  std::string names;
  for (const DType type : kWeightTypes) {
    const bool last = type == std::end(kWeightTypes)[-1];
    names += names.empty() ? "" : last ? " and " : ", ";
    names += dtype_info(type).name;
  }
  return names;
}

}  // namespace

Result<const SourceTensor*> find_weight(const ModelSource& source, const std::string& name,
                                        std::int64_t rows, std::int64_t cols, WeightRule rule,
                                        std::int64_t depth) {
  auto found = source.require_tensor(name);
  if (!found) return found.error();
  const SourceTensor& tensor = **found;
  if (!tensor.dtype || !is_weight_type(*tensor.dtype)) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{}: tensor {} has the type {}; Mneme computes with {}", source.name(),
                             tensor.name_in_file, tensor.type_name, weight_type_names())};
  }
  const auto dim = [&](int i) {
    return static_cast<std::int64_t>(tensor.dims[static_cast<std::size_t>(i)]);
  };
  const bool rows_fit = rule == WeightRule::vocabulary ? dim(1) >= rows : dim(1) == rows;
  if (dim(0) != cols || !rows_fit || dim(2) != depth || dim(3) != 1) {
    const auto shape = [](std::int64_t high, std::int64_t wide, std::int64_t matrices) {
      return matrices == 1 ? fmt::format("{} x {}", high, wide)
                           : fmt::format("{} x {} x {}", matrices, high, wide);
    };
    return Error{ErrorCode::corrupt,
                 fmt::format("{}: tensor {} is {}, but the model needs {}", source.name(),
                             tensor.name_in_file, shape(dim(1), dim(0), dim(2) * dim(3)),
                             shape(rows, cols, depth))};
  }
  if (cols % dtype_info(*tensor.dtype).block_values != 0) {
    return Error{ErrorCode::corrupt,
                 fmt::format("{}: rows of tensor {} are not whole blocks of {}", source.name(),
                             tensor.name_in_file, tensor.type_name)};
  }
  if (rule == WeightRule::vector && dtype_info(*tensor.dtype).block_values != 1) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{}: tensor {} has the type {}; Mneme needs it as F32, F16 or BF16",
                             source.name(), tensor.name_in_file, tensor.type_name)};
  }
  return &tensor;
}

namespace {

// As GGUF lays tensors out, and all kernels are tried with.
bool is_aligned(std::span<const std::byte> bytes) {
  constexpr std::uintptr_t kAlignment = 8;
  return reinterpret_cast<std::uintptr_t>(bytes.data()) % kAlignment == 0;
}

Result<Buffer> copy_to(Backend& backend, std::span<const std::byte> bytes) {
  auto buffer = backend.alloc(bytes.size(), MemoryKind::device);
  if (!buffer) return buffer.error();
  RETURN_IF_ERROR(backend.upload(*buffer, 0, bytes));
  return buffer;
}

Result<Buffer> copy_as_floats(Backend& backend, const SourceTensor& tensor, std::int64_t cols) {
  std::vector<float> values(static_cast<std::size_t>(cols));
  dequantize_row(*tensor.dtype, tensor.bytes.data(), cols, values.data());
  for (float& value : values) value += tensor.offset;
  return copy_to(backend, std::as_bytes(std::span(values)));
}

}  // namespace

Result<WeightTensor> bind_weight(const ModelSource& source, const std::string& name,
                                 std::int64_t rows, std::int64_t cols, Backend& backend,
                                 WeightRule rule, std::int64_t depth) {
  auto found = find_weight(source, name, rows, cols, rule, depth);
  if (!found) return found.error();
  const SourceTensor& tensor = **found;
  const auto bound = [&](DType dtype, Result<Buffer> buffer) -> Result<WeightTensor> {
    if (!buffer) return buffer.error().with(fmt::format("loading {}", tensor.name_in_file));
    return WeightTensor{name, dtype, rows, cols, std::move(*buffer), depth};
  };
  const DType dtype = *tensor.dtype;
  if (rule == WeightRule::vector && (dtype != DType::f32 || tensor.offset != 0)) {
    return bound(DType::f32, copy_as_floats(backend, tensor, cols));
  }
  const std::size_t size = static_cast<std::size_t>(depth * rows) * row_bytes(dtype, cols);
  const auto bytes = tensor.bytes.first(size);
  return bound(dtype, is_aligned(bytes) ? backend.wrap(bytes) : copy_to(backend, bytes));
}

}  // namespace mneme
