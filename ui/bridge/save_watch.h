// SPDX-License-Identifier: Apache-2.0
// Whether all that was typed and answered is on disk. Tries again what the disk refused, as long as
// it does. UI thread.
#pragma once

#include <QObject>
#include <QString>
#include <QTimer>
#include <functional>
#include <vector>

#include "inference/store/chat_store.h"

namespace mneme {

class SaveWatch : public QObject {
  Q_OBJECT

 public:
  explicit SaveWatch(ChatStore& store, QObject* parent = nullptr);
  ~SaveWatch() override;

  // Why something is kept in memory only; empty = everything is on disk, as far as it was tried.
  const QString& problem() const { return m_problem; }

  struct Unsaved {
    QString what;
    QString text;
  };
  // Tells what is not on disk after all that was posted until now was tried. Later, on this thread.
  void ask(std::function<void(const std::vector<Unsaved>&)> then);

 Q_SIGNALS:
  // Of a write that nobody waited for. `kept`: it is tried again.
  void failed(const QString& reason, bool kept);
  void saved();  // after failures: nothing is kept any more

 private:
  ChatStore& m_store;
  QString m_problem;
  QTimer m_again;
};

}  // namespace mneme
