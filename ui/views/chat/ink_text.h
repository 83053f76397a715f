// SPDX-License-Identifier: Apache-2.0
// Gate ink: which tokens spell which characters of one message, and what a
// measure says of each: a background behind the message's text. The message's own layout says where
// a character is shown; marks that are not shown carry no ink. Scale: always 0..1. UI thread.
#pragma once

#include <QPointF>
#include <QRectF>
#include <QString>
#include <optional>
#include <vector>

#include "ui/models/branch_trace.h"
#include "ui/models/inspect_source.h"
#include "ui/models/utf8_spans.h"
#include "ui/selection.h"
#include "ui/views/chat/message_layout.h"

class QPainter;

namespace mneme {

class InkText {
 public:
  enum class Measure { gate, write, tier, probability };

  InkText(const BranchTrace& trace, const Selection& selection, const InspectSource& source);

  // The message's text and its records [first, end); only those of `whose` text become ink.
  void setMessage(const QString& text, EventIndex first, EventIndex end, TokenSource whose);
  // While the message streams: both only grow. Only tokens that are new are spelled and measured.
  void grow(const QString& text, EventIndex end);
  void setMeasure(Measure measure);
  // The branch or its records changed, or the model came or went: token texts are known or not.
  void traceChanged();

  // Why there is no ink, as a sentence; empty when there is.
  QString whyEmpty() const { return m_whyEmpty; }
  // The first character whose ink the last change touched.
  int changedFrom() const { return m_changedFrom; }

  // `layout` shows the message; points and rectangles are relative to its top left. The cells go
  // below its text, the marks of the shown and of the pinned token above.
  void paintCells(QPainter* painter, const MessageLayout& layout, const QRectF& visible) const;
  void paintSelection(QPainter* painter, const MessageLayout& layout) const;
  // A cell of several tokens answers with its last one, the token that finished the character.
  std::optional<EventIndex> tokenAt(const MessageLayout& layout, const QPointF& point) const;
  std::vector<QRectF> rectsOf(const MessageLayout& layout, EventIndex event) const;

  // The characters of the message that hold a token's cell; empty: it has none.
  MessageLayout::Range sourceOf(EventIndex event) const;
  bool contains(EventIndex event) const;
  // The next or previous token of this text, for arrow keys.
  std::optional<EventIndex> neighbour(EventIndex event, int step) const;

 private:
  struct Cell {
    int start = 0;  // UTF-16 units into m_text, beyond whose end they may reach
    int length = 0;
    std::size_t first = 0;  // into m_events
    std::size_t end = 0;
    double value = 0;
    Tier tier = Tier::ram;
    bool known = false;  // the records say what the measure asks for
  };

  void readRecords();
  void align(bool growing);
  bool spellFrom(std::size_t token, int spelled, bool growing);
  void measureCells(std::size_t from);
  void explain();
  std::optional<std::size_t> cellOf(EventIndex event) const;
  QColor background(const Cell& cell) const;

  const BranchTrace& m_trace;
  const Selection& m_selection;
  const InspectSource& m_source;
  QString m_text;
  EventIndex m_first = 0;
  EventIndex m_end = 0;
  TokenSource m_whose = TokenSource::assistant;
  Measure m_measure = Measure::gate;
  QString m_whyEmpty;
  std::vector<EventIndex> m_events;  // ascending
  std::vector<Cell> m_cells;         // ascending, in m_text
  bool m_anyKnown = false;
  int m_changedFrom = 0;
  // Where the last cell begins, which the next token may change: its first token, and its place in
  // what the tokens spell.
  std::size_t m_tailToken = 0;
  int m_tailSpelled = 0;
  int m_shift = 0;  // from what the tokens spell to m_text
};

}  // namespace mneme
