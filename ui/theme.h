// SPDX-License-Identifier: Apache-2.0
// Every colour and font of the window, light and dark: the one place that knows them. Views ask
// Theme::current() when they paint and repaint on Theme::Notifier::changed. UI thread.
#pragma once

#include <QColor>
#include <QFont>
#include <QObject>
#include <QPalette>

#include "engram/tier_stats.h"

namespace mneme {

struct Theme {
  bool dark = false;
  QColor window;      // panels, side bars
  QColor base;        // the chat's background
  QColor raised;      // cards, inputs
  QColor border;      // hairlines
  QColor text;        // contrast to window and base at least 7:1
  QColor textMuted;   // at least 4.5:1
  QColor accent;      // buttons, selection
  QColor accentText;  // on accent
  QColor accentSoft;  // selected rows
  QColor bubble;      // the user's messages
  QColor codeBackground;
  QColor good;  // ready, in time
  // Marks of how fast a model answers, against a person who reads; at least 3:1 on window and base.
  QColor paceFaster;
  QColor paceSame;
  QColor paceSlower;
  QColor error;
  QColor warning;

  QFont uiFont(double scale = 1.0) const;    // Inter
  QFont monoFont(double scale = 1.0) const;  // JetBrains Mono

  // Sequential palette for a gate or a probability in 0..1, and blue for writes; background colour
  // of a cell. textOn() gives black or white, whichever contrasts more (at least 4.5:1).
  QColor gate(double value) const;
  QColor write(double share) const;  // 0..1 of the view's stated scale
  QColor probability(double value) const;
  QColor resident(double value) const;  // how many of some rows are in RAM
  QColor tier(Tier tier) const;         // four hues; views add a hatch so that hue is not alone
  static QColor textOn(const QColor& background);

  QPalette palette() const;

  static const Theme& current();
  enum class Choice { system, light, dark };
  static void choose(Choice choice);   // applies palette, style sheet and fonts to the application
  static void setZoom(double factor);  // 0.75 .. 2; Ctrl+plus, Ctrl+minus, Ctrl+0
  static double zoom();
  static void setSystemDark(bool dark);  // what Choice::system means; see bridge/desktop_theme.h

  class Notifier;
  static Notifier& notifier();
};

class Theme::Notifier : public QObject {
  Q_OBJECT
 Q_SIGNALS:
  void changed();
};

}  // namespace mneme
