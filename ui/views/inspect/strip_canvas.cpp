// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/strip_canvas.h"

#include <QEvent>
#include <QPainter>
#include <algorithm>
#include <cmath>

#include "ui/format.h"
#include "ui/models/token_text.h"
#include "ui/theme.h"

namespace mneme {
namespace {

constexpr int kMinimapHeight = 18;
constexpr int kTextHeight = 50;
constexpr int kRowHeight = 16;
constexpr int kRowHeightMax = 28;
constexpr int kRowGap = 4;
constexpr double kScaleMax = 96;
constexpr int kGrowPauseMs = 120;

}  // namespace

StripCanvas::StripCanvas(BranchTrace& trace, Selection& selection, InspectSource& source,
                         QWidget* parent)
    : QWidget(parent), m_trace(trace), m_selection(selection), m_source(source) {
  setMouseTracking(true);
  setFocusPolicy(Qt::StrongFocus);
  setAccessibleName(tr("Token strip"));
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
  connect(&m_trace, &BranchTrace::wasReset, this, &StripCanvas::reload);
  connect(&m_trace, &BranchTrace::grew, this, &StripCanvas::grew);
  m_growPause.setSingleShot(true);
  m_growPause.setInterval(kGrowPauseMs);
  connect(&m_growPause, &QTimer::timeout, this, [this] {
    if (!m_grown) return;
    m_growPause.start();
    showGrowth();
  });
  connect(&m_trace, &BranchTrace::recordsChanged, this, [this] {
    m_data.clear();
    m_data.extend(m_trace);
    invalidate();
  });
  connect(&m_selection, &Selection::shownChanged, this, [this] {
    announce();
    update();
  });
  connect(&m_selection, &Selection::pinnedChanged, this, [this] {
    if (const auto pinned = m_selection.pinned()) {
      if (const auto index = m_trace.indexOf(*pinned)) scrollTo(*index);
    }
    update();
  });
  connect(&m_source, &InspectSource::modelChanged, this, [this] {
    layRows();
    invalidate();
  });
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, [this] {
    layRows();
    invalidate();
  });
  reload();
}

void StripCanvas::reload() {
  m_data.clear();
  m_data.extend(m_trace);
  m_follow = true;
  layRows();
  updateGeometry();
  clampView();
  scrollTo(m_data.size() - 1);
  announce();
  invalidate();
  Q_EMIT dataChanged();
}

// The whole picture is painted anew, with texts that stand on end: not with every token.
void StripCanvas::grew() {
  const int layers = m_data.layers();
  m_data.extend(m_trace);
  if (m_data.layers() != layers) {
    layRows();
    updateGeometry();
    m_growPause.stop();
  }
  if (m_growPause.isActive()) {
    m_grown = true;
    return;
  }
  m_growPause.start();
  showGrowth();
}

void StripCanvas::showGrowth() {
  m_grown = false;
  if (m_follow) scrollTo(m_data.size() - 1);
  invalidate();
  Q_EMIT dataChanged();
}

void StripCanvas::setThreshold(double threshold) {
  m_threshold = threshold;
  invalidate();
}

void StripCanvas::layRows() {
  m_laidFor = size();
  m_rows.clear();
  const auto model = m_source.model();
  const QFontMetrics metrics(Theme::current().uiFont(0.95));
  int top = metrics.height() + 2;
  m_minimap = QRect(0, top, width(), kMinimapHeight);
  top += kMinimapHeight + 8;
  const auto add = [&](Row::Kind kind, int layer, const QString& name, int height) {
    m_rows.push_back({kind, layer, name, top, height});
    top += height + kRowGap;
  };
  // Rows share the height there is; without texts they have theirs too.
  const int count = (m_data.layers() > 0 ? m_data.layers() + 2 : 0) + 1;
  const int texts = m_scale >= kTextScale ? kTextHeight + kRowGap : 0;
  const int share = (height() - 8 - top - texts) / count - kRowGap;
  const int rowHeight = std::clamp(share, kRowHeight, kRowHeightMax);
  if (texts > 0) add(Row::Kind::text, 0, QString(), kTextHeight);
  for (int layer = 0; layer < m_data.layers(); ++layer) {
    add(Row::Kind::gate, layer, tr("%1 gate").arg(layerName(model.get(), layer)), rowHeight);
  }
  if (m_data.layers() > 0) add(Row::Kind::write, 0, tr("added"), rowHeight);
  add(Row::Kind::probability, 0, tr("probability"), rowHeight);
  if (m_data.layers() > 0) add(Row::Kind::tier, 0, tr("slowest tier"), rowHeight);
  int names = 0;
  for (const Row& row : m_rows) names = std::max(names, metrics.horizontalAdvance(row.name));
  m_left = kMargin + names + 14;
  m_minimap.setLeft(m_left);
  m_minimap.setRight(width() - kMargin);
}

void StripCanvas::layOut(const QSize& size) {
  resize(size);
  layRows();
}

QRect StripCanvas::rowsRect() const {
  const int top = m_rows.front().top;
  const int bottom = m_rows.back().top + m_rows.back().height;
  return {m_left, top, std::max(1, width() - m_left - kMargin), bottom - top};
}

QSize StripCanvas::sizeHint() const {
  const int rows = (m_data.layers() > 0 ? m_data.layers() + 2 : 0) + 1;
  return {640, m_minimap.bottom() + 8 + kTextHeight + rows * (kRowHeight + kRowGap) + 14};
}

QSize StripCanvas::minimumSizeHint() const {
  return {m_left + 120, sizeHint().height()};
}

void StripCanvas::invalidate() {
  m_picture = QPixmap();
  update();
}

double StripCanvas::minimumScale() const {
  return std::min(13.0, rowsRect().width() / std::max(1.0, double(m_data.size())));
}

void StripCanvas::clampView() {
  m_scale = std::clamp(m_scale, minimumScale(), kScaleMax);
  const double visible = rowsRect().width() / m_scale;
  m_first = std::clamp(m_first, 0.0, std::max(0.0, m_data.size() - visible));
}

void StripCanvas::setView(double first, double pixelsPerToken) {
  const bool texts = m_scale >= kTextScale;
  m_first = first;
  m_scale = pixelsPerToken;
  clampView();
  if (texts != (m_scale >= kTextScale)) layRows();
  m_follow = endVisible() >= m_data.size();
  invalidate();
  Q_EMIT viewChanged();
}

void StripCanvas::fitAll() {
  setView(0, rowsRect().width() / std::max(1.0, double(m_data.size())));
}

void StripCanvas::zoom(double factor, double atX) {
  const double token = m_first + (atX - m_left) / m_scale;
  const double scale = std::clamp(m_scale * factor, minimumScale(), kScaleMax);
  setView(token - (atX - m_left) / scale, scale);
}

void StripCanvas::scrollTo(int index) {
  if (index < 0) return;
  const double visible = rowsRect().width() / m_scale;
  double first = m_first;
  if (index < first)
    first = index - visible * 0.2;
  else if (index + 1 > first + visible)
    first = index + 1 - visible + (index + 1 < m_data.size() ? visible * 0.2 : 0);
  if (first != m_first) setView(first, m_scale);
}

int StripCanvas::firstVisible() const {
  return std::max(0, static_cast<int>(std::floor(m_first)));
}

int StripCanvas::endVisible() const {
  const double end = m_first + rowsRect().width() / m_scale;
  return std::min(m_data.size(), static_cast<int>(std::ceil(end - 1e-6)));
}

std::optional<int> StripCanvas::tokenAtX(double x) const {
  if (x < m_left || x > rowsRect().right() + 1) return std::nullopt;
  const int index = static_cast<int>(std::floor(m_first + (x - m_left) / m_scale));
  if (index < 0 || index >= m_data.size()) return std::nullopt;
  return index;
}

void StripCanvas::announce() {
  const auto shown = m_selection.shown();
  const auto index = shown ? m_trace.indexOf(*shown) : std::nullopt;
  if (!index.has_value()) {
    setAccessibleDescription(
        tr("%1 tokens; arrow keys walk them").arg(format::count(m_data.size())));
    return;
  }
  setAccessibleDescription(describeToken(m_trace, m_source, index.value_or(0)));
}

void StripCanvas::paintEvent(QPaintEvent*) {
  // A layout that changes while it is being shown may resize us without saying so.
  if (m_laidFor != size()) {
    layRows();
    clampView();
    m_picture = QPixmap();
  }
  if (m_picture.isNull()) {
    const double ratio = devicePixelRatioF();
    m_picture = QPixmap(size() * ratio);
    m_picture.setDevicePixelRatio(ratio);
    m_picture.fill(Theme::current().window);
    QPainter painter(&m_picture);
    paintStrip(&painter);
  }
  QPainter painter(this);
  if (painter.device()->devicePixelRatioF() == m_picture.devicePixelRatio()) {
    painter.drawPixmap(0, 0, m_picture);
  } else {
    painter.fillRect(rect(), Theme::current().window);
    paintStrip(&painter);
  }
  paintSelection(&painter);
}

void StripCanvas::resizeEvent(QResizeEvent*) {
  layRows();
  clampView();
  if (m_follow) scrollTo(m_data.size() - 1);
  invalidate();
  Q_EMIT viewChanged();
}

}  // namespace mneme
