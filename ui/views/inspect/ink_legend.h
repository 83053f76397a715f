// SPDX-License-Identifier: Apache-2.0
// What gate ink shows and what its colours mean: a chooser of the measure and the scale with its
// numbers. UI thread.
#pragma once

#include <QWidget>

#include "ui/models/inspect_source.h"
#include "ui/views/chat/ink_text.h"

class QComboBox;
class QPainter;

namespace mneme {

class ElidedLabel;
class TierLegend;

// A painted gradient from 0 to 1 with the numbers that matter.
class InkScale : public QWidget {
  Q_OBJECT

 public:
  explicit InkScale(QWidget* parent = nullptr);
  void setMeasure(InkText::Measure measure);
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return sizeHint(); }
  // The same anywhere, at the painter's origin.
  static void paintScale(QPainter* painter, const QSize& size, InkText::Measure measure);

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  InkText::Measure m_measure = InkText::Measure::gate;
};

class InkLegend : public QWidget {
  Q_OBJECT

 public:
  explicit InkLegend(InspectSource& source, QWidget* parent = nullptr);
  InkText::Measure measure() const;
  void setMeasure(InkText::Measure measure);
  void setNote(const QString& note);  // what is missing from the messages on screen, and why

 Q_SIGNALS:
  void measureChanged();

 private:
  QComboBox* m_chooser = nullptr;
  InkScale* m_scale = nullptr;
  TierLegend* m_tiers = nullptr;
  ElidedLabel* m_note = nullptr;
};

}  // namespace mneme
