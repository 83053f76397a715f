// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/ink_legend.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QPainter>

#include "ui/format.h"
#include "ui/theme.h"
#include "ui/views/inspect/tier_legend.h"
#include "ui/views/window/elided_label.h"

namespace mneme {
namespace {

constexpr int kBarWidth = 168;
constexpr int kBarHeight = 10;

QString middleText(InkText::Measure measure) {
  const QString half = format::decimal(0.5, 1);
  return measure == InkText::Measure::gate ? InkScale::tr("%1 neutral").arg(half) : half;
}

QColor colourAt(InkText::Measure measure, double value) {
  const Theme& theme = Theme::current();
  switch (measure) {
    case InkText::Measure::write:
      return theme.write(value);
    case InkText::Measure::probability:
      return theme.probability(value);
    default:
      return theme.gate(value);
  }
}

}  // namespace

InkScale::InkScale(QWidget* parent) : QWidget(parent) {
  setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
  setAccessibleName(tr("Scale from 0 to 1, 0.5 in the middle"));
}

void InkScale::setMeasure(InkText::Measure measure) {
  m_measure = measure;
  update();
}

QSize InkScale::sizeHint() const {
  return {kBarWidth + 16, kBarHeight + QFontMetrics(Theme::current().uiFont(0.85)).height() + 3};
}

void InkScale::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  paintScale(&painter, size(), m_measure);
}

void InkScale::paintScale(QPainter* to, const QSize& size, InkText::Measure measure) {
  const Theme& theme = Theme::current();
  QPainter& painter = *to;
  const QRectF bar(8, 0.5, kBarWidth, kBarHeight - 1);
  QLinearGradient gradient(bar.topLeft(), bar.topRight());
  for (int i = 0; i <= 10; ++i) gradient.setColorAt(i / 10.0, colourAt(measure, i / 10.0));
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(QPen(theme.border, 1));
  painter.setBrush(gradient);
  painter.drawRoundedRect(bar, 2, 2);
  painter.setPen(QPen(theme.textMuted, 1));
  painter.drawLine(QPointF(bar.center().x(), bar.top()),
                   QPointF(bar.center().x(), bar.bottom() + 2));
  painter.setFont(theme.uiFont(0.85));
  const QRectF words(0, kBarHeight, size.width(), size.height() - kBarHeight);
  const auto number = [&](double x, const QString& text) {
    const double w = QFontMetricsF(painter.font()).horizontalAdvance(text) + 2;
    painter.drawText(QRectF(x - w / 2, words.top(), w, words.height()), Qt::AlignCenter, text);
  };
  number(bar.left(), QStringLiteral("0"));
  number(bar.center().x(), middleText(measure));
  number(bar.right(), QStringLiteral("1"));
}

InkLegend::InkLegend(InspectSource& source, QWidget* parent) : QWidget(parent) {
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(10);
  m_chooser = new QComboBox(this);
  m_chooser->setAccessibleName(tr("What the ink shows"));
  m_chooser->addItem(tr("Gate"), static_cast<int>(InkText::Measure::gate));
  m_chooser->addItem(tr("Added"), static_cast<int>(InkText::Measure::write));
  m_chooser->addItem(tr("Slowest tier"), static_cast<int>(InkText::Measure::tier));
  m_chooser->addItem(tr("Probability"), static_cast<int>(InkText::Measure::probability));
  m_chooser->setItemData(
      0, tr("How far the gate of the n-gram memory opened: the maximum over its layers"),
      Qt::ToolTipRole);
  m_chooser->setItemData(1,
                         tr("How much was added to the token: the norm of what was added over the "
                            "norm of the stream before"),
                         Qt::ToolTipRole);
  m_chooser->setItemData(2, tr("Where the slowest of the token's rows came from"), Qt::ToolTipRole);
  m_chooser->setItemData(3, tr("How likely the model found the token"), Qt::ToolTipRole);
  row->addWidget(m_chooser);
  m_scale = new InkScale(this);
  row->addWidget(m_scale);
  m_tiers = new TierLegend(source.tiers(), this);
  row->addWidget(m_tiers, 1);
  m_note = new ElidedLabel(this);
  m_note->setObjectName(QStringLiteral("inkNote"));
  m_note->setProperty("kind", QStringLiteral("muted"));
  m_note->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
  row->addWidget(m_note, 1);
  m_tiers->hide();
  connect(m_chooser, &QComboBox::currentIndexChanged, this, [this] {
    m_scale->setMeasure(measure());
    m_scale->setVisible(measure() != InkText::Measure::tier);
    m_tiers->setVisible(measure() == InkText::Measure::tier);
    Q_EMIT measureChanged();
  });
  connect(&source, &InspectSource::tiersUpdated, this,
          [this](const TierStats& stats) { m_tiers->setStats(stats); });
  connect(&Theme::notifier(), &Theme::Notifier::changed, m_scale, [this] {
    m_scale->updateGeometry();
    m_scale->update();
  });
}

InkText::Measure InkLegend::measure() const {
  return static_cast<InkText::Measure>(m_chooser->currentData().toInt());
}

void InkLegend::setNote(const QString& note) {
  m_note->setText(note);
  m_note->setToolTip(note);
  m_note->setAccessibleName(note);
}

void InkLegend::setMeasure(InkText::Measure measure) {
  m_chooser->setCurrentIndex(m_chooser->findData(static_cast<int>(measure)));
}

}  // namespace mneme
