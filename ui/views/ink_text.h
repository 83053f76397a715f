// SPDX-License-Identifier: Apache-2.0
// Gate ink (inspection.md V1): the source text of one message, each token on a background that says
// what a measure was there. A layout object without a widget: the chat view embeds one in each
// message, gives it a place and paints it. Scale: always 0..1. UI thread.
#pragma once

#include <QFont>
#include <QPointF>
#include <QRectF>
#include <QString>
#include <QTextLayout>
#include <memory>
#include <optional>
#include <vector>

#include "ui/models/branch_trace.h"
#include "ui/models/inspect_source.h"
#include "ui/models/utf8_spans.h"
#include "ui/selection.h"

class QPainter;

namespace mneme {

class InkText {
 public:
  enum class Measure { gate, write, tier, probability };

  InkText(const BranchTrace& trace, const Selection& selection, const InspectSource& source);
  ~InkText();

  // The message's text and its records [first, end); only those of `whose` text become ink.
  void setMessage(const QString& text, EventIndex first, EventIndex end, TokenSource whose);
  // While the message streams: both only grow. The last paragraph is laid out again, no more.
  void grow(const QString& text, EventIndex end);
  void setMeasure(Measure measure);
  void setFont(const QFont& font);
  void retheme();  // colours changed
  // The branch or its records changed, or the model came or went: token texts are known or not.
  void traceChanged();

  // Why there is no ink, as a sentence; empty when there is.
  QString whyEmpty() const { return m_whyEmpty; }
  const QString& text() const { return m_text; }

  double heightForWidth(double width);
  // Draws within `rect` (its width is the width laid out for); only paragraphs that meet `visible`.
  void paint(QPainter* painter, const QRectF& rect, const QRectF& visible);
  void paint(QPainter* painter, const QRectF& rect) { paint(painter, rect, rect); }
  // Points and rectangles are relative to the top left of the text. A cell of several tokens
  // answers with its last one, the token that finished the character.
  std::optional<EventIndex> tokenAt(const QPointF& point) const;
  std::vector<QRectF> rectsOf(EventIndex event) const;
  bool contains(EventIndex event) const;

  // The next or previous token of this text, for arrow keys.
  std::optional<EventIndex> neighbour(EventIndex event, int step) const;

 private:
  struct Cell {
    int start = 0;  // UTF-16 units into m_text
    int length = 0;
    std::size_t first = 0;  // into m_events
    std::size_t end = 0;
    double value = 0;
    Tier tier = Tier::ram;
    bool known = false;  // the records say what the measure asks for
  };
  struct Paragraph;

  void readRecords();
  void align(bool growing);
  void measureCells();
  void dropLayoutsFrom(int character);
  void layOut(double width);
  void applyFormats(Paragraph& paragraph) const;
  std::optional<std::size_t> cellOf(EventIndex event) const;
  std::vector<QRectF> rectsOfCell(const Cell& cell) const;
  QColor background(const Cell& cell) const;
  void paintCells(QPainter* painter, const QPointF& origin, const QRectF& visible) const;
  void paintSelection(QPainter* painter, const QPointF& origin) const;

  const BranchTrace& m_trace;
  const Selection& m_selection;
  const InspectSource& m_source;
  QString m_text;
  EventIndex m_first = 0;
  EventIndex m_end = 0;
  TokenSource m_whose = TokenSource::assistant;
  Measure m_measure = Measure::gate;
  QFont m_font;
  QString m_whyEmpty;
  std::vector<EventIndex> m_events;  // ascending
  std::vector<Cell> m_cells;         // ascending, in m_text
  std::vector<std::unique_ptr<Paragraph>> m_paragraphs;
  double m_width = -1;
  double m_height = 0;
};

}  // namespace mneme
