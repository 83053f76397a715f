// SPDX-License-Identifier: Apache-2.0
#include "gpu/vulkan/shaders.h"

#include <algorithm>

namespace mneme {
namespace {

struct Shader {
  std::string_view name;
  std::span<const std::uint32_t> words;
};

#include <shader_table.inc>  // made by gpu/vulkan/CMakeLists.txt: kShaders and its words

}  // namespace

std::span<const std::uint32_t> shader_words(std::string_view name) {
  const auto found = std::find_if(std::begin(kShaders), std::end(kShaders),
                                  [&](const Shader& shader) { return shader.name == name; });
  return found == std::end(kShaders) ? std::span<const std::uint32_t>() : found->words;
}

}  // namespace mneme
