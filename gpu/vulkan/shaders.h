// SPDX-License-Identifier: Apache-2.0
// The shaders, compiled when the program was built.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace mneme {

// SPIR-V of shaders/<name>.comp, or of one of its variants ("embed_F16"); empty: no such shader.
std::span<const std::uint32_t> shader_words(std::string_view name);

}  // namespace mneme
