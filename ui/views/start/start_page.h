// SPDX-License-Identifier: Apache-2.0
// The first thing a new user sees: what this machine is, what runs well on it, the ways to a model,
// the models of other programs. Nothing is measured or looked for before it has been painted, and
// all of that stops when it goes. UI thread.
#pragma once

#include <QScrollArea>

#include "inference/machine/size_classes.h"
#include "ui/bridge/start_sources.h"

class QBoxLayout;
class QPushButton;

namespace mneme {

class EngineHost;
class FoundCard;
class MachineCard;
class SizesCard;
class WaysCard;

class StartPage : public QScrollArea {
  Q_OBJECT

 public:
  StartPage(EngineHost& engine, const QString& defaultModel, const StartSources& sources,
            QWidget* parent = nullptr);

  MachineCard* machine() const { return m_machine; }
  SizesCard* sizes() const { return m_sizes; }
  WaysCard* ways() const { return m_ways; }
  FoundCard* found() const { return m_found; }

  void takeFocus();

 Q_SIGNALS:
  void left();  // skipped, or the chat was asked for
  void openRequested(const QString& path);
  void chooseRequested();

 protected:
  void resizeEvent(QResizeEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  QWidget* makeHead();
  void fit();
  void begin();
  void search();
  void askForGpus();
  void measureMemory(const std::string& gpu);
  void measureDrive();
  void showSpeed();

  EngineHost& m_engine;
  const StartSources m_sources;
  MachineSpeed m_speed;  // as far as it is known
  QWidget* m_column = nullptr;
  QBoxLayout* m_pair = nullptr;  // of the first two cards
  QPushButton* m_skip = nullptr;
  MachineCard* m_machine = nullptr;
  SizesCard* m_sizes = nullptr;
  WaysCard* m_ways = nullptr;
  FoundCard* m_found = nullptr;
};

}  // namespace mneme
