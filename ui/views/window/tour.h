// SPDX-License-Identifier: Apache-2.0
// Three notes at the real views, on a real answer: the ink, the token card, the tiers. Asks the
// open model one question in a new chat, and opens the layouts that it speaks of. Ends by itself
// where that chat or the model goes. UI thread.
#pragma once

#include <QObject>
#include <functional>
#include <string_view>

#include "base/ids.h"

namespace mneme {

class Callout;
class MainWindow;

class Tour : public QObject {
  Q_OBJECT

 public:
  // `window` has a model open that can chat and has an n-gram memory; it outlives the tour.
  explicit Tour(MainWindow& window);
  ~Tour() override;

  void start();
  int step() const { return m_step; }  // 1..3; 0 = the answer is not there yet
  Callout* callout() const { return m_callout; }
  // What the default model's memory was trained on, so that its gates have something to open for.
  static QString question();
  static bool isWord(std::string_view token);  // one of the tokens that the notes may speak of

 Q_SIGNALS:
  void ended();

 private:
  void followChat();
  void followAnswer();
  void next();
  void point(std::function<void()> at);
  void showInk();
  void showCard();
  void showTiers();
  void end();

  MainWindow& m_window;
  Callout* m_callout;
  ChatId m_chat = 0;
  EventIndex m_widest = 0;  // the token of the answer that the memory had most part in
  bool m_over = false;
  int m_step = 0;
};

}  // namespace mneme
