// SPDX-License-Identifier: Apache-2.0
// Colours for code: one small scanner driven by a table of languages (comments, strings, keywords,
// numbers). Unknown languages stay plain. Pure; any thread.
#pragma once

#include <QString>
#include <vector>

namespace mneme {

enum class CodeKind : quint8 { keyword, string, comment, number, name };

struct CodeSpan {
  int start = 0;
  int length = 0;
  CodeKind kind = CodeKind::name;
  friend bool operator==(const CodeSpan&, const CodeSpan&) = default;
};

// `language` as after the fence ("cpp", "python", "Rust"); spans in order, without overlap. From
// `from` on, which lies in none of the spans before it.
std::vector<CodeSpan> highlightCode(const QString& language, const QString& code, int from = 0);

}  // namespace mneme
