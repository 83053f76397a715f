// SPDX-License-Identifier: Apache-2.0
#include "ui/views/window/model_card.h"

#include <QPainter>
#include <QRegularExpression>
#include <cmath>

#include "ui/format.h"
#include "ui/plain_text.h"
#include "ui/theme.h"

namespace mneme {
namespace {

constexpr int kCardPadding = 11;

QFont nameFont() {
  QFont font = Theme::current().uiFont();
  font.setWeight(QFont::DemiBold);
  return font;
}

QFont lineFont() {
  return Theme::current().uiFont(0.9);
}

// "CPU, 2 threads" of "AMD EPYC 9R14 96-Core Processor, AVX-512, 2 threads"; of a GPU its name.
QString shortBackend(const ModelLayout& layout) {
  static const QRegularExpression threads(QStringLiteral(", (\\d+ threads?)$"));
  const QString whole = QString::fromStdString(layout.backend);
  const auto cpu = threads.match(whole);
  if (cpu.hasMatch()) return ModelCard::tr("CPU, %1").arg(cpu.captured(1));
  return whole.section(QLatin1Char('('), 0, 0).trimmed();
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
    m_lines << tr("%1, %2, %3")
                   .arg(QString::fromStdString(layout->quantization),
                        format::bytes(layout->file_bytes), shortBackend(*layout));
  }
  QString tip = m_lines.join(QLatin1Char('\n'));
  if (layout != nullptr && !loading) {
    tip += QLatin1Char('\n') + tr("Computes on %1").arg(QString::fromStdString(layout->backend));
    if (!layout->first_backend.empty()) {
      tip += QLatin1Char('\n') + tr("%1 of %2 layers there, the others on %3")
                                     .arg(layout->device_layers)
                                     .arg(layout->layers)
                                     .arg(QString::fromStdString(layout->first_backend));
    }
    tip += QLatin1Char('\n') + QString::fromStdString(layout->path);
    if (layout->memory) {
      const QString kind =
          layout->memory->trained ? tr("N-gram memory %1") : tr("N-gram memory (untrained) %1");
      tip += QLatin1Char('\n') + kind.arg(format::bytes(layout->memory->file_bytes));
      if (m_budget > 0) tip += tr(", up to %1 of its rows in RAM").arg(format::bytes(m_budget));
      tip += QLatin1Char('\n') + QString::fromStdString(layout->memory->path);
      if (!layout->memory->warning.empty()) {
        tip += QLatin1Char('\n') + QString::fromStdString(layout->memory->warning);
      }
    } else {
      tip += QLatin1Char('\n') + QString::fromStdString(layout->memory_absent_reason);
    }
  }
  setAccessibleName(tr("Model: %1").arg(m_lines.join(QStringLiteral(", "))));
  setAccessibleDescription(tip);
  setToolTip(boundedText(tip));
  fit();
  update();
}

// A line each, whatever they say: the tool tip has the whole of it, the chats above have the room.
void ModelCard::fit() {
  setFixedHeight(sizeHint().height());
}

QSize ModelCard::sizeHint() const {
  qreal height = 2 * kCardPadding - 2 + QFontMetricsF(nameFont()).height();
  height += double(m_lines.size() - 1) * (4 + QFontMetricsF(lineFont()).height());
  if (m_fraction >= 0) height += 10;
  return {180, static_cast<int>(std::ceil(height))};
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
  qreal y = kCardPadding - 1;
  painter.setPen(Qt::NoPen);
  painter.setBrush(dot);
  painter.drawEllipse(QPointF(kCardPadding + 4, y + nameMetrics.height() / 2), 3.5, 3.5);
  painter.setFont(nameFont());
  painter.setPen(t.text);
  const qreal nameLeft = kCardPadding + 14;
  painter.drawText(
      QRectF(nameLeft, y, width() - nameLeft - kCardPadding, nameMetrics.height()),
      Qt::AlignLeft | Qt::AlignVCenter,
      nameMetrics.elidedText(m_lines.value(0), Qt::ElideRight, width() - nameLeft - kCardPadding));
  y += nameMetrics.height() + 4;
  painter.setFont(lineFont());
  painter.setPen(t.textMuted);
  for (qsizetype i = 1; i < m_lines.size(); ++i) {
    const QFontMetricsF metrics(lineFont());
    const QRectF line(kCardPadding, y, width() - 2 * kCardPadding, metrics.height());
    painter.drawText(line, Qt::AlignLeft | Qt::AlignVCenter,
                     metrics.elidedText(m_lines[i], Qt::ElideRight, line.width()));
    y += line.height() + 4;
  }
  if (m_fraction >= 0) {
    const QRectF bar(kCardPadding, y + 1, width() - 2 * kCardPadding, 5);
    painter.setPen(Qt::NoPen);
    painter.setBrush(t.border);
    painter.drawRoundedRect(bar, 2.5, 2.5);
    painter.setBrush(t.accent);
    painter.drawRoundedRect(QRectF(bar.topLeft(), QSizeF(bar.width() * m_fraction, 5)), 2.5, 2.5);
  }
}

}  // namespace mneme

#include "moc_model_card.cpp"
