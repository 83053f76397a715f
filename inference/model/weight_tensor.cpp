// SPDX-License-Identifier: Apache-2.0
#include "inference/model/weight_tensor.h"

#include <fmt/format.h>

#include <utility>

namespace mneme {

Result<const GgufTensor*> find_weight(const GgufFile& file, const std::string& name,
                                      std::int64_t rows, std::int64_t cols, WeightRule rule) {
  auto found = file.require_tensor(name);
  if (!found) return found.error();
  const GgufTensor& tensor = **found;
  if (!tensor.dtype || (*tensor.dtype == DType::i8)) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{}: tensor {} has the type {}; Mneme computes with F32, F16, BF16, "
                             "Q4_0, Q4_1, Q8_0, Q4_K, Q5_K and Q6_K",
                             file.name(), name, tensor.type_name)};
  }
  const auto dim = [&](int i) {
    return static_cast<std::int64_t>(tensor.dims[static_cast<std::size_t>(i)]);
  };
  const bool rows_fit = rule == WeightRule::vocabulary ? dim(1) >= rows : dim(1) == rows;
  if (dim(0) != cols || !rows_fit || dim(2) != 1 || dim(3) != 1) {
    return Error{ErrorCode::corrupt,
                 fmt::format("{}: tensor {} is {} x {}, but the model needs {} x {}", file.name(),
                             name, dim(1), dim(0), rows, cols)};
  }
  if (cols % dtype_info(*tensor.dtype).block_values != 0) {
    return Error{ErrorCode::corrupt, fmt::format("{}: rows of tensor {} are not whole blocks of {}",
                                                 file.name(), name, tensor.type_name)};
  }
  if (rule == WeightRule::vector && *tensor.dtype != DType::f32) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{}: tensor {} has the type {}; Mneme needs it as F32", file.name(),
                             name, tensor.type_name)};
  }
  return &tensor;
}

Result<WeightTensor> bind_weight(const GgufFile& file, const std::string& name, std::int64_t rows,
                                 std::int64_t cols, Backend& backend, WeightRule rule) {
  auto tensor = find_weight(file, name, rows, cols, rule);
  if (!tensor) return tensor.error();
  const DType dtype = *(*tensor)->dtype;
  const std::size_t bytes = static_cast<std::size_t>(rows) * row_bytes(dtype, cols);
  auto buffer = backend.wrap((*tensor)->bytes.first(bytes));
  if (!buffer) return buffer.error().with(fmt::format("loading {}", name));
  return WeightTensor{name, dtype, rows, cols, std::move(*buffer)};
}

}  // namespace mneme
