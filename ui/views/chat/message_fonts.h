// SPDX-License-Identifier: Apache-2.0
// Fonts and measures that laying out and painting a message share. UI thread.
#pragma once

#include <QFont>
#include <QString>

namespace mneme {

constexpr qreal kIndent = 22;   // a list or quote level
constexpr qreal kPadding = 12;  // inside code cards

QFont bodyFont();
QFont codeFont();
QFont smallFont();
QFont headingFont(int level);
qreal leadingOf(const QFont& font);  // between two lines
QString copyText(bool copied);  // of a code card's button

}  // namespace mneme
