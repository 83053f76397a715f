// SPDX-License-Identifier: Apache-2.0
// How the window shows what was searched for. UI thread.
#pragma once

#include <QPoint>
#include <QRectF>
#include <QString>

class QPainter;

namespace mneme {

// Colours what lies behind text that is painted already, which keeps its contrast.
void markMatch(QPainter& painter, const QRectF& place);

// One line of text in which `match` (first character, how many) is to be seen: marked, and what
// stands before it cut where the room is short. In the painter's font and pen.
void drawMatch(QPainter& painter, const QRectF& room, const QString& text, QPoint match);

}  // namespace mneme
