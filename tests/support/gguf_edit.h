// SPDX-License-Identifier: Apache-2.0
// Copies of a GGUF file with a few keys or tensors left out, changed or retyped: what a test of
// refusals needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "inference/files/gguf.h"
#include "inference/files/gguf_writer.h"

namespace mneme {

struct GgufEdit {
  std::set<std::string> drop_keys;
  std::set<std::string> drop_tensors;
  std::function<void(GgufWriter&)> add;  // keys and tensors behind the copied ones
};

// Leaves out `key` and adds what `add` writes in its place.
GgufEdit replace_key(const std::string& key, std::function<void(GgufWriter&)> add = {});
GgufEdit set_bool(const std::string& key, bool value);
GgufEdit set_u32(const std::string& key, std::uint32_t value);
GgufEdit set_i64(const std::string& key, std::int64_t value);
GgufEdit set_f32(const std::string& key, float value);
GgufEdit set_string(const std::string& key, const std::string& value);
GgufEdit set_u32s(const std::string& key, std::vector<std::uint32_t> values);
GgufEdit set_i32s(const std::string& key, std::vector<std::int32_t> values);
GgufEdit set_u64s(const std::string& key, std::vector<std::uint64_t> values);
// Adds a tensor of so many ones in F32.
GgufEdit add_ones(const std::string& name, std::size_t count = 64);
// Puts a tensor of zeros in the place of `name`.
GgufEdit replace_tensor(const std::string& name, std::uint32_t ggml_type,
                        std::vector<std::uint64_t> dims);
// Every tensor that has a floating-point meaning, as F32 with the same values.
GgufEdit dequantised(const GgufFile& file);

// Writes the copy; a failure to write fails the test.
void write_edited(const GgufFile& file, const GgufEdit& edit, const std::string& path);

}  // namespace mneme
