// SPDX-License-Identifier: Apache-2.0
// What the key for help opens, by what has the focus. A topic names a page of the manual and a
// place in it: "reading-the-views#slots". UI thread.
#pragma once

#include <QString>

class QWidget;

namespace mneme {

void setManualTopic(QWidget* widget, const QString& topic);  // for all in it that has none
QString manualTopicOf(const QWidget* widget);                // "" = no page in particular

}  // namespace mneme
