// SPDX-License-Identifier: Apache-2.0
// Which tokens spell which characters. A byte-level token may hold half a character, so that
// several tokens share one; they then share a cell. Pure functions.
#pragma once

#include <QString>
#include <optional>
#include <string>
#include <vector>

namespace mneme {

// A stretch of text spelled by tokens [firstToken, endToken) of the list that was given.
struct TokenCell {
  int start = 0;  // UTF-16 units
  int length = 0;
  int firstToken = 0;
  int endToken = 0;
};

struct TokenSpans {
  QString text;                  // what the tokens spell; broken UTF-8 reads as U+FFFD
  std::vector<TokenCell> cells;  // in order, without gaps
};

// The cells of a list of token byte strings. Invalid UTF-8 is replaced as Python's errors="replace"
// does. A character that is not finished by the last token is left out
// when `growing`, since the next token may finish it.
TokenSpans spellTokens(const std::vector<std::string>& tokens, bool growing);

// Where what the tokens spell begins in `text`, which may be longer or shorter (the reply is still
// growing, a template trims white space): negative if its first characters are not in the text.
// None: the tokens do not spell this text.
std::optional<int> placeSpans(const QString& spelled, const QString& text);

}  // namespace mneme
