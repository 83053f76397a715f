// SPDX-License-Identifier: Apache-2.0
#include "ui/views/model_card.h"

#include <QPainter>
#include <cmath>

#include "ui/format.h"
#include "ui/plain_text.h"
#include "ui/theme.h"

namespace mneme {
namespace {

constexpr int kPadding = 11;

QFont nameFont() {
  QFont font = Theme::current().uiFont();
  font.setWeight(QFont::DemiBold);
  return font;
}

QFont lineFont() {
  return Theme::current().uiFont(0.9);
}

}  // namespace

ModelCard::ModelCard(EngineHost& engine, QWidget* parent)
    : QAbstractButton(parent), m_engine(engine) {
  setObjectName(QStringLiteral("modelCard"));
  setFocusPolicy(Qt::StrongFocus);
  setCursor(Qt::PointingHandCursor);
  setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
  connect(&engine, &EngineHost::stateChanged, this, &ModelCard::refresh);
  connect(&engine, &EngineHost::loadProgress, this, [this](double fraction, const QString& stage) {
    m_fraction = fraction;
    m_stage = stage;
    refresh();
  });
  connect(&engine, &EngineHost::tiersUpdated, this, [this](const TierStats& stats) {
    if (stats.budget_bytes == m_budget) return;
    m_budget = stats.budget_bytes;
    refresh();
  });
  connect(&Theme::notifier(), &Theme::Notifier::changed, this, [this] {
    fit();
    update();
  });
  refresh();
}

void ModelCard::refresh() {
  m_lines.clear();
  const ModelLayout* layout = m_engine.layout();
  const bool loading = m_engine.state() == EngineHost::State::loading;
  if (!loading) m_fraction = -1;
  if (loading) {
    m_lines << tr("Opening a model") << tr("%1: %2").arg(format::percent(m_fraction), m_stage);
  } else if (layout == nullptr) {
    m_lines << tr("No model") << tr("Click to open one");
  } else {
    m_lines << format::modelName(QString::fromStdString(layout->path),
                                 QString::fromStdString(layout->quantization));
    m_lines << tr("%1  %2 · %3")
                   .arg(QString::fromStdString(layout->quantization),
                        format::bytes(layout->file_bytes), QString::fromStdString(layout->backend));
    if (!layout->first_backend.empty()) {
      m_lines << tr("%1 of %2 layers there, the others on %3")
                     .arg(layout->device_layers)
                     .arg(layout->layers)
                     .arg(QString::fromStdString(layout->first_backend));
    }
    if (layout->memory) {
      const QString budget =
          m_budget > 0 ? tr(", RAM budget %1").arg(format::bytes(m_budget)) : QString();
      const QString kind =
          layout->memory->trained ? tr("Memory pack %1%2") : tr("Memory pack (untrained) %1%2");
      m_lines << kind.arg(format::bytes(layout->memory->file_bytes), budget);
    } else {
      m_lines << tr("No memory pack");
    }
  }
  setAccessibleName(tr("Model: %1").arg(m_lines.join(QStringLiteral(", "))));
  QString tip = m_lines.join(QLatin1Char('\n'));
  if (layout != nullptr && !loading) {
    tip += QLatin1Char('\n') + QString::fromStdString(layout->path);
    if (layout->memory) {
      tip += QLatin1Char('\n') + QString::fromStdString(layout->memory->path);
      if (!layout->memory->warning.empty()) {
        tip += QLatin1Char('\n') + QString::fromStdString(layout->memory->warning);
      }
    } else {
      tip += QLatin1Char('\n') + QString::fromStdString(layout->memory_absent_reason);
    }
  }
  setToolTip(boundedText(tip));
  fit();
  update();
}

// The lines wrap, so the height follows the width.
void ModelCard::fit() {
  setFixedHeight(heightForWidth(width()));
}

void ModelCard::resizeEvent(QResizeEvent* event) {
  QAbstractButton::resizeEvent(event);
  fit();
}

int ModelCard::heightForWidth(int width) const {
  qreal height = 2 * kPadding - 2 + QFontMetricsF(nameFont()).height();
  const QFontMetricsF metrics(lineFont());
  for (qsizetype i = 1; i < m_lines.size(); ++i) {
    height +=
        4 +
        metrics.boundingRect(QRectF(0, 0, width - 2 * kPadding, 1000), Qt::TextWordWrap, m_lines[i])
            .height();
  }
  if (m_fraction >= 0) height += 10;
  return static_cast<int>(std::ceil(height));
}

QSize ModelCard::sizeHint() const {
  return {180, heightForWidth(width())};
}

void ModelCard::paintEvent(QPaintEvent*) {
  const Theme& t = Theme::current();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(hasFocus() ? t.accent : t.border, hasFocus() ? 1.5 : 1));
  painter.setBrush(underMouse() ? t.codeBackground : t.raised);
  painter.drawRoundedRect(QRectF(rect()).adjusted(0.75, 0.75, -0.75, -0.75), 9, 9);

  const auto state = m_engine.state();
  QColor dot = t.textMuted;
  if (state == EngineHost::State::ready) dot = t.good;
  if (state == EngineHost::State::generating) dot = t.accent;
  if (state == EngineHost::State::loading) dot = t.warning;
  const QFontMetricsF nameMetrics(nameFont());
  qreal y = kPadding - 1;
  painter.setPen(Qt::NoPen);
  painter.setBrush(dot);
  painter.drawEllipse(QPointF(kPadding + 4, y + nameMetrics.height() / 2), 3.5, 3.5);
  painter.setFont(nameFont());
  painter.setPen(t.text);
  const qreal nameLeft = kPadding + 14;
  painter.drawText(
      QRectF(nameLeft, y, width() - nameLeft - kPadding, nameMetrics.height()),
      Qt::AlignLeft | Qt::AlignVCenter,
      nameMetrics.elidedText(m_lines.value(0), Qt::ElideRight, width() - nameLeft - kPadding));
  y += nameMetrics.height() + 4;
  painter.setFont(lineFont());
  painter.setPen(t.textMuted);
  for (qsizetype i = 1; i < m_lines.size(); ++i) {
    QRectF used;
    painter.drawText(QRectF(kPadding, y, width() - 2 * kPadding, 1000), Qt::TextWordWrap,
                     m_lines[i], &used);
    y += used.height() + 4;
  }
  if (m_fraction >= 0) {
    const QRectF bar(kPadding, y + 1, width() - 2 * kPadding, 5);
    painter.setPen(Qt::NoPen);
    painter.setBrush(t.border);
    painter.drawRoundedRect(bar, 2.5, 2.5);
    painter.setBrush(t.accent);
    painter.drawRoundedRect(QRectF(bar.topLeft(), QSizeF(bar.width() * m_fraction, 5)), 2.5, 2.5);
  }
}

}  // namespace mneme

#include "moc_model_card.cpp"
