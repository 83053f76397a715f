// SPDX-License-Identifier: Apache-2.0
// The numbers by which GGUF files name element types: sizes of all types in circulation, so that a
// directory can be checked and a refusal can name its type, and which of them we compute with.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "gpu/tensor.h"

namespace mneme {

struct GgmlTypeInfo {
  std::uint32_t number;
  std::string_view name;
  std::uint32_t block_values;  // values in one block, along the fastest axis
  std::uint32_t block_bytes;
};

// Null where the number is unknown.
const GgmlTypeInfo* find_ggml_type(std::uint32_t number);

// Empty where the type is known but nothing here computes with it (Q3_K, IQ4_XS, ...).
std::optional<DType> dtype_of_ggml(std::uint32_t number);
std::uint32_t ggml_type_of(DType dtype);

}  // namespace mneme
