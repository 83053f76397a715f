// SPDX-License-Identifier: Apache-2.0
// What the centre says while there are no messages: that a model is missing and how to get one, or
// that everything is ready. UI thread.
#pragma once

#include <QWidget>

#include "ui/bridge/engine_host.h"

class QLabel;
class QProgressBar;
class QPushButton;

namespace mneme {

class WelcomeView : public QWidget {
  Q_OBJECT

 public:
  WelcomeView(EngineHost& engine, const QString& defaultModel, QWidget* parent = nullptr);

 Q_SIGNALS:
  void openRequested();
  void openDefaultRequested();
  void waysRequested();  // the page with all ways to a model
  void cancelRequested();

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  void refresh();

  EngineHost& m_engine;
  QString m_defaultModel;
  QString m_stage;
  QLabel* m_title;
  QLabel* m_text;
  QProgressBar* m_progress;
  QPushButton* m_open;
  QPushButton* m_default;
  QPushButton* m_ways;
  QPushButton* m_cancel;
};

}  // namespace mneme
