// SPDX-License-Identifier: Apache-2.0
// The window's status bar: what the memory is made of, how the drive answers, what was written to
// it (nothing), what tracing costs, RAM. UI thread.
#pragma once

#include <QStatusBar>
#include <QTimer>

#include "ui/bridge/engine_host.h"

class QLabel;

namespace mneme {

class StatusLine : public QStatusBar {
  Q_OBJECT

 public:
  explicit StatusLine(EngineHost& engine, QWidget* parent = nullptr);
  QString text() const;

 private:
  void showModel();
  void showTiers(const TierStats& stats);
  void showRam();

  EngineHost& m_engine;
  QLabel* m_memory;
  QLabel* m_drive;
  QLabel* m_written;
  QLabel* m_tracing;
  QLabel* m_ram;
  QTimer m_timer;
};

}  // namespace mneme
