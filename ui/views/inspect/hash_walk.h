// SPDX-License-Identifier: Apache-2.0
// How one row was found, step by step, so that it can be checked by hand: tokens, classes, mix,
// modulus and offset, row, place in the file. Text that can be selected and copied. UI thread.
#pragma once

#include <QLabel>

#include "ui/models/token_facts.h"
#include "ui/views/inspect/ngram_grid.h"

namespace mneme {

class HashWalk : public QLabel {
  Q_OBJECT

 public:
  explicit HashWalk(QWidget* parent = nullptr);
  void setWalk(const TokenFacts& facts, const InspectSource& source, const NgramGrid::Place& place);

 protected:
  void keyPressEvent(QKeyEvent* event) override;
};

}  // namespace mneme
