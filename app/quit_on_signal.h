// SPDX-License-Identifier: Apache-2.0
// SIGTERM, SIGINT and SIGHUP end the program as closing its window does: answers are stopped and
// kept, rows in RAM are saved. One object, on the UI thread, for as long as the event loop runs.
#pragma once

#include <QObject>

class QSocketNotifier;

namespace mneme {

class QuitOnSignal : public QObject {
  Q_OBJECT

 public:
  explicit QuitOnSignal(QObject* parent = nullptr);
  ~QuitOnSignal() override;

 Q_SIGNALS:
  void asked();  // by the first such signal; a second one ends the program at once
};

}  // namespace mneme
