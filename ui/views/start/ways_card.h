// SPDX-License-Identifier: Apache-2.0
// "Get a model": the small one of a package, a file of one's own, and what else a packager adds,
// side by side. UI thread.
#pragma once

#include "ui/bridge/engine_host.h"
#include "ui/views/start/package_ways.h"
#include "ui/views/start/start_card.h"

class QBoxLayout;
class QPushButton;

namespace mneme {

class WaysCard : public StartCard {
  Q_OBJECT

 public:
  WaysCard(EngineHost& engine, const QString& defaultModel, const Package& package,
           QWidget* parent = nullptr);

  // Where the keyboard begins: what is most likely wanted.
  QPushButton* mainButton() const;
  void setNarrow(bool narrow);  // one below the other
  void addWay(QWidget* way);    // at the end; a packager's download is one

 Q_SIGNALS:
  void chatRequested();
  void openRequested(const QString& path);
  void chooseRequested();

 protected:
  void resizeEvent(QResizeEvent* event) override;

 private:
  QWidget* makeSmallOne();
  QWidget* makeFile();
  void refresh();
  void act();
  bool smallOneIsOpen() const;

  EngineHost& m_engine;
  const QString m_defaultModel;
  const bool m_haveDefault;
  const ModelWay m_wayToDefault;
  QString m_stage;   // of an opening that is under way
  QString m_failed;  // why the latest opening failed; "" = it did not
  QBoxLayout* m_ways = nullptr;
  QList<QFrame*> m_lines;  // between the ways
  QLabel* m_smallText = nullptr;
  QBoxLayout* m_commandRow = nullptr;
  StartText* m_command = nullptr;
  QPushButton* m_small =
      nullptr;  // copies how the default model is had, opens it, or goes to the chat
  QPushButton* m_choose = nullptr;
};

}  // namespace mneme
