// SPDX-License-Identifier: Apache-2.0
#include "app/single_instance.h"

#include <QDir>
#include <QFile>
#include <QLocalSocket>

#include "inference/base/log.h"

namespace mneme {

constexpr int kKnockMs = 500;

SingleInstance::SingleInstance(const QString& folder, QObject* parent)
    : QObject(parent), m_name(folder + QStringLiteral("/mneme.sock")) {
  QDir().mkpath(folder);
  m_server.setSocketOptions(QLocalServer::UserAccessOption);
  connect(&m_server, &QLocalServer::newConnection, this, [this] {
    while (QLocalSocket* socket = m_server.nextPendingConnection()) {
      connect(socket, &QLocalSocket::disconnected, socket, &QObject::deleteLater);
      socket->disconnectFromServer();
      Q_EMIT knocked();
    }
  });
}

bool SingleInstance::knock() {
  QLocalSocket socket;
  socket.connectToServer(m_name);
  return socket.waitForConnected(kKnockMs);
}

void SingleInstance::listen() {
  if (m_server.listen(m_name)) return;
  // Nobody answered the knock, so the file is what a killed program left behind.
  QLocalServer::removeServer(m_name);
  if (!m_server.listen(m_name)) {
    log_warning("app", "a second start will open a second window: {}",
                m_server.errorString().toStdString());
  }
}

}  // namespace mneme
