// SPDX-License-Identifier: Apache-2.0
// The bars of the token card: the most probable tokens, and the gates of one token. Painted; each
// tells its figures as accessible description. UI thread.
#pragma once

#include <QWidget>
#include <vector>

#include "ui/models/token_facts.h"

namespace mneme {

// Token, bar, percentage: one line for each choice; the token that was taken is emphasised, and has
// a line of its own where it is not among the first.
class ProbabilityBars : public QWidget {
  Q_OBJECT

 public:
  explicit ProbabilityBars(QWidget* parent = nullptr);
  void setFacts(const TokenFacts& facts);
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return sizeHint(); }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  struct Line {
    QString text;
    double probability = 0;
    bool taken = false;
  };
  std::vector<Line> m_lines;
};

// Layer, bar from 0 to 1 with the neutral mark at 0.5, gate, write. With several streams the lines
// of a layer open below it.
class GateBars : public QWidget {
  Q_OBJECT

 public:
  explicit GateBars(QWidget* parent = nullptr);
  void setFacts(const TokenFacts& facts, bool streamsOpen);
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return sizeHint(); }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  struct Line {
    QString name;
    double gate = 0;
    double write = 0;
    bool stream = false;  // one stream of the layer above
  };
  std::vector<Line> m_lines;
};

}  // namespace mneme
