// SPDX-License-Identifier: Apache-2.0
// One window for one set of chats: the first start listens on a local socket, later ones knock and
// leave. UI thread.
#pragma once

#include <QLocalServer>
#include <QObject>
#include <QString>

namespace mneme {

class SingleInstance : public QObject {
  Q_OBJECT

 public:
  // `folder` holds the socket; made readable by this user only.
  explicit SingleInstance(const QString& folder, QObject* parent = nullptr);

  // True: another instance runs and was told to show its window.
  bool knock();
  // Starts to listen for later starts.
  void listen();
  // Later starts open a window of their own from now on.
  void leave() { m_server.close(); }

 Q_SIGNALS:
  void knocked();

 private:
  QString m_name;
  QLocalServer m_server;
};

}  // namespace mneme
