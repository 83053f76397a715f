// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/ngram_grid.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QPainter>
#include <QToolTip>
#include <algorithm>

#include "ui/format.h"
#include "ui/models/token_text.h"
#include "ui/theme.h"
#include "ui/views/inspect/tier_cell.h"

namespace mneme {
namespace {

constexpr int kCell = 14;
constexpr int kStride = kCell + 2;
constexpr int kNgramGap = 6;

}  // namespace

NgramGrid::NgramGrid(QWidget* parent) : QWidget(parent) {
  setFocusPolicy(Qt::StrongFocus);
  setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
  setAccessibleName(tr("N-grams ending here"));
}

void NgramGrid::setFacts(const TokenFacts& facts, StorageKind storage) {
  m_ngrams = facts.ngrams;
  m_storage = storage;
  m_layerNames.clear();
  for (const TokenFacts::Layer& layer : facts.layers) m_layerNames.push_back(layer.name);
  setPlace(m_place);
  announce();
  updateGeometry();
  update();
}

int NgramGrid::heads(int ngram) const {
  const NgramFacts& facts = m_ngrams[static_cast<std::size_t>(ngram)];
  if (facts.layers.empty()) return 0;
  return std::max<int>(1, static_cast<int>(facts.layers.front().rows.size()));
}

void NgramGrid::setPlace(const Place& place) {
  Place cut = place;
  if (m_ngrams.empty()) {
    cut = {};
  } else {
    cut.ngram = std::clamp(cut.ngram, 0, static_cast<int>(m_ngrams.size()) - 1);
    cut.layer = std::clamp(cut.layer, 0, std::max(0, static_cast<int>(m_layerNames.size()) - 1));
    cut.head = std::clamp(cut.head, 0, std::max(0, heads(cut.ngram) - 1));
  }
  if (cut == m_place) return;
  m_place = cut;
  announce();
  update();
  Q_EMIT placeChanged();
}

void NgramGrid::announce() {
  setAccessibleDescription(m_ngrams.empty() ? QString() : describe(m_place));
}

int NgramGrid::lineStep() const {
  return std::max(QFontMetrics(Theme::current().uiFont()).height() + 4, kCell + 4);
}

QSize NgramGrid::sizeHint() const {
  const auto count = static_cast<int>(m_ngrams.size());
  return {240, std::max(1, count * (lineStep() * (1 + static_cast<int>(m_layerNames.size())) +
                                    kNgramGap))};
}

QRectF NgramGrid::cellRect(const Place& place) const {
  const int step = lineStep();
  const int block = step * (1 + static_cast<int>(m_layerNames.size())) + kNgramGap;
  const double top = place.ngram * block + step * (1 + place.layer) + (step - kCell) / 2.0;
  return {static_cast<double>(place.head * kStride), top, kCell, kCell};
}

std::optional<NgramGrid::Place> NgramGrid::placeAt(const QPointF& point) const {
  for (int n = 0; n < static_cast<int>(m_ngrams.size()); ++n) {
    for (int l = 0; l < static_cast<int>(m_layerNames.size()); ++l) {
      for (int h = 0; h < heads(n); ++h) {
        if (cellRect({n, l, h}).adjusted(-1, -2, 1, 2).contains(point)) return Place{n, l, h};
      }
    }
  }
  return std::nullopt;
}

QString NgramGrid::describe(const Place& place) const {
  const NgramFacts& ngram = m_ngrams[static_cast<std::size_t>(place.ngram)];
  if (ngram.layers.empty()) return {};
  const NgramLayerFacts& layer = ngram.layers[static_cast<std::size_t>(place.layer)];
  QString text = tr("%1-gram '%2', %3, head %4, %5")
                     .arg(ngram.order)
                     .arg(ngram.text, m_layerNames[static_cast<std::size_t>(place.layer)])
                     .arg(place.head)
                     .arg(tierName(layer.tier, m_storage));
  if (layer.latencyUs > 0) text += tr(", %1").arg(format::microseconds(layer.latencyUs));
  if (!layer.rows.empty()) {
    text += tr(", row %1")
                .arg(format::count(
                    static_cast<std::int64_t>(layer.rows[static_cast<std::size_t>(place.head)])));
  }
  return text;
}

void NgramGrid::paintEvent(QPaintEvent*) {
  const Theme& theme = Theme::current();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const QFont font = theme.uiFont();
  const QFont small = theme.uiFont(0.9);
  const int step = lineStep();
  const int block = step * (1 + static_cast<int>(m_layerNames.size())) + kNgramGap;
  for (int n = 0; n < static_cast<int>(m_ngrams.size()); ++n) {
    const NgramFacts& ngram = m_ngrams[static_cast<std::size_t>(n)];
    const QRectF head(0, n * block, width(), step);
    painter.setFont(small);
    painter.setPen(theme.textMuted);
    const QString order = tr("%1-gram").arg(ngram.order);
    painter.drawText(head, Qt::AlignRight | Qt::AlignVCenter, order);
    const int room = width() - QFontMetrics(small).horizontalAdvance(order) - 12;
    painter.setFont(font);
    painter.setPen(theme.text);
    const QString text = ngram.text.isEmpty() ? tr("(tokens unknown)") : ngram.text;
    painter.drawText(head, Qt::AlignLeft | Qt::AlignVCenter,
                     QFontMetrics(font).elidedText(text, Qt::ElideLeft, room));
    for (int l = 0; l < static_cast<int>(ngram.layers.size()); ++l) {
      const NgramLayerFacts& layer = ngram.layers[static_cast<std::size_t>(l)];
      for (int h = 0; h < heads(n); ++h) {
        const QRectF cell = cellRect({n, l, h});
        paintTierCell(&painter, cell, layer.tier);
        if (Place{n, l, h} == m_place && !layer.rows.empty()) {
          painter.setBrush(Qt::NoBrush);
          painter.setPen(QPen(hasFocus() ? theme.accent : theme.text, hasFocus() ? 2 : 1.4));
          painter.drawRoundedRect(cell.adjusted(-1.5, -1.5, 1.5, 1.5), 3, 3);
        }
      }
      const double left = heads(n) * kStride + 8;
      QString note = m_layerNames[static_cast<std::size_t>(l)] + QStringLiteral("  ");
      note += shortTierName(layer.tier, m_storage);
      if (layer.latencyUs > 0) note += QStringLiteral("  ") + format::microseconds(layer.latencyUs);
      painter.setFont(small);
      painter.setPen(theme.textMuted);
      const QRectF rest(left, n * block + step * (1 + l), width() - left, step);
      painter.drawText(
          rest, Qt::AlignLeft | Qt::AlignVCenter,
          QFontMetrics(small).elidedText(note, Qt::ElideRight, static_cast<int>(rest.width())));
    }
  }
}

void NgramGrid::mousePressEvent(QMouseEvent* event) {
  if (const auto place = placeAt(event->position())) setPlace(*place);
}

void NgramGrid::keyPressEvent(QKeyEvent* event) {
  Place next = m_place;
  switch (event->key()) {
    case Qt::Key_Left:
      --next.head;
      break;
    case Qt::Key_Right:
      ++next.head;
      break;
    case Qt::Key_Up:
      if (next.layer > 0) {
        --next.layer;
      } else if (next.ngram > 0) {
        --next.ngram;
        next.layer = static_cast<int>(m_layerNames.size()) - 1;
      }
      break;
    case Qt::Key_Down:
      if (next.layer + 1 < static_cast<int>(m_layerNames.size())) {
        ++next.layer;
      } else if (next.ngram + 1 < static_cast<int>(m_ngrams.size())) {
        ++next.ngram;
        next.layer = 0;
      }
      break;
    default:
      QWidget::keyPressEvent(event);
      return;
  }
  setPlace(next);
}

bool NgramGrid::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    const auto* help = static_cast<QHelpEvent*>(event);
    if (const auto place = placeAt(help->pos())) {
      QToolTip::showText(help->globalPos(), describe(*place), this);
    } else {
      QToolTip::hideText();
    }
    return true;
  }
  return QWidget::event(event);
}

}  // namespace mneme
