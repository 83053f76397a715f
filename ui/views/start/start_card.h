// SPDX-License-Identifier: Apache-2.0
// What the cards of the welcome page are made of: the card itself, fonts that follow the theme, one
// line of text that never changes the height of what it stands in. UI thread.
#pragma once

#include <QFont>
#include <QFrame>
#include <QTimer>

#include "ui/views/window/elided_label.h"

class QHBoxLayout;
class QVBoxLayout;

namespace mneme {

// The user interface's font at `scale` for as long as the widget lives, whatever theme and zoom.
void keepFont(QWidget* widget, double scale, QFont::Weight weight = QFont::Normal,
              bool mono = false);

QFrame* startLine(QWidget* parent);  // a hairline between rows

// A white card with a heading; its parts go into body().
class StartCard : public QFrame {
  Q_OBJECT

 public:
  explicit StartCard(const QString& title, QWidget* parent = nullptr);

  QHBoxLayout* heading() const { return m_heading; }  // the title's line, for what stands beside it
  QVBoxLayout* body() const { return m_body; }

 private:
  QHBoxLayout* m_heading;
  QVBoxLayout* m_body;
};

// One line that keeps its height when it is empty, is cut with an ellipsis where there is no room,
// and then shows the whole as its tooltip.
class StartText : public ElidedLabel {
  Q_OBJECT

 public:
  // `kind` as in the style sheet: "muted", "warning", or "" for the text's own colour.
  explicit StartText(const char* kind = "", QWidget* parent = nullptr);

  void say(const QString& text);
  // Says what is under way and for how many seconds (%1), until say() says what came of it.
  void count(const QString& pattern);
  QSize sizeHint() const override;

 protected:
  void resizeEvent(QResizeEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  void refreshToolTip();
  void show(const QString& text);

  QString m_pattern;
  int m_seconds = 0;
  QTimer m_second;
};

}  // namespace mneme
