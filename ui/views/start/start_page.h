// SPDX-License-Identifier: Apache-2.0
// The first thing a new user sees: what this machine is, what runs well on it, the ways to a model,
// the models of other programs. Nothing is measured or looked for before it has been painted. UI
// thread.
#pragma once

#include <QScrollArea>
#include <functional>

#include "inference/machine/found_models.h"
#include "ui/bridge/jobs.h"

class QBoxLayout;
class QPushButton;

namespace mneme {

class EngineHost;
class FoundCard;
class MachineCard;
class MachineSurvey;
class SizesCard;
class WaysCard;
struct Package;

class StartPage : public QScrollArea {
  Q_OBJECT

 public:
  using FindModels = std::function<FoundModels(const Jobs::Stop&)>;

  // What is known of the machine outlives the page.
  StartPage(EngineHost& engine, const QString& defaultModel, const Package& package,
            MachineSurvey& survey, FindModels findModels, QWidget* parent = nullptr);

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

  EngineHost& m_engine;
  MachineSurvey& m_survey;
  const FindModels m_findModels;
  QWidget* m_column = nullptr;
  QBoxLayout* m_pair = nullptr;  // of the first two cards
  QPushButton* m_skip = nullptr;
  MachineCard* m_machine = nullptr;
  SizesCard* m_sizes = nullptr;
  WaysCard* m_ways = nullptr;
  FoundCard* m_found = nullptr;
};

}  // namespace mneme
