// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/hot_set_canvas.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <array>
#include <cmath>

#include "ui/format.h"
#include "ui/models/token_text.h"
#include "ui/theme.h"

namespace mneme {
namespace {

constexpr int kMapGap = 6;
constexpr int kBar = 10;
constexpr double kDot = 1.6;       // of a row that the answer used
constexpr double kSmallDot = 1.0;  // where there are many
constexpr std::uint64_t kMany = 1500;

// By its root, so that the few per cent that a small budget holds can be seen and told apart. The
// scale is fixed: the same colour is the same share at any time and for any table.
QColor colourOf(double share) {
  return Theme::current().resident(std::sqrt(std::clamp(share, 0.0, 1.0)));
}

QFont mapFont() {
  return Theme::current().uiFont(0.85);
}

QString orderName(int order) {
  return HotSetCanvas::tr("%1-grams").arg(order);
}

const LayerHash& hashOf(const HotSetPicture& picture) {
  return picture.model->hasher->spec().layers[static_cast<std::size_t>(picture.layer)];
}

// Which column of the table a row is in: its order and head.
std::pair<int, int> columnOf(const HotSetPicture& picture, RowId row) {
  const std::vector<std::uint64_t>& offsets = hashOf(picture).offsets;
  const auto column =
      static_cast<int>(std::ranges::upper_bound(offsets, row) - offsets.begin()) - 1;
  const int heads = picture.model->hasher->spec().head_count;
  return {column / heads + 2, column % heads};
}

}  // namespace

HotSetCanvas::HotSetCanvas(QWidget* parent) : QWidget(parent) {
  setAccessibleName(tr("Map of the rows in RAM"));
  setFocusPolicy(Qt::StrongFocus);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
  setCursor(Qt::CrossCursor);
}

void HotSetCanvas::setPicture(std::shared_ptr<const HotSetPicture> picture, const QString& text) {
  const bool other = !picture || !m_picture || picture->layer != m_picture->layer ||
                     picture->model != m_picture->model;
  m_picture = std::move(picture);
  m_text = text;
  m_kept = QPixmap();
  if (other && m_chosen) clearChosen();
  announce();
  update();
}

// ---- places ------------------------------------------------------------------------------------

QRect HotSetCanvas::plot() const {
  const QFontMetrics metrics(mapFont());
  const int left = metrics.horizontalAdvance(orderName(8)) + kMapGap + 2;
  const int foot = std::max(kBar, metrics.height()) + kMapGap;
  return rect().adjusted(left, 2, -2, -foot);
}

QPoint HotSetCanvas::stepAt(const QPoint& point) const {
  const QRect area = plot();
  return {std::clamp((point.x() - area.left()) / kStep, 0, steps(area.width()) - 1),
          std::clamp((point.y() - area.top()) / kStep, 0, steps(area.height()) - 1)};
}

// Where the picture is smaller than the screen one pixel of it, else all that lie below the step.
QRect HotSetCanvas::pixelsAt(QPoint step) const {
  const auto part = [](int at, int of, int length) {
    const int first = std::min(length - 1, at * length / of);
    return std::pair(first, std::max(first + 1, (at + 1) * length / of));
  };
  const QRect area = plot();
  const auto [left, right] = part(step.x(), steps(area.width()), RowGrid::kWidth);
  const auto [top, bottom] = part(step.y(), steps(area.height()), m_picture->grid.lines());
  return {left, top, right - left, bottom - top};
}

QRectF HotSetCanvas::frameAt(QPoint step) const {
  const QRect area = plot();
  const QRect pixels = pixelsAt(step);
  const double x = double(area.width()) / RowGrid::kWidth;
  const double y = double(area.height()) / m_picture->grid.lines();
  return {area.left() + pixels.left() * x, area.top() + pixels.top() * y, pixels.width() * x,
          pixels.height() * y};
}

QRect HotSetCanvas::chosen() const {
  return m_picture && m_chosen ? pixelsAt(*m_chosen) : QRect();
}

void HotSetCanvas::clearChosen() {
  m_chosen.reset();
  announce();
  update();
  Q_EMIT chosenChanged();
}

void HotSetCanvas::choose(QPoint step) {
  if (!m_picture) return;
  const QRect area = plot();
  step.setX(std::clamp(step.x(), 0, steps(area.width()) - 1));
  step.setY(std::clamp(step.y(), 0, steps(area.height()) - 1));
  if (m_chosen == step) return;
  m_chosen = step;
  announce();
  update();
  Q_EMIT chosenChanged();
}

QString HotSetCanvas::describe(const QRect& pixels) const {
  const RowGrid& grid = m_picture->grid;
  const auto [first, end] = grid.rowsOf(pixels.topLeft());
  if (first == end) return tr("Beyond the end of the table");
  std::uint64_t resident = 0;
  std::uint64_t used = 0;
  for (int y = pixels.top(); y <= pixels.bottom(); ++y) {
    for (int x = pixels.left(); x <= pixels.right(); ++x) {
      const auto at = static_cast<std::size_t>(y * RowGrid::kWidth + x);
      resident += m_picture->resident[at];
      used += m_picture->used[at];
    }
  }
  const auto [order, head] = columnOf(*m_picture, first);
  QString text = tr("%1 of %2 rows from row %3 on in RAM (%4, head %5)")
                     .arg(format::count(static_cast<std::int64_t>(resident)),
                          format::count(static_cast<std::int64_t>(grid.rowsIn(pixels))),
                          format::count(static_cast<std::int64_t>(first)), orderName(order))
                     .arg(head);
  if (used > 0) {
    text += format::counted(static_cast<std::int64_t>(used), tr("; %1 used by the answer"),
                            tr("; %1 used by the answer"));
  }
  return text;
}

void HotSetCanvas::announce() {
  setAccessibleDescription(!m_picture ? m_text
                           : m_chosen ? describe(pixelsAt(*m_chosen))
                                      : tr("%1 of %2 rows in RAM; arrow keys walk the map")
                                            .arg(format::compactCount(m_picture->residentRows),
                                                 format::compactCount(m_picture->grid.rows())));
}

// ---- painting ----------------------------------------------------------------------------------

// Every pixel of the screen has the share of exactly the rows that lie below it: thinning a
// finished picture out would hide lone rows.
void HotSetCanvas::paintMap(QPainter* painter, double ratio) const {
  const QRect area = plot();
  const RowGrid& grid = m_picture->grid;
  const int width = std::min(RowGrid::kWidth, static_cast<int>(area.width() * ratio));
  const int height = std::min(grid.lines(), static_cast<int>(area.height() * ratio));
  if (width <= 0 || height <= 0) return;
  std::vector<double> resident(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  std::vector<double> rows(resident.size());
  for (int y = 0; y < grid.lines(); ++y) {
    const std::size_t line =
        static_cast<std::size_t>(y * height / grid.lines()) * static_cast<std::size_t>(width);
    for (int x = 0; x < RowGrid::kWidth; ++x) {
      const std::size_t to = line + static_cast<std::size_t>(x * width / RowGrid::kWidth);
      const auto [first, end] = grid.rowsOf({x, y});
      rows[to] += static_cast<double>(end - first);
      resident[to] += m_picture->resident[static_cast<std::size_t>(y * RowGrid::kWidth + x)];
    }
  }
  std::array<QRgb, 1025> colours;
  for (std::size_t i = 0; i < colours.size(); ++i) colours[i] = colourOf(double(i) / 1024).rgb();
  QImage image(width, height, QImage::Format_RGB32);
  const QRgb beyond = Theme::current().window.rgb();
  for (int y = 0; y < height; ++y) {
    auto* line = reinterpret_cast<QRgb*>(image.scanLine(y));
    for (int x = 0; x < width; ++x) {
      const auto at = static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                      static_cast<std::size_t>(x);
      line[x] = rows[at] == 0 ? beyond
                              : colours[static_cast<std::size_t>(
                                    std::lround(std::min(1.0, resident[at] / rows[at]) * 1024))];
    }
  }
  painter->drawImage(area, image);
  const double dx = double(area.width()) / RowGrid::kWidth;
  const double dy = double(area.height()) / grid.lines();
  const QColor ink = Theme::current().text;
  const double side = m_picture->usedRows > kMany ? kSmallDot : kDot;
  for (std::size_t i = 0; i < m_picture->used.size(); ++i) {
    if (m_picture->used[i] == 0) continue;
    const auto x = static_cast<double>(i % RowGrid::kWidth) + 0.5;
    const auto y = static_cast<double>(i / RowGrid::kWidth) + 0.5;
    painter->fillRect(
        QRectF(area.left() + x * dx - side / 2, area.top() + y * dy - side / 2, side, side), ink);
  }
}

void HotSetCanvas::paintOrders(QPainter* painter) const {
  const Theme& theme = Theme::current();
  const QRect area = plot();
  const HashSpec& spec = m_picture->model->hasher->spec();
  const LayerHash& hash = hashOf(*m_picture);
  const double pixels = double(m_picture->grid.rows()) / double(m_picture->grid.perPixel());
  const double lines = std::max(1.0, pixels / RowGrid::kWidth);
  const auto yOf = [&](std::uint64_t row) {
    return area.top() + double(row) / double(m_picture->grid.rows()) * lines /
                            m_picture->grid.lines() * area.height();
  };
  painter->setFont(mapFont());
  for (int order = 2; order <= spec.max_ngram_size; ++order) {
    const auto column = static_cast<std::size_t>((order - 2) * spec.head_count);
    const auto next = column + static_cast<std::size_t>(spec.head_count);
    const double top = yOf(hash.offsets[column]);
    const double bottom = yOf(next < hash.offsets.size() ? hash.offsets[next] : hash.rows);
    painter->setPen(theme.textMuted);
    painter->drawText(QRectF(0, top, area.left() - kMapGap, bottom - top),
                      Qt::AlignRight | Qt::AlignVCenter, orderName(order));
    if (order == 2) continue;
    painter->setPen(QPen(theme.textMuted, 1));
    painter->drawLine(QPointF(area.left() - 4, std::round(top) + 0.5),
                      QPointF(area.left(), std::round(top) + 0.5));
    QColor line = theme.text;
    line.setAlphaF(0.35F);
    painter->setPen(QPen(line, 1));
    painter->drawLine(QPointF(area.left(), std::round(top) + 0.5),
                      QPointF(area.right() + 1, std::round(top) + 0.5));
  }
}

// Dot and scale with the numbers that matter, as many as there is room for.
void HotSetCanvas::paintLegend(QPainter* painter) const {
  const Theme& theme = Theme::current();
  painter->setFont(mapFont());
  const QFontMetrics metrics(mapFont());
  const int top = plot().bottom() + 1 + kMapGap;
  const int height = rect().bottom() + 1 - top;
  int x = 0;
  const auto words = [&](const QString& text, int gap) {
    painter->setPen(theme.textMuted);
    painter->drawText(QRect(x, top, metrics.horizontalAdvance(text) + 2, height),
                      Qt::AlignLeft | Qt::AlignVCenter, text);
    x += metrics.horizontalAdvance(text) + 2 + gap;
  };
  painter->fillRect(QRectF(x, top + height / 2.0 - 1.5, 3, 3), theme.text);
  x += 3 + 4;
  words(tr("answer"), 2 * kMapGap);
  words(tr("in RAM"), kMapGap);
  for (const double share : {0.0, 0.01, 0.1, 0.5, 1.0}) {
    const QString text = share == 0 ? QStringLiteral("0") : format::percent(share);
    if (x + kBar + 4 + metrics.horizontalAdvance(text) > width()) return;
    painter->setPen(QPen(theme.border, 1));
    painter->setBrush(colourOf(share));
    painter->drawRect(QRectF(x + 0.5, top + (height - kBar) / 2.0 + 0.5, kBar - 1, kBar - 1));
    x += kBar + 4;
    words(text, kMapGap);
  }
}

void HotSetCanvas::paintEvent(QPaintEvent*) {
  const Theme& theme = Theme::current();
  QPainter painter(this);
  const QRect area = plot();
  if (!m_picture) {
    painter.fillRect(area, theme.base);
    painter.setPen(theme.textMuted);
    painter.setFont(theme.uiFont());
    painter.drawText(area.adjusted(8, 0, -8, 0), Qt::AlignCenter | Qt::TextWordWrap, m_text);
    return;
  }
  const double ratio = painter.device()->devicePixelRatioF();
  if (m_kept.isNull() || m_kept.devicePixelRatio() != ratio) {
    m_kept = QPixmap(size() * ratio);
    m_kept.setDevicePixelRatio(ratio);
    m_kept.fill(theme.window);
    QPainter kept(&m_kept);
    paintMap(&kept, ratio);
    paintOrders(&kept);
    paintLegend(&kept);
  }
  painter.drawPixmap(0, 0, m_kept);
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(hasFocus() ? theme.accent : theme.border, hasFocus() ? 2 : 1));
  painter.drawRect(QRectF(area).adjusted(-0.5, -0.5, 0.5, 0.5));
  if (!m_chosen) return;
  const QRectF frame = frameAt(*m_chosen);
  painter.setPen(QPen(theme.window, 3));
  painter.drawRect(frame.adjusted(-4, -4, 4, 4));
  painter.setPen(QPen(theme.accent, 1.6));
  painter.drawRect(frame.adjusted(-4, -4, 4, 4));
}

void HotSetCanvas::resizeEvent(QResizeEvent*) {
  m_kept = QPixmap();
  if (m_chosen) clearChosen();
}

// ---- input -------------------------------------------------------------------------------------

void HotSetCanvas::mousePressEvent(QMouseEvent* event) {
  if (event->button() == Qt::LeftButton && plot().contains(event->pos()))
    choose(stepAt(event->pos()));
}

void HotSetCanvas::mouseMoveEvent(QMouseEvent* event) {
  if (event->buttons() & Qt::LeftButton) choose(stepAt(event->pos()));
}

void HotSetCanvas::keyPressEvent(QKeyEvent* event) {
  const QRect area = plot();
  if (event->key() == Qt::Key_Escape && m_chosen) {
    clearChosen();
    return;
  }
  const QPoint from = m_chosen.value_or(QPoint(steps(area.width()) / 2, steps(area.height()) / 2));
  const int far = event->modifiers() & Qt::ControlModifier ? 10 : 1;
  switch (event->key()) {
    case Qt::Key_Left:
      choose(from - QPoint(far, 0));
      return;
    case Qt::Key_Right:
      choose(from + QPoint(far, 0));
      return;
    case Qt::Key_Up:
      choose(from - QPoint(0, far));
      return;
    case Qt::Key_Down:
      choose(from + QPoint(0, far));
      return;
    case Qt::Key_Home:
      choose({0, 0});
      return;
    case Qt::Key_End:
      choose({steps(area.width()) - 1, steps(area.height()) - 1});
      return;
    default:
      QWidget::keyPressEvent(event);
  }
}

void HotSetCanvas::focusInEvent(QFocusEvent*) {
  update();
}

void HotSetCanvas::focusOutEvent(QFocusEvent*) {
  update();
}

bool HotSetCanvas::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    const auto* help = static_cast<QHelpEvent*>(event);
    if (m_picture && plot().contains(help->pos())) {
      QToolTip::showText(help->globalPos(), describe(pixelsAt(stepAt(help->pos()))), this);
    } else {
      QToolTip::hideText();
    }
    return true;
  }
  if (event->type() == QEvent::ShortcutOverride) {
    // Esc is ours while a place is framed, also where the window has a shortcut.
    if (static_cast<QKeyEvent*>(event)->key() == Qt::Key_Escape && m_chosen) {
      event->accept();
      return true;
    }
  }
  return QWidget::event(event);
}

}  // namespace mneme
