// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/strip_view.h"

#include <QBuffer>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QMessageBox>
#include <QSlider>
#include <QToolButton>
#include <QVBoxLayout>
#include <cmath>
#include <span>

#include "base/output_file.h"
#include "ui/format.h"
#include "ui/theme.h"
#include "ui/views/inspect/ink_legend.h"
#include "ui/views/inspect/strip_canvas.h"
#include "ui/views/inspect/strip_export.h"
#include "ui/views/inspect/strip_picture.h"
#include "ui/views/window/elided_label.h"

namespace mneme {
namespace {

constexpr int kDefaultThreshold = 70;  // hundredths

QLabel* muted(const QString& text, QWidget* parent) {
  auto* label = new QLabel(text, parent);
  label->setProperty("kind", QStringLiteral("muted"));
  return label;
}

}  // namespace

StripView::StripView(BranchTrace& trace, Selection& selection, InspectSource& source,
                     QWidget* parent)
    : QWidget(parent), m_trace(trace), m_source(source) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 6, 0, 6);
  column->setSpacing(4);
  m_empty = muted(QString(), this);
  m_empty->setWordWrap(true);
  m_empty->setContentsMargins(14, 8, 14, 8);
  m_empty->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  column->addWidget(m_empty, 1);
  m_canvas = new StripCanvas(trace, selection, source, this);
  column->addWidget(m_canvas, 1);
  m_bar = new QWidget(this);
  column->addWidget(m_bar);

  auto* row = new QHBoxLayout(m_bar);
  row->setContentsMargins(12, 0, 12, 0);
  row->setSpacing(10);
  auto* name = muted(tr("&Threshold"), m_bar);
  row->addWidget(name);
  m_slider = new QSlider(Qt::Horizontal, m_bar);
  m_slider->setRange(0, 100);
  m_slider->setValue(kDefaultThreshold);
  m_slider->setMinimumWidth(80);
  m_slider->setMaximumWidth(170);
  m_slider->setAccessibleName(tr("Gate threshold"));
  name->setBuddy(m_slider);
  row->addWidget(m_slider);
  // What is said gives way, what is done stays.
  const auto line = [this, row](int stretch) {
    auto* made = new ElidedLabel(m_bar);
    made->setProperty("kind", QStringLiteral("muted"));
    made->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    row->addWidget(made, stretch);
    return made;
  };
  m_count = line(3);
  m_untrained = new QLabel(tr("untrained"), m_bar);
  m_untrained->setProperty("kind", QStringLiteral("warning"));
  row->addWidget(m_untrained);
  m_scale = line(2);
  row->addWidget(new InkScale(m_bar));
  m_export = new QToolButton(m_bar);
  m_export->setText(tr("Export"));
  m_export->setPopupMode(QToolButton::InstantPopup);
  m_export->setAutoRaise(true);
  auto* menu = new QMenu(m_export);
  menu->addAction(tr("Picture (PNG) …"), this, [this] { exportPicture(1); });
  menu->addAction(tr("Picture, twice the resolution (PNG) …"), this, [this] { exportPicture(2); });
  menu->addAction(tr("Picture, four times the resolution (PNG) …"), this,
                  [this] { exportPicture(4); });
  menu->addAction(tr("Drawing (SVG) …"), this, &StripView::exportDrawing);
  menu->addAction(tr("Table of the visible tokens (CSV) …"), this, &StripView::exportTable);
  m_export->setMenu(menu);
  row->addWidget(m_export);

  connect(m_slider, &QSlider::valueChanged, this, [this](int value) {
    m_canvas->setThreshold(value / 100.0);
    refresh();
  });
  connect(m_canvas, &StripCanvas::viewChanged, this, &StripView::refresh);
  connect(m_canvas, &StripCanvas::dataChanged, this, &StripView::refresh);
  connect(&m_source, &InspectSource::modelChanged, this, &StripView::refresh);
  m_canvas->setThreshold(kDefaultThreshold / 100.0);
  refresh();
}

void StripView::refresh() {
  const StripData& columns = m_canvas->data();
  const bool empty = columns.size() == 0;
  m_empty->setVisible(empty);
  m_bar->setVisible(!empty);
  m_canvas->setVisible(!empty);  // last: its first size then leaves room for the bar
  if (empty) {
    m_empty->setText(
        m_source.model()
            ? tr("No tokens yet. Ask something: every token of the prompt and the answer appears "
                 "here, with its gates, what was added, and tiers.")
            : tr("No tokens yet, and no model is loaded. Open a model and ask something."));
    return;
  }
  const int known = columns.withGate();
  const double threshold = m_canvas->threshold();
  m_count->setText(known == 0
                       ? tr("no gates: the n-gram memory was off")
                       : tr("%2 of %3 tokens above %1")
                             .arg(format::decimal(threshold),
                                  format::count(columns.above(threshold)), format::count(known)));
  m_slider->setEnabled(known > 0);
  const auto model = m_source.model();
  m_untrained->setVisible(model && model->layout.memory && !model->layout.memory->trained);
  const double perPixel = 1 / m_canvas->pixelsPerToken();
  m_scale->setText(perPixel > 1 ? tr("%1 tokens a pixel").arg(format::count(std::lround(perPixel)))
                                : QString());
  m_scale->setToolTip(
      perPixel > 1
          ? tr("Each pixel stands for %1 tokens: the upper half of a row shows the largest "
               "of them (of the probabilities the smallest), the lower half the mean.")
                .arg(format::count(std::lround(perPixel)))
          : QString());
  m_scale->setVisible(perPixel > 1);
}

QString StripView::csv() const {
  return stripCsv(m_trace, m_source, m_canvas->firstVisible(), m_canvas->endVisible());
}

void StripView::exportPicture(int scale) {
  const StripPicture picture(*m_canvas, m_trace, m_source);
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  if (!picture.image(scale).save(&buffer, "PNG")) {
    QMessageBox::warning(this, tr("Export"), tr("There is not enough RAM for the picture."));
    return;
  }
  save(tr("Export the strip as a picture"), QStringLiteral("tokens.png"), tr("PNG (*.png)"), bytes);
}

void StripView::exportDrawing() {
  const StripPicture picture(*m_canvas, m_trace, m_source);
  save(tr("Export the strip as a drawing"), QStringLiteral("tokens.svg"), tr("SVG (*.svg)"),
       picture.svg());
}

void StripView::exportTable() {
  save(tr("Export the visible tokens as a table"), QStringLiteral("tokens.csv"), tr("CSV (*.csv)"),
       csv().toUtf8());
}

void StripView::save(const QString& title, const QString& name, const QString& filter,
                     const QByteArray& bytes) {
  const QString path = QFileDialog::getSaveFileName(this, title, name, filter);
  if (path.isEmpty()) return;
  const auto write = [&]() -> Status {
    auto file = OutputFile::open(path.toStdString());
    if (!file) return file.error();
    RETURN_IF_ERROR(file->append(std::as_bytes(std::span(bytes))));
    return file->finish();
  };
  if (const Status written = write(); !written) {
    QMessageBox::warning(this, tr("Export"), QString::fromStdString(written.error().message));
  }
}

}  // namespace mneme
