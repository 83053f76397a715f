// SPDX-License-Identifier: Apache-2.0
// Which tokens spell which characters. A byte-level token may hold half a character, so that
// several tokens share one; they then share a cell. Pure functions.
#pragma once

#include <QString>
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
// does (contracts.md section 8). A character that is not finished by the last token is left out
// when `growing`, since the next token may finish it.
TokenSpans spellTokens(const std::vector<std::string>& tokens, bool growing);

// The cells placed in `text`, which may be longer or shorter than what the tokens spell (the reply
// is still growing, a template trims white space). Empty if the tokens do not spell this text.
std::vector<TokenCell> placeCells(const TokenSpans& spans, const QString& text);

}  // namespace mneme
