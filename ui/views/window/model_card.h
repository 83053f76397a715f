// SPDX-License-Identifier: Apache-2.0
// The card below the list of chats: which model and memory are open, or how far opening is. A click
// opens the model menu. UI thread.
#pragma once

#include <QAbstractButton>
#include <QStringList>

#include "engram/tier_stats.h"
#include "ui/bridge/engine_host.h"

namespace mneme {

class ModelCard : public QAbstractButton {
  Q_OBJECT

 public:
  explicit ModelCard(EngineHost& engine, QWidget* parent = nullptr);

  QStringList lines() const { return m_lines; }  // the first is the name
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override { return sizeHint(); }

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  void refresh();
  void fit();

  EngineHost& m_engine;
  QStringList m_lines;
  double m_fraction = -1;  // of an opening; -1 = none
  QString m_stage;
  quint64 m_budget = 0;
};

}  // namespace mneme
