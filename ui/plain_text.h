// SPDX-License-Identifier: Apache-2.0
// Strings of files, models, chats and answers are plain text wherever the window shows them: no
// markup, no mnemonics, no placeholders. Labels need no call: once makePlainTextTheDefault() ran,
// every QLabel (those inside tooltips and message boxes too) that was not asked for rich text
// explicitly shows its text as it is. The other functions are for the places where Qt gives
// characters a meaning of another kind, or where a text of any length meets a widget that would
// grow with it.
#pragma once

#include <QString>

class QApplication;

namespace mneme {

// Once an application; further calls do nothing.
void makePlainTextTheDefault(QApplication& application);

// For the text of a menu entry, button, check box or dock: "&" is no mnemonic, a tab no shortcut.
QString menuText(const QString& text);

// For setWindowTitle(): "[*]" is no mark of unsaved changes, and a title is one line.
QString windowTitleText(const QString& text);

// For tooltips and questions: lines broken at 100 characters, and at most 20 of them.
QString boundedText(const QString& text);

}  // namespace mneme
