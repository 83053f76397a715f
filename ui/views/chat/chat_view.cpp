// SPDX-License-Identifier: Apache-2.0
#include "ui/views/chat/chat_view.h"

#include <QLoggingCategory>
#include <QPainter>
#include <QPushButton>
#include <QResizeEvent>
#include <QScrollBar>
#include <algorithm>
#include <cmath>
#include <utility>

#include "ui/theme.h"
#include "ui/views/chat/chat_accessible.h"

namespace mneme {
namespace {

constexpr int kFollowPixels = 40;
constexpr qreal kMargin = 26;
constexpr qreal kColumnMax = 860;
constexpr qreal kTop = 10;
constexpr qreal kBottom = 14;

// How much of a running answer is on the screen, with the log's times: for tests that kill the
// program and ask what of it is on disk. On with QT_LOGGING_RULES=mneme.shown.debug=true.
Q_LOGGING_CATEGORY(shown, "mneme.shown", QtInfoMsg)

}  // namespace

ChatView::ChatView(TranscriptModel& model, Selection& selection,
                   const MessageItem::Inspection& inspection, QWidget* parent)
    : QAbstractScrollArea(parent),
      m_model(model),
      m_selection(selection),
      m_inspection(inspection) {
  installChatAccessible();
  setObjectName(QStringLiteral("chatView"));
  setAccessibleName(tr("Messages"));
  setFocusPolicy(Qt::StrongFocus);
  setFrameShape(QFrame::NoFrame);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  viewport()->setMouseTracking(true);
  viewport()->setBackgroundRole(QPalette::NoRole);
  viewport()->setAutoFillBackground(false);
  viewport()->setAttribute(Qt::WA_OpaquePaintEvent);  // so scrolling moves what is painted
  verticalScrollBar()->setSingleStep(40);
  m_tops.assign(1, kTop);

  m_below = new QPushButton(tr("New text below"), viewport());
  m_below->setObjectName(QStringLiteral("newTextBelow"));
  m_below->setFocusPolicy(Qt::NoFocus);
  m_below->setCursor(Qt::PointingHandCursor);
  m_below->hide();
  connect(m_below, &QPushButton::clicked, this, &ChatView::scrollToEnd);

  m_copiedTimer.setSingleShot(true);
  m_copiedTimer.setInterval(1500);
  connect(&m_copiedTimer, &QTimer::timeout, this, [this] { markCopied(-1, -1); });

  connect(&m_model, &QAbstractItemModel::modelReset, this, &ChatView::onReset);
  connect(&m_model, &QAbstractItemModel::rowsInserted, this,
          [this](const QModelIndex&, int first, int last) { onInserted(first, last); });
  connect(&m_model, &QAbstractItemModel::rowsRemoved, this,
          [this](const QModelIndex&, int first, int last) { onRemoved(first, last); });
  connect(
      &m_model, &QAbstractItemModel::dataChanged, this,
      [this](const QModelIndex& from, const QModelIndex& to) { onChanged(from.row(), to.row()); });
  connect(&m_selection, &Selection::shownChanged, viewport(), qOverload<>(&QWidget::update));
  connect(&m_selection, &Selection::pinnedChanged, this, &ChatView::updateInkSelection);
  const auto traceChanged = [this] {
    for (const auto& item : m_items) item->traceChanged();
    relayoutAll();
  };
  connect(&m_inspection.source, &InspectSource::modelChanged, this, traceChanged);
  connect(&m_inspection.branch, &BranchTrace::wasReset, this, traceChanged);
  connect(&m_inspection.branch, &BranchTrace::recordsChanged, this, traceChanged);
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, [this] {
    for (const auto& item : m_items) item->forgetLayout();
    relayoutAll();
  });
  onReset();
}

ChatView::~ChatView() = default;

qreal ChatView::columnWidthIn(int viewWidth) {
  const qreal room = viewWidth - 2 * kMargin;
  return std::floor(std::max<qreal>(120, std::min(room, kColumnMax * Theme::zoom())));
}

qreal ChatView::columnWidth() const {
  return columnWidthIn(viewport()->width());
}

qreal ChatView::columnLeft() const {
  return std::floor(std::max<qreal>(kMargin, (viewport()->width() - columnWidth()) / 2));
}

// --- the model's changes
// ---------------------------------------------------------------------------

void ChatView::onReset() {
  m_items.clear();
  m_reading = {};
  m_foundIn.clear();
  m_heights.clear();
  m_current = -1;
  m_hotRow = -1;
  m_copiedRow = -1;
  clearSelection();
  m_follow = true;
  if (m_model.rowCount() > 0) onInserted(0, m_model.rowCount() - 1);
  updateTops();
  updateScrollBar();
  scrollToEnd();
  viewport()->update();
}

void ChatView::onInserted(int first, int last) {
  for (int row = first; row <= last; ++row) {
    auto item = std::make_unique<MessageItem>(m_inspection);
    item->set(m_model.at(row));
    item->setMeasure(m_measure);
    item->setInk(m_ink);
    m_heights.insert(m_heights.begin() + row, item->estimateHeight(columnWidth()));
    m_items.insert(m_items.begin() + row, std::move(item));
  }
  m_reading = {};
  m_follow = true;  // what was just sent is shown
  contentGrew();
}

void ChatView::onRemoved(int first, int last) {
  m_items.erase(m_items.begin() + first, m_items.begin() + last + 1);
  m_heights.erase(m_heights.begin() + first, m_heights.begin() + last + 1);
  m_reading = {};
  if (m_current >= first) m_current = -1;
  m_hotRow = -1;
  clearSelection();
  contentGrew();
}

// Paints anew only from where the first changed message differs, so that a growing answer costs
// the same however long it is.
void ChatView::onChanged(int first, int last) {
  const qreal width = columnWidth();
  m_reading = {};
  for (int row = first; row <= last; ++row) {
    const auto i = static_cast<std::size_t>(row);
    m_items[i]->set(m_model.at(row));
    m_heights[i] = m_items[i]->layout(width);
  }
  updateTops();
  updateScrollBar();
  follow();
  if (m_below->isVisible()) return viewport()->update();
  const auto i = static_cast<std::size_t>(first);
  constexpr int kOverhang = 8;  // of marks around tokens
  const auto from = static_cast<int>(m_tops[i] + m_items[i]->takeChangedFrom()) -
                    verticalScrollBar()->value() - kOverhang;
  viewport()->update(0, from, viewport()->width(), viewport()->height() - from);
}

void ChatView::contentGrew() {
  updateTops();
  updateScrollBar();
  follow();
  viewport()->update();
}

void ChatView::follow() {
  if (m_follow) {
    scrollToEnd();
  } else {
    placeButton();
  }
}

void ChatView::relayoutAll() {
  QScrollBar* bar = verticalScrollBar();
  // As long as nobody scrolls, what was read first is meant, so that nothing drifts away while the
  // window is dragged larger and smaller.
  if (m_reading.row < 0 || m_reading.scrolled != bar->value()) m_reading = reading(bar->value());
  const qreal width = columnWidth();
  for (std::size_t i = 0; i < m_items.size(); ++i) {
    m_heights[i] = m_items[i]->isLaidOut(width) ? m_items[i]->layout(width)
                                                : m_items[i]->estimateHeight(width);
  }
  if (m_reading.position >= 0) {
    MessageItem& item = *m_items[static_cast<std::size_t>(m_reading.row)];
    item.layout(width);
    item.layoutCharacters({m_reading.position, m_reading.position + 1});
    m_heights[static_cast<std::size_t>(m_reading.row)] = item.layout(width);
  }
  updateTops();
  updateScrollBar();
  if (m_follow) {
    scrollToEnd();
  } else if (!m_items.empty()) {
    setScroll(static_cast<int>(std::lround(placeOf(m_reading) - m_reading.offset)));
    m_reading.scrolled = bar->value();
  }
  viewport()->update();
}

// From a height on that is on screen.
ChatView::Reading ChatView::reading(int top) const {
  Reading reading;
  reading.scrolled = verticalScrollBar()->value();
  const int bottom = reading.scrolled + viewport()->height();
  for (int row = rowAt(top); row >= 0 && row < static_cast<int>(m_items.size()); ++row) {
    const auto i = static_cast<std::size_t>(row);
    if (m_tops[i] > bottom) break;
    if (reading.row < 0) {
      reading.row = row;
      reading.share = std::clamp((top - m_tops[i]) / std::max(m_heights[i], 1.0), 0.0, 1.0);
    }
    const MessageItem& item = *m_items[i];
    const qreal body = m_tops[i] + item.bodyRect().top();
    if (const auto position = item.body().firstPosition(top - body, bottom - body)) {
      reading.row = row;
      reading.position = *position;
      break;
    }
  }
  if (reading.row >= 0) reading.offset = placeOf(reading) - reading.scrolled;
  return reading;
}

qreal ChatView::placeOf(const Reading& reading) const {
  const auto i = static_cast<std::size_t>(reading.row);
  if (reading.position < 0) return m_tops[i] + reading.share * m_heights[i];
  const MessageItem& item = *m_items[i];
  return m_tops[i] + item.bodyRect().top() + item.body().cursorRect(reading.position).top();
}

// --- geometry
// --------------------------------------------------------------------------------------

void ChatView::updateTops() {
  m_tops.resize(m_items.size() + 1);
  qreal y = kTop;
  for (std::size_t i = 0; i < m_items.size(); ++i) {
    m_tops[i] = y;
    y += m_heights[i];
  }
  m_tops[m_items.size()] = y;
}

void ChatView::updateScrollBar() {
  const int height = viewport()->height();
  const int content = static_cast<int>(std::ceil(m_tops.back() + kBottom));
  m_settingScroll = true;
  verticalScrollBar()->setPageStep(height);
  verticalScrollBar()->setRange(0, std::max(0, content - height));
  m_settingScroll = false;
}

// Lays out what is on screen. Heights that turn out to differ from their estimates move the rest;
// what the reader looks at stays in place.
// `seen`: the upper edge until now.
void ChatView::layoutVisible(int seen) {
  if (m_layingOut || m_items.empty()) return;
  m_layingOut = true;
  const QScrollBar* bar = verticalScrollBar();
  const bool atTop = bar->value() == 0;
  const bool kept = m_reading.scrolled == bar->value();
  Reading reading = this->reading(std::max(seen, bar->value()));
  if (reading.position < 0) reading = this->reading(bar->value());
  for (int round = 0; round < 50; ++round) {
    const int top = bar->value();
    const int bottom = top + viewport()->height();
    bool changed = false;
    for (int row = std::max(0, rowAt(top)); row < static_cast<int>(m_items.size()); ++row) {
      const qreal y = m_tops[static_cast<std::size_t>(row)];
      if (y > bottom) break;
      if (!layoutRow(row, top - y, bottom - y)) continue;
      updateTops();
      changed = true;
    }
    if (!changed) break;
    viewport()->update();
    updateScrollBar();
    if (m_follow) {
      setScroll(bar->maximum());
    } else if (!atTop) {
      setScroll(static_cast<int>(std::lround(placeOf(reading) - reading.offset)));
    }
  }
  if (kept) m_reading.scrolled = bar->value();
  m_layingOut = false;
}

// What of a message lies between two heights in it. True: something is not where it was thought.
bool ChatView::layoutRow(int row, qreal top, qreal bottom) {
  const auto i = static_cast<std::size_t>(row);
  MessageItem& item = *m_items[i];
  item.layout(columnWidth());
  const bool moved = item.layoutArea(top, bottom);
  const qreal before = std::exchange(m_heights[i], item.layout(columnWidth()));
  return moved || std::abs(m_heights[i] - before) >= 0.5;
}

int ChatView::rowAt(qreal y) const {
  if (m_items.empty()) return -1;
  const auto after = std::upper_bound(m_tops.begin(), m_tops.end(), y);
  const auto row = static_cast<int>(after - m_tops.begin()) - 1;
  return std::clamp(row, 0, static_cast<int>(m_items.size()) - 1);
}

void ChatView::setScroll(int value) {
  m_settingScroll = true;
  verticalScrollBar()->setValue(value);
  m_settingScroll = false;
}

// To a place that is known once what is around it is laid out.
template <typename Target>
void ChatView::settle(const Target& target) {
  m_reading = {};
  for (int i = 0; i < 20; ++i) {
    setScroll(target());
    const int place = verticalScrollBar()->value();
    layoutVisible();
    setScroll(target());
    if (verticalScrollBar()->value() == place) break;
  }
  placeButton();
}

void ChatView::scrollToEnd() {
  m_follow = true;
  settle([this] { return verticalScrollBar()->maximum(); });
}

void ChatView::scrollToMessage(MessageId message) {
  const auto row = m_model.rowOf(message);
  if (!row) return;
  m_follow = false;
  settle([&] { return static_cast<int>(m_tops[static_cast<std::size_t>(*row)]) - 12; });
  setCurrent(*row);
  placeButton();
}

// Of a message, after something of it was laid out: to the first of `rects`, unless it is on
// screen.
void ChatView::scrollToFirst(int row, const std::function<std::vector<QRectF>()>& rects,
                             int above) {
  constexpr int kMarginOfSight = 8;
  const auto i = static_cast<std::size_t>(row);
  m_heights[i] = m_items[i]->layout(columnWidth());
  updateTops();
  updateScrollBar();
  viewport()->update();
  if (rects().empty()) return;
  const auto first = [&] { return rects().front().translated(0, m_tops[i]); };
  const int top = verticalScrollBar()->value();
  if (first().top() >= top + kMarginOfSight &&
      first().bottom() <= top + viewport()->height() - kMarginOfSight) {
    return;
  }
  m_follow = false;
  settle([&] { return static_cast<int>(first().top()) - above; });
}

void ChatView::placeButton() {
  const QScrollBar* bar = verticalScrollBar();
  const bool show = !m_follow && bar->maximum() - bar->value() > kFollowPixels &&
                    !m_items.empty() && m_items.back()->item().live.has_value();
  if (show) {
    m_below->adjustSize();
    m_below->move((viewport()->width() - m_below->width()) / 2,
                  viewport()->height() - m_below->height() - 12);
    m_below->raise();
  }
  m_below->setVisible(show);
}

void ChatView::resizeEvent(QResizeEvent* event) {
  QAbstractScrollArea::resizeEvent(event);
  if (event->oldSize().width() != event->size().width()) {
    relayoutAll();
  } else {
    updateScrollBar();
    if (m_follow) scrollToEnd();
  }
  placeButton();
}

void ChatView::scrollContentsBy(int, int dy) {
  if (!m_settingScroll) {
    m_reading = {};
    const QScrollBar* bar = verticalScrollBar();
    m_follow = bar->maximum() - bar->value() <= kFollowPixels;
    layoutVisible(bar->value() + dy);  // before what is painted moves
    placeButton();
  }
  // What is painted moves along; the button above it must not.
  if (m_below->isVisible()) {
    viewport()->update();
  } else {
    viewport()->scroll(0, dy);
  }
}

// --- painting
// --------------------------------------------------------------------------------------

void ChatView::paintEvent(QPaintEvent* event) {
  layoutVisible();
  QPainter painter(viewport());
  painter.fillRect(event->rect(), Theme::current().base);
  const int top = verticalScrollBar()->value();
  const QRectF clip(event->rect());
  for (int row = std::max(0, rowAt(top)); row < static_cast<int>(m_items.size()); ++row) {
    const auto i = static_cast<std::size_t>(row);
    const qreal y = m_tops[i] - top;
    if (y > clip.bottom()) break;
    if (y + m_heights[i] < clip.top()) continue;
    MessageItem::Look look;
    look.current = row == m_current && m_keyboard && hasFocus();
    look.hot = row == m_hotRow || look.current;
    look.hovered = row == m_hotRow ? m_hovered : MessageAction::none;
    look.copied = row == m_copiedRow && m_copiedBlock < 0;
    look.selection = selectionIn(row);
    m_items[i]->paint(painter, QPointF(columnLeft(), y), clip, look);
    paintFound(painter, row, QPointF(columnLeft(), y), clip);
    const TranscriptItem& item = m_items[i]->item();
    if (item.live) {
      qCDebug(shown) << "characters of message" << item.row.id << ":" << item.text.toUcs4().size();
    }
  }
  tellInkNote();
}

// Once for all messages on screen, where the ink is chosen, rather than below each of them.
void ChatView::tellInkNote() {
  QString note;
  const int top = verticalScrollBar()->value();
  const int bottom = top + viewport()->height();
  for (int row = std::max(0, rowAt(top)); row < static_cast<int>(m_items.size()); ++row) {
    const auto i = static_cast<std::size_t>(row);
    if (m_tops[i] > bottom) break;
    if (note.isEmpty()) note = m_items[i]->whyNoInk();
  }
  if (note == m_inkNote) return;
  m_inkNote = note;
  Q_EMIT inkNoteChanged(note);
}

QRect ChatView::messageRect(int row) const {
  const auto i = static_cast<std::size_t>(row);
  return QRectF(columnLeft(), m_tops[i] - verticalScrollBar()->value(), columnWidth(), m_heights[i])
      .toRect();
}

void ChatView::setInk(bool on) {
  if (on == m_ink) return;
  m_ink = on;
  clearSelection();
  for (const auto& item : m_items) item->setInk(on);
  relayoutAll();
}

void ChatView::setMeasure(InkText::Measure measure) {
  m_measure = measure;
  for (const auto& item : m_items) item->setMeasure(measure);
  relayoutAll();
}

// The pinned token is scrolled into view, wherever it was picked.
void ChatView::updateInkSelection() {
  viewport()->update();
  if (!m_ink || !m_selection.pinned()) return;
  const auto message = m_inspection.branch.messageOf(*m_selection.pinned());
  const auto row = message ? m_model.rowOf(*message) : std::nullopt;
  if (!row) return;
  MessageItem& item = *m_items[static_cast<std::size_t>(*row)];
  item.layout(columnWidth());
  item.layoutToken(*m_selection.pinned());
  scrollToFirst(
      *row, [&] { return item.rectsOf(*m_selection.pinned()); }, viewport()->height() / 2);
}

}  // namespace mneme

#include "moc_chat_view.cpp"
