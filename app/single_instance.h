// SPDX-License-Identifier: Apache-2.0
// One window for one set of chats: the first start listens on a local socket, later starts notify
// it and end. UI thread.
#pragma once

#include <QLocalServer>
#include <QObject>
#include <QString>
#include <chrono>

namespace mneme {

class SingleInstance : public QObject {
  Q_OBJECT

 public:
  enum class Other {
    none,      // no other process runs
    answered,  // another process runs, and shows its window
    silent,    // another process runs, but did not answer in time
  };

  // `folder` holds the socket; made readable by this user only.
  explicit SingleInstance(const QString& folder, QObject* parent = nullptr);

  Other notify(std::chrono::milliseconds patience);
  // Id of the process that was silent; 0 = not known.
  qint64 process() const { return m_process; }
  // Starts to listen for later starts.
  void listen();
  // Later starts open a window of their own from now on.
  void leave() { m_server.close(); }

 Q_SIGNALS:
  void notified();

 private:
  QString m_name;
  QLocalServer m_server;
  qint64 m_process = 0;
};

}  // namespace mneme
