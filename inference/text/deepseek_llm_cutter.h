// SPDX-License-Identifier: Apache-2.0
// The pre-tokenizer of DeepSeek's first models (deepseek-llm): six expressions one after another,
// each seeing only its piece of the one before. Time is linear in the text.
#pragma once

#include <functional>
#include <string_view>

namespace mneme {

// As cut_text().
bool cut_deepseek_llm(std::string_view text, const std::function<bool(std::string_view)>& take,
                      int stage = 0);

}  // namespace mneme
