// SPDX-License-Identifier: Apache-2.0
// One window for one set of chats: the first start listens on a local socket, later starts notify
// it, say which model they were to open, and end. UI thread.
#pragma once

#include <QLocalServer>
#include <QObject>
#include <QString>
#include <chrono>

class QLocalSocket;

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

  // `model`: the file that the other is to open, absolute; empty: none.
  Other notify(std::chrono::milliseconds patience, const QString& model = {});
  // Id of the process that was silent; 0 = not known.
  qint64 process() const { return m_process; }
  // Starts to listen for later starts.
  void listen();
  // Later starts open a window of their own from now on.
  void leave() { m_server.close(); }

 Q_SIGNALS:
  void notified(const QString& model);

 private:
  void receive(QLocalSocket* socket);

  QString m_name;
  QLocalServer m_server;
  qint64 m_process = 0;
};

}  // namespace mneme
