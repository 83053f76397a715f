// SPDX-License-Identifier: Apache-2.0
// The JSON columns of the database: chat settings and how an answer was made. Reading never fails:
// a value that is missing, of another type or out of range keeps its default and is logged, because
// a chat must open even when a column of it does not make sense. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "inference/store/library.h"

namespace mneme {

std::string settings_to_json(const ChatSettings& settings);
ChatSettings settings_from_json(std::string_view json);

std::string answer_to_json(const AnswerRecord& answer);
std::optional<AnswerRecord> answer_from_json(std::string_view json);  // none if it is no object

}  // namespace mneme
