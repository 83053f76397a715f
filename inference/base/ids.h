// SPDX-License-Identifier: Apache-2.0
// Integer names that several libraries share. Plain aliases, because they live in arrays that
// kernels, files and SQLite read as integers; the name says which table an integer indexes.
#pragma once

#include <cstdint>

namespace mneme {

using TokenId = std::int32_t;      // index into the tokenizer's vocabulary
using ClassId = std::int32_t;      // index after tokenizer compression; -1 = dead position
using RowId = std::uint64_t;       // row of one Engram layer's table, offset included
using ChatId = std::int64_t;       // chats.id in the database
using MessageId = std::int64_t;    // messages.id in the database
using EventIndex = std::uint64_t;  // position in a chat's append-only trace

}  // namespace mneme
