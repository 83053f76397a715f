// SPDX-License-Identifier: Apache-2.0
// A small chart of the last minute: stacked bars, lines or an area over equal steps of time, with a
// title, the newest figures, and the values under the mouse. Knows nothing of what it shows.
#pragma once

#include <QColor>
#include <QString>
#include <QWidget>
#include <functional>
#include <optional>
#include <vector>

namespace mneme {

class TimeChart : public QWidget {
  Q_OBJECT

 public:
  enum class Style { stack, line, area };
  struct Series {
    QString name;
    QColor colour;
    std::vector<std::optional<double>> values;  // oldest first; none = not measured, a gap
  };

  TimeChart(const QString& title, Style style, QWidget* parent = nullptr);

  // `top`: upper end of the scale; 0 = the largest value, rounded up. `seconds` = span of all
  // values.
  void setSeries(std::vector<Series> series, double top, double seconds);
  void setValueText(std::function<QString(double)> text) { m_valueText = std::move(text); }
  void setNow(const QString& figures) { m_now = figures; }  // right of the title, for the legend
  void setEmptyText(const QString& text) { m_emptyText = text; }

  QSize sizeHint() const override { return {260, 78}; }
  QSize minimumSizeHint() const override { return {140, 58}; }

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool event(QEvent* event) override;

 private:
  QRect plot() const;
  double topValue() const;
  bool hasValues() const;
  int paintLegend(QPainter* painter, const QRect& head) const;  // its width
  void paintStack(QPainter* painter, const QRect& plot, double top) const;
  void paintLines(QPainter* painter, const QRect& plot, double top) const;

  QString m_title;
  Style m_style;
  std::vector<Series> m_series;
  double m_top = 0;
  double m_seconds = 60;
  QString m_now;
  QString m_emptyText;
  std::function<QString(double)> m_valueText;
};

}  // namespace mneme
